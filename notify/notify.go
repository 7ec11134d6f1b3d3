// Package notify sends the messages of notify blocks.
//
// A webhook's URL is itself the key to it, and its headers may hold another. So
// no error of this package names more than the status of an answer or the kind
// of failure, and no answer is read.
package notify

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"strings"
	"syscall"
	"time"

	"github.com/credsync/credsync/config"
	"github.com/credsync/credsync/internal/crashpoint"
	"github.com/credsync/credsync/internal/proxyenv"
)

// tries is how often a message is sent whose first try certainly had no effect;
// pause is made before the second. Later runs try again too.
const (
	tries = 2
	pause = time.Second
)

// ErrBody says that the message could not be made, so that nothing was sent.
var ErrBody = errors.New("the body could not be built")

// Sender sends messages. The zero value is not usable; call New.
type Sender struct {
	transport *http.Transport
	agent     string
}

// New returns a sender that reaches webhooks as the environment's proxies say.
// Version is that of credsync.
func New(version string) *Sender {
	return &Sender{
		agent: "credsync/" + version,
		transport: &http.Transport{
			Proxy:                  proxyenv.Func(os.Getenv),
			DialContext:            (&net.Dialer{Timeout: 10 * time.Second}).DialContext,
			TLSClientConfig:        &tls.Config{MinVersion: tls.VersionTLS12},
			ForceAttemptHTTP2:      true,
			TLSHandshakeTimeout:    10 * time.Second,
			IdleConnTimeout:        30 * time.Second,
			MaxResponseHeaderBytes: 64 << 10,
		},
	}
}

// Close drops the idle connections.
func (s *Sender) Close() { s.transport.CloseIdleConnections() }

// Send sends one message. It is tried once more where the first try was
// certainly not taken.
func (s *Sender) Send(ctx context.Context, to *config.Notify, e config.Event) error {
	_, err := s.Try(ctx, to, e)
	return err
}

// Try is Send, and returns the status of the answer too; 0 where there was none.
func (s *Sender) Try(ctx context.Context, to *config.Notify, e config.Event) (status int, err error) {
	body, diags := to.Render(e)
	if diags.HasErrors() {
		return 0, fmt.Errorf("%w: %s: %s", ErrBody, diags[0].Summary, strings.TrimRight(diags[0].Detail, "."))
	}
	for i := range tries {
		if i > 0 && !wait(ctx, pause) {
			break
		}
		var again bool
		if status, again, err = s.sendOnce(ctx, to, body.Reveal()); !again {
			break
		}
	}
	return status, err
}

func wait(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-t.C:
		return true
	}
}

// sendOnce returns the status of the answer, 0 for none, and whether the same
// may be tried again.
func (s *Sender) sendOnce(ctx context.Context, to *config.Notify, body string) (status int, again bool, err error) {
	timeout := to.Values.Duration("timeout")
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	req, err := http.NewRequestWithContext(
		ctx,
		to.Values.String("method"),
		to.Values.Secret("url").Reveal(),
		strings.NewReader(body),
	)
	if err != nil {
		return 0, false, errors.New("the URL cannot be used")
	}
	req.Header.Set("User-Agent", s.agent)
	req.Header.Set("Content-Type", "application/json")
	for name, value := range to.Values.Secrets("headers") {
		if http.CanonicalHeaderKey(name) == "Host" {
			req.Host = value.Reveal()
			continue
		}
		req.Header.Set(name, value.Reveal())
	}
	client := &http.Client{
		Transport:     crashpoint.Transport(s.transport),
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	resp, err := client.Do(req)
	if err != nil {
		return 0, notSent(err), sendFailure(err, timeout)
	}
	defer resp.Body.Close()
	// Read so that the connection can be used again; nothing of it is kept.
	_, _ = io.CopyN(io.Discard, resp.Body, 64<<10)
	if resp.StatusCode/100 == 2 {
		return resp.StatusCode, false, nil
	}
	err = fmt.Errorf("it answered HTTP %d", resp.StatusCode)
	if resp.StatusCode/100 == 3 {
		err = fmt.Errorf("it answered HTTP %d, a redirect, and redirects are not followed; set url to the address that it leads to", resp.StatusCode)
	}
	again = resp.StatusCode == http.StatusTooManyRequests || resp.StatusCode == http.StatusServiceUnavailable
	return resp.StatusCode, again, err
}

// notSent reports whether a request certainly did not leave.
func notSent(err error) bool {
	var op *net.OpError
	return errors.As(err, &op) && op.Op == "dial"
}

// failure says why there was no answer. What net/http says is not passed on: it
// quotes the URL, or that of a proxy.
func sendFailure(err error, timeout time.Duration) error {
	var name *net.DNSError
	var unknown x509.UnknownAuthorityError
	var wrongHost x509.HostnameError
	var invalid x509.CertificateInvalidError
	var proxy *url.Error
	var variable proxyenv.Error
	switch {
	case errors.As(err, &variable):
		return variable
	case errors.Is(err, context.DeadlineExceeded):
		return fmt.Errorf("no answer within %s", timeout)
	case errors.Is(err, context.Canceled):
		return errors.New("the run was told to stop")
	case errors.As(err, &name):
		return errors.New("its host name could not be resolved")
	case errors.As(err, &unknown):
		return errors.New("its certificate was issued by an authority that this machine does not trust")
	case errors.As(err, &wrongHost):
		return errors.New("its certificate is for another host")
	case errors.As(err, &invalid):
		return errors.New("its certificate is not valid")
	case errors.Is(err, syscall.ECONNREFUSED):
		return errors.New("the connection was refused")
	case errors.Is(err, syscall.ECONNRESET), errors.Is(err, io.EOF):
		return errors.New("the connection was closed before an answer arrived")
	case errors.As(err, &proxy) && strings.Contains(proxy.Err.Error(), "proxy"):
		return errors.New("the proxy in the environment could not be used")
	}
	return errors.New("the connection failed")
}

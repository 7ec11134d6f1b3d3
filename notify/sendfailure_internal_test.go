package notify

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/credsync/credsync/internal/proxyenv"
)

// Why no answer came is told in words that quote nothing: the URL is a secret.
func TestWhyThereWasNoAnswer(t *testing.T) {
	certificate := &x509.Certificate{}
	for want, err := range map[string]error{
		"the environment variable HTTPS_PROXY is not a proxy URL": proxyenv.Error{Variable: "HTTPS_PROXY"},
		"no answer within 7s":                                context.DeadlineExceeded,
		"the run was told to stop":                           context.Canceled,
		"its host name could not be resolved":                &net.OpError{Op: "dial", Err: &net.DNSError{Name: "canary"}},
		"an authority that this machine does not trust":      x509.UnknownAuthorityError{Cert: certificate},
		"its certificate is for another host":                x509.HostnameError{Certificate: certificate, Host: "canary"},
		"its certificate is not valid":                       x509.CertificateInvalidError{Cert: certificate, Reason: x509.Expired},
		"the connection was refused":                         &net.OpError{Op: "dial", Err: syscall.ECONNREFUSED},
		"the connection was closed before an answer arrived": io.EOF,
		"the proxy in the environment could not be used":     errors.New("proxy canary"),
		"the connection failed":                              errors.New("canary"),
	} {
		got := sendFailure(&url.Error{Op: "Post", URL: "https://canary", Err: fmt.Errorf("%w", err)}, 7*time.Second)
		if !strings.Contains(got.Error(), want) || strings.Contains(got.Error(), "canary") {
			t.Errorf("%v: %v, want %s", err, got, want)
		}
	}
	if got := sendFailure(syscall.ECONNRESET, time.Second); !strings.Contains(got.Error(), "closed before an answer") {
		t.Errorf("%v", got)
	}
}

// Only what certainly did not leave is sent again.
func TestWhatWasCertainlyNotSent(t *testing.T) {
	for name, c := range map[string]struct {
		err  error
		want bool
	}{
		"no connection":  {&net.OpError{Op: "dial", Err: syscall.ECONNREFUSED}, true},
		"a broken one":   {&net.OpError{Op: "read", Err: syscall.ECONNRESET}, false},
		"no answer":      {context.DeadlineExceeded, false},
		"something else": {errors.New("odd"), false},
	} {
		if got := notSent(&url.Error{Op: "Post", URL: "https://h", Err: c.err}); got != c.want {
			t.Errorf("%s: %t", name, got)
		}
	}
}

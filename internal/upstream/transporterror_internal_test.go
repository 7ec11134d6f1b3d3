package upstream

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"
	"syscall"
	"testing"

	"github.com/credsync/credsync/credential"
	"github.com/credsync/credsync/failure"
	"github.com/credsync/credsync/internal/proxyenv"
)

// Each way in which no answer comes is told by itself, as what it is, with what to do.
func TestEachFaultOfAConnectionIsToldByItself(t *testing.T) {
	certificate := &x509.Certificate{}
	op := func(op string) error { return &net.OpError{Op: op, Net: "tcp", Err: errors.New("odd")} }
	for name, tt := range map[string]struct {
		err       error
		class     failure.Class
		attribute string
		says      string
	}{
		"name service":      {&net.DNSError{Name: "x"}, failure.Retryable, "", "could not be resolved"},
		"to the proxy":      {op("proxyconnect"), failure.Retryable, "", "the proxy cannot be reached"},
		"to the upstream":   {op("dial"), failure.Retryable, "", "cannot connect"},
		"while it was read": {op("read"), failure.Retryable, "", "broke before the answer was complete"},
		"refused by TLS":    {op("remote error"), failure.Retryable, "", "refused the TLS connection"},
		"no HTTP":           {errors.New("malformed HTTP response"), failure.Server, "", "not an HTTP server"},
		"a header":          {errors.New("net/http: invalid header field value"), failure.Config, "http.headers", "a header contains characters"},
		"unknown authority": {x509.UnknownAuthorityError{Cert: certificate}, failure.Config, "http.ca_pem", "signed by an unknown authority"},
		"another host":      {x509.HostnameError{Certificate: certificate, Host: "x"}, failure.Config, "base_url", "for another host name"},
		"expired":           {x509.CertificateInvalidError{Cert: certificate, Reason: x509.Expired}, failure.Config, "base_url", "expired or is not valid yet"},
		"not valid": {x509.CertificateInvalidError{Cert: certificate, Reason: x509.NotAuthorizedToSign},
			failure.Config, "base_url", "certificate is not valid"},
		"a tangled chain":      {&tls.CertificateVerificationError{Err: errors.New("too much")}, failure.Config, "base_url", "cannot be verified"},
		"many certificates":    {errors.New("tls: handshake message of length 300000 bytes exceeds maximum"), failure.Config, "base_url", "certificates are too large"},
		"no common version":    {errors.New("tls: server selected unsupported protocol version 301"), failure.Config, "base_url", "no TLS version or cipher in common"},
		"no TLS":               {tls.RecordHeaderError{Msg: "first record does not look like a TLS handshake"}, failure.Config, "base_url", "does not use TLS"},
		"never opened":         {errors.New("http2: client conn could not be established"), failure.Retryable, "", "closed the connection before a request was sent"},
		"the proxy's password": {proxyError{http.StatusProxyAuthRequired}, failure.Config, "http.proxy", "the proxy answered HTTP 407"},
		"the proxy is busy":    {proxyError{http.StatusTooManyRequests}, failure.Retryable, "", "the proxy answered HTTP 429"},
		"the proxy is down":    {proxyError{http.StatusInternalServerError}, failure.Retryable, "", "the proxy answered HTTP 500"},
		"no time":              {errTimeout, failure.Retryable, "", "no answer in time"},
		"limited":              {errLimited{}, failure.Retryable, "", "the rate limit leaves no time"},
		"too large":            {errTooLarge, failure.Server, "", "larger than 1 MiB"},
		"an encoding":          {errEncoding, failure.Server, "", "compression is corrupt or unknown"},
		"no common cipher":     {errors.New("tls: server chose an unconfigured cipher suite"), failure.Config, "base_url", "no TLS version or cipher in common"},
		"plain HTTP":           {http.ErrSchemeMismatch, failure.Config, "base_url", "does not use TLS"},
		"the system's word":    {&net.OpError{Op: "dial", Err: syscall.ECONNREFUSED}, failure.Retryable, "", "cannot connect: " + syscall.ECONNREFUSED.Error()},
		"a proxy's variable":   {proxyenv.Error{Variable: "HTTPS_PROXY"}, failure.Config, "http.proxy", "the environment variable HTTPS_PROXY"},
		"nobody answers":       {errSilent{host: "h", accounts: 4}, failure.Retryable, "", "h has just failed to answer 4 other accounts"},
		"anything else":        {errors.New("odd"), failure.Retryable, "", "broke before the answer was complete"},
	} {
		f := transportFailure(&url.Error{Op: "Get", URL: "http://x", Err: fmt.Errorf("wrapped: %w", tt.err)})
		if f.class != tt.class || f.attribute != tt.attribute || f.message == "" || f.advice == "" ||
			!strings.Contains(f.message, tt.says) {
			t.Errorf("%s: %+v", name, f)
		}
	}
	if a, b := transportFailure(context.DeadlineExceeded), transportFailure(errTimeout); a.message != b.message ||
		a.class != b.class {
		t.Errorf("a deadline is %+v", a)
	}
	if a, b := transportFailure(op("read")), transportFailure(op("dial")); a.message == b.message {
		t.Errorf("what broke off is told as what never began: %+v", a)
	}
}

func TestWhatProvesThatNothingWasProcessed(t *testing.T) {
	for name, tt := range map[string]struct {
		err  error
		want bool
	}{
		"an alert":                     {&net.OpError{Op: "remote error", Err: tls.AlertError(42)}, true},
		"an alert that says less":      {&net.OpError{Op: "remote error", Err: errors.New("odd")}, false},
		"never opened":                 {errors.New("http2: client conn could not be established"), true},
		"broken off":                   {&net.OpError{Op: "read", Err: tls.AlertError(42)}, false},
		"an answer that was no answer": {errors.New("malformed HTTP response"), false},
	} {
		if got := unprocessed(fmt.Errorf("wrapped: %w", tt.err)); got != tt.want {
			t.Errorf("%s: %t", name, got)
		}
	}
}

// The statuses of a refusal, at their bounds.
func TestWhoseFaultAStatusIs(t *testing.T) {
	for status, want := range map[int][3]bool{ // refused for its own sake, the server's fault, the client's
		200: {}, 399: {}, 400: {true, false, true}, 401: {true, false, true}, 403: {true, false, true},
		422: {true, false, true},
		429: {false, false, true}, 499: {true, false, true}, 500: {false, true, false}, 502: {false, true, false},
		599: {false, true, false},
	} {
		r := Refused{Answer: &Answer{Status: status}, Code: status}
		if got := [3]bool{refusesRequest(status), ServerFault(r), ClientFault(r)}; got != want {
			t.Errorf("%d: %v, want %v", status, got, want)
		}
	}
}

// A request that does not come from this package has no exchange. It is sent once, and
// nothing of it is looked at.
func TestARequestOfAnotherPackageIsNotSentAgain(t *testing.T) {
	policy := retryPolicy{pool: NewPool(PoolOptions{})}
	for _, err := range []error{nil, errors.New("odd")} {
		resp := &http.Response{StatusCode: http.StatusInternalServerError, Header: http.Header{}, Body: http.NoBody}
		if err != nil {
			resp = nil
		}
		if again, got := policy.check(t.Context(), resp, err); again || got != nil {
			t.Errorf("%v: again %t, %v", err, again, got)
		}
	}
}

func TestPlainTextIsNeitherJSONNorAPage(t *testing.T) {
	for body, plain := range map[string]bool{
		"locked": true, "account {locked}": true, "": true, `"locked"`: false, `{"a":1}`: false, "[]": false, "12": false, "<!DOCTYPE html><p>locked": false,
	} {
		a := &Answer{body: credential.NewSecret(body)}
		if want := map[bool]string{true: body}[plain]; a.PlainText() != want {
			t.Errorf("%q: %q", body, a.PlainText())
		}
	}
}

// That a request may have been processed is said where it may, and nowhere else.
func TestARequestMayHaveBeenProcessedOnlyWhereItsAnswerWasLost(t *testing.T) {
	stopped, stop := context.WithCancel(t.Context())
	stop()
	for name, ctx := range map[string]context.Context{"at work": t.Context(), "told to stop": stopped} {
		for _, lost := range []bool{false, true} {
			err := noAnswer(ctx, &net.OpError{Op: "dial", Err: errors.New("odd")}, Op{Name: "x"}, "https://x", lost)
			var e *failure.Error
			if !errors.As(err, &e) {
				if name == "at work" || lost || !errors.Is(err, context.Canceled) {
					t.Errorf("%s, lost %t: %v", name, lost, err)
				}
				continue
			}
			if e.AnswerLost != lost || strings.HasSuffix(e.Message, lostNote) != lost || e.URL != "https://x" ||
				e.Class != failure.Retryable {
				t.Errorf("%s, lost %t: %+v", name, lost, e)
			}
		}
	}
}

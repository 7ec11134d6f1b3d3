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
	"testing"

	"github.com/credsync/credsync/credential"
	"github.com/credsync/credsync/failure"
)

// Each way in which no answer comes is told by itself, as what it is, with what to do.
func TestEachFaultOfAConnectionIsToldByItself(t *testing.T) {
	certificate := &x509.Certificate{}
	op := func(op string) error { return &net.OpError{Op: op, Net: "tcp", Err: errors.New("odd")} }
	seen := map[string]string{}
	for name, tt := range map[string]struct {
		err       error
		class     failure.Class
		attribute string
	}{
		"name service":         {&net.DNSError{Name: "x"}, failure.Retryable, ""},
		"to the proxy":         {op("proxyconnect"), failure.Retryable, ""},
		"to the upstream":      {op("dial"), failure.Retryable, ""},
		"while it was read":    {op("read"), failure.Retryable, ""},
		"refused by TLS":       {op("remote error"), failure.Retryable, ""},
		"no HTTP":              {errors.New("malformed HTTP response"), failure.Server, ""},
		"a header":             {errors.New("net/http: invalid header field value"), failure.Config, "http.headers"},
		"unknown authority":    {x509.UnknownAuthorityError{Cert: certificate}, failure.Config, "http.ca_pem"},
		"another host":         {x509.HostnameError{Certificate: certificate, Host: "x"}, failure.Config, "base_url"},
		"expired":              {x509.CertificateInvalidError{Cert: certificate, Reason: x509.Expired}, failure.Config, "base_url"},
		"not valid":            {x509.CertificateInvalidError{Cert: certificate, Reason: x509.NotAuthorizedToSign}, failure.Config, "base_url"},
		"a tangled chain":      {&tls.CertificateVerificationError{Err: errors.New("too much")}, failure.Config, "base_url"},
		"many certificates":    {errors.New("tls: handshake message of length 300000 bytes exceeds maximum"), failure.Config, "base_url"},
		"the proxy's password": {proxyError{http.StatusProxyAuthRequired}, failure.Config, "http.proxy"},
		"the proxy is busy":    {proxyError{http.StatusTooManyRequests}, failure.Retryable, ""},
		"the proxy is down":    {proxyError{http.StatusInternalServerError}, failure.Retryable, ""},
		"no time":              {errTimeout, failure.Retryable, ""},
		"limited":              {errLimited{}, failure.Retryable, ""},
		"too large":            {errTooLarge, failure.Server, ""},
		"an encoding":          {errEncoding, failure.Server, ""},
		"anything else":        {errors.New("odd"), failure.Retryable, ""},
	} {
		f := transportFailure(&url.Error{Op: "Get", URL: "http://x", Err: fmt.Errorf("wrapped: %w", tt.err)})
		if f.class != tt.class || f.attribute != tt.attribute || f.message == "" || f.advice == "" {
			t.Errorf("%s: %+v", name, f)
		}
		if other, ok := seen[f.message]; ok && !(name == "while it was read" || other == "while it was read" || name == "anything else") {
			t.Errorf("%s and %s are told alike: %s", name, other, f.message)
		}
		seen[f.message] = name
	}
	if a, b := transportFailure(context.DeadlineExceeded), transportFailure(errTimeout); a.message != b.message || a.class != b.class {
		t.Errorf("a deadline is %+v", a)
	}
	if a, b := transportFailure(op("read")), transportFailure(op("dial")); a.message == b.message {
		t.Errorf("what broke off is told as what never began: %+v", a)
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

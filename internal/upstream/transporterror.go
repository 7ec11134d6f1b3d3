package upstream

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
	"net/http"
	"strings"
	"syscall"

	"github.com/credsync/credsync/failure"
)

// diagnosis is what a failed attempt is said to be. None of its texts comes from
// the cause's own, which may quote the URL or the answer.
type diagnosis struct {
	class     failure.Class
	reason    failure.Reason
	attribute string
	message   string
	advice    string
}

const tryLater = "This usually passes; the next run tries again."

// transportFailure finds out why there was no answer.
func transportFailure(err error) diagnosis {
	if f, ok := tlsFailure(err); ok {
		return f
	}
	if f, ok := certificateFailure(err); ok {
		return f
	}
	var proxy proxyError
	var dns *net.DNSError
	var op *net.OpError
	var silent errSilent
	switch {
	case errors.As(err, &proxy):
		return proxyFailure(proxy.status)
	case errors.Is(err, errProxyEnv):
		return diagnosis{class: failure.Config, attribute: "http.proxy", message: errProxyEnv.Error(), advice: "Correct the environment variable, or set http.proxy."}
	case errors.Is(err, errTimeout), errors.Is(err, context.DeadlineExceeded):
		return diagnosis{class: failure.Retryable, message: "no answer in time", advice: tryLater + " If it does not pass, raise http.timeout."}
	case errors.Is(err, errLimited{}):
		return diagnosis{class: failure.Retryable, message: errLimited{}.Error(), advice: "The next run tries again. If it happens often, raise http.requests_per_second or shard the accounts."}
	case errors.As(err, &silent):
		return diagnosis{class: failure.Retryable, message: silent.Error(), advice: "Check base_url, the network and the upstream; the next run tries again."}
	case errors.Is(err, errTooLarge), errors.Is(err, errEncoding):
		return diagnosis{class: failure.Server, message: errText(err), advice: "Ask the upstream, or whoever runs what is between, why it answers so."}
	case errors.As(err, &dns):
		return diagnosis{class: failure.Retryable, message: "the host name could not be resolved", advice: "Check base_url and the name service."}
	case errors.As(err, &op) && op.Op == "proxyconnect":
		return diagnosis{class: failure.Retryable, message: "the proxy cannot be reached" + errnoText(err), advice: "Check http.proxy, or the HTTPS_PROXY environment variable."}
	case errors.As(err, &op) && op.Op == "dial":
		return diagnosis{class: failure.Retryable, message: "cannot connect" + errnoText(err), advice: "Check base_url, and whether a firewall or a proxy stands between."}
	case neverOpened(err):
		return diagnosis{class: failure.Retryable, message: "the upstream closed the connection before a request was sent", advice: tryLater + " If it does not pass, it may want a client certificate."}
	case errors.As(err, &op) && op.Op == "remote error":
		return diagnosis{class: failure.Retryable, message: "the upstream refused the TLS connection", advice: tryLater + " If it does not pass, check the client certificate, if there is one."}
	case strings.Contains(err.Error(), "malformed"):
		return diagnosis{class: failure.Server, message: "what answers is not an HTTP server", advice: "Check base_url."}
	case strings.Contains(err.Error(), "invalid header field"):
		return diagnosis{class: failure.Config, attribute: "http.headers", message: "a header has characters that HTTP does not allow", advice: "Check http.headers and the credentials for line breaks."}
	}
	return diagnosis{class: failure.Retryable, message: "the connection broke before a whole answer came" + errnoText(err), advice: tryLater}
}

func tlsFailure(err error) (diagnosis, bool) {
	var authority x509.UnknownAuthorityError
	var host x509.HostnameError
	var invalid x509.CertificateInvalidError
	var record tls.RecordHeaderError
	var unverified *tls.CertificateVerificationError
	f := diagnosis{class: failure.Config}
	switch {
	case errors.As(err, &authority):
		f.attribute, f.message = "http.ca_pem", "the server's certificate is signed by an unknown authority"
		f.advice = "If that authority is to be trusted, give its certificate in http.ca_pem."
	case errors.As(err, &host):
		f.attribute, f.message = "base_url", "the server's certificate is for another host name"
		f.advice = "Check base_url; nothing was sent."
	case errors.As(err, &invalid):
		f.attribute, f.message = "base_url", "the server's certificate is not valid"
		if invalid.Reason == x509.Expired {
			f.message = "the server's certificate has expired or is not valid yet"
		}
		f.advice = "Check this machine's clock, then ask the upstream; nothing was sent."
	case errors.As(err, &unverified):
		f.attribute, f.message = "base_url", "the server's certificate cannot be verified"
		f.advice = "Check what answers at base_url: its chain of certificates is longer or more tangled than any in use. Nothing was sent."
	case strings.Contains(err.Error(), "handshake message of length"):
		f.attribute, f.message = "base_url", "the server's certificates are too large"
		f.advice = "Check what answers at base_url: it presents more than 256 KiB of them. Nothing was sent."
	case errors.As(err, &record), errors.Is(err, http.ErrSchemeMismatch):
		f.attribute, f.message = "base_url", "what answers does not speak TLS"
		f.advice = "Check the scheme and the port of base_url."
	default:
		return diagnosis{}, false
	}
	return f, true
}

// errText is the text of one of this package's own errors.
func errText(err error) string {
	for _, own := range []error{errTooLarge, errEncoding} {
		if errors.Is(err, own) {
			return own.Error()
		}
	}
	return ""
}

// errnoText is what the operating system said, such as "connection refused".
func errnoText(err error) string {
	var errno syscall.Errno
	if errors.As(err, &errno) {
		return ": " + errno.Error()
	}
	return ""
}

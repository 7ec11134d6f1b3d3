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
	"github.com/credsync/credsync/internal/proxyenv"
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
	for _, find := range []func(error) (diagnosis, bool){tlsFailure, refusalByAlert, ownFinding, networkFailure} {
		if f, ok := find(err); ok {
			return f
		}
	}
	return diagnosis{
		class: failure.Retryable, message: "the connection broke before the answer was " +
			"complete" + errnoText(err), advice: tryLater,
	}
}

// ownFinding recognizes this package's own errors.
func ownFinding(err error) (diagnosis, bool) {
	var proxy proxyError
	var silent errSilent
	var proxyVariable proxyenv.Error
	var notAllowed notAllowedError
	f := diagnosis{class: failure.Retryable}
	switch {
	case errors.As(err, &proxy):
		f = proxyFailure(proxy.status)
	case errors.As(err, &proxyVariable):
		f.class, f.attribute, f.message = failure.Config, "http.proxy", proxyVariable.Error()
		f.advice = "Correct the environment variable, or set http.proxy."
	case errors.As(err, &notAllowed):
		f = notAllowed.diagnosis()
	case errors.Is(err, errLinkLocal):
		f.class, f.attribute, f.message = failure.Config, baseURL, errLinkLocal.Error()
		f.advice = "No upstream has such an address, and machines in a cloud answer there with credentials of their own. Correct base_url, or the host's address in DNS."
	case errors.Is(err, errTimeout), errors.Is(err, context.DeadlineExceeded):
		f.message = "no answer in time"
		f.advice = tryLater + " If it does not, raise http.timeout."
	case errors.Is(err, errLimited{}):
		f.message = errLimited{}.Error()
		f.advice = "The next run tries again. If it happens often, raise http.requests_per_second or shard the " +
			"accounts."
	case errors.As(err, &silent):
		f.message = silent.Error()
		f.advice = "Check base_url, the network and the upstream; the next run tries again."
	case errors.Is(err, errTooLarge), errors.Is(err, errEncoding):
		f.class, f.message = failure.Server, errText(err)
		f.advice = "Ask the upstream, or the operator of a proxy in between, why it answers like this."
	default:
		return diagnosis{}, false
	}
	return f, true
}

// networkFailure recognizes the errors of net and net/http.
func networkFailure(err error) (diagnosis, bool) {
	var dns *net.DNSError
	var op *net.OpError
	f := diagnosis{class: failure.Retryable}
	switch {
	case errors.As(err, &dns):
		f.message = "the host name could not be resolved"
		f.advice = "Check base_url and DNS."
	case errors.As(err, &op) && op.Op == "proxyconnect":
		f.message = "the proxy cannot be reached" + errnoText(err)
		f.advice = "Check http.proxy, or the HTTPS_PROXY environment variable."
	case errors.As(err, &op) && op.Op == "dial":
		f.message = "cannot connect" + errnoText(err)
		f.advice = "Check base_url, and whether a firewall or a proxy blocks the connection."
	case neverOpened(err):
		f.message = "the upstream closed the connection before a request was sent"
		f.advice = tryLater + " If it does not, check whether the upstream requires a client certificate."
	case errors.As(err, &op) && op.Op == "remote error":
		f.message = "the upstream refused the TLS connection"
		f.advice = tryLater + " If it does not, check the client certificate, if there is one."
	case strings.Contains(err.Error(), "malformed"):
		f.class, f.message = failure.Server, "the server is not an HTTP server"
		f.advice = "Check base_url."
	case strings.Contains(err.Error(), "invalid header field"):
		f.class, f.attribute = failure.Config, "http.headers"
		f.message = "a header contains characters that HTTP does not allow"
		f.advice = "Check http.headers and the credentials for line breaks."
	default:
		return diagnosis{}, false
	}
	return f, true
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
		f.advice = "If you trust that authority, set http.ca_pem to its certificate."
	case errors.As(err, &host):
		f.attribute, f.message = "base_url", "the server's certificate is for another host name"
		f.advice = "Check base_url. Nothing was sent."
	case errors.As(err, &invalid):
		f.attribute, f.message = "base_url", "the server's certificate is not valid"
		if invalid.Reason == x509.Expired {
			f.message = "the server's certificate has expired or is not valid yet"
		}
		f.advice = "Check this machine's clock, then ask the upstream. Nothing was sent."
	case errors.As(err, &unverified):
		f.attribute, f.message = "base_url", "the server's certificate cannot be verified"
		f.advice = "Check which server answers at base_url: its certificate chain is unusually long or complex. " +
			"Nothing was sent."
	case strings.Contains(err.Error(), "handshake message of length"):
		f.attribute, f.message = "base_url", "the server's certificates are too large"
		f.advice = "Check which server answers at base_url: it sends more than 256 KiB of certificates. Nothing was sent."
	case strings.Contains(err.Error(), "tls: server selected unsupported protocol version"),
		strings.Contains(err.Error(), "tls: server chose an unconfigured cipher suite"):
		f = incompatible("it and credsync have no TLS version or cipher in common")
	case errors.As(err, &record), errors.Is(err, http.ErrSchemeMismatch):
		f.attribute, f.message = "base_url", "the server does not use TLS"
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

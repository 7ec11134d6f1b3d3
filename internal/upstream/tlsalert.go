package upstream

import (
	"crypto/tls"
	"errors"
	"net"
	"strings"

	"github.com/credsync/credsync/failure"
)

// The TLS alerts by which a server turns down a connection (RFC 8446, section 6.2).
const (
	alertHandshakeFailure       tls.AlertError = 40
	alertBadCertificate         tls.AlertError = 42
	alertUnsupportedCertificate tls.AlertError = 43
	alertCertificateRevoked     tls.AlertError = 44
	alertCertificateExpired     tls.AlertError = 45
	alertCertificateUnknown     tls.AlertError = 46
	alertUnknownCA              tls.AlertError = 48
	alertAccessDenied           tls.AlertError = 49
	alertProtocolVersion        tls.AlertError = 70
	alertInsufficientSecurity   tls.AlertError = 71
	alertCertificateRequired    tls.AlertError = 116
)

// refusalAlerts says what each of them means.
var refusalAlerts = map[tls.AlertError]diagnosis{
	// What TLS 1.2 has for a missing certificate too.
	alertHandshakeFailure: incompatible("it has no cipher in common with credsync, or it requires a client " +
		"certificate that it did not get"),
	alertProtocolVersion:        incompatible("it has no TLS version in common with credsync"),
	alertInsufficientSecurity:   incompatible("it requires stronger ciphers"),
	alertBadCertificate:         wrongCertificate("it is missing or not accepted"),
	alertUnsupportedCertificate: wrongCertificate("it is of an unsupported type"),
	alertCertificateRevoked:     endedCertificate("it has been revoked"),
	alertCertificateExpired:     endedCertificate("it has expired or is not valid yet"),
	alertCertificateUnknown:     wrongCertificate("it is not accepted"),
	alertUnknownCA:              wrongCertificate("the upstream does not trust the authority that issued it"),
	alertAccessDenied:           wrongCertificate("its owner has no access"),
	alertCertificateRequired:    wrongCertificate("it got none"),
}

// refusedCertificate begins the message of each.
const refusedCertificate = "the upstream refused the TLS connection over the client certificate: "

func wrongCertificate(why string) diagnosis {
	return diagnosis{
		class: failure.Config, message: refusedCertificate + why,
		advice: "The upstream processed nothing. Check that the account has the client certificate that this upstream " +
			"issued to it, and the matching key.",
	}
}

func incompatible(why string) diagnosis {
	return diagnosis{
		class: failure.Config, attribute: "base_url", message: "the upstream refused the TLS connection: " + why,
		advice: "The upstream processed nothing. credsync supports TLS 1.2 and 1.3; check which server answers at base_url, " +
			"and whether the upstream requires client certificates.",
	}
}

func endedCertificate(why string) diagnosis {
	return diagnosis{
		class: failure.Human, reason: failure.CertificateExpired, message: refusedCertificate + why,
		advice: "The upstream processed nothing. Have a new certificate issued and put it into the configuration; " +
			"if this one is valid, have the upstream check its clock, then run apply --replace.",
	}
}

// refusalByAlert recognizes an upstream's refusal of a TLS connection.
//
// In TLS 1.3 the client has finished its handshake by then and may already have
// sent the request. Yet a server with such an alert has not finished its own,
// and one that has not never gets to read the request: it was not processed.
func refusalByAlert(err error) (diagnosis, bool) {
	var op *net.OpError
	if !errors.As(err, &op) || op.Op != "remote error" {
		return diagnosis{}, false
	}
	for alert, f := range refusalAlerts {
		// The type of the alert within is not exported; its text is that of
		// the one that is.
		if op.Err.Error() != alert.Error() {
			continue
		}
		return f, true
	}
	return diagnosis{}, false
}

// neverOpened recognizes an HTTP/2 connection that broke before its first
// request: what a refusal of the certificate, or of the lack of one, becomes.
func neverOpened(err error) bool {
	return strings.Contains(err.Error(), "http2: client conn could not be established")
}

// unprocessed reports whether a failure proves that the upstream did not
// process the request though a connection had come about.
func unprocessed(err error) bool {
	_, refused := refusalByAlert(err)
	return refused || neverOpened(err)
}

package upstream

import (
	"crypto/tls"
	"errors"
	"net"
	"strings"

	"github.com/credsync/credsync/failure"
)

// The TLS alerts by which a server turns down the client's certificate (RFC
// 8446, section 6.2).
const (
	alertHandshakeFailure       tls.AlertError = 40
	alertBadCertificate         tls.AlertError = 42
	alertUnsupportedCertificate tls.AlertError = 43
	alertCertificateRevoked     tls.AlertError = 44
	alertCertificateExpired     tls.AlertError = 45
	alertCertificateUnknown     tls.AlertError = 46
	alertUnknownCA              tls.AlertError = 48
	alertAccessDenied           tls.AlertError = 49
	alertCertificateRequired    tls.AlertError = 116
)

// certificateAlerts says what each of them means.
var certificateAlerts = map[tls.AlertError]diagnosis{
	// What TLS 1.2 has for a missing one, and for some other disagreements.
	alertHandshakeFailure:       wrongCertificate("it is missing, or this side's TLS does not suit the upstream"),
	alertBadCertificate:         wrongCertificate("it is missing or not acceptable"),
	alertUnsupportedCertificate: wrongCertificate("it is of a kind that is not supported"),
	alertCertificateRevoked:     endedCertificate("it has been revoked"),
	alertCertificateExpired:     endedCertificate("it has expired, or is not valid yet"),
	alertCertificateUnknown:     wrongCertificate("it is not acceptable"),
	alertUnknownCA:              wrongCertificate("the authority that issued it is not trusted there"),
	alertAccessDenied:           wrongCertificate("its owner has no access"),
	alertCertificateRequired:    wrongCertificate("none was presented"),
}

// refusedCertificate begins the message of each.
const refusedCertificate = "the upstream refused the TLS connection over the client certificate: "

func wrongCertificate(why string) diagnosis {
	return diagnosis{
		class: failure.Config, message: refusedCertificate + why,
		advice: "Nothing was processed there. Check that the account has the client certificate that this upstream " +
			"issued to it, and the key that belongs to it.",
	}
}

func endedCertificate(why string) diagnosis {
	return diagnosis{
		class: failure.Human, reason: failure.CertificateExpired, message: refusedCertificate + why,
		advice: "Nothing was processed there. Have a new certificate issued and put it into the configuration; " +
			"if this one is good, check the upstream's clock with them, and run apply --replace.",
	}
}

// certificateFailure recognizes an upstream's refusal of the client's
// certificate.
//
// In TLS 1.3 the client has finished its handshake by then and may already have
// sent the request. Yet a server with such an alert has not finished its own,
// and one that has not never gets to read the request: it was not processed.
func certificateFailure(err error) (diagnosis, bool) {
	var op *net.OpError
	if !errors.As(err, &op) || op.Op != "remote error" {
		return diagnosis{}, false
	}
	for alert, f := range certificateAlerts {
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
	_, refused := certificateFailure(err)
	return refused || neverOpened(err)
}

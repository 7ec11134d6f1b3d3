package upstream

import (
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"strings"
	"testing"

	"github.com/credsync/credsync/failure"
)

// The numbers are those of RFC 8446, section 6.2.
func TestWhatTheAlertsOfARefusalMean(t *testing.T) {
	const overTheCertificate = "over the client certificate: "
	for alert, want := range map[tls.AlertError]struct {
		class   failure.Class
		reason  failure.Reason
		message string
	}{
		40:  {failure.Config, "", "no cipher in common"},
		42:  {failure.Config, "", overTheCertificate + "it is missing or not accepted"},
		43:  {failure.Config, "", overTheCertificate + "it is of an unsupported type"},
		44:  {failure.Human, failure.CertificateExpired, overTheCertificate + "it has been revoked"},
		45:  {failure.Human, failure.CertificateExpired, overTheCertificate + "it has expired"},
		46:  {failure.Config, "", overTheCertificate + "it is not accepted"},
		48:  {failure.Config, "", overTheCertificate + "the upstream does not trust the authority"},
		49:  {failure.Config, "", overTheCertificate + "its owner has no access"},
		70:  {failure.Config, "", "no TLS version in common"},
		71:  {failure.Config, "", "it requires stronger ciphers"},
		116: {failure.Config, "", overTheCertificate + "it got none"},
	} {
		f := transportFailure(fmt.Errorf("wrapped: %w", &net.OpError{Op: "remote error", Err: alert}))
		if f.class != want.class || f.reason != want.reason || !strings.Contains(f.message, want.message) ||
			!strings.Contains(f.advice, "processed nothing") {
			t.Errorf("%d: %+v", alert, f)
		}
	}
	for name, err := range map[string]error{
		"an alert of another meaning": &net.OpError{Op: "remote error", Err: tls.AlertError(80)},
		"one of this side's":          &net.OpError{Op: "local error", Err: tls.AlertError(42)},
		"its text alone":              errors.New(tls.AlertError(42).Error()),
	} {
		if f, ok := refusalByAlert(err); ok {
			t.Errorf("%s: %+v", name, f)
		}
	}
}

package astana_plat_test

import (
	"strings"
	"testing"
	"time"

	"github.com/credsync/credsync/failure"
	"github.com/credsync/credsync/providers"
	"github.com/credsync/credsync/sandbox"
	"github.com/credsync/credsync/schema"
	"github.com/credsync/credsync/testkit/providertest"
)

const dayLong = 24 * time.Hour

func TestCertificateDates(t *testing.T) {
	begins := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	ends := begins.AddDate(0, 6, 0)
	dated := certificateTarget()
	dated.Blocks = func(t *testing.T, s *sandbox.Sandbox) map[string][]schema.Values {
		certPEM, keyPEM := issue(
			t,
			s,
			sandbox.ClientCertificate{CommonName: certificate, NotBefore: begins, NotAfter: ends},
		)
		return block(map[string]string{"cert_pem": certPEM, "key_pem": keyPEM})
	}
	h := providertest.New(t, dated)
	for _, c := range []struct {
		name    string
		now     time.Time
		blocked failure.Reason
		says    string
	}{
		{"not yet valid", begins.Add(-time.Second), failure.CertificateExpired, "not valid before 2026-03-01T12:00:00Z"},
		{"from its first second", begins, "", ""},
		{"long before its end", ends.Add(-31 * dayLong), "", ""},
		{"thirty days before", ends.Add(-30 * dayLong), "", "expires on 2026-09-01"},
		{"its last second", ends, "", "expires on 2026-09-01"},
		{"expired", ends.Add(time.Second), failure.CertificateExpired, "expired on 2026-09-01"},
	} {
		t.Run(c.name, func(t *testing.T) {
			found := h.Provider.(providers.Inspector).Inspect(c.now, providers.Seen{})
			if c.says == "" {
				if len(found) != 0 {
					t.Errorf("found %+v, want nothing", found)
				}
				return
			}
			if len(found) != 1 || found[0].Blocked != c.blocked || !strings.Contains(found[0].Summary, c.says) ||
				found[0].Detail == "" {
				t.Errorf("found %+v, want %q that says %q", found, c.blocked, c.says)
			}
		})
	}
	if n := h.Sandbox.Counters("astana_plat", login).Logins.Received; n != 0 {
		t.Errorf("%d requests were sent to look at a certificate", n)
	}
}

func TestIssuerThatExpiresIsAWarning(t *testing.T) {
	ends := time.Now().AddDate(0, 2, 0)
	issuer := newCertificateUntil(t, "issuer", newECDSA(t), nil, ends)
	leaf := newCertificate(t, certificate, newECDSA(t), &issuer)
	chained := certificateTarget()
	chained.Blocks = func(t *testing.T, _ *sandbox.Sandbox) map[string][]schema.Values {
		return block(map[string]string{"cert_pem": leaf.pem() + issuer.pem(), "key_pem": pkcs8PEM(t, leaf.key)})
	}
	inspector := providertest.New(t, chained).Provider.(providers.Inspector)
	for _, c := range []struct {
		now  time.Time
		says string
	}{
		{ends.Add(-31 * dayLong), ""},
		{ends.Add(-dayLong), "Certificate 2 of the client certificate's chain expires on"},
		{ends.Add(dayLong), "Certificate 2 of the client certificate's chain expired on"},
		// Near its own end, the certificate itself is what counts.
		{leaf.cert.NotAfter.Add(-dayLong), "The client certificate expires on"},
	} {
		found := inspector.Inspect(c.now, providers.Seen{})
		if c.says == "" && len(found) == 0 {
			continue
		}
		if len(found) != 1 || found[0].Blocked != "" || c.says == "" || !strings.HasPrefix(found[0].Summary, c.says) {
			t.Errorf("at %v found %+v, want a warning that says %q", c.now, found, c.says)
		}
	}
}

func TestPasswordHasNothingToInspect(t *testing.T) {
	h := providertest.New(t, target())
	if found := h.Provider.(providers.Inspector).Inspect(time.Now(), providers.Seen{}); found != nil {
		t.Errorf("found %+v", found)
	}
}

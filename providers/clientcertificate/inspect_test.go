package clientcertificate_test

import (
	"strings"
	"testing"
	"time"

	"github.com/credsync/credsync/failure"
	"github.com/credsync/credsync/providers"
	"github.com/credsync/credsync/providers/clientcertificate"
	"github.com/credsync/credsync/testkit/certificates"
)

const dayLong = 24 * time.Hour

func datesOf(
	t *testing.T, leaf certificates.Certificate, issuers ...certificates.Certificate,
) *clientcertificate.Dates {
	t.Helper()
	chain := leaf.PEM()
	for _, c := range issuers {
		chain += c.PEM()
	}
	cert, err := load(map[string]string{"cert_pem": chain, "key_pem": certificates.PKCS8(t, leaf.Key)})
	if err != nil {
		t.Fatal(err)
	}
	return clientcertificate.NewDates(cert, "Acme")
}

func TestCertificateDates(t *testing.T) {
	begins := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	ends := begins.AddDate(0, 6, 0)
	dates := datesOf(t, certificates.Between(t, "leaf", certificates.ECDSA(t), nil, begins, ends))
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
			found := dates.Inspect(c.now)
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
	clocks := dates.Clocks()
	if len(clocks) != 1 || clocks[0].Name != providers.ClientCertificate || !clocks[0].At.Equal(ends) ||
		!clocks[0].Since.Equal(begins) || !clocks[0].Human {
		t.Errorf("the clocks are %+v", clocks)
	}
}

func TestIssuerThatExpiresIsAWarning(t *testing.T) {
	ends := time.Now().AddDate(0, 2, 0)
	issuer := certificates.Until(t, "issuer", certificates.ECDSA(t), nil, ends)
	leaf := certificates.New(t, "leaf", certificates.ECDSA(t), &issuer)
	dates := datesOf(t, leaf, issuer)
	for _, c := range []struct {
		now  time.Time
		says string
	}{
		{ends.Add(-31 * dayLong), ""},
		{ends.Add(-dayLong), "Certificate 2 of the client certificate's chain expires on"},
		{ends.Add(dayLong), "Certificate 2 of the client certificate's chain expired on"},
		// Near its own end, the certificate itself is what counts.
		{leaf.X509.NotAfter.Add(-dayLong), "The client certificate expires on"},
	} {
		found := dates.Inspect(c.now)
		if c.says == "" && len(found) == 0 {
			continue
		}
		if len(found) != 1 || found[0].Blocked != "" || c.says == "" || !strings.HasPrefix(found[0].Summary, c.says) {
			t.Errorf("at %v found %+v, want a warning that says %q", c.now, found, c.says)
		}
	}
}

func TestWithoutACertificateThereIsNothingToInspect(t *testing.T) {
	dates := clientcertificate.NewDates(nil, "Acme")
	if found, clocks := dates.Inspect(time.Now()), dates.Clocks(); found != nil || clocks != nil {
		t.Errorf("found %+v, %+v", found, clocks)
	}
}

package astana_plat

import (
	"crypto/x509"
	"fmt"
	"time"

	"github.com/credsync/credsync/failure"
	"github.com/credsync/credsync/providers"
)

// warnBefore is how long before the certificate's expiry plan begins to warn:
// getting a new one takes a person at Astana-Plat.
const warnBefore = 30 * 24 * time.Hour

// Inspect judges the certificate's dates, so that no login is spent on one that
// the service cannot accept.
func (p *provider) Inspect(now time.Time, _ providers.Seen) []providers.Finding {
	if p.certificate == nil {
		return nil
	}
	leaf := p.certificate.Leaf
	begins, ends := leaf.NotBefore.UTC(), leaf.NotAfter.UTC()
	switch {
	case now.After(ends):
		return found(failure.CertificateExpired, "The client certificate expired on "+day(ends),
			"Have Astana-Plat issue a new one and put it into the certificate block")
	case now.Before(begins):
		return found(failure.CertificateExpired, "The client certificate is not valid before "+
			begins.Format(time.RFC3339),
			"Wait until then, or use the certificate that is valid now; if this one should be valid, check this "+
				"machine's clock")
	case ends.Sub(now) <= warnBefore:
		return found("", "The client certificate expires on "+day(ends),
			fmt.Sprintf("That is in %d days. Have Astana-Plat issue a new one and put it into the certificate "+
				"block in time.", int(ends.Sub(now).Hours()/24)))
	}
	return p.inspectIssuers(now)
}

// Clocks tells how long the certificate is valid.
func (p *provider) Clocks(providers.Seen) []providers.Clock {
	if p.certificate == nil {
		return nil
	}
	leaf := p.certificate.Leaf
	return []providers.Clock{{Name: providers.ClientCertificate, Since: leaf.NotBefore, At: leaf.NotAfter, Human: true}}
}

// inspectIssuers warns of issuers only: the service may have newer ones of its
// own, and does not need ours then.
func (p *provider) inspectIssuers(now time.Time) []providers.Finding {
	for i, der := range p.certificate.Certificate[1:] {
		c, err := x509.ParseCertificate(der)
		if err != nil || now.Before(c.NotBefore) || c.NotAfter.Sub(now) > warnBefore {
			continue
		}
		ends := "expires"
		if now.After(c.NotAfter) {
			ends = "expired"
		}
		return found("", fmt.Sprintf("Certificate %d of the client certificate's chain %s on "+
			"%s", i+2, ends, day(c.NotAfter)),
			"Ask Astana-Plat for the issuer's new certificate and put it into the certificate block.")
	}
	return nil
}

func found(blocked failure.Reason, summary, detail string) []providers.Finding {
	return []providers.Finding{{Blocked: blocked, Summary: summary, Detail: detail, Attribute: "certificate"}}
}

func day(t time.Time) string { return t.UTC().Format(time.DateOnly) }

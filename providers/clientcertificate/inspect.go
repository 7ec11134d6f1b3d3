package clientcertificate

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"time"

	"github.com/credsync/credsync/failure"
	"github.com/credsync/credsync/providers"
)

// warnBefore is how long before the certificate's expiry plan begins to warn: a new one
// takes a person at the upstream.
const warnBefore = 30 * 24 * time.Hour

// Dates are those of an account's certificate.
type Dates struct {
	certificate *tls.Certificate
	issuer      string
}

// NewDates returns the dates of a certificate that was read by Of; nil for nil. issuer is
// whom messages ask for a new one, such as "Astana-Plat".
func NewDates(certificate *tls.Certificate, issuer string) *Dates {
	if certificate == nil {
		return nil
	}
	return &Dates{certificate: certificate, issuer: issuer}
}

// Ends is when the certificate expires.
func (d *Dates) Ends() time.Time { return d.certificate.Leaf.NotAfter.UTC() }

// Inspect judges the dates, so that no login is spent on a certificate that the upstream
// cannot accept. Of nil there is nothing to find.
func (d *Dates) Inspect(now time.Time) []providers.Finding {
	if d == nil {
		return nil
	}
	leaf := d.certificate.Leaf
	begins, ends := leaf.NotBefore.UTC(), leaf.NotAfter.UTC()
	switch {
	case now.After(ends):
		return found(failure.CertificateExpired, "The client certificate expired on "+day(ends),
			"Have "+d.issuer+" issue a new one and put it into the certificate block")
	case now.Before(begins):
		return found(failure.CertificateExpired, "The client certificate is not valid before "+
			begins.Format(time.RFC3339),
			"Wait until then, or use the certificate that is valid now; if this one should be valid, check this "+
				"machine's clock")
	case ends.Sub(now) <= warnBefore:
		return found("", "The client certificate expires on "+day(ends),
			fmt.Sprintf("That is in %d days. Have %s issue a new one and put it into the certificate "+
				"block in time.", int(ends.Sub(now).Hours()/24), d.issuer))
	}
	return d.inspectIssuers(now)
}

// Clocks tells how long the certificate is valid; nothing of nil.
func (d *Dates) Clocks() []providers.Clock {
	if d == nil {
		return nil
	}
	leaf := d.certificate.Leaf
	return []providers.Clock{{Name: providers.ClientCertificate, Since: leaf.NotBefore, At: leaf.NotAfter, Human: true}}
}

// inspectIssuers warns of issuers only: the upstream may have newer ones of its own, and
// does not need ours then.
func (d *Dates) inspectIssuers(now time.Time) []providers.Finding {
	for i, der := range d.certificate.Certificate[1:] {
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
			"Ask "+d.issuer+" for the issuer's new certificate and put it into the certificate block.")
	}
	return nil
}

func found(blocked failure.Reason, summary, detail string) []providers.Finding {
	return []providers.Finding{{Blocked: blocked, Summary: summary, Detail: detail, Attribute: Keyword}}
}

func day(t time.Time) string { return t.UTC().Format(time.DateOnly) }

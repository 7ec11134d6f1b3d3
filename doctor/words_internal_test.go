package doctor

import (
	"testing"
	"time"

	"github.com/credsync/credsync/failure"
	"github.com/credsync/credsync/internal/upstream"
)

func TestAServerIsNamedByItsHostOrAsItIsGiven(t *testing.T) {
	for address, want := range map[string]string{
		"https://vault.internal:8200/v1": "vault.internal:8200", "vault.internal": "vault.internal", "/run/vault.sock": "/run/vault.sock", "%zz": "%zz", "": "",
	} {
		if got := host(address); got != want {
			t.Errorf("%q: %q, want %q", address, got, want)
		}
	}
}

func TestHowAnUpstreamWasReachedIsAllTold(t *testing.T) {
	ends := time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)
	seen := map[string]bool{}
	for _, r := range []upstream.Reach{
		{}, {TLS: "TLS 1.3", CertificateEnds: ends}, {TLS: "TLS 1.3", CertificateEnds: ends, Proxied: true}, {Proxied: true},
		{TLS: "TLS 1.3", CertificateEnds: ends, WantsCertificate: true},
		{TLS: "TLS 1.3", CertificateEnds: ends, WantsCertificate: true, Proxied: true},
	} {
		text := reachText(r)
		if text == "" || seen[text] {
			t.Errorf("%+v is told as another: %q", r, text)
		}
		for other := range seen {
			if r == (upstream.Reach{}) && len(other) < len(text) {
				t.Errorf("what is least has most: %q", text)
			}
		}
		seen[text] = true
	}
	if plain, asks := reachText(upstream.Reach{}), reachText(upstream.Reach{WantsCertificate: true}); len(
		asks,
	) <= len(
		plain,
	) {
		t.Errorf("%q, and where it asks for a certificate %q", plain, asks)
	}
	if direct, proxied := reachText(upstream.Reach{}), reachText(upstream.Reach{Proxied: true}); len(
		proxied,
	) <= len(
		direct,
	) {
		t.Errorf("%q, and by a proxy %q", direct, proxied)
	}
}

func TestAWebhooksFaultHasARemedyWhateverItIs(t *testing.T) {
	seen := map[string]bool{}
	for _, e := range []*failure.Error{nil, {Attribute: "http.ca_pem"}, {Attribute: "http.proxy"}} {
		if text := webhookRemedy(e); text == "" || seen[text] {
			t.Errorf("%+v: %q", e, text)
		} else {
			seen[text] = true
		}
	}
	if !seen[webhookRemedy(&failure.Error{Attribute: "base_url"})] {
		t.Error("another fault has a remedy of its own")
	}
}

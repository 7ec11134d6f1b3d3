package upstream_test

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/credsync/credsync/credential"
	"github.com/credsync/credsync/internal/upstream"
	"github.com/google/go-cmp/cmp"
)

func TestConfiguredHeadersDoNotReplaceTheProviders(t *testing.T) {
	var got http.Header
	var host string
	base := serve(t, func(_ http.ResponseWriter, r *http.Request) { got, host = r.Header, r.Host })
	c, _ := client(t, upstream.Options{BaseURL: base, Headers: map[string]credential.Secret{
		"X-Key": credential.NewSecret("k"), "authorization": credential.NewSecret("theirs"), "host": credential.NewSecret("virtual.example"),
		"user-agent": credential.NewSecret("MyApp 1.0"), "accept": credential.NewSecret("text/x"),
	}})
	req, err := http.NewRequest("GET", base, nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "ours")
	req.Header.Set("User-Agent", "credsync")
	req.Header.Set("Accept", "application/json")
	if _, err := upstream.Do(t.Context(), c, req, upstream.Op{Name: "x"}); err != nil {
		t.Fatal(err)
	}
	want := []string{"k", "ours", "virtual.example", "MyApp 1.0", "text/x"}
	if diff := cmp.Diff(want, []string{got.Get("X-Key"), strings.Join(got.Values("Authorization"), ","), host, got.Get("User-Agent"),
		strings.Join(got.Values("Accept"), ",")}); diff != "" {
		t.Error(diff)
	}
}

func TestConfiguredHeadersAreNotRepeated(t *testing.T) {
	u := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "x/gateway-"+canary)
		w.WriteHeader(http.StatusForbidden)
		_, _ = io.WriteString(w, "no")
	})
	// A value as short as the tenant's is no secret, and would hide innocent words.
	c, _ := client(t, upstream.Options{BaseURL: u, Headers: map[string]credential.Secret{
		"X-Gateway-Key": credential.NewSecret("key-" + canary), "X-Tenant": credential.NewSecret("kz"),
		"X-Region": credential.NewSecret("almaty1"), "X-Token": credential.NewSecret("shymkent"),
	}})
	a, err := send(t, c, "POST", u, upstream.Op{Once: true})
	if err != nil {
		t.Fatal(err)
	}
	upstreamError(t, a.Refused("", "the key "+canary+" has no access").As(upstream.Undocumented))
	_, err = a.Object()
	upstreamError(t, err)
	for said, shown := range map[string]bool{"there is no tenant kz": true, "no region almaty1": true, "no token shymkent": false} {
		if got := a.Said(said); (got == said) != shown {
			t.Errorf("said %q of %q", got, said)
		}
	}
}

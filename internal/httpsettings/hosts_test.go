package httpsettings_test

import (
	"net/url"
	"testing"

	"github.com/credsync/credsync/internal/httpsettings"
)

func TestHosts(t *testing.T) {
	for raw, want := range map[string][2]string{
		"https://API.example.com/v1?q=1":      {"api.example.com:443", "api.example.com"},
		"https://api.example.com:443":         {"api.example.com:443", "api.example.com"},
		"https://api.example.com:8443":        {"api.example.com:8443", "api.example.com:8443"},
		"https://user:secret@api.example.com": {"api.example.com:443", "api.example.com"},
		"http://127.0.0.1":                    {"127.0.0.1:80", "127.0.0.1:80"},
		"http://127.0.0.1:443":                {"127.0.0.1:443", "127.0.0.1:443"},
		"https://[::1]":                       {"[::1]:443", "[::1]"},
	} {
		u, err := url.Parse(raw)
		if err != nil {
			t.Fatal(err)
		}
		if got := [2]string{httpsettings.Host(u), httpsettings.ShortHost(u)}; got != want {
			t.Errorf("%s: %q, want %q", raw, got, want)
		}
	}
}

func TestMatchesHost(t *testing.T) {
	for _, c := range []struct {
		pattern, raw string
		want         bool
	}{
		{"api.example.com", "https://API.example.com/x", true},
		{"API.example.com", "https://api.example.com", true},
		{"api.example.com", "http://api.example.com", true},
		{"api.example.com", "https://api.example.com:8443", false},
		{"api.example.com:8443", "https://api.example.com:8443", true},
		{"api.example.com:8443", "https://api.example.com", false},
		{"*.example.com", "https://a.b.example.com", true},
		{"*.example.com", "https://example.com", false},
		{"*.example.com", "https://notexample.com", false},
		{"*.example.com", "https://api.example.com.", false},
		{"*.example.com", "https://api.example.com.evil.com", false},
		{"[::1]:8443", "https://[::1]:8443", true},
		{"[::1]", "https://[::1]", true},
	} {
		u, err := url.Parse(c.raw)
		if err != nil {
			t.Fatal(err)
		}
		if got := httpsettings.MatchesHost(u, c.pattern); got != c.want {
			t.Errorf("%s matches %s: %v", c.pattern, c.raw, got)
		}
	}
}

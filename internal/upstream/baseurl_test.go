package upstream_test

import (
	"strings"
	"testing"

	"github.com/credsync/credsync/internal/upstream"
	"github.com/zclconf/go-cty/cty"
)

func TestPlainHTTPIsForLoopbackOrByPermission(t *testing.T) {
	for _, base := range []string{"http://127.0.0.1:1", "http://[::1]:1", "http://localhost", "https://example.com"} {
		if _, err := upstream.NewPool(upstream.PoolOptions{}).Client(upstream.Options{BaseURL: base}); err != nil {
			t.Errorf("%s: %v", base, err)
		}
	}
	if _, err := upstream.NewPool(upstream.PoolOptions{}).Client(upstream.Options{BaseURL: "http://example.com",
		AllowPlainHTTP: true}); err != nil {
		t.Error(err)
	}
}

func TestBaseURLs(t *testing.T) {
	for base, want := range map[string]string{
		"https://api.example.com": "", "https://api.example.com:8443/v1/": "", "http://api.example.com": "", "http://127.0.0.1:1": "",
		"": "not an absolute URL", "api.example.com": "not an absolute URL", "https://": "not an absolute URL", "https://" + canary + "\x7f": "not an absolute URL",
		"ftp://example.com":                  "must start with https://",
		"https://" + canary + "@example.com": "must not contain a user",
		"https://example.com?key=" + canary:  "must not contain a query",
		"https://example.com/#" + canary:     "must not contain a query or a fragment",
	} {
		err := upstream.CheckBaseURL(cty.StringVal(base))
		if want == "" && err != nil ||
			want != "" &&
				(err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), canary)) {
			t.Errorf("%s: %v, want %q", base, err, want)
		}
	}
}

func TestPlainHTTPCanBeReadOnItsWay(t *testing.T) {
	for base, want := range map[string]bool{
		"http://example.com": true, "http://10.0.0.1": true, "http://127.0.0.1": false, "http://localhost:80": false, "https://example.com": false, "http://\x7f": false,
	} {
		if upstream.PlainHTTP(base) != want {
			t.Errorf("%q", base)
		}
	}
}

func TestPathsAreJoinedWithOneSlash(t *testing.T) {
	for base, want := range map[string]string{"https://h": "https://h/login", "https://h/": "https://h/login", "https://h/v1//": "https://h/v1/login"} {
		if got := upstream.URL(base, "/login"); got != want {
			t.Errorf("%s: %s", base, got)
		}
	}
}

package httpsettings_test

import (
	"net/url"
	"strings"
	"testing"

	"github.com/credsync/credsync/internal/httpsettings"
)

func TestAllowedHosts(t *testing.T) {
	list, err := httpsettings.ParseAllowedHosts("api.example.com, *.Example.org\tidp.example.net:8443,\n127.0.0.1:8080 [::1]:80,::2,")
	if err != nil {
		t.Fatal(err)
	}
	for raw, want := range map[string]bool{
		"https://api.example.com/v1":       true,
		"https://API.EXAMPLE.COM":          true,
		"http://api.example.com":           true,
		"https://api.example.com:8443":     false,
		"https://evil.api.example.com":     false,
		"https://api.example.com.evil.com": false,
		"https://a.b.example.org":          true,
		"https://example.org":              false,
		"https://idp.example.net:8443":     true,
		"https://idp.example.net":          false,
		"http://127.0.0.1:8080":            true,
		"http://127.0.0.1:8081":            false,
		"http://localhost:8080":            false,
		"http://[::1]":                     true,
		"https://[::2]":                    true,
		"https://[::3]":                    false,
	} {
		u, err := url.Parse(raw)
		if err != nil {
			t.Fatal(err)
		}
		if got := list.Allows(u); got != want {
			t.Errorf("%s: %v", raw, got)
		}
	}
	for address, want := range map[string]bool{
		"api.example.com:443": true, "api.example.com:80": true, "api.example.com": true, "api.example.com:8443": false,
		"idp.example.net:8443": true, "127.0.0.1:8080": true, "[::1]:80": true, "other.example:443": false,
	} {
		if got := list.AllowsAddress(address); got != want {
			t.Errorf("%s: %v", address, got)
		}
	}
}

func TestAllowedHostsThatAreNotSet(t *testing.T) {
	all, err := httpsettings.ParseAllowedHosts("")
	u := &url.URL{Scheme: "https", Host: "any.example"}
	if err != nil || all != nil || !all.Allows(u) || !all.AllowsAddress("any.example:1") || httpsettings.NoHosts().Allows(u) {
		t.Errorf("%v, %v", all, err)
	}
}

// A value that cannot be what was meant is never taken for none, and never quoted.
func TestMalformedAllowedHosts(t *testing.T) {
	for text, want := range map[string]string{
		" ": "no host", ",": "no host",
		"a.example,https://user:canary@b.example": "entry 2 is not the name of a host: leave out",
		"canary.example/path":                     "entry 1 is not the name of a host: leave out",
		"*":                                       "entry 1 is not", "*.": "entry 1 is not", "a.*.example": "entry 1 is not",
		"*example.com": "entry 1 is not", "a..example": "entry 1 is not", ".example.com": "entry 1 is not",
		"a.example:0": "entry 1 has no port", "a.example:https": "entry 1 has no port", "a.example:": "entry 1 has no port",
		"10.0.0.0/8": "entry 1 is not", "ex\u0430mple.com": "entry 1 is not", "a;b": "entry 1 is not",
	} {
		list, err := httpsettings.ParseAllowedHosts(text)
		if err == nil || list != nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "canary") {
			t.Errorf("%q: %v, %v", text, list, err)
		}
	}
}

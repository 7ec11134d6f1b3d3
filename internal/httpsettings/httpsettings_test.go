package httpsettings_test

import (
	"net/url"
	"testing"

	"github.com/credsync/credsync/internal/httpsettings"
)

func TestParseBaseURL(t *testing.T) {
	for raw, want := range map[string]httpsettings.Fault{
		"https://api.example.com":       httpsettings.None,
		"https://api.example.com/v1/":   httpsettings.None,
		"HTTP://api.example.com:8080":   httpsettings.None,
		"https://[::1]:8443":            httpsettings.None,
		"":                              httpsettings.NotAbsolute,
		"api.example.com":               httpsettings.NotAbsolute,
		"https:api.example.com":         httpsettings.NotAbsolute,
		"https://":                      httpsettings.NotAbsolute,
		"https://:8443":                 httpsettings.NotAbsolute,
		"https://h/%zz":                 httpsettings.NotAbsolute,
		"ftp://h":                       httpsettings.OtherScheme,
		"https://u@h":                   httpsettings.UserInfo,
		"https://u:p@h?q":               httpsettings.UserInfo,
		"https://h?q=1":                 httpsettings.Query,
		"https://h?":                    httpsettings.Query,
		"https://h#f":                   httpsettings.Fragment,
		"https://h/#":                   httpsettings.Fragment,
		"https://h/path%3Fwith%23marks": httpsettings.None,
	} {
		u, fault := httpsettings.ParseBaseURL(raw)
		if fault != want || (u == nil) != (want != httpsettings.None) {
			t.Errorf("%q: %v, fault %d, want %d", raw, u, fault, want)
		}
	}
}

func TestPlain(t *testing.T) {
	for raw, want := range map[string]bool{
		"https://api.example.com":   false,
		"http://api.example.com":    true,
		"HTTP://api.example.com":    true,
		"http://localhost:1":        false,
		"http://LocalHost:1":        false,
		"http://127.0.0.1":          false,
		"http://127.9.9.9":          false,
		"http://[::1]:80":           false,
		"http://localhost.":         true,
		"http://localhost.evil.com": true,
		"http://10.0.0.1":           true,
		"http://0.0.0.0":            true,
	} {
		u, err := url.Parse(raw)
		if err != nil {
			t.Fatal(err)
		}
		if got := httpsettings.Plain(u); got != want {
			t.Errorf("%s: %v, want %v", raw, got, want)
		}
	}
}

func TestProxyScheme(t *testing.T) {
	for scheme, want := range map[string]bool{"http": true, "https": true, "socks5": true, "socks5h": false, "ftp": false, "": false} {
		if got := httpsettings.ProxyScheme(scheme); got != want {
			t.Errorf("%q: %v", scheme, got)
		}
	}
}

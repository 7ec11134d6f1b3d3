package connection_test

import (
	"net/url"
	"testing"

	"github.com/credsync/credsync/internal/connection"
)

func TestParseBaseURL(t *testing.T) {
	for raw, want := range map[string]connection.Fault{
		"https://api.example.com":       connection.None,
		"https://api.example.com/v1/":   connection.None,
		"HTTP://api.example.com:8080":   connection.None,
		"https://[::1]:8443":            connection.None,
		"":                              connection.NotAbsolute,
		"api.example.com":               connection.NotAbsolute,
		"https:api.example.com":         connection.NotAbsolute,
		"https://":                      connection.NotAbsolute,
		"https://:8443":                 connection.NotAbsolute,
		"https://h/%zz":                 connection.NotAbsolute,
		"ftp://h":                       connection.OtherScheme,
		"https://u@h":                   connection.UserInfo,
		"https://u:p@h?q":               connection.UserInfo,
		"https://h?q=1":                 connection.Query,
		"https://h?":                    connection.Query,
		"https://h#f":                   connection.Fragment,
		"https://h/#":                   connection.Fragment,
		"https://h/path%3Fwith%23marks": connection.None,
	} {
		u, fault := connection.ParseBaseURL(raw)
		if fault != want || (u == nil) != (want != connection.None) {
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
		if got := connection.Plain(u); got != want {
			t.Errorf("%s: %v, want %v", raw, got, want)
		}
	}
}

func TestProxyScheme(t *testing.T) {
	for scheme, want := range map[string]bool{"http": true, "https": true, "socks5": true, "socks5h": false, "ftp": false, "": false} {
		if got := connection.ProxyScheme(scheme); got != want {
			t.Errorf("%q: %v", scheme, got)
		}
	}
}

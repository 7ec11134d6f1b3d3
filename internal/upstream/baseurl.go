package upstream

import (
	"errors"
	"net"
	"net/url"
	"strings"

	"github.com/zclconf/go-cty/cty"
)

// CheckBaseURL is the Check of a base_url attribute: an absolute http or https
// URL with a host and neither user info, query nor fragment. Whether plain
// http is allowed depends on another block; see PlainHTTP.
func CheckBaseURL(v cty.Value) error {
	_, err := parseBaseURL(v.AsString(), true)
	return err
}

// PlainHTTP reports whether base would send secrets in clear over a network:
// an http URL whose host is not loopback.
func PlainHTTP(base string) bool {
	u, err := url.Parse(base)
	return err == nil && inClear(u)
}

// inClear does not look at the case of the scheme, which url.Parse makes lower.
func inClear(u *url.URL) bool { return u.Scheme == "http" && !loopback(u.Hostname()) }

func parseBaseURL(base string, allowPlain bool) (*url.URL, error) {
	u, err := url.Parse(base)
	switch {
	// The parser's error quotes the URL, which may hold a password.
	case err != nil || u.Opaque != "" || u.Hostname() == "":
		return nil, errors.New("not an absolute URL: write one such as \"https://api.example.com\"")
	case u.Scheme != "https" && u.Scheme != "http":
		return nil, errors.New("the URL must start with https://")
	case u.User != nil:
		return nil, errors.New("the URL must not have a user or password in it")
	case u.RawQuery != "" || u.ForceQuery || u.Fragment != "":
		return nil, errors.New("the URL must not have a query or a fragment")
	case !allowPlain && inClear(u):
		return nil, errors.New("the URL must start with https://, since secrets are sent to it; for a test server, set http.allow_plain_http = true")
	}
	return u, nil
}

func loopback(host string) bool {
	if strings.EqualFold(host, "localhost") {
		return true
	}
	ip := net.ParseIP(host)
	return ip != nil && ip.IsLoopback()
}

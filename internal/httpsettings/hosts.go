package httpsettings

import (
	"net"
	"net/url"
	"strings"
)

// Host is the host and the port of a URL, in small letters: "api.example.com:443".
func Host(u *url.URL) string {
	port := u.Port()
	if port == "" {
		port = defaultPort(u.Scheme)
	}
	return net.JoinHostPort(strings.ToLower(u.Hostname()), port)
}

// ShortHost is the host of a URL as people write it: without the port, where that is
// the one of https.
func ShortHost(u *url.URL) string {
	host := Host(u)
	if short, ok := strings.CutSuffix(host, ":"+defaultPort("https")); ok && u.Scheme == "https" {
		return short
	}
	return host
}

// MatchesHost reports whether the host of a URL is the one of a pattern, such as
// "api.example.com" or "api.example.com:8443", or below "*.example.com". A pattern
// without a port means that of the URL's scheme.
func MatchesHost(u *url.URL, pattern string) bool {
	host, pattern := Host(u), strings.ToLower(pattern)
	if _, _, err := net.SplitHostPort(pattern); err != nil {
		pattern = net.JoinHostPort(strings.Trim(pattern, "[]"), defaultPort(u.Scheme))
	}
	if below, ok := strings.CutPrefix(pattern, "*"); ok && strings.HasPrefix(below, ".") {
		return strings.HasSuffix(host, below) && len(host) > len(below)
	}
	return host == pattern
}

func defaultPort(scheme string) string {
	if strings.EqualFold(scheme, "http") {
		return "80"
	}
	return "443"
}

// Package httpsettings has the rules of how an upstream may be reached, which the
// tables of the language and the HTTP client share: what a base URL may be, what
// loopback is, which proxies there are, what holds where nothing is configured.
//
// It connects to nothing, and says nothing to users: those who ask have words of
// their own.
package httpsettings

import (
	"net"
	"net/url"
	"slices"
	"strings"
	"time"
)

// What holds where an account's http block does not say otherwise.
const (
	DefaultTimeout = 30 * time.Second
	// DefaultMaxAttempts counts the first attempt too.
	DefaultMaxAttempts = 4
)

// Fault is what is wrong with a URL.
type Fault int

// The faults of a URL, in the order in which they are looked for.
const (
	None Fault = iota
	// NotAbsolute: it has no host, or cannot be parsed.
	NotAbsolute
	// OtherScheme: it is neither http nor https.
	OtherScheme
	// UserInfo: there is a user or a password in it.
	UserInfo
	// Fragment: there is a "#" in it.
	Fragment
	// Query: there is a "?" in it, which only a base URL must not have.
	Query
)

// ParseURL parses what a request is sent to. The URL is nil where there is a
// fault. Whether it may be plain http is another question: see Plain.
func ParseURL(raw string) (*url.URL, Fault) {
	u, err := url.Parse(raw)
	switch {
	case err != nil || u.Hostname() == "":
		return nil, NotAbsolute
	case u.Scheme != "https" && u.Scheme != "http":
		return nil, OtherScheme
	case u.User != nil:
		return nil, UserInfo
	// net/url does not show a "#" with nothing after it.
	case strings.Contains(raw, "#"):
		return nil, Fragment
	}
	return u, None
}

// ParseBaseURL parses what paths are appended to, as ParseURL does.
func ParseBaseURL(raw string) (*url.URL, Fault) {
	u, fault := ParseURL(raw)
	if fault == None && (u.RawQuery != "" || u.ForceQuery) {
		return nil, Query
	}
	return u, fault
}

// Plain reports whether what is sent to u can be read on its way: plain http to
// a host that is not loopback.
func Plain(u *url.URL) bool { return u.Scheme == "http" && !Loopback(u.Hostname()) }

// Loopback reports whether a host is this machine by its name or address alone,
// so that nobody else sees what is sent there. Letter case does not matter.
func Loopback(host string) bool {
	ip := net.ParseIP(host)
	return strings.EqualFold(host, "localhost") || ip != nil && ip.IsLoopback()
}

// ProxyScheme reports whether a scheme is that of a proxy that can be used.
func ProxyScheme(scheme string) bool {
	return slices.Contains([]string{"http", "https", "socks5"}, scheme)
}

package httpsettings

import (
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
)

// AllowedHostsVariable is the environment variable that lists the only hosts of upstreams.
const AllowedHostsVariable = "CREDSYNC_ALLOWED_HOSTS"

// AllowedHosts are the only hosts that upstreams may have, by the word of whoever operates
// credsync: the configuration cannot add to them. Nil allows all.
type AllowedHosts struct{ patterns []string }

// NoHosts allows none.
func NoHosts() *AllowedHosts { return &AllowedHosts{} }

// ParseAllowedHosts parses a list of hosts with commas or spaces between; "" is nil. A
// pattern is as MatchesHost takes it. The error quotes nothing, as somebody may have
// written a URL with a password.
func ParseAllowedHosts(text string) (*AllowedHosts, error) {
	if text == "" {
		return nil, nil
	}
	entries := strings.FieldsFunc(text, func(r rune) bool { return r == ',' || r == ' ' || r == '\t' || r == '\n' || r == '\r' })
	if len(entries) == 0 {
		return nil, fmt.Errorf("it is set, but has no host in it")
	}
	for i, entry := range entries {
		if wrong := wrongPattern(entry); wrong != "" {
			return nil, fmt.Errorf("entry %d %s", i+1, wrong)
		}
	}
	return &AllowedHosts{patterns: entries}, nil
}

// wrongPattern says what is wrong with an entry; "" for nothing.
func wrongPattern(entry string) string {
	host := entry
	if h, port, err := net.SplitHostPort(entry); err == nil {
		if n, err := strconv.ParseUint(port, 10, 16); err != nil || n == 0 {
			return "has no port after its colon that is a number from 1 to 65535"
		}
		host = h
	}
	bare := strings.TrimSuffix(strings.TrimPrefix(host, "["), "]")
	if _, err := netip.ParseAddr(bare); err == nil {
		return ""
	}
	switch {
	case strings.Contains(entry, "/") || strings.Contains(entry, "@"):
		return "is not the name of a host: leave out the scheme, user and path"
	case !isHostName(strings.TrimPrefix(host, "*.")):
		return "is not the name of a host"
	}
	return ""
}

// isHostName reports whether a text is a name that a URL can have as its host.
func isHostName(name string) bool {
	for label := range strings.SplitSeq(name, ".") {
		if label == "" || len(label) > 63 {
			return false
		}
	}
	return strings.IndexFunc(name, func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && !strings.ContainsRune("-._", r)
	}) < 0
}

// Allows reports whether requests may go to the host of a URL.
func (a *AllowedHosts) Allows(u *url.URL) bool {
	if a == nil {
		return true
	}
	for _, pattern := range a.patterns {
		if MatchesHost(u, pattern) {
			return true
		}
	}
	return false
}

// AllowsAddress is Allows for a host with or without its port, of which it is not known
// what is spoken there.
func (a *AllowedHosts) AllowsAddress(address string) bool {
	return a.Allows(&url.URL{Scheme: "https", Host: address}) || a.Allows(&url.URL{Scheme: "http", Host: address})
}

// String is the list, for a key; it is not a secret.
func (a *AllowedHosts) String() string {
	if a == nil {
		return ""
	}
	return strings.Join(a.patterns, ",") + ","
}

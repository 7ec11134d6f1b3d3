package described

import (
	"net"
	"net/url"
	"slices"

	"github.com/credsync/credsync/internal/httpsettings"
	"github.com/credsync/credsync/internal/upstream"
	"github.com/zclconf/go-cty/cty"
)

// wrongURL says what is wrong with the absolute address of a request; "" for nothing.
// Nothing of it is quoted but a host: a secret may be in the rest.
//
// One that an upstream's answer has a part in goes only to hosts that the account or
// the definition names: whoever can answer for the upstream once must not get the
// secrets of each later request.
func (m *maker) wrongURL(base, raw string) string {
	u, fault := httpsettings.ParseURL(raw)
	switch fault {
	case httpsettings.None:
	case httpsettings.OtherScheme:
		return "it must start with https://"
	case httpsettings.UserInfo:
		return "it must not contain a user or password"
	case httpsettings.Fragment:
		return "it must not contain a fragment"
	default:
		return "it is not an absolute URL"
	}
	_, uses := m.s.c.references(m.q.URL)
	switch {
	case m.showsSecret(m.q.URL, u.Host+u.Path) || m.showsSecret(m.q.URL, u.EscapedPath()):
		return "it has " + secretInAddress
	case httpsettings.Plain(u) && !upstream.PlainHTTP(base):
		return "it must start with https://, because secrets may be sent to it"
	case m.q.Query != nil && (u.RawQuery != "" || u.ForceQuery):
		return "it has a query of its own; put that into the attribute query"
	case (uses.ofAnswers() || uses.root("previous")) && !m.isKnownHost(u, base):
		return "an answer names the host " + httpsettings.Host(u) + ", which is neither that of base_url or of another " +
			"endpoint, nor one of hosts; nothing was sent to it"
	}
	return ""
}

// isKnownHost reports whether the account or the definition names a host.
func (m *maker) isKnownHost(u *url.URL, base string) bool {
	known := []string{base}
	self := m.s.roots["self"]
	for _, a := range m.s.c.Attributes {
		if !a.Endpoint || !self.Type().HasAttribute(a.Name) {
			continue
		}
		if v := self.GetAttr(a.Name); v.Type() == cty.String && v.IsKnown() && !v.IsNull() {
			known = append(known, v.AsString())
		}
	}
	return slices.ContainsFunc(known, func(raw string) bool {
		other, err := url.Parse(raw)
		return err == nil && httpsettings.Host(other) == httpsettings.Host(u)
	}) || slices.ContainsFunc(m.s.c.Hosts, func(pattern string) bool { return httpsettings.MatchesHost(u, pattern) })
}

// HostAllowed reports whether a host is one of the declared ones, of which "*.example.com"
// is any below example.com.
func HostAllowed(host string, declared []string) bool {
	u := &url.URL{Scheme: "https", Host: net.JoinHostPort(host, "443")}
	return slices.ContainsFunc(declared, func(pattern string) bool { return httpsettings.MatchesHost(u, pattern) })
}

package providers

import (
	"net/url"
	"slices"

	"github.com/credsync/credsync/internal/httpsettings"
	"github.com/credsync/credsync/schema"
	"github.com/zclconf/go-cty/cty"
)

// Destination is a host that requests with an account's secrets go to, as far as the
// provider alone tells.
type Destination struct {
	// Host is empty where it is the account that names it. "*.example.com" is any below
	// example.com.
	Host string
	// Attribute is the one that names the host, if an account sets it; empty for none.
	Attribute string
	// Place is where a description makes the host of several attributes.
	Place string
}

// SecretDestinations are the hosts that get secrets of the provider's accounts.
func (s *Spec) SecretDestinations() []Destination {
	if s.Destinations != nil {
		return s.Destinations
	}
	return EndpointDestinations(s.Attributes)
}

// EndpointDestinations are the hosts of the attributes that are endpoints.
func EndpointDestinations(attributes []schema.Attribute) (list []Destination) {
	for i := range attributes {
		a := &attributes[i]
		if !a.Endpoint {
			continue
		}
		d := Destination{Attribute: a.Name}
		if a.Default != cty.NilVal {
			d.Host = HostOf(a.Default.AsString())
		}
		list = append(list, d)
	}
	return list
}

// SecretHosts are the hosts that get secrets of one account, in order and each once; known
// is false where the values do not tell.
func (s *Spec) SecretHosts(v schema.Values) (hosts []string, known bool) {
	if s.Hosts != nil {
		hosts, known = s.Hosts(v)
	} else {
		hosts, known = EndpointHosts(v)
	}
	slices.Sort(hosts)
	return slices.Compact(hosts), known
}

// EndpointHosts are the hosts of the attributes that are endpoints, but for those left out.
func EndpointHosts(v schema.Values, leftOut ...string) (hosts []string, known bool) {
	known = true
	attributes := v.Block().Attributes
	for i := range attributes {
		switch a := &attributes[i]; {
		case !a.Endpoint || slices.Contains(leftOut, a.Name):
		case !v.RawAt(i).IsWhollyKnown():
			known = false
		case v.IsSet(a.Name):
			if host := HostOf(v.String(a.Name)); host != "" {
				hosts = append(hosts, host)
			}
		}
	}
	return hosts, known
}

// HostOf is the host of an address as people write it, without what may be secret in an
// address; "" where there is none.
func HostOf(raw string) string {
	u, err := url.Parse(raw)
	if err != nil || u.Hostname() == "" {
		return ""
	}
	return httpsettings.ShortHost(u)
}

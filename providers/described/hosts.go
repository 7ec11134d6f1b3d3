package described

import (
	"slices"

	"github.com/credsync/credsync/internal/httpsettings"
	"github.com/credsync/credsync/providers"
	"github.com/credsync/credsync/schema"
)

// destinations are the hosts that get secrets, as the description alone tells them.
func (c *compiled) destinations() []providers.Destination {
	list := providers.EndpointDestinations(c.spec.Attributes)
	if !c.belowBaseURL {
		list = slices.DeleteFunc(list, func(d providers.Destination) bool { return d.Attribute == "base_url" })
	}
	for _, host := range c.Definition.Hosts {
		list = append(list, providers.Destination{Host: host})
	}
	for _, q := range c.addressed {
		if len(q.URL.References()) == 0 {
			// One that is written out is a host that was named before.
			continue
		}
		d := providers.Destination{Attribute: q.URLAttribute}
		if d.Attribute == "" {
			d.Place = q.URL.Place()
		}
		known := func(o providers.Destination) bool { return o.Attribute == d.Attribute && o.Place == d.Place }
		if !slices.ContainsFunc(list, known) {
			list = append(list, d)
		}
	}
	return slices.Clip(append([]providers.Destination{}, list...))
}

// fromAnswers reports whether what an upstream has said is part of an address, which then
// leads only to hosts that are named elsewhere.
func (c *compiled) fromAnswers(e schema.Expr) bool {
	_, uses := c.references(e)
	return uses.ofAnswers() || uses.root("previous")
}

// hosts are those that get secrets of an account.
func (c *compiled) hosts(v schema.Values) (hosts []string, known bool) {
	hosts, known = c.endpointHosts(v)
	hosts = append(hosts, c.Definition.Hosts...)
	if len(c.addressed) == 0 {
		return hosts, known
	}
	s := c.newScope(c.selfValue(v, nil))
	for _, q := range c.addressed {
		if q.When != nil {
			if sent, err := s.holds(q.When); err == nil && !sent {
				continue
			}
		}
		host, certain := c.urlHost(s, q, v)
		known = known && certain
		if host != "" {
			hosts = append(hosts, host)
		}
	}
	return hosts, known
}

// endpointHosts are those of the attributes that are endpoints, of which base_url is only
// one where a request is below it.
func (c *compiled) endpointHosts(v schema.Values) (hosts []string, known bool) {
	if c.belowBaseURL {
		return providers.EndpointHosts(v)
	}
	return providers.EndpointHosts(v, "base_url")
}

// urlHost is the host that the URL of a request leads to; "" for one that is not sent, as
// when a secret is in it.
func (c *compiled) urlHost(s *scope, q *Request, v schema.Values) (host string, known bool) {
	value, err := s.eval(q.URL)
	if err != nil {
		return "", true
	}
	if value = plain(value); !value.IsKnown() {
		return "", false
	}
	raw, err := textOf(value)
	if err != nil {
		return "", true
	}
	m := &maker{s: s, q: q, known: secretsOf(v)}
	u, fault := httpsettings.ParseURL(raw)
	if fault != httpsettings.None || m.wrongURL(v.String("base_url"), raw) != "" {
		return "", true
	}
	return httpsettings.ShortHost(u), true
}

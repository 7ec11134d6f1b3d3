package described_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/credsync/credsync/providers"
	"github.com/credsync/credsync/providers/described"
	"github.com/credsync/credsync/schema"
	"github.com/zclconf/go-cty/cty"
)

// withHosts has requests to several hosts: below base_url, of an endpoint, of an attribute
// that is none, of a literal and of one that an answer names.
func withHosts(d *described.Definition) {
	d.BaseURL, d.Hosts = "https://api.example.com/v1", []string{"*.example.net"}
	d.Attributes = append(d.Attributes,
		schema.Attribute{Name: "idp", Type: cty.String, Endpoint: true},
		schema.Attribute{Name: "domain", Type: cty.String},
	)
	login := d.Login.Requests[0]
	of := func(url, attribute string) described.Request {
		q := login
		q.Path, q.URL, q.URLAttribute, q.Label = nil, x(url), attribute, attribute
		return q
	}
	d.Login.Requests = []described.Request{
		login, of(`self.idp`, "idp"), of(`"https://${self.domain}/x"`, "domain"), of(`"https://login.example.net/token"`, ""),
	}
	d.Verify.Request.Path, d.Verify.Request.URL = nil, x(`"https://${response.body.host}/me"`)
}

func TestHostsThatGetSecrets(t *testing.T) {
	s := acme(withHosts).Spec()
	want := []providers.Destination{
		{Host: "api.example.com", Attribute: "base_url"}, {Attribute: "idp"}, {Host: "*.example.net"}, {Attribute: "domain"},
	}
	if got := s.SecretDestinations(); !slices.Equal(got, want) {
		t.Errorf("%+v", got)
	}
	attributes := map[string]cty.Value{
		"base_url": cty.StringVal("https://api.example.com/v1"), "user": cty.StringVal("shop"),
		"password": cty.StringVal("canary-password"), "idp": cty.StringVal("https://idp.example.org/t?x=canary"),
		"domain": cty.StringVal("acme.example:8443"),
	}
	for change, c := range map[string]struct {
		value cty.Value
		hosts string
		known bool
	}{
		"":         {cty.NilVal, "*.example.net acme.example:8443 api.example.com idp.example.org login.example.net", true},
		"domain":   {cty.UnknownVal(cty.String), "*.example.net api.example.com idp.example.org login.example.net", false},
		"idp":      {cty.UnknownVal(cty.String), "*.example.net acme.example:8443 api.example.com login.example.net", false},
		"base_url": {cty.StringVal("https://user:canary@other.example"), "*.example.net acme.example:8443 idp.example.org login.example.net other.example", true},
	} {
		values := map[string]cty.Value{}
		for name, v := range attributes {
			values[name] = v
		}
		if change != "" {
			values[change] = c.value
		}
		hosts, known := s.SecretHosts(schema.NewValues(s.Block(), "", values, nil))
		if got := strings.Join(hosts, " "); got != c.hosts || known != c.known || strings.Contains(got, "canary") {
			t.Errorf("%s: %s, known %v; want %s, %v", change, got, known, c.hosts, c.known)
		}
	}
}

// A URL that has a secret in it is never sent, so its host is not shown either.
func TestAHostThatIsASecretIsNotListed(t *testing.T) {
	s := acme(func(d *described.Definition) {
		d.BaseURL, d.Verify.Request.Path = "https://api.example.com", nil
		d.Verify.Request.URL = x(`"https://${self.password}.example.com/me"`)
	}).Spec()
	hosts, known := s.SecretHosts(schema.NewValues(s.Block(), "", map[string]cty.Value{
		"base_url": cty.StringVal("https://api.example.com"), "user": cty.StringVal("shop"), "password": cty.StringVal("canary-password"),
	}, nil))
	if !slices.Equal(hosts, []string{"api.example.com"}) || !known {
		t.Errorf("%v, %v", hosts, known)
	}
}

// A base_url below which there is no request gets nothing.
func TestBaseURLThatNoRequestUses(t *testing.T) {
	s := acme(func(d *described.Definition) {
		d.Static, d.Login, d.Verify, d.BaseURLUnused = x(`self.password`), nil, nil, true
	}).Spec()
	if got := s.SecretDestinations(); len(got) > 0 || got == nil {
		t.Errorf("%+v", got)
	}
	hosts, known := s.SecretHosts(schema.NewValues(s.Block(), "", map[string]cty.Value{
		"base_url": cty.StringVal("https://api.example.com"), "user": cty.StringVal("shop"), "password": cty.StringVal("canary-password"),
	}, nil))
	if len(hosts) > 0 || !known {
		t.Errorf("%v, %v", hosts, known)
	}
}

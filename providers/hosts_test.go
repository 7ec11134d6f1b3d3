package providers_test

import (
	"slices"
	"testing"

	"github.com/credsync/credsync/providers"
	"github.com/credsync/credsync/schema"
	"github.com/zclconf/go-cty/cty"
)

func TestHostsOfEndpoints(t *testing.T) {
	key := schema.Attribute{Name: "key_url", Type: cty.String, Endpoint: true}
	note := schema.Attribute{Name: "note", Type: cty.String}
	s := &providers.Spec{
		Name: "bank", Attributes: []schema.Attribute{providers.BaseURL("https://api.example.com/v1", "Doc."), key, note},
	}
	want := []providers.Destination{{Host: "api.example.com", Attribute: "base_url"}, {Attribute: "key_url"}}
	if got := s.SecretDestinations(); !slices.Equal(got, want) {
		t.Errorf("%+v", got)
	}
	for _, c := range []struct {
		base, key cty.Value
		hosts     []string
		known     bool
	}{
		{cty.StringVal("https://api.example.com"), cty.NullVal(cty.String), []string{"api.example.com"}, true},
		{cty.StringVal("https://B.example/v1"), cty.StringVal("https://a.example:8443/?token=canary"), []string{"a.example:8443", "b.example"}, true},
		{cty.StringVal("https://a.example"), cty.StringVal("https://u:canary@a.example/x"), []string{"a.example"}, true},
		{cty.UnknownVal(cty.String), cty.StringVal("https://a.example"), []string{"a.example"}, false},
		{cty.StringVal("::"), cty.NullVal(cty.String), nil, true},
	} {
		v := schema.NewValues(s.Block(), "", map[string]cty.Value{
			"base_url": c.base, "key_url": c.key, "note": cty.StringVal("https://elsewhere.example"),
		}, nil)
		if hosts, known := s.SecretHosts(v); !slices.Equal(hosts, c.hosts) || known != c.known {
			t.Errorf("%v, known %v; want %v, %v", hosts, known, c.hosts, c.known)
		}
	}
}

package described_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/credsync/credsync/providers"
	"github.com/credsync/credsync/providers/described"
	"github.com/credsync/credsync/schema"
	"github.com/zclconf/go-cty/cty"
)

func TestSpec(t *testing.T) {
	full := acme(withRefresh, output("org", cty.String, `"o"`), func(d *described.Definition) {
		d.Doc, d.Source, d.BaseURL, d.RotateBefore = "Doc.", "Source", "https://api.example.com", "10m"
		d.Login.RevokesPrevious = true
		d.Login.Lifetime = x(`self.user == "shop" ? "30m" : "1h"`)
		d.Login.Requests[0].Header = x(`{ Accept = "x", X-Key = self.password }`)
	})
	never := acme(func(d *described.Definition) { d.Login.NeverExpires = true })
	static := acme(func(d *described.Definition) { d.Static, d.Login = x(`self.password`), nil })
	for _, c := range []struct {
		d                *described.Definition
		outputs, rotates string
		revokes, spends  bool
		lifetime         time.Duration
		headers          string
	}{
		{full, "access_token refresh_token expires_at org", "10m", true, true, 30 * time.Minute, "Authorization X-Key"},
		{never, "access_token", "25%", false, false, time.Hour, "Authorization"},
		{static, "access_token expires_at", "", false, false, 0, "Authorization"},
	} {
		s := c.d.Spec()
		providers.NewRegistry(s)
		var names []string
		for _, o := range s.Outputs {
			names = append(names, o.Name)
			if o.Sensitive != strings.HasSuffix(o.Name, "_token") || o.Withheld != (o.Name == "refresh_token") {
				t.Errorf("%+v", o)
			}
		}
		values := schema.NewValues(s.Block(), "", map[string]cty.Value{"base_url": cty.StringVal("https://x.example")}, nil)
		var lifetime time.Duration
		if s.Lifetime != nil {
			lifetime = s.Lifetime(values)
		}
		got := strings.Join(names, " ")
		if got != c.outputs || s.RotateBefore != c.rotates || s.RefreshSpends != c.spends ||
			(s.LoginRevokes != nil && s.LoginRevokes(values)) != c.revokes || lifetime != c.lifetime ||
			strings.Join(s.OwnHeaders, " ") != c.headers || s.Static != (c.d.Static != nil) {
			t.Errorf("%s: %+v, %s", got, s, lifetime)
		}
		base, _ := s.Block().Attribute("base_url")
		if base.Required != (c.d.BaseURL == "") || !base.Endpoint {
			t.Errorf("%+v", base)
		}
		if !slices.ContainsFunc(s.Attributes, func(a schema.Attribute) bool { return a.Name == "password" }) {
			t.Error("the attributes are missing")
		}
	}
}

// What is not known yet is not judged.
func TestCheckOfAttributes(t *testing.T) {
	unknown := cty.UnknownVal(cty.String)
	text := cty.StringVal
	d := acme(func(d *described.Definition) {
		d.ExactlyOneOf = [][]string{{"password", "key"}}
		d.Attributes = append(d.Attributes, schema.Attribute{
			Name: "key", Type: cty.String, Sensitive: true, Default: cty.NullVal(cty.String),
		})
		d.Validations = []described.Rule{{
			Condition: x(`can(regex("^[a-z]+$", self.user))`), Message: x(`"The user is in small letters."`), Attribute: "user", Place: "acme.hcl:2",
		}}
		d.Login.Lifetime = x(`self.user == "x" ? "1h" : "2h"`)
	})
	spec := d.Spec()
	for _, c := range []struct {
		attrs map[string]cty.Value
		part  string
	}{
		{map[string]cty.Value{"password": text("a")}, ""},
		{map[string]cty.Value{"key": text("canary")}, ""},
		{map[string]cty.Value{"key": unknown}, ""},
		{map[string]cty.Value{"key": text("canary"), "password": unknown}, ""},
		{map[string]cty.Value{}, "set one of password and key"},
		{map[string]cty.Value{"key": text("canary"), "password": text("canary")}, "password and key are set; keep one of them"},
		{map[string]cty.Value{"key": text("canary"), "user": text("A1")}, "The user is in small letters."},
		{map[string]cty.Value{"key": text("canary"), "user": unknown}, ""},
	} {
		values := schema.NewValues(spec.Block(), "", c.attrs, nil)
		err := spec.Check(values)
		if c.part == "" {
			if err != nil {
				t.Error(err)
			}
			continue
		}
		if err == nil || !strings.Contains(err.Error(), c.part) || strings.Contains(err.Error(), "canary") {
			t.Errorf("%v, want %q", err, c.part)
		}
	}
	values := schema.NewValues(spec.Block(), "", map[string]cty.Value{"user": unknown}, nil)
	if got := spec.Lifetime(values); got != 0 {
		t.Errorf("%s", got)
	}
}

package astana_plat_test

import (
	"strings"
	"testing"

	"github.com/credsync/credsync/providers"
	"github.com/credsync/credsync/providers/astana_plat"
	"github.com/credsync/credsync/schema"
	"github.com/credsync/credsync/testkit/providertest"
	"github.com/zclconf/go-cty/cty"
)

func TestAttributeChecks(t *testing.T) {
	accepted := [][2]string{
		{"login", "shop"},
		{"base_url", "https://api.example.kz"},
		{"path", "/authorize"},
		{"path", "/v2/authorize"},
		{"token_ttl", "1h"},
	}
	refused := [][2]string{
		{"login", ""},
		{"password", ""},
		{"base_url", "api.example.kz"},
		{"path", "authorize"},
		{"path", ""},
		{"path", "/authorize?x=y"},
		{"path", "/a b"},
		{"token_ttl", "0s"},
		{"token_ttl", "soon"},
	}
	providertest.CheckAttributes(t, astana_plat.Spec(), accepted, refused)
}

// What is no duration is not called one that is too short.
func TestALifetimeThatIsNoneIsNamed(t *testing.T) {
	ttl, _ := astana_plat.Spec().Block().Attribute("token_ttl")
	for text, tooShort := range map[string]bool{"0s": true, "soon": false} {
		if err := ttl.Check(cty.StringVal(text)); err == nil || strings.Contains(err.Error(), "greater than 0") != tooShort {
			t.Errorf("%q: %v", text, err)
		}
	}
}

func TestExactlyOneWayToLogIn(t *testing.T) {
	t.Run("in Go", func(t *testing.T) { testExactlyOneWayToLogIn(t, astana_plat.Spec(), "keep one of them") })
	// In a description what is not known yet may turn out to be null.
	t.Run("described", func(t *testing.T) { testExactlyOneWayToLogIn(t, described(t, target()).Spec, "") })
}

func testExactlyOneWayToLogIn(t *testing.T, spec *providers.Spec, ofUnknown string) {
	unknown := cty.UnknownVal(cty.String)
	set := cty.StringVal("x7Qk2")
	for _, c := range []struct {
		name  string
		attrs map[string]cty.Value
		block bool
		want  string
	}{
		{"password", map[string]cty.Value{"login": set, "password": set}, false, ""},
		{"password, not known yet", map[string]cty.Value{"login": unknown, "password": unknown}, false, ""},
		{"certificate", nil, true, ""},
		{"neither", nil, false, "nothing to log in with"},
		{"both", map[string]cty.Value{"login": set, "password": set}, true, "keep one of them"},
		{"both, one not known yet", map[string]cty.Value{"login": unknown}, true, ofUnknown},
		{"no password", map[string]cty.Value{"login": set}, false, "belong together"},
		{"no login", map[string]cty.Value{"password": set}, false, "belong together"},
		{"certificate without TLS", map[string]cty.Value{"base_url": cty.StringVal("http://127.0.0.1:1")}, true, "https"},
	} {
		t.Run(c.name, func(t *testing.T) {
			var blocks map[string][]schema.Values
			if c.block {
				blocks = block(nil)
			}
			err := spec.Check(schema.NewValues(spec.Block(), "", c.attrs, blocks))
			if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
				t.Errorf("got %v, want %q", err, c.want)
			}
		})
	}
}

func TestRevokesPreviousUnlessToldOtherwise(t *testing.T) {
	spec := astana_plat.Spec()
	for _, c := range []struct {
		value cty.Value
		want  bool
	}{{cty.NilVal, true}, {cty.True, true}, {cty.False, false}} {
		attrs := map[string]cty.Value{"revokes_previous": c.value}
		if got := spec.LoginRevokes(schema.NewValues(spec.Block(), "", attrs, nil)); got != c.want {
			t.Errorf("%#v: %v", c.value, got)
		}
	}
}

// A changed certificate must lift a remembered rejection.
func TestEverythingOfTheLoginShapesIt(t *testing.T) {
	for _, a := range astana_plat.Spec().Blocks[0].Attributes {
		if a.Effect != schema.ShapesLogin || !a.Sensitive {
			t.Errorf("certificate.%s must be sensitive and shape the login", a.Name)
		}
	}
	for _, name := range []string{"base_url", "path", "login", "password"} {
		if a, _ := astana_plat.Spec().Block().Attribute(name); a.Effect != schema.ShapesLogin {
			t.Errorf("%s must shape the login", name)
		}
	}
}

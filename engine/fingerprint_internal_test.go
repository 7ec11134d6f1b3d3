package engine

import (
	"testing"

	"github.com/credsync/credsync/schema"
	"github.com/zclconf/go-cty/cty"
)

// A row that joins a table later must not make the accounts look changed that
// were recorded before it did.
func TestARowAddedLaterChangesNoFingerprintAtItsDefault(t *testing.T) {
	user := schema.Attribute{Name: "user", Type: cty.String, Effect: schema.ShapesLogin}
	path := schema.Attribute{
		Name:       "path",
		Type:       cty.String,
		Default:    cty.StringVal("/login"),
		Effect:     schema.ShapesLogin,
		AddedLater: true,
	}
	hash := schema.Attribute{
		Name:       "hash",
		Type:       cty.String,
		Sensitive:  true,
		Effect:     schema.ShapesLogin,
		AddedLater: true,
	}
	print := func(attrs map[string]cty.Value, rows ...schema.Attribute) string {
		p := newFingerprinter([]byte("key"), schema.ShapesLogin)
		writeValues(schema.NewValues(&schema.Block{Type: "account", Attributes: rows}, "", attrs, nil), []*fingerprinter{p})
		return p.sum()
	}
	before := print(map[string]cty.Value{"user": cty.StringVal("u")}, user)
	for _, c := range []struct {
		name    string
		attrs   map[string]cty.Value
		changed bool
	}{
		{"nothing set", nil, false},
		{"the default written out", map[string]cty.Value{"path": cty.StringVal("/login")}, false},
		{"null", map[string]cty.Value{"hash": cty.NullVal(cty.String)}, false},
		{"another value than the default", map[string]cty.Value{"path": cty.StringVal("/v2")}, true},
		{"a value where there is no default", map[string]cty.Value{"hash": cty.StringVal("")}, true},
	} {
		attrs := map[string]cty.Value{"user": cty.StringVal("u")}
		for name, v := range c.attrs {
			attrs[name] = v
		}
		if after := print(attrs, path, user, hash); (after != before) != c.changed {
			t.Errorf("%s: changed = %v, want %v", c.name, after != before, c.changed)
		}
	}
}

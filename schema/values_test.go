package schema_test

import (
	"testing"

	"github.com/credsync/credsync/schema"
	"github.com/zclconf/go-cty/cty"
)

func TestValuesAreEqualWhereEveryAttributeIs(t *testing.T) {
	nested := schema.Block{Type: "auth", Attributes: []schema.Attribute{{Name: "role", Type: cty.String}}}
	block := &schema.Block{
		Type:       "sink",
		Attributes: []schema.Attribute{{Name: "address", Type: cty.String}, {Name: "tags", Type: cty.List(cty.String)}},
	}
	made := func(label, address, tag, role string) schema.Values {
		return schema.NewValues(block, label, map[string]cty.Value{
			"address": cty.StringVal(address).Mark("sensitive"), "tags": cty.ListVal([]cty.Value{cty.StringVal(tag)}),
		}, map[string][]schema.Values{"auth": {schema.NewValues(&nested, "",
			map[string]cty.Value{"role": cty.StringVal(role)}, nil)}})
	}
	v := made("a", "x", "t", "r")
	if !v.Equal(made("a", "x", "t", "r")) {
		t.Error("equal ones are not")
	}
	for name, other := range map[string]schema.Values{
		"label": made("b", "x", "t", "r"), "attribute": made("a", "y", "t", "r"), "list": made("a", "x", "u", "r"), "nested": made("a", "x", "t", "s"),
		"no nested": schema.NewValues(block, "a", map[string]cty.Value{"address": cty.StringVal("x"),
			"tags": cty.ListVal([]cty.Value{cty.StringVal("t")})}, nil),
	} {
		if v.Equal(other) || other.Equal(v) {
			t.Errorf("those that differ in the %s are equal", name)
		}
	}
}

// Values that were written down tell later whether a block asks for something else.
func TestValuesDifferFromWhatWasEncoded(t *testing.T) {
	block := &schema.Block{Type: "deliver", Attributes: []schema.Attribute{
		{Name: "mode", Type: cty.String, Default: cty.StringVal("0600")},
		{Name: "labels", Type: cty.Map(cty.String)},
		{Name: "path", Type: cty.String},
	}}
	values := func(attrs map[string]cty.Value) schema.Values { return schema.NewValues(block, "", attrs, nil) }
	labels := func(v string) cty.Value { return cty.MapVal(map[string]cty.Value{"team": cty.StringVal(v)}) }
	for name, c := range map[string]struct {
		was, is map[string]cty.Value
		want    bool
	}{
		"nothing set":               {want: false},
		"the same":                  {map[string]cty.Value{"labels": labels("a")}, map[string]cty.Value{"labels": labels("a")}, false},
		"another value":             {map[string]cty.Value{"labels": labels("a")}, map[string]cty.Value{"labels": labels("b")}, true},
		"set since":                 {nil, map[string]cty.Value{"labels": labels("a")}, true},
		"taken out since":           {map[string]cty.Value{"labels": labels("a")}, nil, true},
		"the default, spelt out":    {nil, map[string]cty.Value{"mode": cty.StringVal("0600")}, false},
		"not the default":           {map[string]cty.Value{"mode": cty.StringVal("0640")}, nil, true},
		"one that is not asked for": {map[string]cty.Value{"path": cty.StringVal("a")}, map[string]cty.Value{"path": cty.StringVal("b")}, false},
	} {
		t.Run(name, func(t *testing.T) {
			b, err := values(c.was).Encode()
			if err != nil {
				t.Fatal(err)
			}
			got, err := values(c.is).Differ(b, func(a schema.Attribute) bool { return a.Name != "path" })
			if err != nil || got != c.want {
				t.Errorf("differs = %v, %v", got, err)
			}
		})
	}
	if _, err := values(nil).Differ([]byte("{"), func(schema.Attribute) bool { return true }); err == nil {
		t.Error("what cannot be read does not differ")
	}
}

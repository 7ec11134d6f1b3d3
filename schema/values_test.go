package schema_test

import (
	"testing"

	"github.com/credsync/credsync/schema"
	"github.com/zclconf/go-cty/cty"
)

func TestValuesAreEqualWhereEveryAttributeIs(t *testing.T) {
	nested := schema.Block{Type: "auth", Attributes: []schema.Attribute{{Name: "role", Type: cty.String}}}
	block := &schema.Block{Type: "sink", Attributes: []schema.Attribute{{Name: "address", Type: cty.String}, {Name: "tags", Type: cty.List(cty.String)}}}
	made := func(label, address, tag, role string) schema.Values {
		return schema.NewValues(block, label, map[string]cty.Value{
			"address": cty.StringVal(address).Mark("sensitive"), "tags": cty.ListVal([]cty.Value{cty.StringVal(tag)}),
		}, map[string][]schema.Values{"auth": {schema.NewValues(&nested, "", map[string]cty.Value{"role": cty.StringVal(role)}, nil)}})
	}
	v := made("a", "x", "t", "r")
	if !v.Equal(made("a", "x", "t", "r")) {
		t.Error("equal ones are not")
	}
	for name, other := range map[string]schema.Values{
		"label": made("b", "x", "t", "r"), "attribute": made("a", "y", "t", "r"), "list": made("a", "x", "u", "r"), "nested": made("a", "x", "t", "s"),
		"no nested": schema.NewValues(block, "a", map[string]cty.Value{"address": cty.StringVal("x"), "tags": cty.ListVal([]cty.Value{cty.StringVal("t")})}, nil),
	} {
		if v.Equal(other) || other.Equal(v) {
			t.Errorf("those that differ in the %s are equal", name)
		}
	}
}

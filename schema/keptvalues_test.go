package schema_test

import (
	"strings"
	"testing"

	"github.com/credsync/credsync/credential"
	"github.com/credsync/credsync/schema"
	"github.com/zclconf/go-cty/cty"
)

func keptTable(number cty.Type) *schema.Block {
	return &schema.Block{
		Type: "account",
		Attributes: []schema.Attribute{
			{Name: "id", Type: cty.String}, {Name: "password", Type: cty.String, Sensitive: true}, {Name: "number", Type: number},
			{Name: "scopes", Type: cty.List(cty.String)}, {Name: "region", Type: cty.String, Default: cty.StringVal("eu")},
		},
		Blocks: []schema.Nested{{Block: schema.Block{
			Type: "certificate", Attributes: []schema.Attribute{{Name: "key", Type: cty.String, Sensitive: true}},
		}}},
	}
}

func TestKeptValuesAreReadAgainWithoutThoseThatNobodyWanted(t *testing.T) {
	table := keptTable(cty.Number)
	certificate := schema.NewValues(&table.Blocks[0].Block, "", map[string]cty.Value{"key": cty.StringVal("<&>")}, nil)
	v := schema.NewValues(table, "main", map[string]cty.Value{
		"id": cty.StringVal("ä<"), "password": cty.StringVal("hunter2").Mark("sensitive"),
		"number": cty.MustParseNumberVal("98765432109876543210"), "scopes": cty.ListVal([]cty.Value{cty.StringVal("a")}),
	}, map[string][]schema.Values{"certificate": {certificate}})

	all, err := v.Keep(func(string) bool { return true })
	if err != nil {
		t.Fatal(err)
	}
	got, err := schema.Kept(table, all)
	if err != nil {
		t.Fatal(err)
	}
	if !got.Equal(v) || got.Label() != "main" || got.Nested("certificate")[0].Secret("key").Reveal() != "<&>" {
		t.Error("they are not what they were")
	}

	some, err := v.Keep(func(name string) bool { return name == "id" })
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(some.Reveal(), "hunter2") {
		t.Error("a password was kept that was not wanted")
	}
	if got, err = schema.Kept(table, some); err != nil || got.String("id") != "ä<" || got.IsSet("password") || got.String("region") != "eu" {
		t.Errorf("%v", err)
	}
}

func TestKeptValuesThatNoLongerFitAreNotQuoted(t *testing.T) {
	v := schema.NewValues(keptTable(cty.String), "", map[string]cty.Value{"number": cty.StringVal("hunter2")}, nil)
	kept, err := v.Keep(func(string) bool { return true })
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range []credential.Secret{kept, credential.NewSecret("hunter2")} {
		if _, err := schema.Kept(keptTable(cty.Number), text); err == nil || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%v", err)
		}
	}
}

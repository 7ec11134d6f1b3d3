package reference_test

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/credsync/credsync/config"
	allproviders "github.com/credsync/credsync/providers/all"
	"github.com/credsync/credsync/reference"
	"github.com/credsync/credsync/schema/diag"
	allsinks "github.com/credsync/credsync/sinks/all"
	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/zclconf/go-cty/cty"
	ctyjson "github.com/zclconf/go-cty/cty/json"
)

func compiled(t *testing.T) *jsonschema.Schema {
	t.Helper()
	doc, err := jsonschema.UnmarshalJSON(
		bytes.NewReader(reference.JSONSchema(allproviders.Registry(), allsinks.Registry())),
	)
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	if err := c.AddResource("credsync.json", doc); err != nil {
		t.Fatal(err)
	}
	s, err := c.Compile("credsync.json")
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func validate(t *testing.T, s *jsonschema.Schema, src []byte) error {
	t.Helper()
	v, err := jsonschema.UnmarshalJSON(bytes.NewReader(src))
	if err != nil {
		t.Fatalf("the test's JSON is wrong: %v\n%s", err, src)
	}
	return s.Validate(v)
}

// TestExamplesKeepTheJSONSchema writes each example as JSON. What the schema
// says of it is then compared with what credsync says of it.
func TestExamplesKeepTheJSONSchema(t *testing.T) {
	s := compiled(t)
	examples, err := filepath.Glob("../examples/*.hcl")
	if err != nil || len(examples) == 0 {
		t.Fatalf("no examples: %v", err)
	}
	for _, example := range examples {
		t.Run(filepath.Base(example), func(t *testing.T) {
			src, err := os.ReadFile(example)
			if err != nil {
				t.Fatal(err)
			}
			asJSON, err := json.MarshalIndent(toJSON(t, src, example), "", "  ")
			if err != nil {
				t.Fatal(err)
			}
			if err := validate(t, s, asJSON); err != nil {
				t.Errorf("%v\n%s", err, asJSON)
			}
			if native, said := load(t, "main.hcl", src), load(t, "main.hcl.json", asJSON); native != said {
				t.Errorf("of the example in JSON is said %q, and otherwise %q", said, native)
			}
		})
	}
}

// load reads a file of configuration beside the examples' tables, offline, and
// returns what is wrong. Files of keys are not there, whichever the syntax.
func load(t *testing.T, name string, content []byte) string {
	t.Helper()
	dir := t.TempDir()
	tables, err := filepath.Glob("../examples/*.csv")
	if err != nil {
		t.Fatal(err)
	}
	for _, table := range tables {
		b, err := os.ReadFile(table)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, filepath.Base(table)), b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(dir, name), content, 0o600); err != nil {
		t.Fatal(err)
	}
	_, list := config.Load(context.Background(), config.Options{
		Path: dir, AllowUnset: true, Version: "1.0.0",
		Getenv: func(name string) string {
			if name == "VAULT_ADDR" {
				return "https://vault.example.com"
			}
			return ""
		},
		Providers: allproviders.Registry(), Sinks: allsinks.Registry(),
	})
	var wrong []string
	for _, d := range list {
		if d.Severity == diag.Error {
			wrong = append(wrong, d.Address+": "+d.Summary)
		}
	}
	return strings.Join(wrong, "; ")
}

// toJSON writes a configuration as JSON has it: blocks by their labels, and
// each expression in a string, but for literals.
func toJSON(t *testing.T, src []byte, name string) map[string]any {
	t.Helper()
	file, problems := hclsyntax.ParseConfig(src, name, hcl.InitialPos)
	if problems.HasErrors() {
		t.Fatal(problems)
	}
	return bodyJSON(t, file.Body.(*hclsyntax.Body), src)
}

func bodyJSON(t *testing.T, body *hclsyntax.Body, src []byte) map[string]any {
	out := map[string]any{}
	for _, a := range body.Attributes {
		out[a.Name] = expressionJSON(t, a, src)
	}
	for _, b := range body.Blocks {
		// Each level is a list: a block of the same labels may come again.
		var value any = bodyJSON(t, b.Body, src)
		for _, label := range slices.Backward(b.Labels) {
			value = map[string]any{label: value}
		}
		list, _ := out[b.Type].([]any)
		out[b.Type] = append(list, value)
	}
	return out
}

func expressionJSON(t *testing.T, a *hclsyntax.Attribute, src []byte) any {
	text := string(a.Expr.Range().SliceBytes(src))
	if v, problems := a.Expr.Value(nil); !problems.HasErrors() && !strings.Contains(text, "${") {
		b, err := ctyjson.Marshal(v, cty.DynamicPseudoType)
		if err != nil {
			t.Fatal(err)
		}
		var typed struct{ Value any }
		if err := json.Unmarshal(b, &typed); err != nil {
			t.Fatal(err)
		}
		return typed.Value
	}
	if a.Name == "type" {
		return text
	}
	return "${" + text + "}"
}

func TestJSONSchemaFindsMistakes(t *testing.T) {
	const sagi = `{"phone": "p", "password": "${var.p}", "deliver": {"file": {"out": {"path": "a.json"}}}}`
	tests := map[string]struct {
		src  string
		want string
	}{
		"good":                         {`{"account": {"sagi": {"coffee": ` + sagi + `}}}`, ""},
		"lists at each level":          {`{"account": [{"sagi": [{"coffee": [` + sagi + `]}]}]}`, ""},
		"comments":                     {`{"//": "x", "account": {"//": "x", "sagi": {"coffee": ` + sagi + `}}}`, ""},
		"an expression for a flag":     {`{"account": {"sagi": {"coffee": {"phone": "p", "password": "p", "enabled": "${var.on}"}}}}`, ""},
		"a state with one label":       {`{"state": {"file": {"path": "x"}}}`, ""},
		"a state with two":             {`{"state": {"vault": {"main": {"path": "x"}}}}`, ""},
		"two sinks, one with an auth":  {`{"sink": {"vault": {"a": {}, "b": {"auth": {"kubernetes": {"role": "r"}}}}}}`, ""},
		"dynamic":                      {`{"account": {"sagi": {"coffee": {"phone": "p", "password": "p", "dynamic": {"deliver": {"for_each": "${var.x}", "labels": ["file", "out"], "content": {"path": "x"}}}}}}}`, ""},
		"a moved account":              {`{"moved": [{"from": "account.sagi.a", "to": "account.sagi.b[\"k\"]"}]}`, ""},
		"a moved account without to":   {`{"moved": {"from": "account.sagi.a"}}`, "to"},
		"an import":                    {`{"import": {"to": "account.sagi.a", "access_token": "${var.t}", "outputs": {"x": "y"}}}`, ""},
		"a misspelt import":            {`{"import": {"to": "account.sagi.a", "acces_token": "${var.t}"}}`, "acces_token"},
		"a misspelt attribute":         {`{"account": {"sagi": {"coffee": {"phone": "p", "pasword": "p"}}}}`, "pasword"},
		"a misspelt block":             {`{"acount": {}}`, "acount"},
		"an unknown provider":          {`{"account": {"sagy": {"coffee": ` + sagi + `}}}`, "sagy"},
		"an unknown sink":              {`{"account": {"sagi": {"coffee": {"phone": "p", "password": "p", "deliver": {"valt": {"main": {"path": "x"}}}}}}}`, "valt"},
		"an attribute of another sink": {`{"account": {"sagi": {"coffee": {"phone": "p", "password": "p", "deliver": {"vault": {"main": {"path": "x", "mode": "0600"}}}}}}}`, "mode"},
		"a missing attribute":          {`{"account": {"sagi": {"coffee": {"phone": "p"}}}}`, "password"},
		"a wrong type":                 {`{"account": {"sagi": {"coffee": {"phone": "p", "password": "p", "enabled": "perhaps"}}}}`, "enabled"},
		"a list for a text":            {`{"account": {"sagi": {"coffee": {"phone": ["p"], "password": "p"}}}}`, "phone"},
		"a word that is not one":       {`{"account": {"sagi": {"coffee": {"phone": "p", "password": "p", "on_remove": "keep"}}}}`, "on_remove"},
		"an unknown auth":              {`{"sink": {"vault": {"a": {"auth": {"kubernets": {"role": "r"}}}}}}`, "kubernets"},
		"a block in a block of http":   {`{"account": {"sagi": {"coffee": {"phone": "p", "password": "p", "http": {"timeut": "1s"}}}}}`, "timeut"},
	}
	s := compiled(t)
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			err := validate(t, s, []byte(tt.src))
			switch {
			case tt.want == "" && err != nil:
				t.Error(err)
			case tt.want != "" && err == nil:
				t.Error("the mistake passes")
			case tt.want != "" && !strings.Contains(err.Error(), tt.want):
				t.Errorf("%q is not in: %v", tt.want, err)
			}
		})
	}
}

package described

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/zclconf/go-cty/cty"
)

func decoded(text string) (cty.Value, error) { return decodeJSON(text, &place{field: "response.body"}) }

func TestDecodeJSON(t *testing.T) {
	for text, want := range map[string]cty.Value{
		`null`:                  cty.NullVal(cty.DynamicPseudoType),
		`"a"`:                   cty.StringVal("a"),
		`147573952589676412929`: cty.MustParseNumberVal("147573952589676412929"),
		`-0.25`:                 cty.MustParseNumberVal("-0.25").Mark(rewritten{}),
		`1E3`:                   cty.NumberIntVal(1000).Mark(rewritten{}),
		`{"a":1,"a":"b"}`:       cty.ObjectVal(map[string]cty.Value{"a": cty.StringVal("b")}),
		`{"é":1,"e\u0301":"b"}`: cty.ObjectVal(map[string]cty.Value{"é": cty.StringVal("b")}),
		`[1,[],{}]`:             cty.TupleVal([]cty.Value{cty.NumberIntVal(1), cty.EmptyTupleVal, cty.EmptyObjectVal}),
		` {"":{"x":[true]}} `: cty.ObjectVal(map[string]cty.Value{
			"": cty.ObjectVal(map[string]cty.Value{"x": cty.TupleVal([]cty.Value{cty.True})}),
		}),
		`{"__proto__":"\u0000"}`: cty.ObjectVal(map[string]cty.Value{"__proto__": cty.StringVal("\x00")}),
	} {
		got, err := decoded(text)
		if err != nil || !got.RawEquals(want) {
			t.Errorf("%s: %#v, %v", text, got, err)
		}
	}
	for _, text := range []string{``, ` `, `{`, `[`, `{"a"}`, `{"a":}`, `{1:2}`, `[1,]`, `{"a":1,}`, `01`, `1 2`, `{} x`, `'a'`, `nul`, "\"\n\"", `]`, `}`, `,`} {
		if got, err := decoded(text); err == nil {
			t.Errorf("%q: %#v", text, got)
		}
	}
	for depth, ok := range map[int]bool{maxDepth: true, maxDepth + 1: false, 100000: false} {
		if _, err := decoded(strings.Repeat("[", depth) + strings.Repeat("]", depth)); (err == nil) != ok {
			t.Errorf("%d: %v", depth, err)
		}
	}
}

func TestWhatIsDamagedIsMarkedAndNamed(t *testing.T) {
	for text, want := range map[string]string{
		`{"a":{"b":["x","e\u0301"]}}`: "response.body.a.b[1]",
		`"\ud800"`:                    "response.body",
		`["` + "\xff" + `"]`:          "response.body[0]",
		`{"n":1e999}`:                 "response.body.n",
		`{"n":-1e-99999999999999}`:    "response.body.n",
		`["\ufffd"]`:                  "response.body[0]",
	} {
		v, err := decoded(text)
		if err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		if at, ok := damagedAt(v); !ok || at != want {
			t.Errorf("%s: %q", text, at)
		}
	}
	long := strings.Repeat("k", 500)
	v, err := decoded(`{"` + long + `":{"a":"\ud800"}}`)
	if at, _ := damagedAt(v); err != nil || at != "….a" {
		t.Errorf("%q, %v", at, err)
	}
}

// What is taken for JSON is JSON, and what is not damaged is as it was sent.
func FuzzDecodeJSON(f *testing.F) {
	for _, seed := range []string{
		`{"a":[1,2.5,"x",null,true,{"b":"e\u0301"}]}`, `1e400`, `"\ud83d\ude00"`, `[[[[`, `{"a":1}{"b":2}`, `{"a":1,"a":2}`, "\xff", `-0`,
		`147573952589676412929`,
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		v, err := decoded(text)
		if err != nil {
			if err.Error() != errNotJSON.Error() && err.Error() != errTooDeep.Error() {
				t.Error("the error is about more than the form")
			}
			return
		}
		if !json.Valid([]byte(text)) {
			t.Fatal("this is no JSON")
		}
		if _, damaged := damagedAt(v); damaged {
			return
		}
		if v.Type() == cty.String {
			var s string
			if json.Unmarshal([]byte(text), &s) != nil || s != v.AsString() {
				t.Error("the text was altered")
			}
		}
	})
}

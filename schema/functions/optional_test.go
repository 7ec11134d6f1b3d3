package functions_test

import (
	"strings"
	"testing"

	"github.com/credsync/credsync/schema"
	"github.com/credsync/credsync/schema/functions"
	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"
)

// answered has an answer as an upstream might send it.
func answered() *hcl.EvalContext {
	ctx := requestContext()
	ctx.Variables["x"] = cty.ObjectVal(map[string]cty.Value{
		"text": cty.StringVal("canary"), "seven": cty.NumberIntVal(7), "null": cty.NullVal(cty.DynamicPseudoType),
		"empty": cty.StringVal(""), "list": cty.TupleVal([]cty.Value{cty.StringVal("a1"), cty.NumberIntVal(2)}),
		"none": cty.EmptyTupleVal, "object": cty.ObjectVal(map[string]cty.Value{"id": cty.StringVal("5")}), "fallback": cty.StringVal("f"),
	})
	return ctx
}

// What is absent or null is left out without a word, and what has another form with one
// that names it and does not show it.
func TestOptional(t *testing.T) {
	for src, want := range map[string]struct {
		value cty.Value
		says  string
	}{
		`optional(x.text)`:                                                  {cty.StringVal("canary"), ""},
		`optional(x.object.id, "n")`:                                        {cty.StringVal("5"), ""},
		`optional(x.absent, "n")`:                                           {cty.StringVal("n"), ""},
		`optional(x.absent.id, "n")`:                                        {cty.StringVal("n"), ""},
		`optional(x.null, "n")`:                                             {cty.StringVal("n"), ""},
		`optional(x.null.id, "n")`:                                          {cty.StringVal("n"), ""},
		`optional(x["absent"], "n")`:                                        {cty.StringVal("n"), ""},
		`optional(x.none[0], "n")`:                                          {cty.StringVal("n"), ""},
		`optional([for e in x.none : e][0], "n")`:                           {cty.StringVal("n"), ""},
		`optional([for e in x.absent : e], [])`:                             {cty.EmptyTupleVal, ""},
		`optional(coalesce(x.empty), "n")`:                                  {cty.StringVal("n"), ""},
		`optional(tobool(x.null), false)`:                                   {cty.False, ""},
		`optional(x.text.id, "n")`:                                          {cty.StringVal("n"), `"x.text" (test:1,10) was not taken from the upstream's answer: it is a string.`},
		`optional(x.list.id, "n")`:                                          {cty.StringVal("n"), `"x.list" (test:1,10) was not taken from the upstream's answer: it is a list.`},
		`optional(x.object[0], "n")`:                                        {cty.StringVal("n"), `"x.object" (test:1,10) was not taken from the upstream's answer: it is an object.`},
		`optional(x.list[0].id, "n")`:                                       {cty.StringVal("n"), `"x.list[0]" (test:1,10) was not taken from the upstream's answer: it is a string.`},
		`optional(tobool(x.seven), false)`:                                  {cty.False, `"x.seven" (test:1,10) was not taken from the upstream's answer: the call to the function "tobool" failed.`},
		`optional(regex("^[0-9]+$", x.text), "n")`:                          {cty.StringVal("n"), `"x.text" (test:1,10) was not taken`},
		`optional([for e in x.seven : e], "n")`:                             {cty.StringVal("n"), `"x.seven" (test:1,10) was not taken`},
		`"${optional(x.text.id, "n")}!"`:                                    {cty.StringVal("n!"), `"x.text"`},
		`nonsensitive(optional(x.text.id, "n"))`:                            {cty.StringVal("n"), `"x.text"`},
		`compact([for e in x.list : optional(tonumber(e))])`:                {cty.ListVal([]cty.Value{cty.StringVal("2")}), `"e" (test:1,37) was not taken`},
		`optional(optional(x.text.id).name, "n")`:                           {cty.StringVal("n"), `"x.text" (test:1,10) was not taken`},
		`[for left in [optional(x.text.id)] : optional(left.name, "n")][0]`: {cty.StringVal("n"), `"x.text" (test:1,24) was not taken`},
		`[for left in [optional(x.text.id)] : optional(left, "n")][0]`:      {cty.StringVal("n"), `"x.text" (test:1,24) was not taken`},
		`optional(dynamic.id)`:                                              {cty.DynamicVal, ""},
		`optional(unknown)`:                                                 {cty.DynamicVal, ""},
	} {
		v, problems := evaluate(t, answered(), src)
		if problems.HasErrors() {
			t.Errorf("%s: %v", src, problems)
			continue
		}
		var said []string
		for _, l := range schema.LeftOutOf(v) {
			said = append(said, l.String())
		}
		got := strings.Join(said, " ")
		if want.says == "" && got != "" || !strings.Contains(got, want.says) || strings.Contains(got, "canary") {
			t.Errorf("%s says %q, want %q", src, got, want.says)
		}
		if v, _ := v.UnmarkDeep(); !v.RawEquals(want.value) {
			t.Errorf("%s = %#v, want %#v", src, v, want.value)
		}
	}
	if _, problems := evaluate(t, answered(), `optional(x.absent, 1, 2)`); !problems.HasErrors() {
		t.Error("two fallbacks are taken")
	}
}

// A configuration has no such function: nothing would warn.
func TestOptionalIsForAnswers(t *testing.T) {
	if _, ok := functions.Table(functions.Options{})["optional"]; ok {
		t.Error("it is an ordinary function")
	}
}

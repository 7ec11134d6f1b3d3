package config

import (
	"strings"
	"testing"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
)

func answerExpr(t *testing.T, source string) *upstreamExpr {
	t.Helper()
	expr, problems := hclsyntax.ParseExpression([]byte(source), "acme.hcl", hcl.InitialPos)
	if problems.HasErrors() {
		t.Fatal(problems)
	}
	l := newLoader(t.Context(), Options{})
	l.report.files["acme.hcl"] = &sourceFile{src: []byte(source)}
	return l.newUpstreamExpr(expr, l.requestFunctionsContext())
}

// An answer may be a secret from its first letter to its last: why nothing was found in it
// is said by the names in the source.
func TestErrorsOfAnswersAreSaidByTheSource(t *testing.T) {
	const secret = "canary-0451"
	body := cty.ObjectVal(map[string]cty.Value{
		"token": cty.StringVal(secret), "none": cty.NullVal(cty.DynamicPseudoType),
		"data": cty.ObjectVal(map[string]cty.Value{secret: cty.StringVal(secret)}),
		"list": cty.TupleVal([]cty.Value{cty.StringVal(secret)}),
	})
	scope := map[string]cty.Value{
		"response": cty.ObjectVal(map[string]cty.Value{"body": body, "status": cty.NumberIntVal(200)}),
		"self":     cty.ObjectVal(map[string]cty.Value{"password": cty.StringVal(secret)}),
	}
	for source, want := range map[string]string{
		"response.body.none.token":                     `found nothing at response.body.none.token: "none" is null`,
		"response.body.data.token":                     `found nothing at response.body.data.token: there is no "token"`,
		"response.body.absent.token":                   `found nothing at response.body.absent.token: there is no "absent"`,
		"response.body.token.inner":                    `found nothing at response.body.token.inner: "token" is a string`,
		"response.body.list[3].id":                     `found nothing at response.body.list`,
		"response.body.token + 1":                      "cannot be evaluated: invalid operand",
		"tonumber(response.body.token)":                `cannot be evaluated: the call to the function "tonumber" failed`,
		"jsondecode(self.password)":                    `cannot be evaluated: the call to the function "jsondecode" failed`,
		`rsaencrypt("x", response.body.token, "none")`: `the call to the function "rsaencrypt" failed: padding must be one of `,
		"response.body.token ? 1 : 2":                  "cannot be evaluated: ",
		"[for x in response.body.token : x]":           "cannot be evaluated: ",
		"{ (response.body.none) = 1 }":                 "cannot be evaluated: ",
		"response.body[response.body.token].x":         "cannot be evaluated: ",
	} {
		_, err := answerExpr(t, source).Eval(scope)
		if err == nil {
			t.Errorf("%s has a value", source)
			continue
		}
		if !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), secret) {
			t.Errorf("%s: %q, want %q", source, err, want)
		}
	}
	v, err := answerExpr(t, `try(response.body.data.token, response.body.list[0])`).Eval(scope)
	if err != nil || v.AsString() != secret {
		t.Errorf("%v, %v", v, err)
	}
}

func TestTheShapeOfAnExpressionIsItsMeaning(t *testing.T) {
	plain := answerExpr(t, `merge({ a = self.x }, { b = "c d" })`)
	for source, same := range map[string]bool{
		"merge(  {a=self.x}, # a comment\n  { b = \"c d\" }\n)": true,
		"merge({ a = /* why */ self.x }, { b = \"c d\" })":      true,
		`merge({ a = self.x }, { b = "c  d" })`:                 false,
		`merge({ a = self.y }, { b = "c d" })`:                  false,
		`merge({ a = self.x }, { bb = "c d" })`:                 false,
	} {
		if got := answerExpr(t, source); (string(got.Shape()) == string(plain.Shape())) != same {
			t.Errorf("%q", source)
		}
	}
}

func TestReferencesOfAnExpression(t *testing.T) {
	x := answerExpr(t, `"${self.a}${self["b"]}${local.why}" == response.body.x ? token : [for c in previous.list : c.name]`)
	if got := strings.Join(x.References(), " "); got != "local.why previous.list response.body self.a self.b token" {
		t.Errorf("%q", got)
	}
	if x.Place() != "acme.hcl:1,1" {
		t.Errorf("%q", x.Place())
	}
}

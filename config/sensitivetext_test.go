package config_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/credsync/credsync/config"
	providersall "github.com/credsync/credsync/providers/all"
	"github.com/credsync/credsync/schema"
	"github.com/credsync/credsync/schema/diag"
	sinksall "github.com/credsync/credsync/sinks/all"
)

// unfit are texts that no login may be made with, and a word of what is said of each.
var unfit = map[string]string{
	"secret-word\n":         "ends in a line break",
	"secret-word\r\n":       "ends in a line break",
	"secret\nword":          "contains a line break",
	"\nsecret-word":         "contains a line break",
	"secret\u2028word":      "contains a line break",
	"\ufeffsecret-word":     "byte order mark",
	"secret-\ufffdword":     "U+FFFD",
	"":                      "is empty",
	"\ufeffsecret-\ufffd\n": "U+FFFD",
}

// sensitiveIn lists the sensitive attributes of a table and of the blocks in it, each
// with the HCL that sets it to var.bad.
func sensitiveIn(table *schema.Block, around string) map[string]schema.Attribute {
	all := map[string]schema.Attribute{}
	for _, a := range table.Attributes {
		if a.Sensitive && !a.Deferred {
			all[fmt.Sprintf(around, a.Name+" = var.bad")] = a
		}
	}
	for i := range table.Blocks {
		nested := &table.Blocks[i]
		for label, src := range sensitiveIn(&nested.Block, fmt.Sprintf(around, nested.Type+" {\n%s\n}")) {
			all[label] = src
		}
		for _, name := range nested.VariantLabels() {
			variant, _ := nested.Variant(name)
			for label, src := range sensitiveIn(variant, fmt.Sprintf(around, nested.Type+" \""+name+"\" {\n%s\n}")) {
				all[label] = src
			}
		}
	}
	return all
}

// TestNoLoginIsMadeWithAnUnfitText goes over the tables of all providers and sinks, so
// that a new one is looked at by itself.
func TestNoLoginIsMadeWithAnUnfitText(t *testing.T) {
	blocks := map[string]schema.Attribute{}
	registry := providersall.Registry()
	for _, name := range registry.Names() {
		spec, _ := registry.Lookup(name)
		for src, a := range sensitiveIn(spec.Block(), "account \""+name+"\" \"a\" {\n%s\n}") {
			blocks[src] = a
		}
	}
	for _, name := range sinksall.Registry().Names() {
		spec, _ := sinksall.Registry().Lookup(name)
		for src, a := range sensitiveIn(&spec.Connection, "sink \""+name+"\" \"a\" {\n%s\n}") {
			blocks[src] = a
		}
	}
	if len(blocks) < 15 {
		t.Fatalf("%d sensitive attributes", len(blocks))
	}
	for src, a := range blocks {
		for text, says := range unfit {
			list := loadAll(t, "variable \"bad\" {\n  type = string\n  sensitive = true\n}\n"+src, text)
			found := slices.ContainsFunc(list, func(d diag.Diagnostic) bool {
				return d.Severity == diag.Error && strings.Contains(d.Detail, fmt.Sprintf("%q", a.Name)) &&
					strings.Contains(d.Detail, says) &&
					d.Range != nil && d.Range.Start.Line > 4
			})
			allowed := a.Text == schema.Document && text != "" || text == "" && a.MayBeEmpty
			if found == allowed {
				t.Errorf("%q in %s: refused %v", text, src, found)
			}
			if strings.Contains(everything(t, list), "secret-word") {
				t.Errorf("%q is shown in %s", text, src)
			}
		}
	}
}

func loadAll(t *testing.T, src, bad string) diag.List {
	t.Helper()
	o := options(write(t, map[string]string{"main.hcl": src}), map[string]string{})
	o.Providers, o.Sinks = providersall.Registry(), sinksall.Registry()
	o.Inputs = []config.Input{{Var: "bad=" + bad}}
	_, list := config.Load(context.Background(), o)
	return list
}

// TestTheRemedyWorks applies what is said of an unfit text.
func TestTheRemedyWorks(t *testing.T) {
	const data = vaultSink + "data \"vault\" \"in\" {\n sink = \"main\"\n path = \"in\"\n}\n"
	for _, tc := range []struct{ text, expr, remedy, then string }{
		{"word\n", "data.vault.in.password", "chomp(data.vault.in.password)", "word"},
		{"word\n", "data.vault.in.password", "printf %s VALUE | vault kv patch", ""},
		{"\n word\n", "data.vault.in.password", "trimspace(data.vault.in.password)", "word"},
		{"\ufeff\ufeffword", "data.vault.in.password", `trimprefix(data.vault.in.password, "\ufeff")`, "word"},
		{" word", "data.vault.in.password", "trimspace(data.vault.in.password)", "word"},
	} {
		account := func(expr string) string {
			return data + "account \"bank\" \"a\" {\n  username = \"u\"\n  password = " + expr + "\n}\n"
		}
		with := withData(map[string]string{"password": tc.text})
		list := problems(t, account(tc.expr), with)
		if len(list) != 1 || !strings.Contains(list[0].Detail, tc.remedy) || list[0].Snippet != nil {
			t.Errorf("%q: %s", tc.text, text(list))
			continue
		}
		if tc.then == "" {
			continue
		}
		c := load(t, account(tc.remedy), with)
		if got := c.Accounts[0].Values.Secret("password").Reveal(); got != tc.then {
			t.Errorf("%s gives %q", tc.remedy, got)
		}
		if again := problems(t, account(tc.remedy), with); len(again) > 0 {
			t.Errorf("%s: %s", tc.remedy, text(again))
		}
	}
}

func TestASpaceAtTheEndIsAWarningOnly(t *testing.T) {
	list := problems(t, "account \"bank\" \"a\" {\n  username = \"u\"\n  password = \"a b \"\n}\n")
	if len(list) != 1 || list.HasErrors() || !strings.Contains(list[0].Detail, "trimspace(") ||
		strings.Contains(everything(t, list), "a b") {
		t.Errorf("%s", text(list))
	}
	if list := problems(t, "account \"bank\" \"a\" {\n  username = \"u\"\n  password = \"a b\"\n}\n"); len(list) > 0 {
		t.Errorf("%s", text(list))
	}
}

func TestASecretInTheConfigurationIsAWarningOfValidate(t *testing.T) {
	lint := func(o *config.Options) { o.Lint, o.Inputs = true, inputs("given=x") }
	account := "account \"bank\" \"a\" {\n  username = \"u\"\n  password = %s\n}\n"
	for expr, want := range map[string]int{
		`"literal"`: 1, `"lit${"er"}al"`: 1, `upper("literal")`: 1, "local.p": 1, "local.q": 1, "var.p": 1,
		"var.given": 0, `env("P")`: 0, "local.e": 0, "trimspace(var.given)": 0,
	} {
		src := "locals {\n  p = \"literal\"\n  q = lower(local.p)\n  e = env(\"P\")\n}\n" +
			"variable \"p\" {\n  default = \"literal\"\n  sensitive = true\n}\nvariable \"given\" {\n  sensitive = true\n}\n" + fmt.Sprintf(account, expr)
		list := problems(t, src, withEnv(map[string]string{"P": "x"}), lint)
		if len(list) != want || list.HasErrors() || strings.Contains(everything(t, list), "iteral\"") {
			t.Errorf("%s: %s", expr, text(list))
		}
	}
	lint = func(o *config.Options) { o.Lint = true }
	both := fmt.Sprintf(account, `"one"`) + "account \"bank\" \"b\" {\n  username = \"u\"\n  password = \"two\"\n  pin = 1234\n}\n"
	if list := problems(t, both, lint); len(list) != 1 || !strings.Contains(list[0].Detail, "There is another one like it.") {
		t.Errorf("%s", text(list))
	}
	if list := problems(t, both); len(list) > 0 {
		t.Errorf("without Lint: %s", text(list))
	}
}

package config_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/credsync/credsync/config"
	"github.com/credsync/credsync/credential"
	"github.com/credsync/credsync/providers"
	"github.com/credsync/credsync/schema"
	"github.com/credsync/credsync/sinks"
	"github.com/zclconf/go-cty/cty"
)

// mailbox is a sink that can only be delivered to, with settings from the environment.
func mailbox() *sinks.Spec {
	return &sinks.Spec{
		Type: "mailbox",
		Connection: schema.Block{Type: "sink", Attributes: []schema.Attribute{
			{Name: "kind", Type: cty.String, OneOf: []string{"plain", "signed"}, Env: []string{"MAILBOX_KIND", "MAIL_KIND"}},
			{Name: "user", Type: cty.String, Required: true, Env: []string{"MAILBOX_USER", "MAIL_USER"}},
		}},
		Deliver: schema.Block{Type: "deliver"}, State: schema.Block{Type: "state"}, Data: schema.Block{Type: "data"},
		Target: func(_, _ schema.Values) (sinks.Target, error) { return sinks.Target{Path: "box", Location: "box"}, nil },
	}
}

// glass is a vault that says what it thinks of a place.
func glass() *sinks.Spec {
	spec := vault()
	spec.Type = "glass"
	spec.Doubt = func(_, block schema.Values) string {
		if strings.HasSuffix(block.String("path"), "/") {
			return "Leave out the slash at the end."
		}
		return ""
	}
	spec.Exposes = func(records, target sinks.Target) string {
		if records.Path != "" && strings.Split(records.Path, "/")[0] == strings.Split(target.Path, "/")[0] {
			return fmt.Sprintf("Whoever reads %s reads the state.", target.Path)
		}
		return ""
	}
	return spec
}

func withOddSinks(env map[string]string) func(*config.Options) {
	return func(o *config.Options) {
		o.Sinks = sinks.NewRegistry(vault(), file(), mailbox(), glass())
		o.Getenv = func(name string) string { return env[name] }
	}
}

const bankAccount = "account \"bank\" \"a\" {\n username = \"u\"\n password = \"p\"\n %s\n}\n"

func TestSinksThatCannotDoEverything(t *testing.T) {
	const box = "sink \"mailbox\" \"x\" {\n user = \"u\"\n}\n"
	for src, want := range map[string]string{
		box + "state \"mailbox\" \"x\" {\n}\n":                     `Sinks of type "mailbox" cannot store the state.`,
		box + "data \"mailbox\" \"d\" {\n sink = \"x\"\n}\n":       `Sinks of type "mailbox" cannot be read as data.`,
		box + fmt.Sprintf(bankAccount, `deliver "mailbox" "x" {}`): "",
	} {
		list := problems(t, src, withOddSinks(nil))
		if want == "" && len(list) > 0 || want != "" && (len(list) != 1 || list[0].Detail != want || list[0].Range == nil) {
			t.Errorf("%s: %s", src, text(list))
		}
	}
}

// A value of the environment is judged as one of the configuration, and said to be from there.
func TestValuesOfTheEnvironmentAreChecked(t *testing.T) {
	for _, c := range []struct {
		env  map[string]string
		want string
	}{
		{map[string]string{"MAILBOX_USER": "u"}, ""},
		{map[string]string{"MAIL_USER": "u", "MAIL_KIND": "signed"}, ""},
		{map[string]string{"MAIL_USER": "u", "MAILBOX_KIND": "sigmed"}, `In the environment variable MAILBOX_KIND: The argument "kind" must be one of "plain", "signed". Did you mean "signed"?`},
		{map[string]string{"MAIL_USER": "u", "MAILBOX_KIND": "plain", "MAIL_KIND": "sigmed"}, ""},
		{nil, `The argument "user" is required in sink "mailbox" "x", but it is not set. Set it, or the environment variable MAILBOX_USER or MAIL_USER.`},
	} {
		list := problems(t, "sink \"mailbox\" \"x\" {\n}\n", withOddSinks(c.env))
		if c.want == "" && len(list) > 0 || c.want != "" && (len(list) != 1 || list[0].Detail != c.want) {
			t.Errorf("%v: %s", c.env, text(list))
		}
	}
}

func TestSinksDoubtPlaces(t *testing.T) {
	const sink = "sink \"glass\" \"x\" {\n address = \"https://vault.internal\"\n}\n"
	for src, address := range map[string]string{
		sink + fmt.Sprintf(bankAccount, "deliver \"glass\" \"x\" {\n path = \"a/\"\n}"): "account.bank.a",
		sink + "state \"glass\" \"x\" {\n path = \"a/\"\n}\n":                           "",
		sink + "data \"glass\" \"d\" {\n sink = \"x\"\n path = \"a/\"\n}\n":             "data.glass.d",
	} {
		list := problems(t, src, withOddSinks(nil))
		if len(list) != 1 || list.HasErrors() || list[0].Summary != "The location may not be the intended one" ||
			list[0].Detail != "Leave out the slash at the end." ||
			list[0].Address != address ||
			list[0].Range == nil {
			t.Errorf("%s: %s", src, text(list))
		}
		if list := problems(t, strings.Replace(src, "a/", "a", 1), withOddSinks(nil)); len(list) > 0 {
			t.Errorf("without the slash: %s", text(list))
		}
	}
}

func TestTargetsBesideTheStateAreWarnedOfOnce(t *testing.T) {
	const sink = "sink \"glass\" \"x\" {\n address = \"https://vault.internal\"\n}\nsink \"vault\" \"y\" {\n address = \"https://vault.internal\"\n}\n"
	for _, c := range []struct{ state, targets, want string }{
		{`state "glass" "x" { path = "shop/state" }`, `deliver "glass" "x" { path = "shop/a" }`, "account.bank.a delivers to secret/shop/a. Whoever reads shop/a reads the state."},
		{`state "glass" "x" { path = "shop/state" }`, `deliver "glass" "x" { path = "other/a" }`, ""},
		{`state "glass" "x" { path = "shop/state" }`, `deliver "vault" "y" { path = "shop/a" }`, ""},
		{`state "vault" "y" { path = "shop/state" }`, `deliver "glass" "x" { path = "shop/a" }`, ""},
		{`state "glass" "x" { path = "shop/state" }`, "deliver \"glass\" \"x\" { path = \"shop/a\" }\n deliver \"glass\" \"x\" { path = \"shop/b\" }", "account.bank.a delivers to secret/shop/a."},
	} {
		list := problems(t, sink+c.state+"\n"+fmt.Sprintf(bankAccount, c.targets), withOddSinks(nil))
		if c.want == "" && len(list) > 0 ||
			c.want != "" &&
				(len(list) != 1 || list.HasErrors() || !strings.Contains(list[0].Detail, c.want) ||
					list[0].Range == nil) {
			t.Errorf("%s, %s: %s", c.state, c.targets, text(list))
		}
	}
}

// Who looks at a directory of states needs no configuration.
func TestStateFilesNeedNoConfiguration(t *testing.T) {
	s := config.StateFiles(t.Context(), options(t.TempDir(), nil), "kept")
	if s == nil || s.Implicit || s.Sink.Name != "file" || s.Values.String("path") != "kept" || s.Sink.Range != nil {
		t.Errorf("%+v", s)
	}
	without := options(t.TempDir(), nil)
	without.Sinks = sinks.NewRegistry(vault())
	if s := config.StateFiles(t.Context(), without, "kept"); s != nil {
		t.Errorf("there are no files to keep it in: %+v", s)
	}
}

func TestDataThatIsNotThere(t *testing.T) {
	const src = vaultSink + "data \"vault\" \"in\" {\n sink = \"main\"\n path = \"in\"\n}\n"
	for want, err := range map[string]error{
		"Reading secret/in of sink vault.main failed: not found; write the inputs there, or correct the location in this block.": sinks.ErrNotFound,
		"Reading secret/in of sink vault.main failed: no answer.":                                                                errors.New("no answer"),
	} {
		list := problems(t, src, func(o *config.Options) {
			o.ReadData = func(context.Context, *config.Sink, sinks.Target) (sinks.Object,
				error) {
				return sinks.Object{}, err
			}
		})
		if len(list) != 1 || list[0].Address != "data.vault.in" || list[0].Detail != want {
			t.Errorf("%v: %s", err, text(list))
		}
	}
}

func TestMissingInstancesAndKeysOfData(t *testing.T) {
	const data = vaultSink + "data \"vault\" \"in\" {\n for_each = toset([\"almaty\", \"b\"])\n sink = \"main\"\n path = each.key\n}\n"
	for expr, want := range map[string]string{
		`data.vault.in["almati"].password`: `data.vault.in has no key "almati". Did you mean "almaty"? Its instances are almaty, b.`,
		`data.vault.in["b"].passwort`:      `data.vault.in["b"] has no key "passwort". Did you mean "password"? Its keys are password.`,
	} {
		list := problems(t, data+"account \"bank\" \"x\" {\n username = \"u\"\n password = "+expr+"\n}\n", withData(map[string]string{"password": "pw"}))
		if len(list) != 1 || list[0].Detail != want {
			t.Errorf("%s: %s", expr, text(list))
		}
	}
	list := problems(t, vaultSink+"data \"vault\" \"in\" {\n sink = \"main\"\n path = \"x\"\n}\nlocals {\n x = data.vault.in.password\n}\n", withData(nil))
	if len(list) != 1 || list[0].Detail != `data.vault.in has no key "password". It is empty.` {
		t.Error(text(list))
	}
}

func TestCyclesThroughDataAreNamed(t *testing.T) {
	list := problems(
		t,
		vaultSink+"locals {\n a = data.vault.in.x\n}\ndata \"vault\" \"in\" {\n sink = \"main\"\n path = local.a\n}\n",
		withData(nil),
	)
	if len(list) != 1 || list[0].Summary != "Cycle among local values and data" ||
		!strings.Contains(list[0].Detail, "data.vault.in") ||
		!strings.Contains(list[0].Detail, "local.a") {
		t.Error(text(list))
	}
}

// Addresses are shown in one line, as a reference to them would be written.
func TestKeysOfInstancesAreWrittenAsLiterals(t *testing.T) {
	for key, want := range map[string]string{
		`almaty`: `["almaty"]`, `a\nb`: `["a\nb"]`, `a\rb\tc`: `["a\rb\tc"]`, `a\"b\\c`: `["a\"b\\c"]`, `$${x}`: `["$${x}"]`, `%%{x}`: `["%%{x}"]`, `$x`: `["$x"]`,
		`\u200b`: `["\u200b"]`, `\U000e0001`: `["\U000e0001"]`, `Касса №1`: `["Касса №1"]`, `\uffff`: `["\uffff"]`, `\U00010000`: `["𐀀"]`,
	} {
		c := load(t, "account \"bank\" \"a\" {\n for_each = toset([\""+key+"\"])\n username = \"u\"\n password = \"p\"\n}\n")
		if got := c.Accounts[0].Address; got != "account.bank.a"+want {
			t.Errorf("%s: %s, want %s", key, got, want)
		}
	}
}

func TestAKeyWithAnEscapeNamesAnInstance(t *testing.T) {
	c := load(t, "account \"bank\" \"a\" {\n for_each = toset([\"$${x}\", \"y\"])\n username = \"u\"\n password = \"p\"\n}\nimport {\n to = account.bank.a[\"$${x}\"]\n access_token = \"t\"\n}\n")
	if c.Imports[`account.bank.a["$${x}"]`] == nil || len(c.Imports) != 1 {
		t.Errorf("%v", c.Imports)
	}
	for _, key := range []string{`"${var.x}"`, `"a${"b"}c${1}"`} {
		list := problems(t, "variable \"x\" {\n default = \"y\"\n}\naccount \"bank\" \"a\" {\n for_each = toset([\"y\"])\n username = \"u\"\n password = \"p\"\n}\nimport {\n to = account.bank.a["+key+"]\n access_token = \"t\"\n}\n")
		if len(list) != 1 || list[0].Summary != "Invalid account address" {
			t.Errorf("%s: %s", key, text(list))
		}
	}
}

func TestImportedOutputsHaveTheirTypes(t *testing.T) {
	shop := plain()
	shop.Name = "shop"
	shop.Outputs = append(
		shop.Outputs,
		schema.Output{Name: "key", Type: cty.String, Sensitive: true},
		schema.Output{
			Name: "rows",
			Type: cty.List(cty.Object(map[string]cty.Type{"id": cty.String, "name": cty.String})),
		},
		schema.Output{Name: "names", Type: cty.List(cty.String)},
	)
	with := func(o *config.Options) { o.Providers = providers.NewRegistry(bank(), shop) }
	block := func(outputs string) string {
		return "account \"shop\" \"a\" {\n}\nimport {\n to = account.shop.a\n access_token = \"t\"\n outputs = " + outputs + "\n}\n"
	}
	c := load(t, block(`{ key = "secret", rows = [{ id = "1" }, { id = "2", name = null }], names = ["a"] }`), with)
	got := c.Imports["account.shop.a"].Token.Outputs
	if fmt.Sprint(got["key"]) == "secret" || fmt.Sprint(got["rows"]) != "[map[id:1] map[id:2]]" || fmt.Sprint(got["names"]) != "[a]" {
		t.Errorf("%v", got)
	}
	for outputs, want := range map[string]string{
		`{ rows = [null] }`:                `The output "rows" must be a list of objects of strings without nulls.`,
		`{ names = ["a", null] }`:          `The output "names" must be a list of strings without nulls.`,
		`{ names = "a" }`:                  `The output "names" must be a list of strings without nulls.`,
		`{ key = ["a"] }`:                  `The output "key" must be a string without nulls.`,
		`{ issued_at = "x" }`:              "The import block does not accept the time of issue.",
		`{ for k in ["nmes"] : k => "x" }`: `One of the names in outputs is not an output of provider "shop". Its outputs are key, names, rows.`,
	} {
		list := problems(t, block(outputs), with)
		if len(list) != 1 || !strings.HasPrefix(list[0].Detail, want) {
			t.Errorf("%s: %s", outputs, text(list))
		}
	}
	list := problems(t, "account \"plain\" \"a\" {\n}\nimport {\n to = account.plain.a\n access_token = \"t\"\n outputs = { x = \"y\" }\n}\n")
	if len(list) != 1 || !strings.Contains(list[0].Detail, "It has no outputs except the token itself.") {
		t.Error(text(list))
	}
}

// Outputs may be secrets of their own, and refresh tokens that are not held back.
func TestOutputsThatAreSecretsAreDelivered(t *testing.T) {
	shop := plain()
	shop.Name = "shop"
	shop.Outputs = append(
		shop.Outputs,
		schema.Output{Name: "key", Type: cty.String, Sensitive: true},
		schema.Output{Name: "refresh_token", Type: cty.String, Sensitive: true},
		schema.Output{Name: "rows", Type: cty.List(cty.String)},
	)
	with := func(o *config.Options) { o.Providers = providers.NewRegistry(shop) }
	tok := credential.Token{
		Access:  credential.NewSecret("a"),
		Refresh: credential.NewSecret("r"),
		Outputs: credential.Outputs{"key": credential.NewSecret("k"), "rows": []string(nil)},
	}
	for data, want := range map[string]map[string]string{
		"": {"access_token": "a", "refresh_token": "r", "key": "k"},
		"data = { K = token.key, R = token.refresh_token, L = token.rows }":                    {"K": "k", "R": "r"},
		"data = { for name in [\"x\", nonsensitive(token.key)] : name => token.access_token }": {"x": "a", "k": "a"},
	} {
		c := load(t, vaultSink+"account \"shop\" \"a\" {\n deliver \"vault\" \"main\" {\n path = \"x\"\n "+data+"\n }\n}\n", with)
		got, list := c.Accounts[0].Deliveries[0].Render(tok)
		if len(list) > 0 || len(got) != len(want) {
			t.Errorf("%s: %v, %s", data, got, text(list))
			continue
		}
		for name, value := range want {
			if got[name].Reveal() != value {
				t.Errorf("%s: %s is %q", data, name, got[name].Reveal())
			}
		}
	}
	c := load(t, vaultSink+"account \"shop\" \"a\" {\n deliver \"vault\" \"main\" {\n path = \"x\"\n data = { (nonsensitive(token.key)) = \"x\", A = \"y\" }\n }\n}\n", with)
	tok.Outputs["key"] = credential.NewSecret("")
	if got, list := c.Accounts[0].Deliveries[0].Render(tok); !list.HasErrors() || got != nil || list[0].Summary == "" {
		t.Errorf("a key that is not there: %v", got)
	}
}

// The keys of instances must be known once data has been read.
func TestInstancesOfWhatIsNeverKnown(t *testing.T) {
	const src = vaultSink + "data \"vault\" \"in\" {\n sink = \"main\"\n path = \"in\"\n}\nvariable \"open\" {\n}\naccount \"bank\" \"a\" {\n for_each = toset([var.open])\n username = \"u\"\n password = \"p\"\n}\n"
	open := func(o *config.Options) { o.AllowUnset = true }
	if list := problems(t, src, open, withData(map[string]string{"x": "y"})); len(list) != 1 || list[0].Detail != "The keys of for_each must be known, but they depend on an unknown value." {
		t.Error(text(list))
	}
	c := load(t, src, open)
	if len(c.Accounts) != 0 || len(c.Unknown) != 1 || c.Unknown[0].Address != "account.bank.a" {
		t.Errorf("%d accounts, unknown are %v", len(c.Accounts), c.Unknown)
	}
}

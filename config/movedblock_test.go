package config_test

import (
	"context"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/credsync/credsync/config"
	"github.com/credsync/credsync/providers"
	"github.com/credsync/credsync/schema"
	"github.com/credsync/credsync/schema/diag"
	"github.com/credsync/credsync/sinks"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/zclconf/go-cty/cty"
)

// withOthers knows two providers beside the bank: shop, and fixed, whose token is
// in the configuration.
func withOthers(o *config.Options) {
	token := []schema.Output{{Name: "access_token", Type: cty.String, Sensitive: true}}
	o.Providers = providers.NewRegistry(bank(),
		&providers.Spec{Name: "shop", RotateBefore: "1h", Outputs: token},
		&providers.Spec{Name: "fixed", Static: true, Outputs: token})
	o.Sinks = sinks.NewRegistry(vault(), file())
}

// someAccounts declares a, b and c, and shop with the instances x and y.
const someAccounts = `
account "shop" "a" {}
account "shop" "b" {}
account "shop" "c" {}
account "shop" "each" { for_each = toset(["x", "y"]) }
account "shop" "odd" { for_each = toset(["$${x}", "a\"b"]) }
`

// openAccounts has instances that are known only with data.
const openAccounts = vaultSink + `
data "vault" "d" {
  sink = "main"
  path = "inputs"
}
account "shop" "open" { for_each = nonsensitive(data.vault.d.shops) }
`

// column is that of a place in a message, which the syntaxes do not share.
var column = regexp.MustCompile(`(\.(?:hcl|json):\d+),\d+`)

func moved(from, to string) string {
	return "moved {\n  from = " + from + "\n  to   = " + to + "\n}\n"
}

func movedJSON(from, to string) string {
	quote := func(s string) string { return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(s) + `"` }
	return `{"from": ` + quote(from) + `, "to": ` + quote(to) + `}`
}

type pair struct{ from, to string }

var movedTests = map[string]struct {
	blocks []pair
	// want are parts of what is said; with none nothing may be said.
	want []string
	// warning says that it is one.
	warning bool
}{
	"a renamed account":                {blocks: []pair{{"account.shop.old", "account.shop.a"}}},
	"into an instance":                 {blocks: []pair{{"account.shop.old", `account.shop.each["x"]`}}},
	"a block that got for_each":        {blocks: []pair{{"account.shop.each", `account.shop.each["x"]`}}},
	"a block that lost for_each":       {blocks: []pair{{`account.shop.a["x"]`, "account.shop.a"}}},
	"a renamed key":                    {blocks: []pair{{`account.shop.each["z"]`, `account.shop.each["y"]`}}},
	"a whole block":                    {blocks: []pair{{"account.shop.old", "account.shop.each"}}},
	"a chain":                          {blocks: []pair{{"account.shop.older", "account.shop.old"}, {"account.shop.old", "account.shop.a"}}},
	"a chain written backwards":        {blocks: []pair{{"account.shop.old", "account.shop.a"}, {"account.shop.older", "account.shop.old"}}},
	"a chain by an instance":           {blocks: []pair{{"account.shop.older", `account.shop.old["x"]`}, {"account.shop.old", "account.shop.each"}}},
	"a chain of a whole and its parts": {blocks: []pair{{"account.shop.older", "account.shop.old"}, {`account.shop.old["x"]`, "account.shop.a"}}},
	"an exchange":                      {blocks: []pair{{"account.shop.a", "account.shop.b"}, {"account.shop.b", "account.shop.a"}}},
	"an exchange with an instance":     {blocks: []pair{{"account.shop.a", `account.shop.each["x"]`}, {`account.shop.each["x"]`, "account.shop.a"}}},
	"odd keys":                         {blocks: []pair{{"account.shop.old", `account.shop.odd["$${x}"]`}, {"account.shop.old2", `account.shop.odd["a\"b"]`}}},
	"an unknown instance": {blocks: []pair{{"account.shop.old", `account.shop.open["k"]`}, {`account.shop.open["l"]`, "account.shop.a"},
		{`account.shop.open["m"]`, `account.shop.open["n"]`}, {`account.shop.open["n"]`, `account.shop.open["m"]`}}},
	"a part of a whole":              {blocks: []pair{{"account.shop.old", "account.shop.each"}, {`account.shop.old["z"]`, "account.shop.a"}}},
	"into a block that moved too":    {blocks: []pair{{"account.shop.old", "account.shop.each"}, {"account.shop.other", `account.shop.each["x"]`}}},
	"two blocks with one from":       {blocks: []pair{{"account.shop.old", "account.shop.a"}, {"account.shop.old", "account.shop.b"}}, want: []string{"Account moved twice", "account.shop.old is already moved to account.shop.a at FILE:LINE0."}},
	"two blocks with one to":         {blocks: []pair{{"account.shop.old", "account.shop.a"}, {"account.shop.other", "account.shop.a"}}, want: []string{"Two accounts moved to one", "account.shop.a already takes over the record of account.shop.old at FILE:LINE0."}},
	"two equal blocks":               {blocks: []pair{{"account.shop.old", "account.shop.a"}, {"account.shop.old", "account.shop.a"}}, want: []string{"Account moved twice"}},
	"a part that moves with a whole": {blocks: []pair{{"account.shop.old", "account.shop.each"}, {`account.shop.old["x"]`, "account.shop.a"}}, want: []string{"Account moved twice", `to account.shop.each["x"] with all of account.shop.old at FILE:LINE0,`}},
	"to itself":                      {blocks: []pair{{"account.shop.a", "account.shop.a"}}, want: []string{"Account moved to itself", "Both from and to are account.shop.a"}},
	"still declared":                 {blocks: []pair{{"account.shop.b", "account.shop.a"}}, want: []string{"Account to move is still declared", "account.shop.b is declared at ACCOUNTS:3", "cannot move to account.shop.a"}},
	"an instance still declared":     {blocks: []pair{{`account.shop.each["x"]`, "account.shop.a"}}, want: []string{"still declared", `account.shop.each["x"] is declared at ACCOUNTS:5`}},
	"a whole block still declared":   {blocks: []pair{{"account.shop.each", "account.shop.a"}}, want: []string{"still declared", "account.shop.each is declared at ACCOUNTS:5"}},
	"a declared one in a chain":      {blocks: []pair{{"account.shop.old", "account.shop.b"}, {"account.shop.b", "account.shop.a"}}, want: []string{"still declared", "account.shop.b is declared"}},
	"an exchange with one declared":  {blocks: []pair{{"account.shop.a", "account.shop.old"}, {"account.shop.old", "account.shop.a"}}, want: []string{"Moved blocks form a cycle", "and back at FILE:LINE1", "account.shop.old is not"}},
	"an exchange with none declared": {blocks: []pair{{"account.shop.old", "account.shop.older"}, {"account.shop.older", "account.shop.old"}}, want: []string{"Moved blocks form a cycle", "account.shop.old is not"}},
	"three in a circle":              {blocks: []pair{{"account.shop.a", "account.shop.b"}, {"account.shop.b", "account.shop.c"}, {"account.shop.c", "account.shop.a"}}, want: []string{"Moved blocks form a cycle", "account.shop.a to account.shop.b (FILE:LINE0), account.shop.b to account.shop.c (FILE:LINE1), account.shop.c to account.shop.a (FILE:LINE2)"}},
	"a circle by an instance":        {blocks: []pair{{"account.shop.old", "account.shop.each"}, {`account.shop.each["q"]`, `account.shop.old["q"]`}}, want: []string{"Moved blocks form a cycle", `account.shop.each["q"] to account.shop.old["q"] (FILE:LINE1), account.shop.old to account.shop.each (FILE:LINE0)`}},
	"another provider":               {blocks: []pair{{"account.bank.old", "account.shop.a"}}, want: []string{"Account moved to another provider", `provider "bank"`, `to "shop"`}},
	"an unknown provider":            {blocks: []pair{{"account.shopp.old", "account.shop.a"}}, want: []string{"Unknown provider", `Did you mean "shop"?`}},
	"an unknown provider to move to": {blocks: []pair{{"account.shop.old", "account.nobody.a"}}, want: []string{"Unknown provider", `no provider "nobody"`}},
	"not of an account":              {blocks: []pair{{"sink.shop.old", "account.shop.a"}}, want: []string{"Invalid account address", `The argument "from" must be`}},
	"a name too few":                 {blocks: []pair{{"account.shop", "account.shop.a"}}, want: []string{"Invalid account address"}},
	"a name too many":                {blocks: []pair{{"account.shop.old.x", "account.shop.a"}}, want: []string{"Invalid account address"}},
	"a name as a key":                {blocks: []pair{{`account.shop["old"]`, "account.shop.a"}}, want: []string{"Invalid account address"}},
	"a number as a key":              {blocks: []pair{{"account.shop.old[0]", "account.shop.a"}}, want: []string{"Invalid account address"}},
	"two keys":                       {blocks: []pair{{`account.shop.old["a"]["b"]`, "account.shop.a"}}, want: []string{"Invalid account address"}},
	"a variable as a key":            {blocks: []pair{{"account.shop.old[var.x]", "account.shop.a"}}, want: []string{"Invalid account address", "it cannot contain variables"}},
	"a number":                       {blocks: []pair{{"5", "account.shop.a"}}, want: []string{"Invalid account address"}},
	"to what is not declared":        {blocks: []pair{{"account.shop.old", "account.shop.neww"}}, want: []string{"Account moved to an undeclared address", "There is no account.shop.neww in the configuration", "remove this block"}, warning: true},
	"to what is nearly declared":     {blocks: []pair{{"account.shop.old", "account.shop.eech"}}, want: []string{"moved to an undeclared address", `Did you mean "account.shop.each"?`}, warning: true},
	"to an instance of no for_each":  {blocks: []pair{{"account.shop.old", `account.shop.a["x"]`}}, want: []string{"moved to an undeclared address", "has no for_each; its address is account.shop.a"}, warning: true},
	"to an instance that is not":     {blocks: []pair{{"account.shop.old", `account.shop.each["none"]`}}, want: []string{"moved to an undeclared address", "has no such key"}, warning: true},
	"an instance to a whole":         {blocks: []pair{{`account.shop.old["x"]`, "account.shop.each"}}, want: []string{"moved to an undeclared address", `name an instance, such as account.shop.each["x"]`}, warning: true},
	"the end of a chain is missing":  {blocks: []pair{{"account.shop.older", "account.shop.old"}, {"account.shop.old", "account.shop.none"}}, want: []string{"moved to an undeclared address", "There is no account.shop.none"}, warning: true},
	"an instance that is not, by data": {blocks: []pair{{"account.shop.old", "account.shop.open"}, {"account.shop.older", "account.shop.opened"}},
		want: []string{"moved to an undeclared address", "There is no account.shop.opened"}, warning: true},
}

func TestMovedBlocks(t *testing.T) {
	for name, tt := range movedTests {
		native, list := "", []string{}
		for _, b := range tt.blocks {
			native += moved(b.from, b.to)
			list = append(list, movedJSON(b.from, b.to))
		}
		for file, src := range map[string]string{"moved.hcl": native, "moved.hcl.json": "{\"moved\": [\n" + strings.Join(list, ",\n") + "]}"} {
			t.Run(name+" in "+file, func(t *testing.T) {
				dir := write(t, map[string]string{"accounts.hcl": someAccounts, "open.hcl": openAccounts, file: src})
				o := options(dir, nil)
				withOthers(&o)
				c, list := config.Load(context.Background(), o)
				if len(tt.want) == 0 {
					if len(list) > 0 {
						t.Fatalf("it is said: %s", text(list))
					}
					checkMoved(t, tt.blocks, c.Moved)
					return
				}
				// A wrong account may be wrong twice, but never as an error and a warning.
				want := diag.Error
				if tt.warning {
					want = diag.Warning
				}
				if len(list) != 1 || list[0].Severity != want || list[0].Range == nil ||
					!strings.HasSuffix(list[0].Range.Filename, file) {
					t.Fatalf("said: %s", text(list))
				}
				said := column.ReplaceAllString(list[0].Summary+"; "+list[0].Detail, "$1")
				for _, part := range tt.want {
					for i := range tt.blocks {
						line := [2]string{string(rune('1' + 4*i)), string(rune('2' + i))}[strings.Count(file, ".")-1]
						part = strings.ReplaceAll(part, "LINE"+string(rune('0'+i)), line)
					}
					part = strings.NewReplacer("FILE", dir+"/"+file, "ACCOUNTS", dir+"/accounts.hcl").Replace(part)
					if !strings.Contains(said, part) {
						t.Errorf("%q is not in %q", part, said)
					}
				}
			})
		}
	}
}

func checkMoved(t *testing.T, blocks []pair, got []*config.Moved) {
	t.Helper()
	var want []*config.Moved
	for _, b := range blocks {
		want = append(want, &config.Moved{From: b.from, To: b.to, Whole: !strings.Contains(b.from+b.to, "[")})
	}
	if diff := cmp.Diff(want, got, cmpopts.IgnoreFields(config.Moved{}, "Range")); diff != "" {
		t.Error(diff)
	}
	for _, m := range got {
		if m.Range == nil {
			t.Errorf("%s has no place", m.From)
		}
	}
}

func TestMovedBlockIsTakenApart(t *testing.T) {
	for src, want := range map[string]string{
		"moved {\n  from = account.shop.old\n}":                         `The argument "to" is required in the moved block`,
		"moved {\n  to = account.shop.a\n}":                             `The argument "from" is required in the moved block`,
		"moved {\n  from = account.shop.old\n  too = account.shop.a\n}": `Did you mean "to"?`,
		"moved \"x\" {}": `moved`,
		"movd {}":        `Did you mean "moved"?`,
		"imprt {}":       `Did you mean "import"?`,
		"removed {}":     "on_remove",
		moved(`"account.shop.old"`, "account.shop.a"):           "Write it without quotes.",
		moved("upper(account.shop.old)", "account.shop.a"):      "Invalid account address",
		moved(`account.shop.old["${var.x}"]`, "account.shop.a"): "Invalid account address",
		moved("null", "account.shop.a"):                         "Invalid account address",
	} {
		if got := strings.Join(strings.Fields(text(problems(t, someAccounts+src, withOthers))), " "); !strings.Contains(
			got,
			want,
		) {
			t.Errorf("%s: %s", src, got)
		}
	}
}

// What is in another file that was not given may be declared there.
func TestMovedBlockOfOneFileOfSeveral(t *testing.T) {
	dir := write(t, map[string]string{"main.hcl": moved("account.shop.old", "account.shop.new"), "accounts.hcl": `account "shop" "new" {}`})
	o := options(dir+"/main.hcl", nil)
	withOthers(&o)
	if _, list := config.Load(context.Background(), o); len(list) > 0 {
		t.Error(text(list))
	}
}

// An account that has a mistake is there all the same.
func TestMovedBlockSeesAccountsWithMistakes(t *testing.T) {
	list := problems(t, someAccounts+"account \"shop\" \"bad\" { enabled = \"perhaps\" }\n"+moved("account.shop.old", "account.shop.bad"), withOthers)
	if len(list) != 1 || !strings.Contains(text(list), "enabled") {
		t.Error(text(list))
	}
}

func TestFormerProjects(t *testing.T) {
	if c := load(t, `credsync {
  project  = "new"
  formerly = ["old", "older"]
}`); !cmp.Equal(c.Formerly, []string{"old", "older"}) {
		t.Errorf("formerly is %q", c.Formerly)
	}
	for value, want := range map[string]string{
		`["a b"]`:                            `"a b" is not a valid project name`,
		`["new"]`:                            `formerly: "new" is the project's own name`,
		`["old", "x", "old"]`:                `"old" is listed twice`,
		`[null]`:                             "has an element that is null",
		`"old"`:                              "list of string required",
		`[sensitive("old")]`:                 "Sensitive value not allowed here",
		`[data.vault.d.names]`:               "Sensitive value",
		`[nonsensitive(data.vault.d.names)]`: "must not depend on data",
	} {
		src := openAccounts + "credsync {\n  project = \"new\"\n  formerly = " + value + "\n}\n"
		if got := strings.Join(strings.Fields(text(problems(t, src, withOthers))), " "); !strings.Contains(got, want) {
			t.Errorf("%s: %s", value, got)
		}
	}
	if got := text(problems(t, `credsync { formerly = ["default"] }`)); !strings.Contains(got, "own name") {
		t.Errorf("the default project was its own before: %s", got)
	}
	if got := text(problems(t, `{"credsync": {"project": "new", "formerly": ["new"]}}`, inJSON)); !strings.Contains(got, "own name") {
		t.Errorf("in JSON: %s", got)
	}
}

// A command on the state must find the project whatever else has no value.
func TestInventoryKnowsWhatMoved(t *testing.T) {
	src := `
variable "secret" {
  sensitive = true
}
variable "when" {}
credsync {
  project  = "new"
  formerly = ["old"]
  schedule = var.when
}
account "bank" "a" {
  username = "u"
  password = var.secret
}
import {
  to           = account.bank.a
  access_token = var.secret
}
` + moved("account.bank.old", "account.bank.a")
	out, list := config.LoadInventory(context.Background(), options(write(t, map[string]string{"main.hcl": src}), nil))
	if list.HasErrors() {
		t.Fatal(text(list))
	}
	if out.Project != "new" || !cmp.Equal(out.Formerly, []string{"old"}) || len(out.Moved) != 1 || out.Moved[0].From != "account.bank.old" {
		t.Errorf("project %q, formerly %q, moved %v", out.Project, out.Formerly, out.Moved)
	}
}

// Mistakes in these blocks are no reason why the state is not found.
func TestInventoryDoesNotMindMistakesOfMovedBlocks(t *testing.T) {
	src := `variable "p" {}
state "file" { path = var.p }
` + moved("account.bank", "account.bank.a") + "import {\n  to = account.bank\n}\n"
	_, list := config.LoadInventory(context.Background(), options(write(t, map[string]string{"main.hcl": src}), nil))
	if len(list) != 1 || !strings.Contains(text(list), `without a value: "p"`) {
		t.Error(text(list))
	}
}

// inJSON has the configuration read as JSON.
func inJSON(o *config.Options) {
	if err := os.Rename(filepath.Join(o.Path, "main.hcl"), filepath.Join(o.Path, "main.hcl.json")); err != nil {
		panic(err)
	}
}

const renamedUpstream = `
sink "file" "main" { dir = "out" }
account "acme" "shop" {
  login    = "shop"
  password = env("BANK_PASSWORD")
  deliver "file" "main" { path = "shop.json" }
}
account "acme" "shops" {
  for_each = toset(["a", "b"])
  login    = each.key
  password = env("BANK_PASSWORD")
  deliver "file" "main" { path = "${each.key}.json" }
}
`

func formerly(name string) string {
	return strings.Replace(acmeUpstream, "base_url =", "formerly = "+name+"\n  base_url =", 1)
}

// A former name of an upstream is a moved block for each of its accounts, but for those that
// a moved block says something else of.
func TestFormerNameOfAnUpstream(t *testing.T) {
	for extra, want := range map[string]string{
		"": "account.old.shop > account.acme.shop, account.old.shops > account.acme.shops",
		"moved {\n  from = account.old.store\n  to = account.acme.shop\n}": "account.old.store > account.acme.shop, account.old.shops > account.acme.shops",
		"moved {\n  from = account.acme.store\n  to = account.acme.shop\n}": "account.acme.store > account.acme.shop, " +
			"account.old.shops > account.acme.shops, account.old.store > account.acme.store",
		"moved {\n  from = account.old.shops[\"c\"]\n  to = account.acme.shop\n}": `account.old.shops["c"] > account.acme.shop, account.old.shops > account.acme.shops`,
	} {
		o := options(write(t, map[string]string{"main.hcl": formerly(`"old"`) + renamedUpstream + extra}), map[string]string{"BANK_PASSWORD": "x"})
		c, problems := config.Load(t.Context(), o)
		if problems.HasErrors() {
			t.Fatal(text(problems))
		}
		var moved []string
		for _, m := range c.Moved {
			moved = append(moved, m.From+" > "+m.To)
		}
		if got := strings.Join(moved, ", "); got != want || len(problems) > 0 {
			t.Errorf("%s\nmoved %s, want %s; %s", extra, got, want, text(problems))
		}
	}
}

// oneLine is a text without its frame and its line breaks.
func oneLine(s string) string {
	return strings.Join(strings.Fields(strings.ReplaceAll(s, "│", "")), " ")
}

func TestInvalidFormerNames(t *testing.T) {
	other := func(name, formerly string) string {
		return strings.Replace(strings.Replace(acmeUpstream, `"acme"`, `"`+name+`"`, 1), "base_url =", "formerly = "+formerly+"\n  base_url =", 1)
	}
	for src, want := range map[string]string{
		formerly(`"acme"`):                          "present name",
		formerly(`"other"`) + other("other", `"x"`): `"other" is still declared at`,
		formerly(`"bank"`):                          `"bank" is built in`,
		formerly(`"http"`):                          `"http" is built in`,
		formerly(`"oauth2"`):                        `"oauth2" is built in`,
		formerly(`"old"`) + other("other", `"old"`): `already the former name of the upstream "acme" at`,
		formerly(`""`):                              "formerly",
		formerly(`["old"]`):                         "formerly",
	} {
		o := options(write(t, map[string]string{"main.hcl": src + renamedUpstream}), map[string]string{"BANK_PASSWORD": "x"})
		_, problems := config.Load(t.Context(), o)
		got := oneLine(text(problems))
		if !problems.HasErrors() || !strings.Contains(got, want) || !strings.Contains(got, "main.hcl line ") {
			t.Errorf("%s: %s", want, text(problems))
		}
	}
}

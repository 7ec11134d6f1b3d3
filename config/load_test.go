package config_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/credsync/credsync/config"
	"github.com/credsync/credsync/credential"
	"github.com/credsync/credsync/schema"
	"github.com/credsync/credsync/sinks"
	"github.com/google/go-cmp/cmp"
)

// full is the valid fixture, with its data read.
func full(t *testing.T) *config.Config {
	t.Helper()
	o := options("testdata/valid/full.hcl", map[string]string{"BANK_PASSWORD": "pw"})
	withData(map[string]string{"pin": "1234"})(&o)
	c, list := config.Load(context.Background(), o)
	if len(list) > 0 {
		t.Fatal(text(list))
	}
	return c
}

func TestEverythingIsExpandedAndInOrder(t *testing.T) {
	c := full(t)
	var got []string
	for _, s := range c.Sinks {
		got = append(got, s.Name)
	}
	for _, a := range c.Accounts {
		got = append(got, a.Address+" "+a.Values.String("username"))
		for _, d := range a.Deliveries {
			got = append(got, d.Sink.Name+" "+d.Target.Location)
		}
	}
	want := []string{
		`file.each["a"]`, `file.each["b"]`, `vault.main`,
		`account.bank.branch["almaty"] almaty-3`, `file.each["a"] almaty/a`, `file.each["b"] almaty/b`, `vault.main secret/shop-x/almaty/branch`,
		`account.bank.branch["astana"] astana-3`, `file.each["a"] astana/a`, `file.each["b"] astana/b`, `vault.main secret/shop-x/astana/branch`,
	}
	slices.Sort(want[4:6])
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	a := c.Accounts[0]
	if c.Project != "payments" || c.Schedule != "*/10 * * * *" || c.State.Sink.Name != "vault.main" || c.State.Implicit || c.Dir != "testdata/valid" {
		t.Errorf("settings: %q %q %v %q", c.Project, c.Schedule, c.State, c.Dir)
	}
	if !a.Values.Secret("password").Equal(credential.NewSecret("pw")) || a.Values.Int("pin") != 1234 || !a.Enabled ||
		a.RotateBefore != (schema.Window{Duration: 48 * time.Hour}) {
		t.Error("the account's values are not those of the configuration")
	}
	if a.HTTP.Duration("timeout") != 30*time.Second || a.HTTP.Int("max_attempts") != 4 {
		t.Error("an absent http block has no defaults")
	}
	if auth := c.Sinks[2].Values.Nested("auth"); len(auth) != 1 || auth[0].Label() != "kubernetes" || auth[0].String("role") != "credsync" {
		t.Error("the auth block was not decoded by its label")
	}
}

func TestStateIsImplicitWithoutABlock(t *testing.T) {
	c := load(t, ``)
	if c.State == nil || !c.State.Implicit || c.State.Sink.Spec.Type != "file" || c.State.Values.String("path") != ".credsync" {
		t.Errorf("State = %+v", c.State)
	}
	fromJSON := func(src string) *config.State {
		c, list := config.Load(context.Background(), options(write(t, map[string]string{"main.hcl.json": src}), nil))
		if len(list) > 0 {
			t.Fatal(text(list))
		}
		return c.State
	}
	if s := fromJSON(`{"state": {"file": {"path": "y"}}}`); s.Implicit || s.Values.String("path") != "y" {
		t.Errorf("of JSON: %+v", s)
	}
	if s := fromJSON(`{"sink": {"file": {"main": {"dir": "d"}}}, "state": {"file": {"main": {"path": "y"}}}}`); s.Sink.Name != "file.main" {
		t.Errorf("of JSON, named: %+v", s)
	}
	named := load(t, `state "file" { path = "x" }`)
	if named.State.Implicit || named.State.Values.String("path") != "x" {
		t.Errorf("State = %+v", named.State)
	}
	if c.Project != "default" {
		t.Errorf("Project = %q", c.Project)
	}
}

const variables = `
variable "a" { default = "default" }
variable "list" {
  type    = list(string)
  default = []
}
variable "never_null" {
  type     = number
  default  = 7
  nullable = false
}
account "bank" "x" {
  username = "${var.a}/${join("+", var.list)}/${var.never_null}"
  password = "p"
}
`

func TestLaterSourcesOfVariablesWin(t *testing.T) {
	files := map[string]string{
		"main.hcl":          variables,
		"1.auto.credvars":   `a = "auto1"`,
		"2.auto.credvars":   `a = "auto2"`,
		".hide.credvars":    `a = "hidden"`,
		"given.credvars":    "a = \"given\"\nnever_null = null",
		"3.credvars.sample": `a = "sample"`,
		"j.credvars.json":   `{"list": ["x", "y"]}`,
	}
	env := map[string]string{"CREDSYNC_VAR_a": "env", "CREDSYNC_VAR_list": `["e"]`}
	cases := map[string]struct {
		remove   []string
		env      map[string]string
		varFiles []string
		vars     []string
		fileLast bool
		want     string
	}{
		"default":               {remove: []string{"1.auto.credvars", "2.auto.credvars"}, want: "default//7"},
		"environment":           {remove: []string{"1.auto.credvars", "2.auto.credvars"}, env: env, want: "env/e/7"},
		"automatic files":       {env: env, want: "auto2/e/7"},
		"file":                  {env: env, varFiles: []string{"given.credvars", "j.credvars.json"}, want: "given/x+y/7"},
		"argument":              {env: env, varFiles: []string{"given.credvars"}, vars: []string{"a=first", "a=b=c", `list=["v"]`}, want: "b=c/v/7"},
		"file after argument":   {env: env, varFiles: []string{"given.credvars"}, vars: []string{"a=first"}, fileLast: true, want: "given/e/7"},
		"number as an argument": {remove: []string{"2.auto.credvars"}, vars: []string{"never_null=8"}, want: "auto1//8"},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			dir := write(t, files)
			for _, f := range tc.remove {
				if err := os.Remove(filepath.Join(dir, f)); err != nil {
					t.Fatal(err)
				}
			}
			o := options(dir, tc.env)
			for _, f := range tc.varFiles {
				o.Inputs = append(o.Inputs, config.Input{File: filepath.Join(dir, f)})
			}
			o.Inputs = append(o.Inputs, inputs(tc.vars...)...)
			if tc.fileLast {
				slices.Reverse(o.Inputs)
			}
			c, list := config.Load(context.Background(), o)
			if len(list) > 0 {
				t.Fatal(text(list))
			}
			if got := c.Accounts[0].Values.String("username"); got != tc.want {
				t.Errorf("got %q, want %q", got, tc.want)
			}
		})
	}
}

func TestUndeclaredVariables(t *testing.T) {
	o := options(write(t, map[string]string{"main.hcl": variables, "x.auto.credvars": "aa = 1\n"}), nil)
	_, list := config.Load(context.Background(), o)
	if list.HasErrors() || len(list) != 1 {
		t.Errorf("in a file, want one warning, got %s", text(list))
	}
	o = options(write(t, map[string]string{"main.hcl": variables}), nil)
	o.Inputs = inputs("lisst=x")
	_, list = config.Load(context.Background(), o)
	if !list.HasErrors() || !strings.Contains(list[0].Detail, `Did you mean "list"?`) {
		t.Errorf("as an argument, want an error, got %s", text(list))
	}
}

func TestUnreadableConfigurations(t *testing.T) {
	empty := t.TempDir()
	large := filepath.Join(t.TempDir(), "large.hcl")
	f, err := os.Create(large)
	if err != nil {
		t.Fatal(err)
	}
	if err := f.Truncate(100 << 20); err != nil { // sparse
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	cases := map[string]struct{ path, want string }{
		"missing":           {filepath.Join(empty, "none"), "does not exist. Give the configuration's directory"},
		"no files":          {empty, "has no *.hcl"},
		"too large":         {large, "larger than 16 MiB"},
		"not UTF-8":         {write(t, map[string]string{"a.hcl": "# ok\n# \xff"}), "Line 2 of"},
		"UTF-16":            {write(t, map[string]string{"a.hcl": "\xff\xfex\x00"}), "UTF-16"},
		"deep":              {write(t, map[string]string{"a.hcl": "locals {\n x = " + strings.Repeat("[", 9000) + "\n}"}), "nested more than"},
		"many operators":    {write(t, map[string]string{"a.hcl": "locals {\n x = " + strings.Repeat("!", 9000) + "true\n}"}), "nested more than"},
		"many conditionals": {write(t, map[string]string{"a.hcl": "locals {\n x = " + strings.Repeat("true?1:", 20001) + "1\n}"}), "nested more than"},
		"deep JSON":         {write(t, map[string]string{"a.hcl.json": strings.Repeat("[", 100000)}), "nested more than"},
		"deep JSON text":    {write(t, map[string]string{"a.hcl.json": `{"locals":{"x":"${` + strings.Repeat("[", 100000) + `}"}}`}), "nested more than"},
		"null device":       {os.DevNull, "not a regular file"},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			c, list := config.Load(context.Background(), options(tc.path, nil))
			if c != nil || !list.HasErrors() ||
				!strings.Contains(text(list[:1]), tc.want) && !strings.Contains(list[0].Detail, tc.want) {
				t.Errorf("got %s, want %q", text(list), tc.want)
			}
		})
	}
}

func TestEachFileIsReadInOrderAndOthersAreNot(t *testing.T) {
	dir := write(t, map[string]string{
		"b.hcl": "account \"bank\" \"b\" {\n username = local.u\n password = \"p\"\n}", "a.hcl": `locals { u = "u" }`,
		".hidden.hcl": "broken {", "notes.txt": "broken {", "c.hcl.bak": "broken {",
	})
	if err := os.Mkdir(filepath.Join(dir, "sub.hcl"), 0o700); err != nil {
		t.Fatal(err)
	}
	c, list := config.Load(context.Background(), options(dir, nil))
	if len(list) > 0 || len(c.Accounts) != 1 || c.Dir != dir {
		t.Errorf("got %s", text(list))
	}
}

func TestEnvironmentStandsInForAnAbsentAttribute(t *testing.T) {
	env := withEnv(map[string]string{"VAULT_ADDR": "https://from.env"})
	c := load(t, "sink \"vault\" \"a\" {}\nsink \"vault\" \"b\" {\n address = \"https://written\"\n}", env)
	if a, b := c.Sinks[0].Values.String("address"), c.Sinks[1].Values.String("address"); a != "https://from.env" || b != "https://written" {
		t.Errorf("got %q and %q", a, b)
	}
	list := problems(t, `sink "vault" "a" {}`)
	if len(list) != 1 || !strings.Contains(list[0].Detail, "environment variable VAULT_ADDR") {
		t.Errorf("got %s", text(list))
	}
}

const withInputs = vaultSink + `
data "vault" "in" {
  for_each = toset(["a", "b", "c", "d"])
  sink     = "main"
  path     = "in/${each.key}"
}
locals {
  password = data.vault.in["a"].password
  keys     = nonsensitive(keys(data.vault.in["b"]))
}
account "bank" "x" {
  for_each = toset(local.keys)
  username = each.key
  password = local.password
}
`

func TestDataIsReadOncePerInstanceAndInParallel(t *testing.T) {
	var mu sync.Mutex
	seen := map[string]int{}
	var together sync.WaitGroup
	together.Add(4)
	c := load(t, withInputs, func(o *config.Options) {
		o.ReadData = func(_ context.Context, s *config.Sink, source sinks.Target) (sinks.Object, error) {
			mu.Lock()
			seen[s.Name+" "+source.Path]++
			mu.Unlock()
			together.Done()
			together.Wait() // all four at once, or never
			return sinks.Object{Data: map[string]credential.Secret{"password": credential.NewSecret("pw")}}, nil
		}
	})
	want := map[string]int{"vault.main in/a": 1, "vault.main in/b": 1, "vault.main in/c": 1, "vault.main in/d": 1}
	if diff := cmp.Diff(want, seen); diff != "" {
		t.Error(diff)
	}
	if a := c.Accounts[0]; a.Address != `account.bank.x["password"]` || a.Values.Secret("password").Reveal() != "pw" {
		t.Errorf("the account is %s", a.Address)
	}
}

func TestNothingIsReadOffline(t *testing.T) {
	c := load(t, withInputs) // the keys are not known, so there is no instance
	if len(c.Accounts) != 0 {
		t.Errorf("%d accounts", len(c.Accounts))
	}
	list := problems(t, strings.Replace(withInputs, "username = each.key", "username = each.kye", 1))
	if !list.HasErrors() {
		t.Error("the block of unknown instances is not checked")
	}
	known := load(t, strings.Replace(withInputs, "toset(local.keys)", `toset(["k"])`, 1))
	if v := known.Accounts[0].Values; v.AllKnown() || v.Known("password") {
		t.Error("a value of unread data counts as known")
	}
}

func TestNothingIsReadAfterAnError(t *testing.T) {
	var reads atomic.Int32
	list := problems(t, withInputs+"locals {\n oops = var.none\n}\n", func(o *config.Options) {
		o.ReadData = func(context.Context, *config.Sink, sinks.Target) (sinks.Object, error) {
			reads.Add(1)
			return sinks.Object{}, nil
		}
	})
	if len(list) != 1 || reads.Load() != 0 {
		t.Errorf("%d reads, %s", reads.Load(), text(list))
	}
}

func TestMissingKeyOfDataNamesTheKeysThereAre(t *testing.T) {
	src := vaultSink + "data \"vault\" \"in\" {\n sink = \"main\"\n path = \"in\"\n}\naccount \"bank\" \"x\" {\n username = \"u\"\n password = data.vault.in.pasword\n}\n"
	list := problems(t, src, withData(map[string]string{"password": "pw", "login": "l"}))
	want := `data.vault.in has no key "pasword". Did you mean "password"? Its keys are login, password.`
	if len(list) != 1 || list[0].Detail != want || list[0].Snippet != nil {
		t.Errorf("got %s", text(list))
	}
}

func TestDigestFollowsContentAndPlainVariables(t *testing.T) {
	const src = "variable \"p\" {\n default = \"1\"\n}\nvariable \"s\" {\n default = \"1\"\n sensitive = true\n}\n"
	digest := func(src string, vars ...string) string {
		return load(t, src, func(o *config.Options) { o.Inputs = inputs(vars...) }).Digest
	}
	base := digest(src)
	for name, tc := range map[string]struct {
		digest string
		same   bool
	}{
		"again":                {digest(src), true},
		"comment":              {digest(src + "# x"), false},
		"variable":             {digest(src, "p=2"), false},
		"sensitive variable":   {digest(src, "s=2"), true},
		"variable, same value": {digest(src, "p=1"), true},
	} {
		if (tc.digest == base) != tc.same {
			t.Errorf("%s: same = %v", name, !tc.same)
		}
	}
}

func TestInstancesShareTheirMistakes(t *testing.T) {
	list := problems(t, "account \"bank\" \"x\" {\n for_each = toset(formatlist(\"%d\", range(1000)))\n username = [each.key]\n password = \"p\"\n}\n")
	if len(list) != 1 || list[0].Address != `account.bank.x["0"]` {
		t.Errorf("%d diagnostics", len(list))
	}
}

func TestDisabledAccountIsChecked(t *testing.T) {
	list := problems(t, "account \"bank\" \"x\" {\n enabled = false\n}\n")
	if !list.HasErrors() {
		t.Error("a disabled account was not checked")
	}
	c := load(t, "account \"bank\" \"x\" {\n enabled = false\n username = \"u\"\n password = \"p\"\n on_remove = \"delete\"\n verify_every = \"1d\"\n rotate_before = \"25%\"\n}\n")
	a := c.Accounts[0]
	if a.Enabled || !a.DeleteOnRemove || a.VerifyEvery != 24*time.Hour || a.RotateBefore.Percent != 25 {
		t.Errorf("%+v", a)
	}
}

func TestSnippetHasItsBlockAndHighlight(t *testing.T) {
	list := problems(t, "account \"bank\" \"x\" {\n  username = [\"u\"]\n  password = \"p\"\n}\n")
	s := list[0].Snippet
	if s == nil || s.Context == nil || *s.Context != `account "bank" "x"` || s.Code != `  username = ["u"]` || s.StartLine != 2 {
		t.Fatalf("%+v", s)
	}
	if got := s.Code[s.HighlightStartOffset:s.HighlightEndOffset]; got != `["u"]` {
		t.Errorf("highlighted: %q", got)
	}
}

func BenchmarkLoadInstances(b *testing.B) {
	var names strings.Builder
	for i := range 10000 {
		fmt.Fprintf(&names, "\"n%d\",", i)
	}
	benchmarkLoad(b, vaultSink+"account \"bank\" \"x\" {\n for_each = toset(["+names.String()+"])\n username = each.key\n password = \"p\"\n deliver \"vault\" \"main\" {\n path = \"x/${each.key}\"\n data = { T = token.access_token }\n }\n}\n")
}

func BenchmarkLoadBlocks(b *testing.B) {
	var src strings.Builder
	src.WriteString(vaultSink)
	for i := range 10000 {
		fmt.Fprintf(&src, "account \"bank\" \"n%d\" {\n username = \"u\"\n password = \"p\"\n deliver \"vault\" \"main\" {\n path = \"x/%d\"\n data = { T = token.access_token }\n }\n}\n", i, i)
	}
	benchmarkLoad(b, src.String())
}

func benchmarkLoad(b *testing.B, src string) {
	dir := write(b, map[string]string{"main.hcl": src})
	for b.Loop() {
		c, list := config.Load(context.Background(), options(dir, nil))
		if list.HasErrors() || len(c.Accounts) != 10000 {
			b.Fatal(text(list))
		}
	}
}

func TestSecretsThatExpressionsWouldAlterAreRefused(t *testing.T) {
	const decomposed = "e\u0301" // one character, in two code points
	src := vaultSink + "data \"vault\" \"in\" {\n sink = \"main\"\n path = \"in\"\n}\nvariable \"v\" {\n default = \"\"\n}\n"
	varFile := func(name, content string) func(*config.Options) {
		dir := write(t, map[string]string{name: content})
		return func(o *config.Options) { o.Inputs = []config.Input{{File: filepath.Join(dir, name)}} }
	}
	for name, with := range map[string]func(*config.Options){
		"data":           withData(map[string]string{"password": decomposed}),
		"binary":         withData(map[string]string{"password": "\xff"}),
		"variable":       func(o *config.Options) { o.Inputs = inputs("v=" + decomposed) },
		"file":           varFile("a.credvars", "\n\nv = \""+decomposed+"\""),
		"file, escaped":  varFile("a.credvars", `v = "a\\\u0065\u0301"`),
		"file in JSON":   varFile("a.credvars.json", `{"v": "e\u0301"}`),
		"JSON, as it is": varFile("a.credvars.json", `{"v": "`+decomposed+`"}`),
	} {
		list := problems(t, src, with)
		if len(list) != 1 ||
			!strings.Contains(list[0].Detail, "not UTF-8") && !strings.Contains(list[0].Detail, "normal form C") ||
			strings.Contains(everything(t, list), "e\u0301") {
			t.Errorf("%s: %s", name, text(list))
		}
	}
	c := load(
		t,
		vaultSink+"account \"bank\" \"a\" {\n username = \"u\"\n password = \"p\"\n deliver \"vault\" \"main\" {\n path = \"x\"\n }\n}\n",
	)
	got, list := c.Accounts[0].Deliveries[0].Render(credential.Token{Access: credential.NewSecret(decomposed)})
	if got != nil || !list.HasErrors() {
		t.Error("an altered token was rendered")
	}
}

// The parser recurses: what is accepted must not overflow its stack.
func TestDeepestAcceptedNestingIsParsed(t *testing.T) {
	nested := strings.Repeat("[", 190) + strings.Repeat("]", 190)
	branches := strings.Repeat("false?1:", 5000) + "1"
	load(t, "locals {\n a = "+nested+"\n b = "+branches+"\n c = "+strings.Repeat("!", 99)+"true\n}\n")
}

func TestManyInstancesWithAMistakeAreSummedUp(t *testing.T) {
	list := problems(t, "account \"bank\" \"x\" {\n for_each = toset(formatlist(\"%d\", range(1000)))\n username = \"u\"\n password = \"p\"\n rotate_before = \"x${each.key}\"\n}\n")
	if len(list) != 5 || !strings.Contains(list[4].Detail, "There are 995 more problems like this one") {
		t.Errorf("%d diagnostics", len(list))
	}
}

func TestVariablesMayBeUnsetWhereOnlyTheConfigurationIsChecked(t *testing.T) {
	const src = `
credsync {
  project = "shop-${var.url}"
}
variable "password" {
  sensitive = true
}
variable "url" {
  type = string
}
variable "shops" {
  type = map(string)
  validation {
    condition     = length(var.shops) > 1
    error_message = "More shops."
  }
}
sink "file" "out" {
}
sink "file" "each" {
  for_each = var.shops
  dir      = each.value
}
account "bank" "b" {
  username = "u"
  password = "p"
  deliver "file" "each[\"a\"]" {
    path = "x"
  }
  deliver "file" "each[\"b\"]" {
    path = "x"
  }
}
account "bank" "a" {
  for_each = var.shops
  base_url = var.url
  username = each.value
  password = var.password
  %s
  deliver "file" "out" {
    path = "${var.url}/${each.key}"
  }
}
`
	unset := func(o *config.Options) { o.AllowUnset = true }
	if list := problems(t, fmt.Sprintf(src, ""), unset); len(list) > 0 {
		t.Error(text(list))
	}
	if list := problems(t, fmt.Sprintf(src, "portal = var.password"), unset); !strings.Contains(text(list), "Sensitive value not allowed here") {
		t.Error(text(list))
	}
	if list := problems(t, fmt.Sprintf(src, "")); !strings.Contains(text(list), "No value for required variable") {
		t.Error(text(list))
	}
}

// inputs are those of --var.
func inputs(vars ...string) []config.Input {
	var list []config.Input
	for _, v := range vars {
		list = append(list, config.Input{Var: v})
	}
	return list
}

func TestLiteralsThatWouldBeAlteredAreRefused(t *testing.T) {
	for name, src := range map[string]string{
		"literal": "locals {\n  x = \"cafe\u0301\"\n}\n",
		"heredoc": "locals {\n  x = <<EOT\ncafe\u0301\nEOT\n}\n",
		"escape":  "locals {\n  x = \"\\u0065\\U00000301\"\n}\n",
		"key":     "locals {\n  x = { cafe\u0301 = 1 }\n}\n",
	} {
		c, list := config.Load(context.Background(), options(write(t, map[string]string{"a.hcl": src}), nil))
		if c != nil || len(list) != 1 || !strings.Contains(list[0].Detail, "Line ") || !strings.Contains(list[0].Detail, "normal form C") {
			t.Errorf("%s: %s", name, text(list))
		}
	}
	for name, src := range map[string]string{
		"comment":   "# cafe\u0301\nlocals {\n  x = 1 // e\u0301\n}\n",
		"backslash": "locals {\n  x = \"e\\\\u0301\"\n}\n",
		"composed":  "locals {\n  x = \"\\u00e9\u00e9\"\n}\n",
		"mark":      "\ufefflocals {\n  x = 1\n}\n",
	} {
		if _, list := config.Load(context.Background(), options(write(t, map[string]string{"a.hcl": src}), nil)); len(
			list,
		) > 0 {
			t.Errorf("%s: %s", name, text(list))
		}
	}
}

func TestDataDropOneByteOrderMark(t *testing.T) {
	src := vaultSink + "data \"vault\" \"in\" {\n sink = \"main\"\n path = \"in\"\n}\n" +
		"account \"bank\" \"a\" {\n  username = \"u\"\n  password = data.vault.in.password\n}\n"
	c := load(t, src, withData(map[string]string{"password": "\ufeffword"}))
	if got := c.Accounts[0].Values.Secret("password").Reveal(); got != "word" {
		t.Errorf("the password is %q", got)
	}
}

// A file that breaks off shows the line that it ends with, as any other.
func TestAFileThatBreaksOffShowsItsLastLine(t *testing.T) {
	const line = `account "bank" "a" {`
	list := problems(t, line)
	if len(list) == 0 || list[0].Snippet == nil || list[0].Snippet.Code != line {
		t.Errorf("%s", text(list))
	}
}

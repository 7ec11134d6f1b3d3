package config_test

import (
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/credsync/credsync/config"
	"github.com/credsync/credsync/credential"
	"github.com/credsync/credsync/schema/diag"
	"github.com/google/go-cmp/cmp"
)

const importing = openAccounts + `
account "bank" "a" {
  username = "u"
  password = "p"
}
account "bank" "each" {
  for_each = toset(["x", "y"])
  username = each.key
  password = "p"
}
account "shop" "s" {}
account "fixed" "f" {}
variable "secret" {
  sensitive = true
  default   = "` + canary + `"
}
`

// importTests have the arguments of an import block in both syntaxes.
var importTests = map[string]struct {
	native, json string
	// want are parts of the error; none for a good one.
	want []string
}{
	"whole": {
		"to = account.bank.a\n access_token = var.secret\n refresh_token = var.secret\n expires_at = \"2026-01-31T20:04:05+05:00\"\n outputs = { group_id = var.secret }",
		`"to": "account.bank.a", "access_token": "${var.secret}", "refresh_token": "${var.secret}", "expires_at": "2026-01-31T20:04:05+05:00", "outputs": {"group_id": "${var.secret}"}`, nil,
	},
	"an instance": {`to = account.bank.each["x"]` + "\n access_token = var.secret", `"to": "account.bank.each[\"x\"]", "access_token": "${var.secret}"`, nil},
	"nulls":       {"to = account.bank.a\n access_token = \"t\"\n refresh_token = null\n expires_at = null\n outputs = null", `"to": "account.bank.a", "access_token": "t", "refresh_token": null, "expires_at": null, "outputs": null`, nil},
	"no to":       {`access_token = "t"`, `"access_token": "t"`, []string{`The argument "to" is required in the import block`}},
	"to is no address": {"to = account.bank\n access_token = \"t\"", `"to": "account.bank", "access_token": "t"`,
		[]string{"Invalid account address"}},
	"not declared": {"to = account.bank.b\n access_token = \"t\"", `"to": "account.bank.b", "access_token": "t"`,
		[]string{"Import into an account that is not declared", "There is no account.bank.b", `Did you mean "account.bank.a"?`}},
	"an instance that is not": {`to = account.bank.each["zebra"]` + "\n access_token = \"t\"", `"to": "account.bank.each[\"zebra\"]", "access_token": "t"`,
		[]string{"Import into an account that is not declared", "has no such key"}},
	"an instance that is near": {`to = account.bank.each["xx"]` + "\n access_token = \"t\"", `"to": "account.bank.each[\"xx\"]", "access_token": "t"`,
		[]string{"not declared", `Did you mean account.bank.each["x"]?`}},
	"an instance of no for_each": {`to = account.bank.a["x"]` + "\n access_token = \"t\"", `"to": "account.bank.a[\"x\"]", "access_token": "t"`,
		[]string{"not declared", "has no for_each; its address is account.bank.a"}},
	"several accounts": {"to = account.bank.each\n access_token = \"t\"", `"to": "account.bank.each", "access_token": "t"`,
		[]string{"Import into several accounts", `Name the instance, such as account.bank.each["x"].`}},
	"several that are not known": {"to = account.shop.open\n access_token = \"t\"", `"to": "account.shop.open", "access_token": "t"`,
		[]string{"Import into several accounts", `such as account.shop.open["key"].`}},
	"an unknown provider": {"to = account.bnk.a\n access_token = \"t\"", `"to": "account.bnk.a", "access_token": "t"`,
		[]string{"Unknown provider", `Did you mean "bank"?`}},
	"a static token": {"to = account.fixed.f\n access_token = \"t\"", `"to": "account.fixed.f", "access_token": "t"`,
		[]string{"No token to import", `provider "fixed"`, "Remove this block"}},
	"no token":       {"to = account.bank.a", `"to": "account.bank.a"`, []string{`The argument "access_token" is required in the import block`}},
	"a null token":   {"to = account.bank.a\n access_token = null", `"to": "account.bank.a", "access_token": null`, []string{`The argument "access_token" is required`}},
	"an empty token": {"to = account.bank.a\n access_token = \"\"", `"to": "account.bank.a", "access_token": ""`, []string{`The argument "access_token" is empty`}},
	"a token's type": {"to = account.bank.a\n access_token = [var.secret]", `"to": "account.bank.a", "access_token": ["${var.secret}"]`, []string{"Incorrect argument type", `"access_token" must be a string`}},
	"an empty refresh": {"to = account.bank.a\n access_token = \"t\"\n refresh_token = \"\"", `"to": "account.bank.a", "access_token": "t", "refresh_token": ""`,
		[]string{`The argument "refresh_token" is empty. Give it a value, or leave the argument out`}},
	"no such refresh": {"to = account.shop.s\n access_token = \"t\"\n refresh_token = var.secret", `"to": "account.shop.s", "access_token": "t", "refresh_token": "${var.secret}"`,
		[]string{"No refresh token to import", `Provider "shop"`}},
	"a wrong time": {"to = account.bank.a\n access_token = \"t\"\n expires_at = var.secret", `"to": "account.bank.a", "access_token": "t", "expires_at": "${var.secret}"`,
		[]string{"Invalid value", `"expires_at"`, "2026-01-31T15:04:05Z"}},
	"a time without a zone": {"to = account.bank.a\n access_token = \"t\"\n expires_at = \"2027-02-03T04:05:06\"", `"to": "account.bank.a", "access_token": "t", "expires_at": "2027-02-03T04:05:06"`,
		[]string{"RFC 3339"}},
	"outputs are no object": {"to = account.bank.a\n access_token = \"t\"\n outputs = var.secret", `"to": "account.bank.a", "access_token": "t", "outputs": "${var.secret}"`,
		[]string{`"outputs"`, "{ user_id = … }", "this is a string"}},
	"an unknown output": {"to = account.bank.a\n access_token = \"t\"\n outputs = { grup_id = var.secret }", `"to": "account.bank.a", "access_token": "t", "outputs": {"grup_id": "${var.secret}"}`,
		[]string{"Unknown output", `no output "grup_id". Did you mean "group_id"?`, "Its outputs are branches, customers, group_id, muted."}},
	"an output that may be secret": {
		"to = account.bank.a\n access_token = \"t\"\n outputs = { (var.secret) = 1 }", `"to": "account.bank.a", "access_token": "t", "outputs": "${{ (var.secret) = 1 }}"`,
		[]string{"Unknown output", "One of the names in outputs is not an output"},
	},
	"an output of none": {"to = account.shop.s\n access_token = \"t\"\n outputs = { x = 1 }", `"to": "account.shop.s", "access_token": "t", "outputs": {"x": 1}`,
		[]string{"It has no outputs except the token itself"}},
	"the token as an output": {"to = account.bank.a\n access_token = \"t\"\n outputs = { expires_at = var.secret }", `"to": "account.bank.a", "access_token": "t", "outputs": {"expires_at": "${var.secret}"}`,
		[]string{`"expires_at" is an argument of the import block itself`}},
	"when it was issued": {"to = account.bank.a\n access_token = \"t\"\n outputs = { issued_at = var.secret }", `"to": "account.bank.a", "access_token": "t", "outputs": {"issued_at": "${var.secret}"}`,
		[]string{"does not accept the time of issue"}},
	"an output's type": {"to = account.bank.a\n access_token = \"t\"\n outputs = { muted = var.secret }", `"to": "account.bank.a", "access_token": "t", "outputs": {"muted": "${var.secret}"}`,
		[]string{"Incorrect type of an output", `The output "muted" must be a bool`}},
	"a list's type": {"to = account.bank.a\n access_token = \"t\"\n outputs = { branches = var.secret }", `"to": "account.bank.a", "access_token": "t", "outputs": {"branches": "${var.secret}"}`,
		[]string{`The output "branches" must be a list of strings`}},
	"a list with a null": {"to = account.bank.a\n access_token = \"t\"\n outputs = { branches = [var.secret, null] }", `"to": "account.bank.a", "access_token": "t", "outputs": {"branches": ["${var.secret}", null]}`,
		[]string{`The output "branches" must be a list of strings without nulls`}},
	"a list of others": {"to = account.bank.a\n access_token = \"t\"\n outputs = { customers = [var.secret] }", `"to": "account.bank.a", "access_token": "t", "outputs": {"customers": ["${var.secret}"]}`,
		[]string{`The output "customers" must be a list of objects of strings`}},
	"a misspelt argument": {"to = account.bank.a\n acess_token = var.secret", `"to": "account.bank.a", "acess_token": "${var.secret}"`,
		[]string{`Did you mean "access_token"?`}},
}

func TestImportBlocks(t *testing.T) {
	for name, tt := range importTests {
		for file, src := range map[string]string{"import.hcl": "import {\n " + tt.native + "\n}\n", "import.hcl.json": `{"import": {` + tt.json + `}}`} {
			t.Run(name+" in "+file, func(t *testing.T) {
				list := problems(t, importing, withOthers, withFile(t, file, src))
				if len(tt.want) == 0 {
					if len(list) > 0 {
						t.Errorf("it is said: %s", text(list))
					}
					return
				}
				var said strings.Builder
				for _, d := range list {
					said.WriteString(d.Summary + "; " + d.Detail + "\n")
					if d.Severity != diag.Error || d.Range == nil || !strings.HasSuffix(d.Range.Filename, file) {
						t.Errorf("not an error of the block: %s", text(list))
					}
				}
				for _, part := range tt.want {
					if !strings.Contains(said.String(), part) {
						t.Errorf("%q is not in %q", part, said.String())
					}
				}
				if strings.Contains(everything(t, list), canary) {
					t.Errorf("a value is shown: %s", text(list))
				}
			})
		}
	}
}

// The parser of JSON panics on such a name.
func TestSensitiveNamesInJSON(t *testing.T) {
	const sinks = `"sink": {"vault": {"main": {"address": "https://vault.test"}}}, "variable": {"secret": {"sensitive": true, "default": "` + canary + `"}}, `
	for name, src := range map[string]string{
		"outputs": `"account": {"bank": {"a": {"username": "u", "password": "p"}}}, "import": {"to": "account.bank.a", "access_token": "t", "outputs": {"${var.secret}": 1}}`,
		"data":    `"account": {"bank": {"a": {"username": "u", "password": "p", "deliver": {"vault": {"main": {"path": "p", "data": {"${var.secret}": 1}}}}}}}`,
		"a local": `"locals": {"x": [{"a": {"${var.secret}": 1}}]}`,
	} {
		list := problems(t, "{"+sinks+src+"}", inJSON)
		if !strings.Contains(text(list), "must not be sensitive") || strings.Contains(everything(t, list), canary) {
			t.Errorf("%s: %s", name, text(list))
		}
	}
}

func TestTwoImportsForOneAccount(t *testing.T) {
	for file, src := range map[string]string{
		"import.hcl":      "import {\n  to = account.bank.a\n  access_token = \"t\"\n}\nimport {\n  to = account.bank.a\n  access_token = \"u\"\n}\n",
		"import.hcl.json": "{\"import\": [\n{\"to\": \"account.bank.a\", \"access_token\": \"t\"},\n\n\n\n{\"to\": \"account.bank.a\", \"access_token\": \"u\"}]}",
	} {
		list := problems(t, importing, withOthers, withFile(t, file, src))
		first := file + map[bool]string{true: ":2,", false: ":1,"}[strings.HasSuffix(file, "json")]
		if len(list) != 1 || list[0].Range.Start.Line != 6 || !strings.Contains(list[0].Detail, first) ||
			!strings.Contains(list[0].Detail, "Remove one of the two blocks") {
			t.Errorf("%s: %s", file, text(list))
		}
	}
}

// reveal shows secrets to compare them.
var reveal = cmp.Transformer("reveal", func(s credential.Secret) string { return s.Reveal() })

func TestImportHasTheTokenAsALoginWouldGiveIt(t *testing.T) {
	const src = importing + `
import {
  to            = account.bank.a
  access_token  = data.vault.d.access
  refresh_token = var.secret
  expires_at    = "2026-01-31T20:04:05+05:00"
  outputs = {
    group_id  = 12
    muted     = "true"
    branches  = toset(["b1", data.vault.d.branch])
    customers = [{ id = 1 }, { id = "2", name = data.vault.d.branch }]
  }
}
import {
  to           = account.bank.each["y"]
  access_token = "only"
  outputs      = { group_id = null, branches = [] }
}
import {
  to           = account.shop.open["k"]
  access_token = "open"
}
`
	data := map[string]string{"access": "t1", "branch": "b2", "shops": `["k"]`}
	c := load(t, strings.Replace(src, "nonsensitive(data.vault.d.shops)", "toset(jsondecode(nonsensitive(data.vault.d.shops)))", 1), withOthers, withData(data))
	want := map[string]credential.Token{
		"account.bank.a": {
			Access: credential.NewSecret(
				"t1",
			), Refresh: credential.NewSecret(canary), ExpiresAt: time.Date(2026, 1, 31, 15, 4, 5, 0, time.UTC),
			Outputs: credential.Outputs{
				"group_id": "12", "muted": true, "branches": []string{"b1", "b2"},
				"customers": []map[string]string{{"id": "1"}, {"id": "2", "name": "b2"}},
			},
		},
		`account.bank.each["y"]`: {Access: credential.NewSecret("only"), Outputs: credential.Outputs{"branches": []string{}}},
		`account.shop.open["k"]`: {Access: credential.NewSecret("open")},
	}
	got := map[string]credential.Token{}
	for address, i := range c.Imports {
		got[address] = i.Token
		if i.To != address || i.Range == nil {
			t.Errorf("the import of %s is of %s at %v", address, i.To, i.Range)
		}
		if err := i.Token.Outputs.Check(); err != nil {
			t.Error(err)
		}
	}
	if diff := cmp.Diff(want, got, reveal); diff != "" {
		t.Error(diff)
	}
}

// Offline what comes from data is only checked as far as it is known.
func TestImportOfValuesThatAreNotRead(t *testing.T) {
	const src = importing + `
import {
  to            = account.bank.a
  access_token  = data.vault.d.access
  expires_at    = data.vault.d.expires
  outputs       = { group_id = data.vault.d.group, muted = true }
}
import {
  to           = account.bank.each["x"]
  access_token = "t"
  outputs      = data.vault.d
}
import {
  to           = account.bank.each["y"]
  access_token = "known"
}
import {
  to           = account.shop.open["may be there"]
  access_token = "t"
}
`
	c := load(t, src, withOthers)
	if got := slices.Sorted(maps.Keys(c.Imports)); !slices.Equal(got, []string{`account.bank.each["y"]`, `account.shop.open["may be there"]`}) {
		t.Errorf("imports of %q", got)
	}
	list := problems(t, strings.Replace(src, "muted = true", "grup_id = data.vault.d.x", 1), withOthers)
	if len(list) != 1 || !strings.Contains(text(list), `Did you mean "group_id"?`) {
		t.Error(text(list))
	}
}

func TestDeliverySaysWhatItTakesOfTheToken(t *testing.T) {
	for data, want := range map[string]struct {
		outputs, keys []string
		open          bool
	}{
		"": {keys: []string{"access_token", "expires_at", "group_id", "muted", "branches", "customers"}},
		"data = { T = token.access_token, G = \"${token.group_id}-${token[\"group_id\"]}\" }": {outputs: []string{"access_token", "group_id"}, keys: []string{"G", "T"}},
		"data = token": {keys: []string{"access_token", "branches", "customers", "expires_at", "group_id", "muted", "refresh_token"}},
		"data = { all = jsonencode(token), T = token.access_token }":              {keys: []string{"T", "all"}},
		"data = { for c in token.customers : c.id => c.name }":                    {outputs: []string{"customers"}, open: true},
		"data = { n = account.name, c = [for token in [\"a\"] : token] }":         {keys: []string{"c", "n"}},
		"data = { b = try(token.branches[0], null), m = token.muted ? 1 : null }": {outputs: []string{"branches", "muted"}, keys: []string{"b", "m"}},
	} {
		for _, forEach := range []string{"", "for_each = toset([\"x\", \"y\"])"} {
			c := load(t, vaultSink+"account \"bank\" \"a\" {\n"+forEach+"\nusername = \"u\"\npassword = \"p\"\ndeliver \"vault\" \"main\" {\n path = \"p/${account.address}\"\n"+data+"\n}\n}\n")
			for _, a := range c.Accounts {
				d := a.Deliveries[0]
				keys, known := d.Keys()
				if !slices.Equal(d.TokenOutputs, want.outputs) || !slices.Equal(keys, want.keys) || known == want.open {
					t.Errorf("%s: outputs %q, keys %q, known %t", data, d.TokenOutputs, keys, known)
				}
			}
		}
	}
	c := load(t, `{"sink": {"vault": {"main": {"address": "https://vault.test"}}}, "account": {"bank": {"a": {"username": "u", "password": "p",
		"deliver": {"vault": {"main": {"path": "p", "data": {"T": "${token.access_token}", "G": "${upper(token.group_id)}"}}}}}}}}`, inJSON)
	if got := c.Accounts[0].Deliveries[0].TokenOutputs; !slices.Equal(got, []string{"access_token", "group_id"}) {
		t.Errorf("in JSON: %q", got)
	}
}

// withFile puts another file beside the configuration.
func withFile(t *testing.T, name, src string) func(*config.Options) {
	return func(o *config.Options) {
		t.Helper()
		writeInto(t, o.Path, name, src)
	}
}

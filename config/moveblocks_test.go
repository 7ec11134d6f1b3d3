package config_test

import (
	"context"
	"path/filepath"
	"strings"
	"testing"

	"github.com/credsync/credsync/config"
)

const twoAccounts = `
account "bank" "a" {
  username = "u"
  password = "p"
}
account "bank" "b" {
  username = "u"
  password = "p"
}
account "bank" "shop" {
  for_each = toset(["almaty", "astana"])
  username = each.key
  password = "p"
}
`

// What is wrong in JSON is at the same line, by the same words.
func TestErrorsOfMoveBlocksInJSON(t *testing.T) {
	const accounts = `{"account": {"bank": {"a": {"username": "u", "password": "p"}, "b": {"username": "u", "password": "p"}},
  "apikey": {"s": {"token": "t"}}},
`
	for name, tc := range map[string]struct {
		src, want string
		line      int
	}{
		"not a reference":    {`"moved": {"from": "old", "to": "account.bank.a"}`, `Invalid account address; The argument "from" must be`, 3},
		"not a text":         {`"moved": {"from": 7, "to": "account.bank.a"}`, `Invalid account address; The argument "from" must be`, 3},
		"a template":         {`"moved": {"from": "${local.x}", "to": "account.bank.a"}`, "it cannot contain variables", 3},
		"a number as key":    {`"moved": {"from": "account.bank.old[1]", "to": "account.bank.a"}`, "Invalid account address", 3},
		"unknown provider":   {"\"moved\": {\n  \"from\": \"account.bnak.a\", \"to\": \"account.bank.a\"}", `Did you mean "bank"?`, 4},
		"nothing":            {`"moved": {"to": "account.bank.a"}`, `The argument "from" is required in the moved block`, 3},
		"unknown argument":   {`"moved": {"from": "account.bank.old", "to": "account.bank.a", "why": "x"}`, `"why"`, 3},
		"the same":           {`"moved": {"from": "account.bank.old", "to": "account.bank.old"}`, "Account moved to itself", 3},
		"other provider":     {`"moved": {"from": "account.apikey.old", "to": "account.bank.a"}`, "Account moved to another provider", 3},
		"two from":           {"\"moved\": [{\"from\": \"account.bank.old\", \"to\": \"account.bank.a\"},\n {\"from\": \"account.bank.old\", \"to\": \"account.bank.b\"}]", "Account moved twice; account.bank.old is already moved to account.bank.a at DIR/main.hcl.json:3,20.", 4},
		"two to":             {"\"moved\": [{\"from\": \"account.bank.old\", \"to\": \"account.bank.a\"},\n {\"from\": \"account.bank.older\", \"to\": \"account.bank.a\"}]", "Two accounts moved to one", 4},
		"still there":        {`"moved": {"from": "account.bank.a", "to": "account.bank.b"}`, "Account to move is still declared", 3},
		"not declared":       {`"moved": {"from": "account.bank.old", "to": "account.bank.c"}`, "Account moved to an undeclared address", 3},
		"import, nothing":    {`"import": {"access_token": "CANARY"}`, `The argument "to" is required in the import block`, 3},
		"import, no token":   {`"import": {"to": "account.bank.a"}`, `The argument "access_token" is required in the import block`, 3},
		"import, reference":  {`"import": {"to": "bank.a", "access_token": "CANARY"}`, `The argument "to" must be`, 3},
		"import, missing":    {`"import": {"to": "account.bank.c", "access_token": "CANARY"}`, "There is no account.bank.c in the configuration", 3},
		"import, static":     {`"import": {"to": "account.apikey.s", "access_token": "CANARY"}`, "No token to import", 3},
		"import, twice":      {"\"import\": [{\"to\": \"account.bank.a\", \"access_token\": \"CANARY\"},\n {\"to\": \"account.bank.a\", \"access_token\": \"CANARY\"}]", "Two tokens to import for one account", 4},
		"import, time":       {"\"import\": {\"to\": \"account.bank.a\", \"access_token\": \"CANARY\",\n \"expires_at\": \"CANARY\"}", "must be an RFC 3339 time", 4},
		"import, outputs":    {"\"import\": {\"to\": \"account.bank.a\", \"access_token\": \"CANARY\",\n \"outputs\": \"CANARY\"}", "must be an object such as", 4},
		"import, output":     {`"import": {"to": "account.bank.a", "access_token": "CANARY", "outputs": {"group": "CANARY"}}`, `has no output "group"`, 3},
		"import, type":       {`"import": {"to": "account.bank.a", "access_token": ["CANARY"]}`, "access_token", 3},
		"formerly, now":      {`"credsync": {"project": "p", "formerly": ["p"]}`, "is the project's own name", 3},
		"formerly, twice":    {`"credsync": {"project": "p", "formerly": ["q", "q"]}`, `"q" is listed twice`, 3},
		"formerly, not name": {`"credsync": {"project": "p", "formerly": ["a/b"]}`, "is not a valid project name", 3},
	} {
		t.Run(name, func(t *testing.T) {
			dir := write(t, map[string]string{"main.hcl.json": accounts + strings.ReplaceAll(tc.src, "CANARY", canary) + "}"})
			_, list := config.Load(context.Background(), options(dir, nil))
			if len(list) != 1 {
				t.Fatalf("want one diagnostic, got %d:\n%s", len(list), text(list))
			}
			d := list[0]
			if said := strings.ReplaceAll(d.Summary+"; "+d.Detail, dir, "DIR"); !strings.Contains(said, tc.want) {
				t.Errorf("got %q, want it to contain %q", said, tc.want)
			}
			if d.Range == nil || d.Range.Start.Line != tc.line || filepath.Base(d.Range.Filename) != "main.hcl.json" {
				t.Errorf("at %+v, want line %d", d.Range, tc.line)
			}
			if strings.Contains(everything(t, list), canary) {
				t.Errorf("a value of the block was printed:\n%s", text(list))
			}
		})
	}
}

// In validate, what data blocks have is not known.
func TestImportOfUnknownValuesIsNoMistake(t *testing.T) {
	const src = vaultSink + twoAccounts + `
data "vault" "legacy" {
  sink = "main"
  path = "legacy"
}
import {
  to            = account.bank.a
  access_token  = data.vault.legacy.access_token
  refresh_token = data.vault.legacy.refresh_token
  expires_at    = data.vault.legacy.expires_at
  outputs       = { group_id = data.vault.legacy.group_id }
}
`
	if im := load(t, src).Imports["account.bank.a"]; im != nil {
		t.Errorf("imports %v", im)
	}
	values := map[string]string{"access_token": "t", "refresh_token": "r", "expires_at": "2026-03-01T12:00:00Z", "group_id": "7"}
	if im := load(t, src, withData(values)).Imports["account.bank.a"]; im == nil || im.Token.Access.Reveal() != "t" {
		t.Errorf("imports %v", im)
	}
}

// Each value of an import block may be a secret, whatever is wrong with it.
func TestNoValueOfAnImportBlockInAnyDiagnostic(t *testing.T) {
	block := func(arguments string) string {
		return twoAccounts + "import {\n  to = account.bank.a\n" + arguments + "\n}\n"
	}
	const good = "  access_token = \"CANARY\"\n"
	for name, src := range map[string]string{
		"unknown argument":     block(good + `  acess_token = "CANARY"`),
		"on one line":          twoAccounts + `import { acess_token = "CANARY" }`,
		"unknown block":        block(good + "  token {\n    value = \"CANARY\"\n  }"),
		"list":                 block(`  access_token = ["CANARY"]`),
		"unquoted":             block(`  access_token = CANARY`),
		"function":             block(`  access_token = parseint("CANARY", 10)`),
		"refresh token":        block(good + `  refresh_token = ["CANARY"]`),
		"time":                 block(good + `  expires_at = "CANARY"`),
		"time, heredoc":        block(good + "  expires_at = <<EOT\nCANARY\nEOT"),
		"outputs":              block(good + `  outputs = "CANARY"`),
		"unknown output":       block(good + `  outputs = { group = "CANARY" }`),
		"output of a type":     block(good + `  outputs = { branches = { a = "CANARY" } }`),
		"output, several rows": block(good + "  outputs = {\n    group_id = \"CANARY\"\n    group = \"CANARY\"\n  }"),
		"output, function":     block(good + `  outputs = { group_id = parseint("CANARY", 10) }`),
		"output, reference":    block(good + `  outputs = { group_id = CANARY }`),
		"no such account":      twoAccounts + "import {\n  to = account.bank.c\n  access_token = \"CANARY\"\n}",
		"no such account, one": twoAccounts + "import {\n  to = account.bank.shop\n  outputs = { group_id = \"CANARY\" }\n  access_token = \"CANARY\"\n}",
		"twice":                block(good) + "import {\n  to = account.bank.a\n  access_token = \"CANARY\"\n}",
		"local":                "locals {\n  t = \"CANARY\"\n}\n" + block("  access_token = local.t\n  expires_at = local.t"),
		"env":                  block("  access_token = env(\"SECRET\")\n  expires_at = env(\"SECRET\")"),
		"env as output":        block(good + `  outputs = { branches = parseint(env("SECRET"), 10) }`),
		"env as outputs":       block(good + `  outputs = env("SECRET")`),
		"env as a key":         block(good + `  outputs = { (env("SECRET")) = 1 }`),
		"syntax":               block(good + "  outputs = { group_id = \"CANARY\"\n  expires_at = \"CANARY"),
	} {
		t.Run(name, func(t *testing.T) {
			dir := write(t, map[string]string{"main.hcl": strings.ReplaceAll(src, "CANARY", canary)})
			mustNotLeak(t, options(dir, map[string]string{"SECRET": canary}))
		})
	}
}

package config_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/credsync/credsync/config"
	"github.com/credsync/credsync/credential"
	"github.com/credsync/credsync/sinks"
)

const canary = "CANARYhunter2"

// leaky are broken configurations with the canary where secrets stand.
var leaky = map[string]string{
	"unknown attribute":             `account "bank" "a" { passwrod = "CANARY" }`,
	"unknown attribute, block":      "account \"bank\" \"a\" {\n  username = 1\n  passwrod = \"CANARY\"\n}",
	"unknown attribute, heredoc":    "account \"bank\" \"a\" {\n  passwrod = <<EOT\nCANARY\nEOT\n}",
	"unknown block":                 "account \"bank\" \"a\" {\n  htttp { proxy = \"CANARY\" }\n}",
	"unknown top block":             `acount "bank" "a" { password = "CANARY" }`,
	"unknown provider":              `account "bnak" "a" { password = "CANARY" }`,
	"unquoted":                      "account \"bank\" \"a\" {\n username = \"u\"\n  password = CANARY\n}",
	"unquoted traversal":            "account \"bank\" \"a\" {\n username = \"u\"\n  password = CANARY.x\n}",
	"unquoted call":                 "account \"bank\" \"a\" {\n username = \"u\"\n  password = CANARY(1)\n}",
	"wrong type":                    "account \"bank\" \"a\" {\n username = \"u\"\n  password = [\"CANARY\"]\n}",
	"wrong type of map":             "account \"bank\" \"a\" {\n username = \"u\"\n  password = { CANARY = \"CANARY\" }\n}",
	"number wanted":                 "account \"bank\" \"a\" {\n username = \"u\"\n password = \"p\"\n pin = \"CANARY\"\n}",
	"check quotes":                  "account \"bank\" \"a\" {\n username = \"u\"\n password = \"p\"\n lifetime = \"CANARY\"\n}",
	"check quotes an escape":        "account \"bank\" \"a\" {\n username = \"u\"\n password = \"p\"\n lifetime = \"CANARY\\\"\\n\"\n}",
	"block check quotes":            "account \"bank\" \"a\" {\n username = \"careless\"\n password = \"CANARY\"\n}",
	"function fails":                "account \"bank\" \"a\" {\n username = \"u\"\n password = parseint(\"CANARY\", 10)\n}",
	"function fails on sensitive":   "account \"bank\" \"a\" {\n username = parseint(sensitive(\"CANARY\"), 10)\n password = \"p\"\n}",
	"too many arguments":            "account \"bank\" \"a\" {\n username = \"u\"\n password = upper(\"CANARY\", \"CANARY\")\n}",
	"index of an object":            "account \"bank\" \"a\" {\n username = \"u\"\n password = { a = \"CANARY\" }.b\n}",
	"duplicate key of for":          "account \"bank\" \"a\" {\n username = \"u\"\n password = { for x in [\"CANARY\", \"CANARY\"] : x => x }\n}",
	"sensitive() in a path":         "account \"bank\" \"a\" {\n username = sensitive(\"CANARY\")\n password = \"p\"\n}",
	"env in a path":                 "account \"bank\" \"a\" {\n username = env(\"SECRET\")\n password = \"p\"\n}",
	"env into a function":           "account \"bank\" \"a\" {\n username = parseint(env(\"SECRET\"), 10)\n password = \"p\"\n}",
	"nonsensitive env":              "account \"bank\" \"a\" {\n username = parseint(nonsensitive(env(\"SECRET\")), 10)\n password = \"p\"\n}",
	"env as a file":                 "account \"bank\" \"a\" {\n username = file(env(\"SECRET\"))\n password = \"p\"\n}",
	"env as a name":                 "account \"bank\" \"a\" {\n username = env(env(\"SECRET\"))\n password = \"p\"\n}",
	"file into a function":          "account \"bank\" \"a\" {\n username = parseint(file(\"secret.txt\"), 10)\n password = \"p\"\n}",
	"env for_each":                  "account \"bank\" \"a\" {\n for_each = toset([env(\"SECRET\")])\n}",
	"env in a conditional":          "account \"bank\" \"a\" {\n username = env(\"SECRET\") ? \"a\" : \"b\"\n password = \"p\"\n}",
	"env as an index":               "account \"bank\" \"a\" {\n username = { a = 1 }[env(\"SECRET\")]\n password = \"p\"\n}",
	"local as an index":             "locals {\n s = env(\"SECRET\")\n}\naccount \"bank\" \"a\" {\n username = { a = 1 }[local.s]\n password = \"p\"\n}",
	"local in jsondecode":           "locals {\n s = env(\"SECRET\")\n t = jsondecode(local.s)\n}",
	"local in yamldecode":           "locals {\n s = env(\"SECRET\")\n t = yamldecode(\"[${local.s}\")\n}",
	"local in regex":                "locals {\n s = env(\"SECRET\")\n t = regex(\"[0-9]{9}\", local.s)\n}",
	"local in format":               "locals {\n s = env(\"SECRET\")\n t = format(\"%d\", local.s)\n}",
	"local in for":                  "locals {\n s = [env(\"SECRET\"), env(\"SECRET\")]\n t = { for x in local.s : x => x }\n}",
	"literal local for a password":  "locals {\n s = \"CANARY\"\n t = parseint(local.s, 10)\n}\naccount \"bank\" \"a\" {\n username = \"u\"\n password = local.s\n}",
	"literal local, conversion":     "locals {\n s = \"CANARY\"\n}\naccount \"bank\" \"a\" {\n username = \"u\"\n password = local.s\n rotate_before = local.s\n}",
	"local of a local":              "locals {\n r = parseint(\"CANARY\", 10)\n s = \"${local.r}\"\n}\naccount \"bank\" \"a\" {\n username = \"u\"\n password = local.s\n}",
	"plain variable for a password": "variable \"p\" {\n default = \"CANARY\"\n}\nlocals {\n x = parseint(var.p, 10)\n}\naccount \"bank\" \"a\" {\n username = \"u\"\n password = var.p\n}",
	"sensitive default":             "variable \"p\" {\n sensitive = true\n type = number\n default = \"CANARY\"\n}",
	"sensitive default, one line":   `variable "p" { defualt = "CANARY" }`,
	"sensitive default, reference":  "variable \"p\" {\n sensitive = true\n default = CANARY\n}",
	"sensitive, bad flag":           "variable \"p\" {\n sensitive = \"maybe\"\n default = \"CANARY\"\n}",
	"sensitive, unknown argument":   "variable \"p\" {\n sensitive = true\n default = \"CANARY\"\n oops = \"CANARY\"\n}",
	"sensitive rule":                "variable \"p\" {\n sensitive = true\n default = \"CANARY\"\n validation {\n condition = parseint(var.p, 10) > 0\n error_message = \"no\"\n }\n validation {\n condition = var.p == \"CANARY2\"\n error_message = \"bad ${var.p}\"\n }\n}",
	"sensitive object":              "variable \"p\" {\n sensitive = true\n type = object({ a = number })\n default = { a = \"CANARY\", CANARY = 1 }\n}",
	"sensitive key":                 "variable \"p\" {\n sensitive = true\n type = map(number)\n default = { CANARY = \"x\" }\n}",
	"secret in a nested block":      "account \"bank\" \"a\" {\n username = \"u\"\n password = \"p\"\n certificate {\n key_pem = [\"CANARY\"]\n cert_pm = \"CANARY\"\n }\n}",
	"proxy":                         "account \"bank\" \"a\" {\n username = \"u\"\n password = \"p\"\n http {\n proxy = \"CANARY\"\n }\n}",
	"header":                        "account \"bank\" \"a\" {\n username = \"u\"\n password = \"p\"\n http {\n headers = { \"X CANARY\" = \"CANARY\\n\" }\n }\n}",
	"base_url":                      "account \"bank\" \"a\" {\n username = \"u\"\n password = \"p\"\n base_url = \"https://u:CANARY@h\"\n}",
	"base_url on one line":          "account \"bank\" \"a\" {\n username = \"u\"\n password = \"p\"\n base_url = \"https://h?token=CANARY\"\n}",
	"URL that its row refuses":      "account \"bank\" \"a\" {\n username = \"u\"\n password = \"p\"\n portal = \"https://u:CANARY@h\"\n}",
	"literal beside the token":      vaultSink + "account \"bank\" \"a\" {\n username = \"u\"\n password = \"p\"\n deliver \"vault\" \"main\" {\n path = \"x\"\n data = { P = \"CANARY\", T = token.tpyo }\n }\n}",
	"token in a wrong function":     vaultSink + "account \"bank\" \"a\" {\n username = \"u\"\n password = \"p\"\n deliver \"vault\" \"main\" {\n path = \"x\"\n data = { P = parseint(\"CANARY\", 10), T = token.access_token }\n }\n}",
	"key from a secret":             vaultSink + "account \"bank\" \"a\" {\n username = \"u\"\n password = \"p\"\n deliver \"vault\" \"main\" {\n path = \"x\"\n data = { (env(\"SECRET\")) = 1, \"\" = 2 }\n }\n}",
	"auth token":                    "sink \"vault\" \"main\" {\n address = \"x\"\n auth \"token\" {\n token = [\"CANARY\"]\n }\n}",
	"auth of an unknown type":       "sink \"vault\" \"main\" {\n address = \"x\"\n auth \"tokn\" {\n token = \"CANARY\"\n }\n}",
	"unknown sink type":             "sink \"valt\" \"main\" { token = \"CANARY\" }",
	"syntax: no closing quote":      "account \"bank\" \"a\" {\n  password = \"CANARY\n}",
	"syntax: stray words":           "account \"bank\" \"a\" {\n  password = \"x\" CANARY\n}",
	"syntax: bare value":            "account \"bank\" \"a\" {\n  password CANARY\n}",
	"syntax: colon":                 "account \"bank\" \"a\" {\n  password: \"CANARY\"\n}",
	"syntax: heredoc":               "account \"bank\" \"a\" {\n  password = <<EOT\nCANARY=\n",
	"syntax: pasted PEM":            "account \"bank\" \"a\" {\n  password = -----BEGIN KEY-----\nCANARY==\nCANARY CANARY=\n-----END KEY-----\n}",
	"syntax: twice":                 "account \"bank\" \"a\" {\n  password = \"x\"\n  password = \"CANARY\"\n}",
	"syntax: twice, no known name":  "account \"bank\" \"a\" {\n  CANARY = \"x\"\n  CANARY = \"CANARY\"\n}",
	"syntax: one line":              `account "bank" "a" { username = "u", password = "CANARY" }`,
	"syntax: block on one line":     `account "bank" "a" { CANARY { } }`,
	"syntax: directive":             "account \"bank\" \"a\" {\n  password = \"%{CANARY}\"\n}",
	"syntax: escape":                "account \"bank\" \"a\" {\n  password = \"\\CANARY\"\n}",
	"syntax: template":              "account \"bank\" \"a\" {\n  password = \"CANARY${\"\n}",
	"syntax: index":                 "account \"bank\" \"a\" {\n  password = a.1.CANARY\n x = b.1.2\n}",
	"syntax: single quotes":         "account \"bank\" \"a\" {\n  password = 'CANARY'\n}",
	"syntax: label":                 "account \"bank\" CANARY\" {\n}",
	"URL of one instance":           "account \"bank\" \"a\" {\n  for_each = toset([\"a\", \"b\"])\n  username = each.key == \"b\" ? null : \"u\"\n  password = \"p\"\n  base_url = \"https://u:CANARY@${each.key}\"\n}",
	"word of one instance":          "account \"bank\" \"a\" {\n  for_each = toset([\"a\", \"b\"])\n  username = \"u\"\n  password = \"p\"\n  padding  = each.key == \"b\" ? null : \"https://u:CANARY@${each.key}\"\n}",
	"required_version":              "credsync {\n required_version = sensitive(\"CANARY\")\n}",
}

func TestNoSecretInAnyDiagnostic(t *testing.T) {
	for name, src := range leaky {
		t.Run(name, func(t *testing.T) {
			src := strings.ReplaceAll(src, "CANARY", canary)
			dir := write(t, map[string]string{"main.hcl": src, "secret.txt": canary})
			o := options(dir, map[string]string{"SECRET": canary})
			mustNotLeak(t, o)
		})
	}
}

// mustNotLeak loads what is broken and looks for the canary.
func mustNotLeak(t *testing.T, o config.Options) {
	t.Helper()
	_, list := config.Load(context.Background(), o)
	if !list.HasErrors() {
		t.Error("no error was found")
	}
	if all := everything(t, list); strings.Contains(all, canary) || strings.Contains(all, "hunter2") {
		t.Errorf("the canary was printed:\n%s", text(list))
	}
}

func TestNoSecretOfVariablesInAnyDiagnostic(t *testing.T) {
	const src = `
variable "n" { type = number }
variable "s" {
  type      = object({ a = number })
  sensitive = true
}
variable "l" { type = list(number) }
`
	cases := map[string]struct {
		env   map[string]string
		vars  []string
		files map[string]string
	}{
		"environment":            {env: map[string]string{"CREDSYNC_VAR_n": canary, "CREDSYNC_VAR_l": canary, "CREDSYNC_VAR_s": `{ a = "` + canary + `"}`}},
		"environment, broken":    {env: map[string]string{"CREDSYNC_VAR_l": `["` + canary, "CREDSYNC_VAR_s": `{ a = ` + canary}},
		"argument":               {vars: []string{"n=" + canary, "l=[" + canary + "]", `s={ a = "` + canary + `" }`}},
		"argument without name":  {vars: []string{canary, "=" + canary}},
		"argument of a call":     {vars: []string{`l=parseint("` + canary + `", 10)`, `s={ ` + canary + ` = 1 }`}},
		"file":                   {files: map[string]string{"x.auto.credvars": `n = "` + canary + "\"\nl = [\"" + canary + "\"]\ns = { a = \"" + canary + "\" }\n"}},
		"file, undeclared":       {files: map[string]string{"x.auto.credvars": `nn = "` + canary + `"`}},
		"file, broken":           {files: map[string]string{"x.auto.credvars": "n = \"" + canary + "\nl = " + canary + " x"}},
		"file, reference":        {files: map[string]string{"x.auto.credvars": "n = " + canary}},
		"file, block":            {files: map[string]string{"x.auto.credvars": "n \"" + canary + "\" {\n x = \"" + canary + "\"\n}"}},
		"JSON file":              {files: map[string]string{"x.auto.credvars.json": `{"n": "` + canary + `", "nn": "` + canary + `"}`}},
		"JSON file, broken":      {files: map[string]string{"x.auto.credvars.json": `{"n": "` + canary + `", ` + canary}},
		"JSON file, broken word": {files: map[string]string{"x.auto.credvars.json": `{"n": ` + canary + `}`}},
		"JSON file, interpolate": {files: map[string]string{"x.auto.credvars.json": `{"n": "${` + canary + `}"}`}},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			files := map[string]string{"main.hcl": src}
			for k, v := range tc.files {
				files[k] = v
			}
			o := options(write(t, files), tc.env)
			o.Inputs = inputs(tc.vars...)
			mustNotLeak(t, o)
		})
	}
}

func TestNoSecretOfJSONConfigurationInAnyDiagnostic(t *testing.T) {
	for name, src := range map[string]string{
		"broken":            `{"account": {"bank": {"a": {"password": "CANARY`,
		"broken word":       `{"account": {"bank": {"a": {"password": CANARY}}}}`,
		"unknown attribute": `{"account": {"bank": {"a": {"username": "u", "passwrod": "CANARY"}}}}`,
		"wrong type":        `{"account": {"bank": {"a": {"username": "u", "password": ["CANARY"]}}}}`,
		"unquoted":          `{"account": {"bank": {"a": {"username": "u", "password": "${CANARY}"}}}}`,
		"template":          `{"account": {"bank": {"a": {"username": "u", "password": "CANARY${"}}}}`,
		"function":          `{"account": {"bank": {"a": {"username": "${parseint(env(\"SECRET\"), 10)}", "password": "x"}}}}`,
		"quoting function":  `{"account": {"bank": {"a": {"username": "${parseint(nonsensitive(env(\"SECRET\")), 10)}", "password": "x"}}}}`,
		"key":               `{"account": {"bank": {"a": {"username": "u", "password": {"CANARY": 1}}}}}`,
	} {
		t.Run(name, func(t *testing.T) {
			dir := write(t, map[string]string{"main.hcl.json": strings.ReplaceAll(src, "CANARY", canary)})
			mustNotLeak(t, options(dir, map[string]string{"SECRET": canary}))
		})
	}
}

func TestNoSecretOfDataInAnyDiagnostic(t *testing.T) {
	for name, use := range map[string]string{
		"missing key":    `password = data.vault.in.tpyo`,
		"wrong function": "password = \"p\"\n pin = parseint(data.vault.in.secret, 10)",
		"shown":          "password = \"p\"\n padding = data.vault.in.secret",
		"unmarked":       "password = \"p\"\n padding = nonsensitive(data.vault.in.secret) == \"\" ? [] : parseint(data.vault.in.secret, 10)",
		"index":          "password = { a = 1 }[data.vault.in.secret]",
		"for_each":       "for_each = data.vault.in\n password = each.value",
		"one_of":         "password = \"p\"\n pin = data.vault.in.secret",
	} {
		t.Run(name, func(t *testing.T) {
			src := vaultSink + "data \"vault\" \"in\" {\n sink = \"main\"\n path = \"in\"\n}\naccount \"bank\" \"a\" {\n username = \"u\"\n " + use + "\n}\n"
			o := options(write(t, map[string]string{"main.hcl": src}), nil)
			withData(map[string]string{"secret": canary})(&o)
			mustNotLeak(t, o)
		})
	}
}

func TestFailedReadOfDataIsReportedOnce(t *testing.T) {
	src := vaultSink + "data \"vault\" \"in\" {\n sink = \"main\"\n path = \"in\"\n}\nlocals {\n x = data.vault.in.y\n}\n"
	list := problems(t, src, func(o *config.Options) {
		o.ReadData = func(context.Context, *config.Sink, sinks.Target) (sinks.Object, error) {
			return sinks.Object{}, fmt.Errorf("reading %w", errors.New("the vault is sealed"))
		}
	})
	if len(list) != 1 || !strings.Contains(list[0].Detail, "the vault is sealed") || !strings.Contains(list[0].Detail, "secret/in") {
		t.Errorf("got %s", text(list))
	}
}

func TestNoSecretOfATokenInAnyDiagnosticOfRender(t *testing.T) {
	for name, data := range map[string]string{
		"function fails":  `{ X = parseint(token.access_token, 10) }`,
		"index":           `{ X = { a = 1 }[token.access_token] }`,
		"index in a list": `{ X = token.branches[5] }`,
		"duplicate key":   `{ for b in [nonsensitive(token.access_token), nonsensitive(token.access_token)] : b => b }`,
		"unmarked":        `{ X = parseint(nonsensitive(token.access_token), 10) }`,
		"key":             `merge({ A = "x" }, jsondecode("{\"${token.access_token}\":\"x\"}"))`,
		"of a group":      `{ X = parseint(token.group_id, 10) }`,
		"not an object":   `jsondecode("[\"${token.group_id}\"]")`,
	} {
		t.Run(name, func(t *testing.T) {
			c := load(
				t,
				vaultSink+"account \"bank\" \"a\" {\n username = \"u\"\n password = \"p\"\n deliver \"vault\" \"main\" {\n path = \"x\"\n data = "+data+"\n }\n}\n",
			)
			token := credential.Token{
				Access:  credential.NewSecret(canary),
				Outputs: credential.Outputs{"group_id": canary, "branches": []string{canary}},
			}
			_, list := c.Accounts[0].Deliveries[0].Render(token)
			if !list.HasErrors() {
				t.Error("no error was found")
			}
			if strings.Contains(everything(t, list), canary) {
				t.Errorf("the canary was printed:\n%s", text(list))
			}
		})
	}
}

package config_test

import (
	"context"
	"maps"
	"strings"
	"testing"

	"github.com/credsync/credsync/config"
	"github.com/google/go-cmp/cmp"
)

const outlined = `
credsync { project = "payments" }
sink "vault" "main" {
  address = "https://vault.internal:8200"
  auth "token" { token = local.token }
}
state "vault" "main" { path = "credsync" }
variable "token" {
  type      = string
  sensitive = true
}
locals { token = var.token }
`

func TestOutlineNeedsNothingButTheStatesPlace(t *testing.T) {
	const accounts = `
variable "password" {
  type      = string
  sensitive = true
}
data "vault" "d" {
  sink = "main"
  path = "inputs"
}
account "bank" "good" {
  username = "u"
  password = var.password
  deliver "vault" "main" { path = data.vault.d.place }
}
account "bank" "wrong" {
  user_name = "canary"
  deliver "nowhere" "main" {}
}
account "bank" "each" {
  for_each = toset(["b", "a"])
  username = each.key
}
account "bank" "open" {
  for_each = nonsensitive(data.vault.d.shops)
}
account "bank" "senseless" {
  for_each = var.nothing
}
account "nobank" "x" {}
`
	o := options(write(t, map[string]string{"main.hcl": outlined, "accounts.hcl": accounts}), map[string]string{"CREDSYNC_VAR_token": "secret"})
	out, list := config.LoadInventory(context.Background(), o)
	if list.HasErrors() || out.State == nil {
		t.Fatalf("the state is not found: %s", text(list))
	}
	if out.Project != "payments" || out.State.Sink.Name != "vault.main" {
		t.Errorf("project %q, state in %s", out.Project, out.State.Sink.Name)
	}
	want := []string{`account.bank.each["a"]`, `account.bank.each["b"]`, "account.bank.good", "account.bank.wrong", "account.nobank.x"}
	if diff := cmp.Diff(want, out.Addresses); diff != "" {
		t.Error(diff)
	}
	for address, want := range map[string]config.DeclarationStatus{
		"account.bank.wrong": config.Declared, `account.bank.each["c"]`: config.Undeclared, "account.bank.gone": config.Undeclared,
		`account.bank.open["a"]`: config.PossiblyDeclared, `account.bank.senseless["a"]`: config.PossiblyDeclared,
	} {
		if got := out.DeclarationStatus(address); got != want {
			t.Errorf("the standing of %s is %d, want %d", address, got, want)
		}
	}
}

// A command that acts on the state of another place or project would do harm.
func TestOutlineDoesNotGuessWhereTheStateIs(t *testing.T) {
	tests := map[string]struct {
		files map[string]string
		env   map[string]string
		want  string
	}{
		"a secret of the sink is missing":      {files: map[string]string{"main.hcl": outlined}, want: `a variable without a value: "token"`},
		"a variable of the path is missing":    {files: map[string]string{"main.hcl": `variable "p" {}` + "\nstate \"file\" { path = var.p }"}, want: `The state block at `},
		"a variable of the project is missing": {files: map[string]string{"main.hcl": `variable "p" {}` + "\ncredsync { project = var.p }"}, want: `without a value: "p"`},
		"the project is not one":               {files: map[string]string{"main.hcl": `credsync { project = "a b" }`}, want: `"a b"`},
		"the settings have a mistake":          {files: map[string]string{"main.hcl": "credsync {\n projet = \"a\"\n}"}, want: "projet"},
		"the state block has a mistake":        {files: map[string]string{"main.hcl": `state "file" { pth = "x" }`}, want: "pth"},
		"the state's sink is not there":        {files: map[string]string{"main.hcl": `state "vault" "main" { path = "x" }`}, want: "vault"},
		"the state's sink has a mistake": {files: map[string]string{"main.hcl": "sink \"vault\" \"main\" {}\nstate \"vault\" \"main\" { path = \"x\" }"},
			want: "address"},
		"the state block may be in a broken file": {files: map[string]string{"main.hcl": "credsync {}\n", "b.hcl": "account {"}, want: "b.hcl"},
		"the project may be in a broken file":     {files: map[string]string{"main.hcl": `state "file" { path = "x" }`, "b.hcl": "account {"}, want: "b.hcl"},
		"the version does not suit":               {files: map[string]string{"main.hcl": `credsync { required_version = ">= 9" }`}, want: "requires credsync"},
		"there is no configuration":               {files: map[string]string{}, want: "No configuration files"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			out, list := config.LoadInventory(context.Background(), options(write(t, tt.files), tt.env))
			if !list.HasErrors() || out != nil && out.State != nil {
				t.Fatalf("the state was found, with %q", text(list))
			}
			if said := text(list); !strings.Contains(strings.Join(strings.Fields(said), " "), tt.want) {
				t.Errorf("%q is not in %s", tt.want, said)
			}
		})
	}
}

func TestOutlineLeavesABrokenFileOutThatCannotHaveTheState(t *testing.T) {
	files := map[string]string{"main.hcl": outlined, "broken.hcl": "account \"bank\" \"a\" {\n  username = \n}\naccount {"}
	env := map[string]string{"CREDSYNC_VAR_token": "secret"}
	out, list := config.LoadInventory(context.Background(), options(write(t, files), env))
	if list.HasErrors() || out.State == nil {
		t.Fatal(text(list))
	}
	if got := out.DeclarationStatus("account.bank.a"); got != config.PossiblyDeclared {
		t.Errorf("an account that may be in the broken file has standing %d", got)
	}
	whole := maps.Clone(files)
	delete(whole, "broken.hcl")
	if out, _ = config.LoadInventory(context.Background(), options(write(t, whole), env)); out.DeclarationStatus(
		"account.bank.a",
	) != config.Undeclared {
		t.Error("without the broken file an account that is not there is undecided")
	}
}

// What is told of a configuration that has mistakes, or depends on what is not known.
func TestOutlineOfWhatIsNotKnown(t *testing.T) {
	const blocks = outlined + `
notify "webhook" "b" {
  url = "https://hooks.example.com"
}
notify "webhook" "a" {
  url = var.nothing
}
`
	for audit, unknown := range map[string]bool{"": false, "audit {\n path = \"a.jsonl\"\n}\n": false, "audit {\n path = var.open\n}\nvariable \"open\" {}\n": true, "audit {\n pth = \"a.jsonl\"\n}\n": true} {
		o := options(write(t, map[string]string{"main.hcl": blocks + audit}), nil)
		out, list := config.LoadInventory(t.Context(), o)
		if out == nil || (out.AuditUnknown != nil) != unknown ||
			unknown && (out.AuditUnknown.Range == nil || out.AuditUnknown.Severity != "error") {
			t.Errorf("%s: %+v, %s", audit, out, text(list))
			continue
		}
		if got := strings.Join(out.Notify, " "); got != "webhook.a webhook.b" {
			t.Errorf("notify blocks %s", got)
		}
	}
}

// Only the variables that the state's place depends on are asked for.
func TestOnlyTheStatesVariablesAreMissed(t *testing.T) {
	const src = `
variable "place" {}
variable "other" {}
variable "password" {}
variable "given" {}
locals { place = "${var.place}-${var.given}" }
sink "vault" "main" {
  address = "https://vault.internal:8200"
}
sink "vault" "beside" {
  address = var.other
}
state "vault" "main" {
  path = local.place
}
account "bank" "a" {
  username = "u"
  password = var.password
}
`
	for name, content := range map[string]string{
		"main.hcl": src,
		"main.hcl.json": `{"variable":{"place":{},"other":{},"password":{},"given":{}},"locals":{"place":"${var.place}-${var.given}"},
"sink":{"vault":{"main":{"address":"https://vault.internal:8200"},"beside":{"address":"${var.other}"}}},
"state":{"vault":{"main":{"path":"${local.place}"}}}}`,
	} {
		o := options(write(t, map[string]string{name: content}), map[string]string{"CREDSYNC_VAR_given": "x"})
		out, list := config.LoadInventory(t.Context(), o)
		if out == nil || out.State != nil || len(list) != 1 || !strings.Contains(list[0].Detail, `depends on a variable without a value: "place". Set it`) {
			t.Errorf("%s: %s", name, text(list))
		}
	}
}

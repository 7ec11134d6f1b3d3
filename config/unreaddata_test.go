package config_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/credsync/credsync/config"
	"github.com/google/go-cmp/cmp"
)

func TestSourcesOfData(t *testing.T) {
	c := load(t, `
sink "vault" "main" { address = "https://v" }
data "vault" "two" {
  sink = "main"
  path = "b"
}
data "vault" "each" {
  for_each = toset(["x", "y"])
  sink     = "main"
  path     = "a/${each.key}"
}`)
	var got []string
	for _, d := range c.Data {
		got = append(got, d.Address+" "+d.Sink.Name+" "+d.Target.Location)
	}
	want := []string{`data.vault.each["x"] vault.main secret/a/x`, `data.vault.each["y"] vault.main secret/a/y`, "data.vault.two vault.main secret/b"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if len(c.Unknown) > 0 {
		t.Errorf("Unknown = %+v", c.Unknown)
	}
}

func TestWhatTakesDataIsUnknown(t *testing.T) {
	const head = `
sink "vault" "main" { address = "https://v" }
data "vault" "d" {
  sink = "main"
  path = "d"
}
`
	account := func(body string) string {
		return head + "account \"bank\" \"a\" {\nusername = \"u\"\npassword = data.vault.d.p\n" + body + "\n}"
	}
	tests := map[string]struct {
		hcl  string
		want []string
	}{
		"a secret": {account(`deliver "vault" "main" { path = "x" }`), nil},
		"a place":  {account(`deliver "vault" "main" { path = nonsensitive(data.vault.d.p) }`), []string{"account.bank.a vault 10"}},
		"merge": {account("deliver \"vault\" \"main\" {\npath = \"x\"\nmerge = nonsensitive(data.vault.d.p)\n}"),
			[]string{"account.bank.a vault 10"}},
		"blocks": {account("dynamic \"deliver\" {\nfor_each = nonsensitive(data.vault.d.p)\nlabels = [\"vault\", \"main\"]\ncontent { path = \"x\" }\n}"),
			[]string{"account.bank.a  11"}},
		"accounts": {account("for_each = nonsensitive(data.vault.d.p)\ndeliver \"vault\" \"main\" { path = each.key }"),
			[]string{"account.bank.a  10"}},
		"data of data": {head + "data \"vault\" \"e\" {\nsink = \"main\"\npath = nonsensitive(data.vault.d.p)\n}", []string{"data.vault.e vault 7"}},
		"sink of data": {head + "data \"vault\" \"e\" {\nsink = nonsensitive(data.vault.d.p)\npath = \"x\"\n}", []string{"data.vault.e vault 7"}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			var got []string
			for _, u := range load(t, tt.hcl).Unknown {
				got = append(got, fmt.Sprintf("%s %s %d", u.Address, u.SinkType, u.Range.Start.Line))
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestWithoutSecrets(t *testing.T) {
	const hcl = `
variable "secret" {
  type      = string
  sensitive = true
  validation {
    condition     = length(var.secret) > 3
    error_message = "It is too short."
  }
}
variable "plain" {}
account "bank" "a" {
  username = var.plain
  password = var.secret
}`
	loadWith := func(without bool, vars ...string) (*config.Config, string) {
		o := options(write(t, map[string]string{"main.hcl": hcl}), nil)
		o.WithoutSecrets, o.Inputs = without, inputs(vars...)
		c, list := config.Load(context.Background(), o)
		return c, text(list)
	}
	if c, problems := loadWith(true, "plain=u"); problems != "" || len(c.Accounts) != 1 || c.Accounts[0].Values.Known("password") {
		t.Errorf("without its secret: %+v %s", c, problems)
	}
	for name, got := range map[string]func() (*config.Config, string){
		"secret wanted":  func() (*config.Config, string) { return loadWith(false, "plain=u") },
		"plain wanted":   func() (*config.Config, string) { return loadWith(true) },
		"secret invalid": func() (*config.Config, string) { return loadWith(true, "plain=u", "secret=x") },
	} {
		if _, problems := got(); problems == "" {
			t.Errorf("%s: no error", name)
		}
	}
}

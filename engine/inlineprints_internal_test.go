package engine

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/credsync/credsync/config"
	"github.com/credsync/credsync/providers"
	"github.com/credsync/credsync/sinks"
	"github.com/credsync/credsync/sinks/file"
)

const inlineAccount = `
variable "login" { default = "shop" }
variable "password" {
  default   = "pw"
  sensitive = true
}
variable "branch" { default = "b" }
variable "note" { default = "n" }
locals { region = { name = "eu", other = "x" } }
sink "file" "main" { dir = "out" }
account "http" "crm" {
  base_url = "https://crm.example"
  login {
    request {
      method = "POST"
      path   = "/login"
      header = { X-Region = local.region.name }
      json   = { login = var.login, password = var.password }
    }
    access_token  = response.body.token
    never_expires = true
    outputs       = { branch = var.branch }
  }
  verify { by = "answer" }
  warn "note" {
    when    = token.branch == var.note
    summary = "Noted"
    detail  = "Nothing to do."
  }
  output "branch" {
    type      = string
    sensitive = false
  }
  deliver "file" "main" { path = "crm.json" }
}
`

func inlinePrints(t *testing.T, src string) (login, shape, secret string) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "main.hcl")
	if err := os.WriteFile(path, []byte(src), 0o600); err != nil {
		t.Fatal(err)
	}
	c, problems := config.Load(t.Context(), config.Options{
		Path: path, Version: "1.0.0", Providers: providers.NewRegistry(), Sinks: sinks.NewRegistry(file.Spec()),
		Getenv: func(string) string { return "" },
	})
	if problems.HasErrors() {
		t.Fatal(problems)
	}
	key := []byte("0123456789abcdef0123456789abcdef")
	p := fingerprintsOf(key, c.Accounts[0])
	return p.login, p.shape, secretFingerprint(key, c.Accounts[0])
}

// What a description written inline takes from the configuration is part of its prints as
// attributes are: what a login sends is of the login, and what outputs are made of is of
// the token. The secrets alone, of whatever name, are what the budget of refusals is for.
func TestPrintsOfADescriptionWrittenInline(t *testing.T) {
	login, shape, secret := inlinePrints(t, inlineAccount)
	for _, tc := range []struct {
		change                     string
		login, shape, secretsAlone bool
	}{
		{`default = "shop" => default = "other"`, true, true, false},
		{`default   = "pw" => default   = "other"`, true, true, true},
		{`name = "eu" => name = "us"`, true, true, false},
		{`other = "x" => other = "y"`, false, false, false},
		{`default = "b" => default = "c"`, false, true, false},
		{`default = "n" => default = "m"`, false, false, false},
		{`"/login" => "/logon"`, true, true, false},
		{`https://crm.example => https://crm2.example`, true, true, false},
		{`summary = "Noted" => summary = "Note"`, false, false, false},
	} {
		from, to, _ := strings.Cut(tc.change, " => ")
		changed := strings.Replace(inlineAccount, from, to, 1)
		if changed == inlineAccount {
			t.Fatalf("%q is not there", from)
		}
		l, s, x := inlinePrints(t, changed)
		if (l != login) != tc.login || (s != shape) != tc.shape || (x != secret) != tc.secretsAlone {
			t.Errorf("%s: login %v, token %v, secret %v", tc.change, l != login, s != shape, x != secret)
		}
	}
}

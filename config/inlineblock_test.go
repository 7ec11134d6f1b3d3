package config_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/credsync/credsync/providers"
	"github.com/credsync/credsync/schema"
	"github.com/zclconf/go-cty/cty"
)

const shops = `
variable "password" {
  default   = "pw-canary"
  sensitive = true
}
variable "region" { default = "eu" }
variable "note" { default = "none" }
variable "branch" { default = "b" }
locals { shops = { for n in range(%d) : "shop${n}" => { login = "login${n}", password = var.password } } }
sink "file" "main" { dir = "out" }
account "http" "shops" {
  for_each = local.shops
  base_url = "https://api.acme.example"
  login {
    request {
      method      = "POST"
      path        = "/{region}/login"
      path_params = { region = var.region }
      json        = { login = each.value.login, password = each.value.password }
    }
    access_token = response.body.token
    expires_in   = response.body.expires_in
    outputs      = { branch = try(response.body.branch, var.branch) }
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
  deliver "file" "main" { path = "${each.key}.json" }
}
`

// All instances of a block share one description, as they do an upstream block's.
func TestInstancesShareTheDescriptionInTheirBlock(t *testing.T) {
	c := load(t, fmt.Sprintf(shops, 1000))
	if len(c.Accounts) != 1000 {
		t.Fatalf("%d accounts", len(c.Accounts))
	}
	specs := map[*providers.Spec]bool{}
	for _, a := range c.Accounts {
		specs[a.Spec] = true
	}
	if len(specs) != 1 {
		t.Errorf("%d specs", len(specs))
	}
	if name := c.Accounts[0].Spec.Name; name != "http" {
		t.Errorf("the type is %q", name)
	}
}

// What is taken from the configuration is an attribute with an effect of its own, as far as
// the reference goes: what stands beside it does not matter.
func TestWhatADescriptionCaptures(t *testing.T) {
	c := load(t, fmt.Sprintf(shops, 2))
	got := map[string]schema.Attribute{}
	for _, row := range c.Accounts[1].Spec.Attributes {
		got[row.Name] = row
	}
	for name, effect := range map[string]schema.Effect{
		"base_url": schema.ShapesLogin, "var.region": schema.ShapesLogin, "each.value.login": schema.ShapesLogin,
		"each.value.password": schema.ShapesLogin, "var.branch": schema.ShapesToken, "var.note": schema.NoEffect,
	} {
		row, ok := got[name]
		if !ok || row.Effect != effect {
			t.Errorf("%s: there is %v, with the effect %d", name, ok, row.Effect)
		}
		if ok && name != "base_url" && (!row.Captured || !row.Sensitive) {
			t.Errorf("%s is not captured as a secret", name)
		}
	}
	if len(got) != 6 {
		t.Errorf("there are %d attributes", len(got))
	}
	v := c.Accounts[1].Values
	if !v.Raw("each.value.login").RawEquals(cty.TupleVal([]cty.Value{cty.StringVal("login1")})) {
		t.Error("an instance has another element's value")
	}
	var secrets []string
	for i := range v.Block().Attributes {
		for _, s := range schema.MarkedTexts(v.MarkedAt(i)) {
			secrets = append(secrets, s.Reveal())
		}
	}
	if fmt.Sprint(secrets) != "[pw-canary]" {
		t.Errorf("%d texts are secret", len(secrets))
	}
	if s := fmt.Sprintf("%v %+v %#v", v, v, v); strings.Contains(s, "canary") {
		t.Error("values print what they hold")
	}
}

func TestOnlyTheRequestsOfALoginShapeIt(t *testing.T) {
	shape := func(src string) string { return string(load(t, src).Accounts[0].Spec.LoginShape) }
	src := fmt.Sprintf(shops, 1)
	plain := shape(src)
	for change, other := range map[string]bool{
		`"/{region}/login" => "/{region}/logon"`:      true,
		`var.region } => "${var.region}1" }`:          true,
		`summary = "Noted" => summary = "Note"`:       false,
		`response.body.expires_in => response.body.x`: false,
		`each.value.login, => each.value.login, # it`: false,
	} {
		from, to, _ := strings.Cut(change, " => ")
		if strings.HasSuffix(to, "# it") {
			to = "each.value.login,/* who */"
		}
		if !strings.Contains(src, from) {
			t.Fatalf("%q is not there", from)
		}
		if got := shape(strings.Replace(src, from, to, 1)); (got != plain) != other {
			t.Errorf("%q: another shape is %v, want %v", change, got != plain, other)
		}
	}
}

const vaultAccount = vaultSink + `
data "vault" "accounts" {
  sink = "main"
  path = "accounts"
}
sink "file" "main" { dir = "out" }
account "http" "crm" {
  base_url = "https://api.acme.example"
  login {
    request {
      method = "POST"
      path   = "/login"
      json   = { password = data.vault.accounts.crm }
    }
    access_token = response.body.token
    lifetime     = data.vault.accounts.lifetime
  }
  verify { by = "answer" }
  deliver "file" "main" {
    path = "crm.json"
    data = { TOKEN = token.access_token }
  }
}
account "static" "key" {
  token = data.vault.accounts.key
  verify { by = "answer" }
  deliver "file" "main" { path = "key.json" }
}
`

// Before data is read a description is checked all the same, and what is read of it is a
// value of its own: another key of the same secret is no part of the login.
func TestADescriptionWithDataThatIsNotReadYet(t *testing.T) {
	c := load(t, vaultAccount)
	if len(c.Accounts) != 2 || c.Accounts[0].Values.Known("data.vault.accounts.crm") {
		t.Fatalf("%d accounts", len(c.Accounts))
	}
	if d := c.Accounts[0].Spec.Lifetime(c.Accounts[0].Values); d != 0 {
		t.Errorf("the lifetime is %s", d)
	}
	c = load(t, vaultAccount, withData(map[string]string{"crm": "pw-canary", "lifetime": "2h", "key": "k", "other": "x"}))
	v := c.Accounts[0].Values
	if !v.AllKnown() || v.Has("data.vault.accounts.other") {
		t.Error("what is captured is not what is named")
	}
	if d := c.Accounts[0].Spec.Lifetime(v); d.Hours() != 2 {
		t.Errorf("the lifetime is %s", d)
	}
	list := problems(t, strings.Replace(vaultAccount, "token.access_token }", "token.misspelt }", 1))
	if !strings.Contains(text(list), `no output "misspelt"`) {
		t.Error(text(list))
	}
}

// A secret that only one element of for_each has is found there.
func TestASecretOfOneElementInAnAddress(t *testing.T) {
	src := strings.Replace(fmt.Sprintf(shops, 2), `{ region = var.region }`, `{ region = each.value.password }`, 1)
	list := problems(t, src)
	if got := text(list); !strings.Contains(got, "Sensitive value not allowed here") || strings.Contains(everything(t, list), "canary") {
		t.Error(got)
	}
}

// No message about a description shows what is written into it or passed to it.
func TestNoSecretOfADescriptionIsShown(t *testing.T) {
	for change, want := range map[string]string{
		`each.value.password } => each.value.pasword } `:                  "Unsupported attribute",
		`each.value.login, => tonumber("lit-canary"), `:                   "",
		`password = each.value.password } => p = "lit-canary", q = foo }`: "nothing named",
		`each.value.login, => parseint(var.password, 10), `:               "",
	} {
		from, to, _ := strings.Cut(change, " => ")
		src := strings.Replace(fmt.Sprintf(shops, 1), from, to, 1)
		list := problems(t, src)
		if !list.HasErrors() || !strings.Contains(text(list), want) || strings.Contains(everything(t, list), "canary") {
			t.Errorf("%s: %s", change, everything(t, list))
		}
	}
}

func TestADescriptionInJSON(t *testing.T) {
	const src = `{"variable": {"password": {"default": "x", "sensitive": true}},
"sink": {"file": {"out": {"dir": "out"}}},
"account": {"http": {"crm": {"base_url": "https://crm.example",
  "login": {"request": {"method": "POST", "path": "/login", "json": {"password": "${var.password}"}},
    "access_token": "${response.body.token}", "never_expires": true},
  "verify": {"by": "answer"},
  "deliver": {"file": {"out": {"path": "crm.json"}}}}}}}`
	c, list := loadFiles(t, map[string]string{"main.hcl.json": src})
	if list.HasErrors() || len(c.Accounts) != 1 || !c.Accounts[0].Values.Has("var.password") {
		t.Fatal(text(list))
	}
	_, list = loadFiles(t, map[string]string{"main.hcl.json": strings.Replace(src, "var.password", "var.pasword", 1)})
	if !strings.Contains(text(list), `No variable named "pasword"`) {
		t.Error(text(list))
	}
}

// An upstream block cannot take the name of what credsync has.
func TestNamesOfKindsOfAccounts(t *testing.T) {
	for name, want := range map[string]string{"http": "is built in", "static": "is built in", "oauth2": "is reserved"} {
		if got := text(problems(t, strings.Replace(acmeUpstream, `"acme"`, `"`+name+`"`, 1))); !strings.Contains(got, want) {
			t.Errorf("%s: %s", name, got)
		}
	}
}

// A token is imported by what the block declares, as its refresh token and its outputs are
// the account's own.
func TestATokenIsImportedIntoADescribedAccount(t *testing.T) {
	src := fmt.Sprintf(shops, 1) + `
import {
  to           = account.http.shops["shop0"]
  access_token = sensitive("t")
  outputs      = { branch = "b1" }
}
`
	c := load(t, src)
	if c.Imports[`account.http.shops["shop0"]`] == nil {
		t.Error("nothing is imported")
	}
	for from, to := range map[string]string{
		`branch = "b1"`: `brnch = "b1"`, `access_token = sensitive("t")`: "access_token = \"t\"\n  refresh_token = \"r\"",
	} {
		if list := problems(t, strings.Replace(src, from, to, 1)); !list.HasErrors() {
			t.Errorf("%s is imported", to)
		}
	}
}

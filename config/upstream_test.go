package config_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/credsync/credsync/config"
	"github.com/credsync/credsync/schema"
)

const acmeUpstream = `
upstream "acme" {
  base_url = "https://api.acme.example"
  attribute "login" { type = string }
  attribute "password" {
    type      = string
    sensitive = true
  }
  attribute "branch" {
    type    = string
    default = null
  }
  attribute "region" {
    type    = string
    default = "eu"
  }
  attribute "note" {
    type    = string
    default = ""
  }
  attribute "idp" {
    type     = string
    endpoint = true
    default  = "https://idp.acme.example"
  }
  locals {
    who = { login = self.login, password = self.password }
    in  = "${self.region}-1"
  }
  login {
    request {
      method = "POST"
      path   = "/login"
      json   = local.who # who logs in
      header = { X-Region = local.in }
    }
    access_token = response.body.token
    expires_in   = response.body.expires_in
    outputs      = { branch_id = try(coalesce(self.branch, response.body.branch), null) }
  }
  verify {
    request {
      path   = "/me"
      bearer = token.access_token
    }
  }
  output "branch_id" {
    type      = string
    sensitive = false
  }
}
`

func upstreamSpecOf(t *testing.T, src string) (effects map[string]schema.Effect, shape string) {
	t.Helper()
	o := options(write(t, map[string]string{"main.hcl": src}), nil)
	known, problems := config.LoadUpstreams(t.Context(), o)
	if problems.HasErrors() {
		t.Fatal(text(problems))
	}
	spec, ok := known.Lookup("acme")
	if !ok {
		t.Fatal("there is no upstream acme")
	}
	effects = map[string]schema.Effect{}
	for _, a := range spec.Attributes {
		effects[a.Name] = a.Effect
	}
	return effects, string(spec.LoginShape)
}

// A change of what a login sends is another login; of what outputs are taken from, another
// token; of anything else, nothing.
func TestWhatAChangeOfAnAttributeMeansFollowsFromItsUse(t *testing.T) {
	effects, _ := upstreamSpecOf(t, acmeUpstream)
	for name, want := range map[string]schema.Effect{
		"base_url": schema.ShapesLogin, "login": schema.ShapesLogin, "password": schema.ShapesLogin, "region": schema.ShapesLogin,
		"idp": schema.ShapesLogin, "branch": schema.ShapesToken, "note": schema.NoEffect,
	} {
		if effects[name] != want {
			t.Errorf("%s has the effect %d, want %d", name, effects[name], want)
		}
	}
}

// Only what a login looks like is part of its print: comments, layout and the rest of the
// description are not.
func TestTheShapeOfALogin(t *testing.T) {
	_, plain := upstreamSpecOf(t, acmeUpstream)
	if plain == "" {
		t.Fatal("a login has no shape")
	}
	for change, other := range map[string]bool{
		"# who logs in => # the account":                                                false,
		`json   = local.who => json =    local.who`:                                     false,
		`path   = "/me" => path = "/who"`:                                               false,
		`default = "" => default = "x"`:                                                 false,
		`path   = "/login" => path = "/logon"`:                                          true,
		`method = "POST" => method = "PUT"`:                                             true,
		`password = self.password } => password = self.password, x = 1 }`:               true,
		`"${self.region}-1" => "${self.region}-2"`:                                      true,
		`header = { X-Region = local.in } => header = { X-Region = local.in, A = "b" }`: true,
	} {
		from, to, _ := strings.Cut(change, " => ")
		if !strings.Contains(acmeUpstream, from) {
			t.Fatalf("%q is not there", from)
		}
		if _, shape := upstreamSpecOf(t, strings.Replace(acmeUpstream, from, to, 1)); (shape != plain) != other {
			t.Errorf("%q: another shape is %v, want %v", change, shape != plain, other)
		}
	}
}

func TestADirectoryOfUpstreams(t *testing.T) {
	const main = `
credsync { upstreams = ["./upstreams", "../shared"] }
sink "file" "main" { dir = "out" }
account "acme" "shop" {
  login    = "shop"
  password = env("BANK_PASSWORD")
  deliver "file" "main" { path = "shop.json" }
}
`
	parent := t.TempDir()
	for _, dir := range []string{"project/upstreams", "shared"} {
		if err := os.MkdirAll(filepath.Join(parent, dir), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	writeInto(t, parent, "project/main.hcl", main)
	writeInto(t, parent, "shared/acme.hcl", acmeUpstream)
	writeInto(t, parent, "shared/acme.credtest.hcl", "this is not read here")
	path := filepath.Join(parent, "project")
	o := options(path, map[string]string{"BANK_PASSWORD": "x"})
	c, problems := config.Load(t.Context(), o)
	if problems.HasErrors() || len(c.Accounts) != 1 {
		t.Fatal(text(problems))
	}
	if files := strings.Join(c.Files, " "); !strings.Contains(files, "acme.hcl") {
		t.Errorf("the file is not among those to watch: %s", files)
	}
	before := c.Digest
	writeInto(t, parent, "shared/acme.hcl", acmeUpstream+"\n# changed\n")
	if c, _ = config.Load(t.Context(), o); c.Digest == before {
		t.Error("a change of the description does not change the digest")
	}
	writeInto(t, parent, "project/upstreams/more.hcl", "sink \"file\" \"other\" {}\n")
	if _, problems = config.Load(t.Context(), o); !strings.Contains(text(problems), "only upstream blocks are read") {
		t.Error(text(problems))
	}
	writeInto(t, parent, "project/upstreams/more.hcl", "")
	for argument, want := range map[string]string{
		`["./absent"]`: "Unreadable directory of upstreams", `[var.x]`: "Invalid upstreams", `"./upstreams"`: "Invalid upstreams", `[1]`: "Invalid upstreams",
	} {
		writeInto(t, parent, "project/main.hcl", strings.Replace(main, `["./upstreams", "../shared"]`, argument, 1))
		if _, problems = config.Load(t.Context(), o); !strings.Contains(text(problems), want) {
			t.Errorf("%s: %s", argument, text(problems))
		}
	}
}

// 10,000 accounts of one description share its table.
// A description does not say whether a secret is a password or a key, so the text itself does.
func TestSecretOfADescribedUpstreamMayBeAKeyOfManyLines(t *testing.T) {
	for secret, refused := range map[string]bool{
		"-----BEGIN PRIVATE KEY-----\nYWJj\n-----END PRIVATE KEY-----\n": false,
		"secret-word":       false,
		"secret\nword":      true,
		"secret-word\n":     true,
		"-----BEGIN\nword":  true,
		"\ufeffsecret-word": true,
	} {
		list := loadAll(t, acmeUpstream+`
variable "bad" {
  type      = string
  sensitive = true
}
account "acme" "a" {
  login    = "shop"
  password = var.bad
}
`, secret)
		if list.HasErrors() != refused {
			t.Errorf("%q is refused: %t: %s", secret, list.HasErrors(), text(list))
		}
	}
}

func TestAccountsShareTheirDescription(t *testing.T) {
	c := load(t, acmeUpstream+`
sink "file" "main" { dir = "out" }
account "acme" "shops" {
  for_each = toset(["a", "b"])
  login    = each.key
  password = env("BANK_PASSWORD")
  deliver "file" "main" { path = "${each.key}.json" }
}
`, withEnv(map[string]string{"BANK_PASSWORD": "x"}))
	if len(c.Accounts) != 2 || c.Accounts[0].Spec != c.Accounts[1].Spec {
		t.Errorf("%d accounts", len(c.Accounts))
	}
}

// The upstream block says when tokens are revoked, and each account may say otherwise.
func TestAnAccountOfAnUpstreamThatCanRevokeSaysWhen(t *testing.T) {
	revocable := strings.Replace(acmeUpstream, "  verify {", "  revoke_on = [\"replaced\"]\n  revoke {\n    request {\n      path = \"/logout\"\n      bearer = token.access_token\n      header = { X-Branch = self.branch }\n    }\n  }\n  verify {", 1)
	account := func(extra string) string {
		return revocable + "\nsink \"file\" \"main\" { dir = \"out\" }\naccount \"acme\" \"a\" {\n  login = \"l\"\n  password = \"p\"\n" + extra + "\n  deliver \"file\" \"main\" { path = \"a\" }\n}\n"
	}
	for extra, want := range map[string]string{
		"": "replaced", "revoke_on = []": "", `revoke_on = ["removed", "replaced"]`: "removed replaced",
	} {
		c := load(t, account(extra))
		a := c.Accounts[0]
		if got := strings.Join(a.Spec.RevokeOn(a.Values), " "); got != want {
			t.Errorf("%s: %q", extra, got)
		}
		if !a.Spec.RevokeUses("branch") || a.Spec.RevokeUses("password") {
			t.Error("what the revocation uses is not told")
		}
	}
}

func TestLanguageOfADescription(t *testing.T) {
	for language, want := range map[string]string{
		"1": "", "2": "version 2 of the language, but this version of credsync reads version 1 only. Upgrade credsync.",
		`"1"`: "must be the number 1", "0": "Upgrade credsync", "1.5": "must be the number 1", "self.x": "must be the number 1",
		"null": "must be the number 1",
	} {
		src := strings.Replace(acmeUpstream, "base_url =", "language = "+language+"\n  base_url =", 1)
		if want != "" {
			// What a later version has is not taken for a mistake.
			src = strings.Replace(src, "  login {", "  novelty {}\n  login {", 1)
		}
		o := options(write(t, map[string]string{"main.hcl": src}), nil)
		known, problems := config.LoadUpstreams(t.Context(), o)
		_, there := known.Lookup("acme")
		got := oneLine(text(problems))
		if there != (want == "") || !strings.Contains(got, want) || want != "" && len(problems) != 1 ||
			strings.Contains(got, "novelty") {
			t.Errorf("%s: %d problems: %s", language, len(problems), got)
		}
	}
}

// Another digest is another description: comments, layout and words for people do not count.
func TestWhatADescriptionMeans(t *testing.T) {
	digest := func(src string) string {
		o := options(write(t, map[string]string{"main.hcl": src}), nil)
		known, problems := config.LoadUpstreams(t.Context(), o)
		if problems.HasErrors() {
			t.Fatal(text(problems))
		}
		name := "acme"
		if strings.Contains(src, `upstream "renamed"`) {
			name = "renamed"
		}
		spec, _ := known.Lookup(name)
		if spec.DescriptionDigest == "" || !strings.HasPrefix(spec.DescriptionPlace, "main.hcl:") {
			t.Errorf("%q, %q", spec.DescriptionDigest, spec.DescriptionPlace)
		}
		return spec.DescriptionDigest
	}
	plain := digest(acmeUpstream)
	for change, other := range map[string]bool{
		"# who logs in => # the account":                                              false,
		`json   = local.who => json =    local.who`:                                   false,
		`upstream "acme" { => upstream "renamed" {`:                                   false,
		`base_url = => doc = "Acme."` + "\n" + `base_url =`:                           false,
		`base_url = => language = 1` + "\n" + `base_url =`:                            false,
		`attribute "login" { => attribute "login" {` + "\n doc = \"x\"\n":             false,
		`path   = "/me" => path = "/who"`:                                             true,
		`default = "" => default = "x"`:                                               true,
		`"https://api.acme.example" => "https://evil.example"`:                        true,
		`sensitive = true => sensitive = false`:                                       true,
		`in  = "${self.region}-1" => source = "x"` + "\n" + `in = "${self.region}-1"`: true,
	} {
		from, to, _ := strings.Cut(change, " => ")
		if strings.HasPrefix(from, "attribute") {
			from, to = `attribute "login" { type = string }`, "attribute \"login\" {\n type = string\n doc = \"x\"\n}"
		}
		if !strings.Contains(acmeUpstream, from) {
			t.Fatalf("%q is not there", from)
		}
		if got := digest(strings.Replace(acmeUpstream, from, to, 1)); (got != plain) != other {
			t.Errorf("%q: another digest is %v, want %v", change, got != plain, other)
		}
	}
}

// A saved plan is of the description that it was made with, be it one of credsync's own.
func TestTheDigestCoversEmbeddedDescriptions(t *testing.T) {
	o := options(write(t, map[string]string{"main.hcl": renamedUpstream}), map[string]string{"BANK_PASSWORD": "x"})
	digest := func(src string) string {
		o.Embedded = map[string]string{"acme": src, "unused": "upstream \"unused\" {}"}
		c, problems := config.Load(t.Context(), o)
		if problems.HasErrors() {
			t.Fatal(text(problems))
		}
		return c.Digest
	}
	first := digest(acmeUpstream)
	if first == digest(strings.Replace(acmeUpstream, "/login", "/logon", 1)) {
		t.Error("a change of an embedded description does not change the digest")
	}
	if first != digest(acmeUpstream) {
		t.Error("the digest changes by itself")
	}
}

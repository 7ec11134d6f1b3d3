package config_test

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/credsync/credsync/config"
	"github.com/credsync/credsync/credential"
)

// fuzzLoad must neither panic nor stay silent about what it cannot load.
func fuzzLoad(t *testing.T, dir, name string, src []byte) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(dir, name), src, 0o600); err != nil {
		t.Fatal(err)
	}
	o := options(dir, map[string]string{"SECRET": canary})
	c, list := config.Load(context.Background(), o)
	everything(t, list)
	if c == nil && !list.HasErrors() {
		t.Error("neither a configuration nor an error")
	}
	if list.HasErrors() {
		return
	}
	for _, a := range c.Accounts {
		for _, d := range a.Deliveries {
			_, _ = d.Render(token())
		}
	}
}

func FuzzLoad(f *testing.F) {
	paths, _ := filepath.Glob("testdata/*/*.hcl")
	for _, path := range paths {
		src, err := os.ReadFile(path)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(src)
	}
	for _, src := range leaky {
		f.Add([]byte(src))
	}
	f.Fuzz(func(t *testing.T, src []byte) { fuzzLoad(t, t.TempDir(), "main.hcl", src) })
}

func FuzzLoadJSON(f *testing.F) {
	for _, src := range []string{
		`{}`, `[]`, `{"state":{"file":{}}}`, `{"state":{"vault":{"main":{"path":"x"}}}}`, `{"locals":{"x":"${local.x}"}}`, `{"//":"comment"}`,
		`{"account":{"bank":{"a":[{"username":"u","password":"${env(\"SECRET\")}"}]}}}`, `{"moved":[{"from":"account.bank.a","to":"account.bank.b[\"x\"]"}],"import":{"to":"account.bank.a","outputs":{"${1}":[]}}}`, `{"state":[{"file":[{}]}]}`, `{"variable":{"x":{"type":"list(string)"}}}`,
	} {
		f.Add([]byte(src))
	}
	f.Fuzz(func(t *testing.T, src []byte) { fuzzLoad(t, t.TempDir(), "main.hcl.json", src) })
}

func FuzzVariablesFile(f *testing.F) {
	for _, src := range []string{`a = "x"`, `list = ["a", null]`, `never_null = null`, `a = b`, `a "b" {}`, "a = <<EOT\nx\nEOT\n", `list = [1, {}]`} {
		f.Add([]byte(src))
	}
	f.Fuzz(func(t *testing.T, src []byte) {
		fuzzLoad(t, write(t, map[string]string{"main.hcl": variables}), "x.auto.credvars", src)
	})
}

// FuzzFormat: what was formatted means the same, and formatting it again
// changes nothing.
func FuzzFormat(f *testing.F) {
	paths, _ := filepath.Glob("testdata/*/*.hcl")
	for _, path := range paths {
		src, err := os.ReadFile(path)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(src)
	}
	f.Add([]byte("a=<<-E\n  x ${ 1+1 }\nE\nb   =  [1,\n2]\n"))
	f.Fuzz(func(t *testing.T, src []byte) {
		once, list := config.Format("main.hcl", src)
		if list.HasErrors() {
			return
		}
		twice, list := config.Format("main.hcl", once)
		if list.HasErrors() {
			t.Fatalf("%q became %q, which is refused", src, once)
		}
		if string(once) != string(twice) {
			t.Errorf("%q became %q and then %q", src, once, twice)
		}
	})
}

// FuzzRender: a token reaches its targets unchanged, through a template and in
// JSON, or not at all.
func FuzzRender(f *testing.F) {
	for _, s := range []string{"plain", "${x}", "%{if true}", "a\nb", "\x00", "e\u0301", "\xff", `"\`, "<&>", "\u2028", ""} {
		f.Add(s)
	}
	dir := write(f, map[string]string{"main.hcl": vaultSink + `
account "bank" "a" {
  username = "u"
  password = "p"
  deliver "vault" "main" {
    path = "x"
    data = {
      PLAIN    = token.access_token
      TEMPLATE = "Bearer ${token.access_token}!"
      JSON     = jsonencode({ t = token.access_token })
    }
  }
}`})
	c, list := config.Load(context.Background(), options(dir, nil))
	if list.HasErrors() {
		f.Fatal(text(list))
	}
	f.Fuzz(func(t *testing.T, s string) {
		data, list := c.Accounts[0].Deliveries[0].Render(credential.Token{Access: credential.NewSecret(s)})
		if list.HasErrors() {
			if len(s) > 20 && strings.Contains(text(list), s) {
				t.Errorf("the token is in the error: %s", text(list))
			}
			return
		}
		var decoded struct{ T string }
		if err := json.Unmarshal([]byte(data["JSON"].Reveal()), &decoded); err != nil || decoded.T != s {
			t.Errorf("%q became %q in JSON: %v", s, decoded.T, err)
		}
		if data["PLAIN"].Reveal() != s || data["TEMPLATE"].Reveal() != "Bearer "+s+"!" {
			t.Errorf("%q became %q and %q", s, data["PLAIN"].Reveal(), data["TEMPLATE"].Reveal())
		}
	})
}

package config_test

import (
	"context"
	"os"
	"path/filepath"
	"testing"

	"github.com/credsync/credsync/schema/config"
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
		`{"account":{"bank":{"a":[{"username":"u","password":"${env(\"SECRET\")}"}]}}}`, `{"state":[{"file":[{}]}]}`, `{"variable":{"x":{"type":"list(string)"}}}`,
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

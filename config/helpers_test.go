package config_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/credsync/credsync/config"
	"github.com/credsync/credsync/credential"
	"github.com/credsync/credsync/providers"
	"github.com/credsync/credsync/schema"
	"github.com/credsync/credsync/schema/diag"
	"github.com/credsync/credsync/sinks"
	"github.com/zclconf/go-cty/cty"
)

// bank is a provider with something of everything.
func bank() *providers.Spec {
	customer := cty.Object(map[string]cty.Type{"id": cty.String, "name": cty.String})
	return &providers.Spec{
		Name: "bank", RotateBefore: "48h", OwnHeaders: []string{"Authorization"},
		Attributes: []schema.Attribute{
			{Name: "username", Type: cty.String, Required: true},
			{Name: "password", Type: cty.String, Required: true, Sensitive: true},
			{Name: "pin", Type: cty.Number, Sensitive: true, Check: func(v cty.Value) error {
				if f, _ := v.AsBigFloat().Float64(); f > 9999 {
					return errors.New("must have four digits")
				}
				return nil
			}},
			{Name: "lifetime", Type: cty.String, Sensitive: true, Check: schema.CheckDuration},
			{Name: "padding", Type: cty.String, Default: cty.StringVal("pkcs1v15"), OneOf: []string{"pkcs1v15", "oaep_sha1"}},
			{Name: "base_url", Type: cty.String, Default: cty.StringVal("https://bank.example.com")},
			{Name: "portal", Type: cty.String, Check: func(cty.Value) error { return errors.New("it is refused") }},
		},
		Blocks: []schema.Nested{{Max: 1, Block: schema.Block{Type: "certificate", Attributes: []schema.Attribute{
			{Name: "cert_pem", Type: cty.String, Required: true},
			{Name: "key_pem", Type: cty.String, Required: true, Sensitive: true},
		}}}},
		Check: func(v schema.Values) error {
			if v.String("username") == "careless" {
				return fmt.Errorf("the password %s does not suit", v.Secret("password").Reveal())
			}
			return nil
		},
		Outputs: []schema.Output{
			{Name: "access_token", Type: cty.String, Sensitive: true},
			{Name: "refresh_token", Type: cty.String, Sensitive: true, Withheld: true},
			{Name: "expires_at", Type: cty.String},
			{Name: "group_id", Type: cty.String},
			{Name: "muted", Type: cty.Bool},
			{Name: "branches", Type: cty.List(cty.String)},
			{Name: "customers", Type: cty.List(customer)},
		},
	}
}

// apikey is a provider whose token is configured, and plain one whose tokens
// cannot be refreshed.
func apikey() *providers.Spec {
	return &providers.Spec{
		Name: "apikey", Static: true,
		Attributes: []schema.Attribute{{Name: "token", Type: cty.String, Required: true, Sensitive: true}},
		Outputs:    []schema.Output{{Name: "access_token", Type: cty.String, Sensitive: true}},
	}
}

func plain() *providers.Spec {
	return &providers.Spec{Name: "plain", Outputs: []schema.Output{{Name: "access_token", Type: cty.String, Sensitive: true}}}
}

// vault is a sink with authentication variants and an environment fallback.
func vault() *sinks.Spec {
	path := schema.Block{Type: "deliver", Attributes: []schema.Attribute{{Name: "path", Type: cty.String, Required: true}}}
	at := func(conn, v schema.Values) (sinks.Target, error) {
		p := v.String("path")
		if strings.HasPrefix(p, "/") {
			return sinks.Target{}, fmt.Errorf("path: %q must not begin with a slash", p)
		}
		return sinks.Target{Path: p, Location: conn.String("mount") + "/" + p}, nil
	}
	return &sinks.Spec{
		Type: "vault", CheckKeys: noSpaces,
		Connection: schema.Block{Type: "sink",
			Attributes: []schema.Attribute{
				{Name: "address", Type: cty.String, Required: true, Env: []string{"VAULT_ADDR"}},
				{Name: "mount", Type: cty.String, Default: cty.StringVal("secret")},
			},
			Blocks: []schema.Nested{{Max: 1, Block: schema.Block{Type: "auth", Labels: []string{"method"}}, Variants: []schema.Block{
				{Type: "token", Attributes: []schema.Attribute{{Name: "token", Type: cty.String, Required: true, Sensitive: true}}},
				{Type: "kubernetes", Attributes: []schema.Attribute{{Name: "role", Type: cty.String, Required: true}}},
			}}},
		},
		Deliver: path, State: path, Data: path,
		Target: at, Source: at,
		Record: func(conn, v schema.Values, _ string) (sinks.Target, error) { return at(conn, v) },
	}
}

func file() *sinks.Spec {
	at := func(_, v schema.Values) (sinks.Target, error) {
		return sinks.Target{Path: v.String("path"), Location: v.String("path")}, nil
	}
	path := schema.Block{Type: "deliver", Attributes: []schema.Attribute{{Name: "path", Type: cty.String, Required: true}}}
	return &sinks.Spec{
		Type: "file", Tree: true,
		Connection: schema.Block{Type: "sink", Attributes: []schema.Attribute{{Name: "dir", Type: cty.String}}},
		Deliver:    path,
		State:      schema.Block{Type: "state", Attributes: []schema.Attribute{{Name: "path", Type: cty.String}}},
		Data:       path,
		Target:     at, Source: at,
		CheckKeys: noSpaces,
		Record:    func(conn, v schema.Values, _ string) (sinks.Target, error) { return at(conn, v) },
	}
}

// options are those of a test; env is the environment.
func options(path string, env map[string]string) config.Options {
	return config.Options{
		Path:      path,
		Getenv:    func(name string) string { return env[name] },
		Providers: providers.NewRegistry(bank(), apikey(), plain()),
		Sinks:     sinks.NewRegistry(vault(), file()),
		Version:   "0.3.0",
	}
}

// write makes a directory of files.
func write(t testing.TB, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, content := range files {
		writeInto(t, dir, name, content)
	}
	return dir
}

func writeInto(t testing.TB, dir, name, content string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}

// load loads a configuration of one file that is expected to be good.
func load(t testing.TB, src string, with ...func(*config.Options)) *config.Config {
	t.Helper()
	o := options(write(t, map[string]string{"main.hcl": src}), nil)
	for _, f := range with {
		f(&o)
	}
	c, problems := config.Load(context.Background(), o)
	if problems.HasErrors() {
		t.Fatalf("Load: %s", text(problems))
	}
	return c
}

// problems loads a configuration and returns what is said of it.
func problems(t testing.TB, src string, with ...func(*config.Options)) diag.List {
	t.Helper()
	o := options(write(t, map[string]string{"main.hcl": src}), nil)
	for _, f := range with {
		f(&o)
	}
	_, list := config.Load(context.Background(), o)
	return list
}

func withEnv(env map[string]string) func(*config.Options) {
	return func(o *config.Options) { o.Getenv = func(name string) string { return env[name] } }
}

func withData(data map[string]string) func(*config.Options) {
	return func(o *config.Options) {
		o.ReadData = func(_ context.Context, _ *config.Sink, _ sinks.Target) (sinks.Object, error) {
			object := sinks.Object{Data: map[string]credential.Secret{}}
			for k, v := range data {
				object.Data[k] = credential.NewSecret(v)
			}
			return object, nil
		}
	}
}

func text(list diag.List) string {
	var b strings.Builder
	for _, d := range list {
		_ = d.Write(&b, 100, false)
	}
	return b.String()
}

// everything is all that could be printed of diagnostics.
func everything(t testing.TB, list diag.List) string {
	t.Helper()
	b, err := json.Marshal(list)
	if err != nil {
		t.Fatal(err)
	}
	all := text(list) + string(b) + fmt.Sprintf("%#v", list)
	for _, d := range list {
		if d.Snippet != nil {
			all += d.Snippet.Code
		}
	}
	return all
}

const vaultSink = `
sink "vault" "main" {
  address = "https://vault.internal:8200"
}
`

// noSpaces is what the sinks of these tests ask of the keys of data.
func noSpaces(_ schema.Values, keys []string, _ bool) error {
	for _, key := range keys {
		if strings.Contains(key, " ") {
			return fmt.Errorf("%q has a space", key)
		}
	}
	return nil
}

package policy_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/credsync/credsync/config"
	"github.com/credsync/credsync/policy"
	"github.com/credsync/credsync/providers"
	"github.com/credsync/credsync/schema"
	"github.com/credsync/credsync/schema/diag"
	"github.com/credsync/credsync/sinks"
	"github.com/credsync/credsync/testkit/memorysink"
	"github.com/google/go-cmp/cmp"
	"github.com/zclconf/go-cty/cty"
)

const manyUses = `
sink "memory" "main" {}
sink "memory" "spare" { name = "other" }
sink "memory" "state" { name = "state" }
state "memory" "state" { path = "state" }
data "memory" "inputs" {
  sink = "main"
  path = "inputs"
}
account "fake" "b" {
  user     = "u"
  password = data.memory.inputs.password
  enabled  = false
  deliver "memory" "main" { path = "b" }
}
account "fake" "a" {
  user      = "u"
  password  = "pw"
  on_remove = "delete"
  deliver "memory" "main" {
    path  = "a"
    merge = true
  }
  deliver "memory" "main" {
    path  = "c"
    adopt = true
  }
}
`

// described has the words of a use, in its order.
func described(u sinks.Use) []string {
	lines := []string{u.Sink}
	flag := func(set bool, word string) string {
		if set {
			return " " + word
		}
		return ""
	}
	for _, d := range u.Deliver {
		lines = append(lines, d.Account+" "+d.Target.Location+flag(d.Target.Merge, "merge")+flag(d.Adopt, "adopt")+flag(d.Delete, "delete"))
	}
	for _, d := range u.Data {
		lines = append(lines, d.Address+" "+d.Target.Location)
	}
	if u.State != nil {
		lines = append(lines, "state "+u.State.All.Location)
		for _, r := range u.State.Records {
			lines = append(lines, "record "+r.Location[:strings.LastIndex(r.Location, "-")])
		}
	}
	return lines
}

// load reads a configuration of providers and sinks that need nothing.
func load(t *testing.T, hcl string) *config.Config {
	t.Helper()
	path := filepath.Join(t.TempDir(), "main.hcl")
	if err := os.WriteFile(path, []byte(hcl), 0o600); err != nil {
		t.Fatal(err)
	}
	fake := &providers.Spec{
		Name:       "fake",
		Attributes: []schema.Attribute{{Name: "user", Type: cty.String}, {Name: "password", Type: cty.String, Sensitive: true}},
		Outputs:    []schema.Output{{Name: "access_token", Type: cty.String, Sensitive: true}},
	}
	cfg, diags := config.Load(t.Context(), config.Options{
		Path: path, Getenv: func(string) string { return "" }, Version: "1.0.0", Providers: providers.NewRegistry(fake),
		Sinks: sinks.NewRegistry(memorysink.Spec(func(string) *memorysink.Sink { return memorysink.New() })),
	})
	if diags.HasErrors() {
		t.Fatalf("the test's configuration is wrong: %+v", diags)
	}
	return cfg
}

func TestUses(t *testing.T) {
	uses, diags := policy.Requirements(load(t, manyUses), "memory")
	if len(diags) > 0 {
		t.Fatal(diags)
	}
	var got []string
	for _, u := range uses {
		got = append(got, described(u)...)
	}
	want := []string{
		"memory.main",
		"account.fake.a memory/a merge delete", "account.fake.a memory/c adopt delete", "account.fake.b memory/b",
		"data.memory.inputs memory/inputs",
		"memory.spare",
		"memory.state", "state memory/state", "record memory/state/default--fake-a", "record memory/state/default--fake-b",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if none, _ := policy.Requirements(load(t, manyUses), "vault"); len(none) > 0 {
		t.Errorf("uses of another type: %+v", none)
	}
}

func TestUnknownUsesAreReportedOnce(t *testing.T) {
	at := func(line int) *diag.Range {
		return &diag.Range{Filename: "main.hcl", Start: diag.Pos{Line: line, Column: 1}}
	}
	c := &config.Config{Unknown: []config.Unknown{
		{Address: "account.fake.a", SinkType: "memory", Range: at(1)},
		{Address: "account.fake.a", SinkType: "memory", Range: at(1)},
		{Address: "account.fake.b", SinkType: "file", Range: at(2)},
		{Address: "account.fake.c", Range: at(3)},
	}}
	var got []string
	_, diags := policy.Requirements(c, "memory")
	for _, d := range diags {
		got = append(got, d.Address)
	}
	if diff := cmp.Diff([]string{"account.fake.a", "account.fake.c"}, got); diff != "" || !diags.HasErrors() {
		t.Error(diff)
	}
}

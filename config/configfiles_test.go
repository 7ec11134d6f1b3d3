package config_test

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/credsync/credsync/config"
	"github.com/google/go-cmp/cmp"
)

func TestTheFilesOfAConfigurationAreKnown(t *testing.T) {
	dir := write(t, map[string]string{
		"main.hcl": "locals {\n  a = file(\"a.pem\")\n  b = fileexists(\"missing\") ? filebase64(\"missing\") : \"\"\n}\n",
		"a.pem":    "x", "more.hcl.json": "{}", "x.auto.credvars": "", "y.auto.credvars.json": "{}", ".hidden.hcl": "oops", "notes.txt": "", "given.credvars": "",
	})
	at := func(names ...string) []string {
		for i, n := range names {
			names[i] = filepath.Join(dir, n)
		}
		return names
	}
	cfg, diags := config.Load(t.Context(), options(dir, nil))
	if diags.HasErrors() {
		t.Fatal(text(diags))
	}
	if diff := cmp.Diff(at("a.pem", "missing"), cfg.Files); diff != "" {
		t.Error(diff)
	}
	inputs := []config.Input{{Var: "a=b"}, {File: filepath.Join(dir, "given.credvars")}}
	want := at("main.hcl", "more.hcl.json", "x.auto.credvars", "y.auto.credvars.json", "given.credvars")
	if diff := cmp.Diff(want, config.FilesOf(dir, inputs)); diff != "" {
		t.Error(diff)
	}
	if err := os.RemoveAll(dir); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{}, append([]string{}, config.FilesOf(dir, nil)...)); diff != "" {
		t.Error(diff)
	}
}

// A daemon notices by it that a file has come or gone.
func TestListedFilesFollowTheDirectory(t *testing.T) {
	dir := write(t, map[string]string{"main.hcl": `
account "bank" "a" {
  for_each = fileset(".", "*.pem")
  username = each.key
  password = "p"
}
`, "a.pem": "", "b.txt": ""})
	c, list := config.Load(context.Background(), options(dir, nil))
	if list.HasErrors() {
		t.Fatal(text(list))
	}
	check := func(want ...string) {
		t.Helper()
		var got []string
		for _, path := range c.ListedFiles() {
			got = append(got, filepath.Base(path))
		}
		if !slices.Equal(got, want) {
			t.Errorf("listed %q, want %q", got, want)
		}
	}
	check("a.pem")
	writeInto(t, dir, "c.pem", "")
	writeInto(t, dir, "d.txt", "")
	check("a.pem", "c.pem")
	if err := os.Remove(filepath.Join(dir, "a.pem")); err != nil {
		t.Fatal(err)
	}
	check("c.pem")
}

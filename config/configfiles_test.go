package config_test

import (
	"os"
	"path/filepath"
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

package config_test

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/credsync/credsync/config"
	"github.com/credsync/credsync/schema/diag"
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

func TestPathsThatAreNoConfiguration(t *testing.T) {
	dir := write(t, map[string]string{"notes.txt": "", "main.hcl": ""})
	empty := t.TempDir()
	for path, want := range map[string]string{
		filepath.Join(dir, "none"):             "No such file or directory",
		filepath.Join(dir, "notes.txt", "sub"): "Unreadable file",
		empty:                                  "No configuration files",
	} {
		_, list := config.Load(t.Context(), options(path, nil))
		if len(list) != 1 || list[0].Summary != want || !strings.Contains(list[0].Detail, path) {
			t.Errorf("%s: %s", path, text(list))
		}
		if path == empty {
			continue
		}
		if _, list := config.FilesToFormat(path, true); len(list) != 1 || list[0].Summary != want {
			t.Errorf("to format %s: %s", path, text(list))
		}
	}
	t.Chdir(empty)
	if _, list := config.Load(t.Context(), options(".", nil)); len(list) != 1 || !strings.HasPrefix(list[0].Detail, "The current directory has no *.hcl") {
		t.Error(text(list))
	}
}

func TestFilesThatAreTooLargeOrNoFiles(t *testing.T) {
	dir := t.TempDir()
	large := filepath.Join(dir, "large.hcl")
	for size, want := range map[int64]string{16 << 20: "", 16<<20 + 1: "is larger than 16 MiB, the limit for a configuration file."} {
		comment := append([]byte("#"), bytes.Repeat([]byte("x"), int(size)-1)...)
		if err := os.WriteFile(large, comment, 0o600); err != nil {
			t.Fatal(err)
		}
		_, read := config.ReadFile(large)
		_, formatted := config.Format(large, comment)
		for name, list := range map[string]diag.List{"read": read, "formatted": formatted} {
			if want == "" && len(list) > 0 || want != "" && (len(list) != 1 || !strings.HasSuffix(list[0].Detail, want)) {
				t.Errorf("%s, %d bytes: %s", name, size, text(list))
			}
		}
	}
	if _, list := config.ReadFile(dir); len(list) != 1 || !strings.HasSuffix(list[0].Detail, "is not a regular file.") {
		t.Error(text(list))
	}
	if _, list := config.ReadFile(filepath.Join(dir, "none.hcl")); len(list) != 1 || list[0].Summary != "Unreadable file" {
		t.Error(text(list))
	}
}

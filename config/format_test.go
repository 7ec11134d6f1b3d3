package config_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/credsync/credsync/config"
	"github.com/google/go-cmp/cmp"
)

func TestFormatIsCanonicalAndIdempotent(t *testing.T) {
	src := "account \"bank\" \"a\" {\nusername=\"u\"\n  long_name   = 1 # why\n}\n"
	want := "account \"bank\" \"a\" {\n  username  = \"u\"\n  long_name = 1 # why\n}\n"
	got, list := config.Format("a.hcl", []byte(src))
	if diff := cmp.Diff(want, string(got)); diff != "" || len(list) > 0 {
		t.Error(diff, text(list))
	}
	again, _ := config.Format("a.hcl", got)
	if string(again) != want {
		t.Error("formatting what is formatted changes it")
	}
}

func TestFormatRefusesWhatIsBroken(t *testing.T) {
	for name, src := range map[string]string{
		"syntax": "a {\n password = \"" + canary + "\n}", "UTF-8": "\xff", "depth": "a = " + strings.Repeat("(", 1000),
	} {
		got, list := config.Format("a.hcl", []byte(src))
		if got != nil || !list.HasErrors() || strings.Contains(everything(t, list), canary) {
			t.Errorf("%s: %s", name, text(list))
		}
	}
}

func TestFormatLeavesJSONAlone(t *testing.T) {
	if got, list := config.Format("a.hcl.json", []byte("{}")); got != nil || !strings.Contains(text(list), "JSON cannot be formatted") {
		t.Errorf("%q, %s", got, text(list))
	}
}

func TestWithoutLiteralsShowsTheFormOnly(t *testing.T) {
	src := "# was \"" + canary + "\"\naccount \"bank\" \"a\" {\n" +
		"  password=\"" + canary + "${var.x}" + canary + "\" # note\n  pin=  731946\n" +
		"  key = <<EOT\n  " + canary + "\n\n${var.y}\nEOT\n  list = { \"" + canary + "\" = true }\n" +
		"  deliver \"file\" \"out\" { path = \"" + canary + "\" }\n}\n"
	want := "# was \"…\"\naccount \"bank\" \"a\" {\n" +
		"  password=\"…${var.x}…\" # note\n  pin=  …\n" +
		"  key = <<EOT\n  …\n\n${var.y}\nEOT\n  list = { \"…\" = true }\n" +
		"  deliver \"file\" \"out\" { path = \"…\" }\n}\n"
	if diff := cmp.Diff(want, string(config.WithoutLiterals([]byte(src)))); diff != "" {
		t.Error(diff)
	}
	// What cannot be taken apart is not shown.
	if got := config.WithoutLiterals([]byte("a { password = \"" + canary + "\n}")); len(got) > 0 {
		t.Errorf("%q", got)
	}
}

func TestFilesToFormat(t *testing.T) {
	dir := write(t, map[string]string{"b.hcl": "", "a.hcl": "", "x.credvars": "", "y.hcl.json": "", ".h.hcl": "", "z.txt": ""})
	for _, sub := range []string{"sub", ".hidden"} {
		if err := os.Mkdir(filepath.Join(dir, sub), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, sub, "c.hcl"), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	in := func(names ...string) []string {
		for i := range names {
			names[i] = filepath.Join(dir, names[i])
		}
		return names
	}
	for name, tc := range map[string]struct {
		path      string
		recursive bool
		want      []string
	}{
		"directory": {dir, false, in("a.hcl", "b.hcl", "x.credvars")},
		"recursive": {dir, true, in("a.hcl", "b.hcl", "sub/c.hcl", "x.credvars")},
		"file":      {filepath.Join(dir, "z.txt"), false, in("z.txt")},
	} {
		got, list := config.FilesToFormat(tc.path, tc.recursive)
		if diff := cmp.Diff(tc.want, got); diff != "" || len(list) > 0 {
			t.Errorf("%s: %s %s", name, diff, text(list))
		}
	}
	if _, list := config.FilesToFormat(filepath.Join(dir, "none"), false); !list.HasErrors() {
		t.Error("a path that is not there gives no error")
	}
	if src, list := config.ReadFile(filepath.Join(dir, "a.hcl")); len(list) > 0 || len(src) != 0 {
		t.Error(text(list))
	}
}

func TestWithoutLiteralsHidesAPasswordWithoutQuotes(t *testing.T) {
	got := string(config.WithoutLiterals([]byte("account \"bank\" \"a\" {\n  username = var.user\n  password = " + canary + "\n  pin = " + canary + ".x\n}\n")))
	if strings.Contains(got, canary) || !strings.Contains(got, "var.user") || !strings.Contains(got, "password") {
		t.Errorf("%s", got)
	}
}

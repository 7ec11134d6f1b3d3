package config_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/credsync/credsync/config"
	"github.com/credsync/credsync/schema/diag"
)

// errorsAt are the lines of a file at which there are errors.
func errorsAt(list diag.List, file string) (lines []int) {
	for _, d := range list {
		if d.Severity == diag.Error && d.Range != nil && filepath.Base(d.Range.Filename) == file {
			lines = append(lines, d.Range.Start.Line)
		}
	}
	return lines
}

// loadFiles loads a directory of files.
func loadFiles(t *testing.T, files map[string]string, with ...func(*config.Options)) (*config.Config, diag.List) {
	t.Helper()
	o := options(write(t, files), nil)
	for _, change := range with {
		change(&o)
	}
	return config.Load(t.Context(), o)
}

// Whatever does not name versions is refused, where it stands: a misread constraint would
// let a program work on a configuration that is not written for it.
func TestARequiredVersionThatIsNoneIsRefused(t *testing.T) {
	for _, value := range []string{`"latest"`, `">= "`, `"1.0 or 2.0"`, `"~> x"`, `3`, `null`, `["1.0"]`, `var.version`, `true`, `sensitive("1")`} {
		list := problems(t, "variable \"version\" {}\ncredsync {\n\n  required_version = "+value+"\n}\n", withEnv(map[string]string{"CREDSYNC_VAR_version": "1.0"}))
		if lines := errorsAt(list, "main.hcl"); len(lines) == 0 || lines[0] != 4 {
			t.Errorf("%s: errors at lines %v: %s", value, lines, text(list))
		}
	}
	for value, ok := range map[string]bool{`">= 0.1"`: true, `"< 0.1"`: false, `">= 0.1, < 99"`: true, `"!= 99"`: true, `""`: false} {
		_, list := loadFiles(t, map[string]string{"main.hcl": "credsync {\n  required_version = " + value + "\n}\n"})
		if list.HasErrors() == ok {
			t.Errorf("%s: %s", value, text(list))
		}
	}
	// A build without a version suits every configuration.
	_, list := loadFiles(t, map[string]string{"main.hcl": "credsync {\n  required_version = \"< 0.1\"\n}\n"}, func(o *config.Options) { o.Version = "(devel)" })
	if list.HasErrors() {
		t.Errorf("a build without a version: %s", text(list))
	}
}

func TestABrokenVariablesFileIsReportedAndNotQuoted(t *testing.T) {
	const main = "variable \"token\" {\n  default = \"from the default\"\n}\nvariable \"other\" {\n  default = \"d\"\n}\n"
	for name, content := range map[string]string{
		"no value":           "token =\n",
		"no quote":           "token = \"canary\n",
		"no equals sign":     "token \"canary\"\n",
		"a block":            "token {\n  canary = 1\n}\n",
		"a reference":        "token = var.canary\n",
		"a call":             "token = upper(\"canary\")\n",
		"twice":              "token = \"canary\"\ntoken = \"canary2\"\n",
		"no such escape":     "token = \"\\canary\"\n",
		"not text":           "token = \"\xffcanary\"\n",
		"too deeply nested":  "token = " + strings.Repeat("[", 300) + "\"canary\"" + strings.Repeat("]", 300) + "\n",
		"a fault further on": "other = \"x\"\ntoken = (\"canary\"\n",
	} {
		for _, file := range []string{"a.auto.credvars", "given"} {
			files := map[string]string{"main.hcl": main, file: content}
			dir := write(t, files)
			o := options(dir, nil)
			if file == "given" {
				o.Inputs = []config.Input{{File: filepath.Join(dir, file)}}
			}
			_, list := config.Load(t.Context(), o)
			if !list.HasErrors() {
				t.Errorf("%s, %s: no error", name, file)
			}
			if seen := everything(t, list); strings.Contains(strings.ReplaceAll(seen, "var.canary", ""), "canary") && name != "a block" {
				t.Errorf("%s, %s: quoted: %s", name, file, seen)
			}
		}
	}
	_, list := loadFiles(t, map[string]string{"main.hcl": main, "a.auto.credvars.json": `{"token": "canary"`})
	if !list.HasErrors() {
		t.Error("broken JSON: no error")
	}
	dir := write(t, map[string]string{"main.hcl": main})
	o := options(dir, nil)
	o.Inputs = []config.Input{{File: filepath.Join(dir, "none")}}
	if _, list := config.Load(t.Context(), o); !list.HasErrors() {
		t.Error("no such file: no error")
	}
}

// A null stands for the default where there is one, is a value where it is allowed, and
// an error else.
func TestNullForAVariable(t *testing.T) {
	for declared, ok := range map[string]bool{
		"default = \"d\"": true, "nullable = false\n default = \"d\"": true, "nullable = true": true, "": true, "nullable = false": false,
	} {
		_, list := loadFiles(t, map[string]string{"main.hcl": "variable \"v\" {\n " + declared + "\n}\n", "a.auto.credvars": "v = null\n"})
		if list.HasErrors() == ok {
			t.Errorf("%q: %s", declared, text(list))
		}
	}
}

// Each kind of thing that nests is counted, by itself and inside of others.
func TestNestingIsCountedInEachKind(t *testing.T) {
	nest := func(begin, inner, end string) func(int) string {
		return func(n int) string { return strings.Repeat(begin, n) + inner + strings.Repeat(end, n) }
	}
	for name, tt := range map[string]struct {
		source  func(int) string
		allowed int
	}{
		"lists":           {nest("[", "1", "]"), 200 - 1},
		"parentheses":     {nest("(", "1", ")"), 200 - 1},
		"objects":         {nest("{a=", "1", "}"), 200 - 1},
		"interpolations":  {nest(`"${`, "1", `}"`), (200 - 1) / 2},
		"template ifs":    {nest(`"%{if `, "true", `}a%{endif}"`), (200 - 1) / 2},
		"negations":       {nest("!", "true", ""), 100},
		"minus signs":     {nest("-", "1", ""), 100},
		"mixed negations": {nest("!-", "1", ""), 50},
	} {
		for n, ok := range map[int]bool{tt.allowed: true, tt.allowed + 1: false} {
			// What it evaluates to does not matter.
			_, list := loadFiles(t, map[string]string{"main.hcl": "locals {\n a = " + tt.source(n) + "\n}\n"})
			refused := false
			for _, d := range list {
				refused = refused || strings.Contains(fmt.Sprint(d), "nested")
			}
			if refused == ok {
				t.Errorf("%s, %d deep: refused %t: %s", name, n, refused, text(list)[:min(300, len(text(list)))])
			}
		}
	}
}

func TestNestingOfJSONIsCounted(t *testing.T) {
	for n, ok := range map[int]bool{150: true, 250: false} {
		for name, value := range map[string]string{
			"lists":     strings.Repeat("[", n) + "1" + strings.Repeat("]", n),
			"objects":   strings.Repeat(`{"a":`, n) + "1" + strings.Repeat("}", n),
			"templates": `"` + strings.Repeat("${[", n/2) + "1" + strings.Repeat("]}", n/2) + `"`,
			"no nests":  `["` + strings.Repeat(`[`, 300) + `", "a\"` + strings.Repeat("[", 300) + `"]`,
			"a list":    "[" + strings.Repeat("[],{},", 300) + "1]",
		} {
			_, list := loadFiles(t, map[string]string{"main.hcl.json": `{"locals":{"a":` + value + `}}`})
			refused := false
			for _, d := range list {
				refused = refused || strings.Contains(fmt.Sprint(d), "nested")
			}
			if wantRefused := !ok && name != "no nests" && name != "a list"; refused != wantRefused {
				t.Errorf("%s, %d deep: refused %t: %s", name, n, refused, text(list)[:min(300, len(text(list)))])
			}
		}
	}
}

// What a set for for_each must not have.
func TestSetsForForEach(t *testing.T) {
	for value, ok := range map[string]bool{
		`toset(["a", "b"])`: true, `toset([])`: true, `{ a = 1 }`: true, `toset(["a", null])`: false, `toset([1])`: false, `["a"]`: false, `null`: false, `"a"`: false,
		`toset([["a"]])`: false,
	} {
		_, list := loadFiles(t, map[string]string{"main.hcl": "account \"bank\" \"x\" {\n  for_each = " + value + "\n  username = \"u\"\n  password = file(\"pw\")\n  deliver \"file\" \"main\" { path = each.key }\n}\nsink \"file\" \"main\" {}\n", "pw": "secret"})
		if lines := errorsAt(list, "main.hcl"); (len(lines) == 0) != ok {
			t.Errorf("%s: errors at %v: %s", value, lines, text(list))
		}
	}
}

func TestAFileThatIsNotThereOrNotToBeReadIsAnError(t *testing.T) {
	dir := t.TempDir()
	for name, path := range map[string]string{"none": filepath.Join(dir, "none"), "a device": os.DevNull} {
		if _, list := config.Load(t.Context(), options(path, nil)); !list.HasErrors() {
			t.Errorf("%s: no error", name)
		}
	}
}

// A state block has one label or two; with others it is a mistake like any other.
func TestAStateBlockHasOneLabelOrTwo(t *testing.T) {
	for labels, ok := range map[string]bool{`"file"`: true, `"file" "main"`: true, ``: false, `"file" "main" "x"`: false} {
		_, list := loadFiles(t, map[string]string{"main.hcl": "sink \"file\" \"main\" {}\nstate " + labels + " {}\n"})
		if lines := errorsAt(list, "main.hcl"); (len(lines) == 0) != ok || !ok && lines[0] != 2 {
			t.Errorf("state %s: errors at %v: %s", labels, lines, text(list))
		}
	}
}

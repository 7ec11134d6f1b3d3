package config_test

import (
	"bufio"
	"context"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/credsync/credsync/config"
	"github.com/google/go-cmp/cmp"
)

var expectation = regexp.MustCompile(`# ERROR: (.*)$`)

// Every file of testdata/errors has its expected errors where they occur:
// the part of "Summary; Detail" that matters, in a comment on the line.
func TestErrorFixtures(t *testing.T) {
	paths, err := filepath.Glob("testdata/errors/*.hcl")
	if err != nil || len(paths) == 0 {
		t.Fatal("no fixtures", err)
	}
	for _, path := range paths {
		t.Run(strings.TrimSuffix(filepath.Base(path), ".hcl"), func(t *testing.T) {
			_, list := config.Load(context.Background(), options(path, nil))
			want := expected(t, path)
			if len(want) == 0 {
				t.Fatal("the fixture expects no error")
			}
			for _, d := range list {
				if d.Range == nil {
					t.Errorf("no place: %s; %s", d.Summary, d.Detail)
					continue
				}
				line, said := d.Range.Start.Line, d.Summary+"; "+d.Detail
				part, ok := want[line]
				switch {
				case !ok:
					t.Errorf("line %d: unexpected: %s", line, said)
				case !strings.Contains(said, part):
					t.Errorf("line %d: got %q, want it to contain %q", line, said, part)
				}
			}
			got := map[int]bool{}
			for _, d := range list {
				if d.Range != nil {
					got[d.Range.Start.Line] = true
				}
			}
			for line, part := range want {
				if !got[line] {
					t.Errorf("line %d: no error, want %q", line, part)
				}
			}
		})
	}
}

func expected(t *testing.T, path string) map[int]string {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	want := map[int]string{}
	scanner := bufio.NewScanner(f)
	for line := 1; scanner.Scan(); line++ {
		if m := expectation.FindStringSubmatch(scanner.Text()); m != nil {
			want[line] = m[1]
		}
	}
	return want
}

// Valid fixtures load without a word.
func TestValidFixtures(t *testing.T) {
	paths, err := filepath.Glob("testdata/valid/*")
	if err != nil || len(paths) == 0 {
		t.Fatal("no fixtures", err)
	}
	for _, path := range paths {
		t.Run(filepath.Base(path), func(t *testing.T) {
			_, list := config.Load(context.Background(), options(path, map[string]string{"BANK_PASSWORD": "x"}))
			if diff := cmp.Diff("", text(list)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// In JSON calls are seen only when they are evaluated; what is said of them is the same.
func TestFunctionsOfRequestsAreNamedInJSONToo(t *testing.T) {
	for src, want := range map[string]string{
		`"${timestamp()}"`:        "timestamp() is known only when a request is sent: use it in an upstream block.",
		`"${jwtsign({},1,2)}"`:    "jwtsign() is known only when a request is sent",
		`"${upperr(\"canary\")}"`: `There is no function named "upperr". Did you mean "upper"?`,
	} {
		_, list := loadFiles(t, map[string]string{"main.hcl.json": `{"locals":{"a":` + src + `}}`})
		if !strings.Contains(text(list), want) || strings.Contains(text(list), "canary") {
			t.Errorf("%s: %s", src, text(list))
		}
	}
	secret := `{"account":{"bank":{"a":{"username":"u","password":"${unixtime()} ${hunter2(1)}"}}}}`
	_, list := loadFiles(t, map[string]string{"main.hcl.json": secret})
	if got := text(list); !strings.Contains(got, "unixtime() is known only") || strings.Contains(got, "hunter2") {
		t.Error(got)
	}
}

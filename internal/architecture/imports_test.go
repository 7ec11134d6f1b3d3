// Package architecture has no code, only the test of how the packages depend
// on each other: downward, as docs/architecture.md draws it.
package architecture

import (
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/credsync/credsync/"

// rule says what the packages of a folder must not import, directly or through
// others.
type rule struct {
	folder string
	// except are folders below it that the rule does not bind.
	except []string
	// forbidden are import paths, folders with all below them (ending in "/"),
	// or only what is below them (ending in "/*"); std forbids everything
	// outside the standard library.
	forbidden []string
	std       bool
	why       string
}

var rules = []rule{
	{folder: "credential", std: true, why: "everything depends on it, so it depends on nothing"},
	{folder: "internal/crashpoint", std: true, why: "whatever has an effect names its moments by it"},
	{
		folder:    "plan",
		forbidden: []string{"net/http", "os/exec", module + "state/", module + "sinks/", module + "providers/", module + "engine/", module + "internal/", module + "schema/config/"},
		why:       "a plan is a pure function of what was observed",
	},
	{
		folder:    "providers",
		except:    []string{"providers/providertest"},
		forbidden: []string{module + "sinks/", module + "state/", module + "engine/", module + "plan/", module + "schema/config/", module + "sandbox/", "github.com/hashicorp/hcl/v2"},
		why:       "a provider knows nothing of sinks, state or the evaluation of HCL",
	},
	{
		folder:    "sinks",
		forbidden: []string{module + "providers/", module + "state/", module + "engine/", module + "plan/", module + "schema/config/", "github.com/hashicorp/hcl/v2"},
		why:       "a sink knows nothing of providers, of the state's content or of the evaluation of HCL",
	},
	{
		folder:    "state",
		forbidden: []string{module + "engine/", module + "plan/", module + "schema/config/", module + "providers/*", module + "sinks/*"},
		why:       "the state is stored through whatever sink there is",
	},
	{
		folder:    "schema",
		except:    []string{"schema/config", "schema/functions"},
		forbidden: []string{"github.com/hashicorp/hcl/v2", module + "providers/", module + "sinks/", module + "engine/"},
		why:       "the tables say what the language is, not how it is read",
	},
	{
		folder:    "schema/config",
		forbidden: []string{module + "engine/", module + "state/", module + "plan/", module + "internal/", module + "providers/*", module + "sinks/*"},
		why:       "reading a configuration does not run it",
	},
	{
		folder:    "engine",
		forbidden: []string{module + "internal/render/", "github.com/spf13/cobra", module + "providers/*", module + "sinks/*"},
		why:       "the engine works with any provider and any sink, and prints nothing",
	},
	{
		folder:    "internal/notify",
		forbidden: []string{module + "engine/", module + "state/", module + "internal/render/", "github.com/spf13/cobra", module + "providers/*", module + "sinks/*"},
		why:       "it sends what it is given; what there is to tell, the engine decides",
	},
	{
		folder:    "internal/audit",
		forbidden: []string{module + "internal/render/", module + "internal/upstream/", "github.com/spf13/cobra", module + "providers/*", module + "sinks/*"},
		why:       "the audit trail writes down what the engine tells it",
	},
	{
		folder:    "daemon",
		forbidden: []string{module + "internal/render/", module + "internal/upstream/", "github.com/spf13/cobra", module + "providers/*", module + "sinks/*"},
		why:       "the daemon says when, and the engine how",
	},
	{
		folder:    "internal/metrics",
		forbidden: []string{module + "internal/render/", module + "daemon/", "github.com/spf13/cobra", module + "providers/*", module + "sinks/*"},
		why:       "the same metrics are served, written and pushed",
	},
	{
		folder:    "cmd/credsync",
		forbidden: []string{module + "sandbox/", module + "acceptance/", "testing"},
		why:       "what is shipped holds nothing of the tests",
	},
}

type pkg struct {
	ImportPath string
	Standard   bool
	Deps       []string
}

func TestPackagesDependDownward(t *testing.T) {
	packages := list(t)
	standard := map[string]bool{}
	for _, p := range packages {
		standard[p.ImportPath] = p.Standard
	}
	for _, r := range rules {
		bound := 0
		for _, p := range packages {
			path, ours := strings.CutPrefix(p.ImportPath, module)
			if !ours || !within(path, r.folder) || slices.ContainsFunc(r.except, func(e string) bool { return within(path, e) }) {
				continue
			}
			bound++
			for _, dep := range p.Deps {
				if r.std && !standard[dep] && !within(strings.TrimPrefix(dep, module), r.folder) {
					t.Errorf("%s must not import %s: %s", path, dep, r.why)
				}
				for _, f := range r.forbidden {
					if matches(dep, f) {
						t.Errorf("%s must not import %s: %s", path, dep, r.why)
					}
				}
			}
		}
		if bound == 0 {
			t.Errorf("the rule for %s binds no package", r.folder)
		}
	}
}

func matches(dep, pattern string) bool {
	if below, ok := strings.CutSuffix(pattern, "*"); ok {
		return strings.HasPrefix(dep, below)
	}
	if folder, ok := strings.CutSuffix(pattern, "/"); ok {
		return within(dep, folder)
	}
	return dep == pattern
}

func within(path, folder string) bool {
	return path == folder || strings.HasPrefix(path, folder+"/")
}

func list(t *testing.T) []pkg {
	t.Helper()
	cmd := exec.Command("go", "list", "-deps", "-json=ImportPath,Standard,Deps", "./...")
	cmd.Dir = "../.."
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	var packages []pkg
	dec := json.NewDecoder(strings.NewReader(string(out)))
	for {
		var p pkg
		if err := dec.Decode(&p); errors.Is(err, io.EOF) {
			return packages
		} else if err != nil {
			t.Fatal(err)
		}
		packages = append(packages, p)
	}
}

// TestPlanHasNoClock keeps plans repeatable: the time is an input.
func TestPlanHasNoClock(t *testing.T) {
	files, err := filepath.Glob("../../plan/*.go")
	if err != nil || len(files) == 0 {
		t.Fatalf("no files of plan: %v", err)
	}
	for _, f := range files {
		if strings.HasSuffix(f, "_test.go") {
			continue
		}
		b, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		for _, call := range []string{"time.Now", "time.Since", "time.Until", "time.After", "rand."} {
			if strings.Contains(string(b), call) {
				t.Errorf("%s calls %s", f, call)
			}
		}
	}
}

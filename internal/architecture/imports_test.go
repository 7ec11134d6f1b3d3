// Package architecture has no code, only the tests of how the packages depend
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

// page draws the floors.
const page = "../../docs/architecture.md"

// rule says what the packages of a folder must not import, directly or through
// others, beyond what the floors say.
type rule struct {
	folder string
	// except are folders below it that the rule does not bind.
	except []string
	// forbidden are import paths, or folders with all below them (ending in
	// "/"); std forbids everything outside the standard library and this module.
	forbidden []string
	// allowed are exceptions from what is forbidden.
	allowed []string
	std     bool
	why     string
}

var rules = []rule{
	{folder: "credential", std: true, why: "everything depends on it, so it depends on nothing"},
	{folder: "failure", std: true, why: "everything depends on it, so it depends on nothing"},
	{
		folder:    "internal/httpsettings",
		forbidden: []string{"net/http"},
		std:       true,
		why:       "the tables of the language have its rules, and connect to nothing",
	},
	{folder: "internal/crashpoint", std: true, why: "whatever has an effect names its moments by it"},
	{
		folder:    "plan",
		forbidden: []string{"net/http", "os/exec", module + "internal/"},
		allowed:   []string{module + "internal/httpsettings"},
		why:       "a plan is a pure function of what was observed",
	},
	{
		folder:    "providers",
		forbidden: []string{"github.com/hashicorp/hcl/v2"},
		why:       "a provider knows nothing of the evaluation of HCL",
	},
	{
		folder:    "sinks",
		forbidden: []string{"github.com/hashicorp/hcl/v2"},
		why:       "a sink knows nothing of the evaluation of HCL",
	},
	{
		folder:    "schema",
		except:    []string{"schema/functions"},
		forbidden: []string{"github.com/hashicorp/hcl/v2"},
		why:       "the tables say what the language is, not how it is read",
	},
	{
		folder:    "engine",
		forbidden: []string{"github.com/spf13/cobra"},
		why:       "the engine prints nothing",
	},
	{
		folder:    "daemon",
		forbidden: []string{"github.com/spf13/cobra"},
		why:       "the daemon says when, and the engine how",
	},
	{
		folder:    "cmd/credsync",
		forbidden: []string{module + "sandbox/", module + "testkit/", module + "acceptance/", "testing"},
		why:       "what is shipped holds nothing of the tests",
	},
}

// beside are packages in folders of the picture that it does not bind: programs
// that are not credsync.
var beside = []string{"cmd/credsync-sandbox"}

// generic are the folders with a package of what all kinds have in common, and a
// folder below it for each kind. Only their lists of kinds, in all/, know kinds.
var generic = []string{"providers", "sinks"}

// kindless are folders there that are no kind, but what kinds are made of.
var kindless = []string{"providers/clientcertificate", "providers/described"}

type pkg struct {
	ImportPath    string
	Standard      bool
	Imports, Deps []string
}

// drawn reads the floors from the picture, the topmost first.
func drawn(t *testing.T) [][]string {
	t.Helper()
	content, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	var floors [][]string
	for line := range strings.Lines(string(content)) {
		if rest, ok := strings.CutPrefix(line, "│"); ok {
			folders, _, _ := strings.Cut(rest, "│")
			floors = append(floors, strings.Fields(folders))
		}
	}
	return floors
}

// TestFloors holds the packages to the picture: a folder imports only what
// stands on a lower floor.
func TestFloors(t *testing.T) {
	floors := drawn(t)
	height := map[string]int{}
	for i, floor := range floors {
		for _, folder := range floor {
			height[folder] = len(floors) - i
		}
	}
	if len(floors) < 5 {
		t.Fatalf("%s draws %d floors", page, len(floors))
	}
	found := map[string]bool{}
	for _, p := range list(t) {
		path, ours := strings.CutPrefix(p.ImportPath, module)
		folder, _, _ := strings.Cut(path, "/")
		if !ours || height[folder] == 0 || slices.Contains(beside, path) {
			continue
		}
		found[folder] = true
		for _, dep := range p.Imports {
			below, ours := strings.CutPrefix(dep, module)
			to, _, _ := strings.Cut(below, "/")
			if ours && to != folder && (height[to] == 0 || height[to] >= height[folder]) {
				t.Errorf("%s imports %s, which does not stand below it in %s", path, below, page)
			}
		}
	}
	for folder := range height {
		if !found[folder] {
			t.Errorf("%s draws %s, which has no package", page, folder)
		}
	}
}

// TestEveryFolderIsDrawn keeps the picture whole: what is shipped stands in it.
func TestEveryFolderIsDrawn(t *testing.T) {
	folders := slices.Concat(drawn(t)...)
	for _, p := range list(t) {
		path, ours := strings.CutPrefix(p.ImportPath, module)
		folder, _, _ := strings.Cut(path, "/")
		if ours && !slices.Contains(folders, folder) && !slices.Contains([]string{"testkit", "sandbox", "acceptance", "bench", "scripts"}, folder) {
			t.Errorf("%s stands on no floor of %s", path, page)
		}
	}
}

// TestKindsDoNotKnowEachOther keeps a provider and a sink a folder each, which
// nothing but its list imports.
func TestKindsDoNotKnowEachOther(t *testing.T) {
	for _, p := range list(t) {
		path, ours := strings.CutPrefix(p.ImportPath, module)
		if !ours {
			continue
		}
		for _, g := range generic {
			if within(path, g+"/all") {
				continue
			}
			for _, dep := range p.Imports {
				below := strings.TrimPrefix(dep, module)
				if strings.HasPrefix(below, g+"/") && below != g+"/all" && !within(path, below) &&
					!slices.Contains(kindless, below) &&
					!strings.HasPrefix(path, "acceptance/") &&
					!strings.HasPrefix(path, "bench") {
					t.Errorf("%s imports %s: only %s/all lists the kinds", path, below, g)
				}
			}
		}
	}
}

func TestForbiddenImports(t *testing.T) {
	packages := list(t)
	standard := map[string]bool{}
	for _, p := range packages {
		standard[p.ImportPath] = p.Standard
	}
	for _, r := range rules {
		bound := 0
		for _, p := range packages {
			path, ours := strings.CutPrefix(p.ImportPath, module)
			if !ours || !within(path, r.folder) ||
				slices.ContainsFunc(r.except, func(e string) bool { return within(path, e) }) {
				continue
			}
			bound++
			for _, dep := range p.Deps {
				if r.std && !standard[dep] && !strings.HasPrefix(dep, module) {
					t.Errorf("%s must not import %s: %s", path, dep, r.why)
				}
				for _, f := range r.forbidden {
					if matches(dep, f) && !slices.Contains(r.allowed, dep) {
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
	cmd := exec.Command("go", "list", "-deps", "-json=ImportPath,Standard,Imports,Deps", "./...")
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

package upstreams_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/credsync/credsync/config"
	"github.com/credsync/credsync/credtest"
	"github.com/credsync/credsync/providers"
	"github.com/credsync/credsync/providers/described"
	"github.com/credsync/credsync/sinks"
	"github.com/credsync/credsync/upstreams"
)

// TestDescriptions runs the tests beside the descriptions, and the hostile answers.
func TestDescriptions(t *testing.T) {
	clock := credtest.NewClock(func() time.Time { return time.Date(2026, 3, 2, 10, 0, 0, 0, time.UTC) })
	suite, diags := config.LoadUpstreamTests(t.Context(), config.Options{
		Path: ".", Providers: providers.NewRegistry(), Sinks: sinks.NewRegistry(), Now: clock.Now,
	})
	for _, d := range diags {
		t.Fatalf("%v: %s: %s", d.Range, d.Summary, d.Detail)
	}
	report, err := credtest.Run(t.Context(), suite, clock)
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range report.Tests {
		for _, f := range r.Failures {
			t.Errorf("%s: %s: %s: %s", r.Upstream, r.Operation, r.Name, f)
		}
	}
	for _, h := range report.Hostile {
		for _, f := range h.Failures {
			t.Errorf("%s: %s", h.Upstream, f)
		}
	}
	for _, u := range report.Unmatched {
		t.Errorf("%s: error %q (%s) is matched by no test", u.Upstream, u.Name, u.Place)
	}
	for _, name := range report.Untested {
		t.Errorf("%s has no test", name)
	}
	for _, d := range suite.Upstreams {
		wellDocumented(t, d)
	}
}

// wellDocumented checks what a reader of the description needs.
func wellDocumented(t *testing.T, d *described.Definition) {
	t.Helper()
	if d.Doc == "" {
		t.Errorf("%s has no doc", d.Type)
	}
	if !strings.HasPrefix(d.Source, "https://") {
		t.Errorf("%s: source names no document of the vendor", d.Type)
	}
	for _, a := range d.Attributes {
		if a.Doc == "" {
			t.Errorf("%s: attribute %q has no doc", d.Type, a.Name)
		}
	}
	for _, o := range d.Outputs {
		if o.Doc == "" {
			t.Errorf("%s: output %q has no doc", d.Type, o.Name)
		}
	}
	for _, name := range []string{d.Type + ".hcl", d.Type + ".credtest.hcl"} {
		if _, err := os.Stat(name); err != nil {
			t.Errorf("%s must stand in %s: %v", d.Type, name, err)
		}
	}
}

// TestEachFileHasOneDescription keeps file names and types together, since what is
// embedded is found by its type.
func TestEachFileHasOneDescription(t *testing.T) {
	files, err := filepath.Glob("*.hcl")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		if strings.HasSuffix(file, ".credtest.hcl") {
			continue
		}
		src, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		want := `upstream "` + strings.TrimSuffix(file, ".hcl") + `" {`
		if text := string(src); !strings.HasPrefix(text, want) || strings.Count("\n"+text, "\nupstream ") != 1 {
			t.Errorf("%s must begin with %s and have no other block", file, want)
		}
		if upstreams.Sources()[strings.TrimSuffix(file, ".hcl")] != string(src) {
			t.Errorf("%s is not embedded", file)
		}
	}
}

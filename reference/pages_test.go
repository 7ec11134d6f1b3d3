package reference_test

import (
	"flag"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"testing"

	allproviders "github.com/credsync/credsync/providers/all"
	"github.com/credsync/credsync/reference"
	allsinks "github.com/credsync/credsync/sinks/all"
	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "write the pages")

const dir = "../docs/reference"

func TestReferenceIsNotStale(t *testing.T) {
	files := reference.Files(allproviders.Registry(), allsinks.Registry())
	if *update {
		for name, want := range files {
			if err := os.WriteFile(filepath.Join(dir, name), want, 0o644); err != nil {
				t.Fatal(err)
			}
		}
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var there []string
	for _, e := range entries {
		there = append(there, e.Name())
	}
	pages := append(slices.Collect(maps.Keys(files)), reference.CommandsFile)
	slices.Sort(pages)
	if diff := cmp.Diff(pages, there); diff != "" {
		t.Errorf("docs/reference does not have the pages there should be; run make docs:\n%s", diff)
	}
	for name, want := range files {
		got, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(string(want), string(got)); diff != "" {
			t.Errorf("docs/reference/%s is stale; run make docs:\n%s", name, diff)
		}
	}
}

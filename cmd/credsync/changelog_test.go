//go:build unix

package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// The script that makes a changelog of the files in .changes, as for a release.
func TestEntriesMoveIntoTheChangelog(t *testing.T) {
	root := t.TempDir()
	script, err := os.ReadFile("../../scripts/changelog.sh")
	if err != nil {
		t.Fatal(err)
	}
	write := func(file, content string) {
		t.Helper()
		path := filepath.Join(root, file)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(content), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	write("scripts/changelog.sh", string(script))
	write("CHANGELOG.md", "# Changelog\n\n## [Unreleased]\n\n### Added\n\n- Old.\n\n## [0.1.0] - 2026-01-01\n\n### Added\n\n- First.\n")
	write(".changes/README.md", "Not an entry.\n")
	write(".changes/added-b.md", "`b`, which takes\ntwo lines.\n")
	write(".changes/added-a.md", "A.\n")
	write(".changes/fixed-it.md", "100 % & \\n.\n")
	run := func() ([]byte, error) {
		return exec.Command(filepath.Join(root, "scripts/changelog.sh"), "0.2.0", "2026-03-02").CombinedOutput()
	}

	write(".changes/unknown-kind.md", "X.\n")
	if out, err := run(); err == nil {
		t.Errorf("an entry of no kind is taken: %s", out)
	}
	if err := os.Remove(filepath.Join(root, ".changes/unknown-kind.md")); err != nil {
		t.Fatal(err)
	}
	if out, err := run(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	want := "# Changelog\n\n## [Unreleased]\n\n## [0.2.0] - 2026-03-02\n\n### Added\n\n- A.\n- `b`, which takes\n  two lines.\n- Old.\n\n" +
		"### Fixed\n\n- 100 % & \\n.\n\n## [0.1.0] - 2026-01-01\n\n### Added\n\n- First.\n"
	got, err := os.ReadFile(filepath.Join(root, "CHANGELOG.md"))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, string(got)); diff != "" {
		t.Error(diff)
	}
	if left, _ := filepath.Glob(filepath.Join(root, ".changes/*")); len(left) != 1 {
		t.Errorf("%q are left", left)
	}
}

func TestEntriesOfTheChangelogHaveAKind(t *testing.T) {
	entries, err := filepath.Glob("../../.changes/*.md")
	if err != nil || len(entries) == 0 {
		t.Fatalf("entries %v, %v", entries, err)
	}
	named := regexp.MustCompile(`^(README|(added|changed|removed|fixed|security)-[a-z0-9-]+)\.md$`)
	for _, entry := range entries {
		if !named.MatchString(filepath.Base(entry)) {
			t.Errorf("%s is not named KIND-NAME.md; see CONTRIBUTING.md", entry)
		}
	}
}

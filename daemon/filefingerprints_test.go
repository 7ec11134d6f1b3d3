package daemon

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/credsync/credsync/testkit/posixfile"
)

func TestAFingerprintIsOfARegularFilesContent(t *testing.T) {
	dir := t.TempDir()
	at := func(name string) string { return filepath.Join(dir, name) }
	write := func(name, content string) {
		if err := os.WriteFile(at(name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("a", "content")
	write("equal", "content")
	write("other", "Content")
	write("empty", "")
	if err := os.Symlink("a", at("link")); err != nil {
		t.Fatal(err)
	}
	// Whoever opened it would wait for a writer.
	posixfile.MakePipe(t, at("pipe"))
	a := fingerprint(at("a"))
	if len(a) != 64 || fingerprint(at("equal")) != a || fingerprint(at("link")) != a {
		t.Errorf("files of the same content differ: %q", a)
	}
	for _, name := range []string{"other", "empty"} {
		if f := fingerprint(at(name)); f == a || len(f) != 64 {
			t.Errorf("%s: %q", name, f)
		}
	}
	for _, name := range []string{"none", "pipe", "."} {
		if f := fingerprint(at(name)); f != "" {
			t.Errorf("%s: %q", name, f)
		}
	}
	if os.Getuid() == 0 {
		return // who may read everything
	}
	if err := os.Chmod(at("a"), 0); err != nil {
		t.Fatal(err)
	}
	if f := fingerprint(at("a")); f == "" || f == a {
		t.Errorf("a file that cannot be read: %q", f)
	}
}

// A file that the configuration names since it was read counts as changed where it was
// written since: what was read may have been another content.
func TestAFileThatAppearsCountsAsReadOnlyIfItWasThereThen(t *testing.T) {
	dir := t.TempDir()
	read := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	now := fingerprints{}
	for name, written := range map[string]time.Time{"old": read.Add(-time.Hour), "same": read, "new": read.Add(time.Second)} {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(path, written, written); err != nil {
			t.Fatal(err)
		}
		now[path] = "now"
	}
	known, gone := filepath.Join(dir, "known"), filepath.Join(dir, "gone")
	now[known], now[gone] = "now", "now"
	got := fingerprints{known: "before", filepath.Join(dir, "dropped"): "before"}.with(now, read)
	for path, want := range map[string]bool{filepath.Join(dir, "old"): true, filepath.Join(dir, "same"): true, gone: true,
		known: false, filepath.Join(dir, "new"): false} {
		if (got[path] == "now") != want {
			t.Errorf("%s: %q", filepath.Base(path), got[path])
		}
	}
	if len(got) != len(now) || got[known] != "before" {
		t.Errorf("got %v", got)
	}
}

func TestNoFingerprintsAreLikeNoOthers(t *testing.T) {
	var none fingerprints
	a := fingerprints{"a": "1"}
	if none.same(none) || none.same(fingerprints{}) || a.same(fingerprints{"a": "2"}) ||
		a.same(fingerprints{"a": "1", "b": ""}) ||
		!a.same(fingerprints{"a": "1"}) ||
		!(fingerprints{}).same(none) {
		t.Error("fingerprints are compared wrongly")
	}
}

package file_test

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/credsync/credsync/sinks"
)

// What cannot be listed is not empty: records that are not seen would count as accounts
// that never were.
func TestAPlaceThatCannotBeListedIsAnError(t *testing.T) {
	p := newPlace(t)
	p.put("plain", "x")
	if list, err := p.open().List(t.Context(), sinks.Target{Path: "plain", Location: "plain"}); err == nil {
		t.Errorf("a file: %v", list)
	}
	if list, err := p.open().List(t.Context(), sinks.Target{Path: "none", Location: "none"}); err != nil || len(list) != 0 {
		t.Errorf("a directory that is not there: %v, %v", list, err)
	}
	if err := os.Symlink(t.TempDir(), filepath.Join(p.dir, "out")); err != nil {
		t.Fatal(err)
	}
	if list, err := p.open().List(t.Context(), sinks.Target{Path: "out", Location: "out"}); err == nil {
		t.Errorf("a directory outside: %v", list)
	}
	if os.Getuid() == 0 {
		return // who may list everything
	}
	dir := filepath.Join(p.dir, "closed")
	if err := os.Mkdir(dir, 0o300); err != nil {
		t.Fatal(err)
	}
	if list, err := p.open().List(t.Context(), sinks.Target{Path: "closed", Location: "closed"}); !errors.Is(err, sinks.ErrDenied) {
		t.Errorf("a directory that may not be read: %v, %v", list, err)
	}
}

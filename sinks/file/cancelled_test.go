package file_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/credsync/credsync/sinks"
)

// Whoever was told to stop before it began has written and removed nothing, and says so
// each time.
func TestNothingIsDoneAfterACancellation(t *testing.T) {
	p := newPlace(t)
	target := p.target(attrs{"path": "a.json"}, false)
	version := p.write(target, "", "k", "v")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	s := p.open()
	for range 50 {
		if v, err := s.Write(ctx, target, sinks.Write{Data: secrets("k", "other"), If: version}); !errors.Is(
			err,
			context.Canceled,
		) ||
			v != "" {
			t.Fatalf("Write = %q, %v", v, err)
		}
		if err := s.Delete(ctx, target, sinks.Removal{If: version}); !errors.Is(err, context.Canceled) {
			t.Fatalf("Delete = %v", err)
		}
	}
	if object, err := s.Read(t.Context(), target); err != nil || object.Version != version {
		t.Errorf("Read = %v, %v", object.Version, err)
	}
}

// What is no regular file is neither read nor replaced, and is not said to have changed.
func TestWhatIsNoFileIsNotReplaced(t *testing.T) {
	p := newPlace(t)
	if err := os.Mkdir(filepath.Join(p.dir, "dir.json"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("none", filepath.Join(p.dir, "link.json")); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"dir.json", "link.json"} {
		for _, version := range []string{"", "x"} {
			_, err := p.open().
				Write(t.Context(), p.target(attrs{"path": name}, false), sinks.Write{Data: secrets("k", "v"), If: version})
			if err == nil || errors.Is(err, sinks.ErrConflict) {
				t.Errorf("%s over version %q: %v", name, version, err)
			}
		}
	}
}

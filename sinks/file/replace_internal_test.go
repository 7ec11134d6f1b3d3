package file

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/credsync/credsync/sinks"
)

// opened is a sink of a directory of the test's own, in which a write can be interrupted.
func opened(t *testing.T) *Sink {
	return &Sink{dir: t.TempDir(), turn: make(chan struct{}, 1), now: time.Now, tidied: map[string]time.Time{}}
}

// What comes into being while the content is made is a conflict; what goes wrong then, or
// is stopped, changes nothing. Nothing unfinished is left of either.
func TestAWriteThatIsInterruptedChangesNothing(t *testing.T) {
	broken := errors.New("broken")
	for name, c := range map[string]struct {
		before    string
		meanwhile func(t *testing.T, path string, stop func()) error
		want      error
		after     string
	}{
		"a file appears": {"", func(t *testing.T, path string, _ func()) error {
			return os.WriteFile(path, []byte("theirs"), 0o600)
		}, sinks.ErrConflict, "theirs"},
		"a link appears": {"", func(t *testing.T, path string, _ func()) error {
			if err := os.WriteFile(path+".elsewhere", []byte("theirs"), 0o600); err != nil {
				return err
			}
			return os.Rename(path+".elsewhere", path)
		}, sinks.ErrConflict, "theirs"},
		"the content cannot be made":  {"", func(*testing.T, string, func()) error { return broken }, broken, ""},
		"it cannot be made of theirs": {"theirs", func(*testing.T, string, func()) error { return broken }, broken, "theirs"},
		"it is stopped":               {"theirs", func(_ *testing.T, _ string, stop func()) error { stop(); return nil }, context.Canceled, "theirs"},
		"nothing":                     {"theirs", func(*testing.T, string, func()) error { return nil }, nil, "ours"},
	} {
		t.Run(name, func(t *testing.T) {
			s := opened(t)
			path, version0 := filepath.Join(s.dir, "token"), ""
			if c.before != "" {
				if err := os.WriteFile(path, []byte(c.before), 0o600); err != nil {
					t.Fatal(err)
				}
				version0 = version([]byte(c.before))
			}
			ctx, stop := context.WithCancel(t.Context())
			defer stop()
			err := s.replace(ctx, sinks.Target{Path: "token"}, version0, func(now []byte) ([]byte, error) {
				if string(now) != c.before {
					t.Errorf("it begins with %q", now)
				}
				return []byte("ours"), c.meanwhile(t, path, stop)
			})
			if !errors.Is(err, c.want) {
				t.Errorf("replace = %v, want %v", err, c.want)
			}
			entries, readErr := os.ReadDir(s.dir)
			if content, _ := os.ReadFile(path); readErr != nil || string(content) != c.after || len(entries) > 1 {
				t.Errorf("it left %q, %v, %v", content, entries, readErr)
			}
		})
	}
}

// A version stands in records for as long as its file does, so no release may make another
// of the same content.
func TestAVersionStaysTheSame(t *testing.T) {
	if got, want := version([]byte("{\n  \"k\": \"v\"\n}\n")), "61dfd2c0731b36501f02fea4b6de09e2"; got != want {
		t.Errorf("version %q, want %q", got, want)
	}
}

// Names of records are the same on every file system, and no two share a file.
func TestNamesOfRecordsAreEscaped(t *testing.T) {
	for name, want := range map[string]string{
		"az.09_-": "az.09_-", "AZ": "%41%5A", ".a": "%2Ea", "a.": "a.", "`{/:@[": "%60%7B%2F%3A%40%5B", "ж": "%D0%B6", "a b": "a%20b", "%": "%25", "~": "%7E",
	} {
		if got := escape(name); got != want {
			t.Errorf("%q: %q, want %q", name, got, want)
		}
	}
}

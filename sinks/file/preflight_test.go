package file_test

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/credsync/credsync/sinks"
)

func TestAStateThatEveryoneMayWriteToIsRefused(t *testing.T) {
	p := newPlace(t)
	s, record, target := p.open(), p.record(nil, "account.x.y"), p.target(attrs{"path": ".credsync/token.json"}, false)
	version := p.write(record, "", "k", "v")
	dir := filepath.Join(p.dir, ".credsync")
	list := record
	list.Path = ".credsync"
	operations := map[string]func() error{
		"stat": func() error { _, err := s.Stat(t.Context(), record); return err },
		"read": func() error { _, err := s.Read(t.Context(), record); return err },
		"list": func() error { _, err := s.List(t.Context(), list); return err },
		"write": func() error {
			_, err := s.Write(t.Context(), record, sinks.Write{Data: secrets("k", "v"), If: version})
			return err
		},
		"delete": func() error { return s.Delete(t.Context(), record, sinks.Removal{If: version}) },
	}
	for _, mode := range []fs.FileMode{0o777, 0o777 | fs.ModeSticky, 0o702} {
		if err := os.Chmod(dir, mode); err != nil {
			t.Fatal(err)
		}
		for name, operation := range operations {
			if err := operation(); !errors.Is(err, sinks.ErrDenied) || !strings.Contains(err.Error(), "chmod o-w "+dir) {
				t.Errorf("%s with mode %v: %v", name, mode, err)
			}
		}
		if _, err := s.Stat(t.Context(), target); err != nil {
			t.Errorf("a target in it, with mode %v: %v", mode, err)
		}
	}
	// As on volumes that are shared by group.
	if err := os.Chmod(dir, 0o775); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"stat", "read", "list", "write"} {
		if err := operations[name](); err != nil {
			t.Errorf("%s of a state of a group: %v", name, err)
		}
	}
}

func TestUnwritableDirectory(t *testing.T) {
	p := newPlace(t)
	// No user may make files at the root of sysfs, nor below an ordinary file.
	p.put("plain", "x")
	for dir, class := range map[string]error{"/sys": sinks.ErrDenied, filepath.Join(p.dir, "plain"): syscall.ENOTDIR} {
		p.conn = values(&p.spec.Connection, attrs{"dir": dir})
		_, err := p.open().Write(t.Context(), p.target(attrs{"path": "a.json"}, false), sinks.Write{Data: secrets("k", "canary-value")})
		if !errors.Is(err, class) || strings.Contains(fmt.Sprint(err), "canary") {
			t.Errorf("%s: Write = %v, want %v", dir, err, class)
		}
	}
}

func TestPreflight(t *testing.T) {
	p := newPlace(t)
	preflight := func(paths ...string) error {
		var trials []sinks.Trial
		for _, path := range paths {
			trials = append(trials, sinks.Trial{Target: p.target(attrs{"path": path}, false)})
		}
		return errors.Join(p.open().(sinks.Preflighter).Preflight(t.Context(), trials)...)
	}
	p.put("plain", "x")
	if err := os.Symlink(t.TempDir(), filepath.Join(p.dir, "out")); err != nil {
		t.Fatal(err)
	}
	if err := preflight("a.json", "not/yet/there.json", "plain"); err != nil {
		t.Errorf("Preflight = %v", err)
	}
	entries, err := os.ReadDir(p.dir)
	if err != nil || len(entries) != 2 {
		t.Errorf("Preflight left %v, %v", entries, err)
	}
	err = preflight("a.json", "plain/b.json", "out", "out/c.json")
	for _, want := range []string{"plain/b.json", "/out:", "out/c.json"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("Preflight = %v, want it to name %s", err, want)
		}
	}
	p.conn = values(&p.spec.Connection, attrs{"dir": "/sys"})
	if err := preflight("a.json"); !errors.Is(err, sinks.ErrDenied) {
		t.Errorf("Preflight of a directory that cannot be written = %v", err)
	}
}

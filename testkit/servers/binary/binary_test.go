package binary

import (
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestPinsAgreeWithTheNestedModules(t *testing.T) {
	for _, s := range All() {
		dir, err := s.module(t.Context())
		if err != nil {
			t.Error(err)
		}
		if _, err := os.Stat(filepath.Join(dir, "go.sum")); err != nil {
			t.Error(err)
		}
	}
}

func TestFindPrefersTheUsersOwn(t *testing.T) {
	s := Server{Name: "some-server", Version: "v1", Env: "SOME_SERVER_BIN"}
	bin := t.TempDir()
	program := func(dir, name string) string {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(dir, 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte("#!/bin/sh\n"), 0o755); err != nil {
			t.Fatal(err)
		}
		return path
	}
	t.Setenv("XDG_CACHE_HOME", t.TempDir())
	t.Setenv("HOME", t.TempDir())
	cache, err := os.UserCacheDir()
	if err != nil {
		t.Fatal(err)
	}
	find := func(want string) {
		t.Helper()
		if got, err := Find(t.Context(), s, io.Discard); err != nil || got != want {
			t.Errorf("Find = %q, %v; want %q", got, err, want)
		}
	}
	t.Setenv("PATH", bin)
	find(program(filepath.Join(cache, "credsync", "servers"), "some-server-v1"))
	find(program(bin, "some-server"))
	own := program(t.TempDir(), "own")
	t.Setenv("SOME_SERVER_BIN", own)
	find(own)

	t.Setenv("SOME_SERVER_BIN", own+"-missing")
	if _, err := Find(t.Context(), s, io.Discard); err == nil || !strings.Contains(err.Error(), "SOME_SERVER_BIN") {
		t.Errorf("a wrong SOME_SERVER_BIN gives %v", err)
	}
}

package main

import (
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/credsync/credsync/credential"
	"github.com/credsync/credsync/state"
)

// stateDirectory has a configuration with one record in its state.
func stateDirectory(t *testing.T) (dir, record string) {
	t.Helper()
	dir = t.TempDir()
	now := newClock().now()
	rec := state.New("default", "account.sagi.coffee", "sagi")
	rec.Current = state.NewGrant(
		credential.Token{Access: credential.NewSecret("canary"), IssuedAt: now, ExpiresAt: now.Add(time.Hour)},
		"l",
		"s",
	)
	rec.Lease = &state.Lease{Holder: "build-7/boot.ns/4711/99/ABCDEFGH", ExpiresAt: now.Add(-time.Second)}
	encoded, err := state.Encode(rec)
	if err != nil {
		t.Fatal(err)
	}
	content, err := json.Marshal(map[string]string{"record": encoded.Reveal()})
	if err != nil {
		t.Fatal(err)
	}
	record = filepath.Join(dir, ".credsync", state.RecordName(rec.Project, rec.Address)+".json")
	if err := os.Mkdir(filepath.Dir(record), 0o700); err != nil {
		t.Fatal(err)
	}
	for file, text := range map[string][]byte{filepath.Join(dir, "main.hcl"): []byte("locals {}\n"), record: content} {
		if err := os.WriteFile(file, text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir, record
}

func TestOnlyYesMendsTheState(t *testing.T) {
	for command, changed := range map[string]func(record string) bool{
		"rm": func(record string) bool {
			_, err := os.Stat(record)
			return os.IsNotExist(err)
		},
		"unlock": func(record string) bool {
			b, err := os.ReadFile(record)
			return err == nil && !strings.Contains(string(b), "build-7")
		},
	} {
		for answer, yes := range map[string]bool{"yes\n": true, "y\n": false, "\n": false, "\x04": false} {
			dir, record := stateDirectory(t)
			s := onTerminal(t, t.Context(), &fakeEngine{}, "state", command, "sagi.coffee", "-C", dir, "--no-color")
			s.until(t, "Enter a value:")
			if _, err := io.WriteString(s.keyboard, answer); err != nil {
				t.Fatal(err)
			}
			screen := s.rest()
			want := exitError
			if yes {
				want = exitDone
			}
			if code := <-s.code; code != want || changed(record) != yes {
				t.Errorf("state %s, answered %q: exit %d, changed %t\n%s", command, answer, code, changed(record), screen)
			}
			if said := screen + s.stdout.String(); strings.Contains(said, "canary") || strings.Contains(said, "Cancelled") == yes {
				t.Errorf("state %s, answered %q: the screen shows %q", command, answer, said)
			}
		}
	}
}

package file_test

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/credsync/credsync/credential"
	"github.com/credsync/credsync/sinks"
	"github.com/gofrs/flock"
	"github.com/hashicorp/go-hclog"
)

func TestLeftoversOfAKilledWriter(t *testing.T) {
	p := newPlace(t)
	p.write(p.record(nil, "a"), "", "k", "v")
	p.put(".credsync/.credsync-tmp-KILLED", `{"half":`)
	p.put(".credsync/.credsync-tmp-ATWORK", `{"half":`)
	old := time.Now().Add(-time.Hour)
	if err := os.Chtimes(filepath.Join(p.dir, ".credsync/.credsync-tmp-KILLED"), old, old); err != nil {
		t.Fatal(err)
	}
	list, err := p.open().List(t.Context(), p.record(nil, ""))
	if err != nil || len(list) != 1 {
		t.Errorf("List = %v, %v; want the record only", list, err)
	}
	p.write(p.record(nil, "b"), "", "k", "v")
	if _, err := os.Stat(filepath.Join(p.dir, ".credsync/.credsync-tmp-KILLED")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the leftover is still there (%v)", err)
	}
	if _, err := os.Stat(filepath.Join(p.dir, ".credsync/.credsync-tmp-ATWORK")); err != nil {
		t.Errorf("the file of a writer on another machine is gone: %v", err)
	}
}

func TestLeftoversAreLookedForOnceInAWhile(t *testing.T) {
	p := newPlace(t)
	now := time.Now()
	s, err := p.spec.New(
		p.conn,
		sinks.Env{
			Dir:    p.dir,
			Now:    func() time.Time { return now },
			Log:    hclog.NewNullLogger(),
			Getenv: func(string) string { return "" },
		},
	)
	if err != nil {
		t.Fatal(err)
	}
	leftover := filepath.Join(p.dir, ".credsync/.credsync-tmp-KILLED")
	write := func(name string) {
		t.Helper()
		if _, err := s.Write(t.Context(), p.record(nil, name),
			sinks.Write{Data: map[string]credential.Secret{"k": credential.NewSecret("v")}}); err != nil {
			t.Fatal(err)
		}
	}
	write("a")
	p.put(".credsync/.credsync-tmp-KILLED", `{"half":`)
	old := now.Add(-time.Hour)
	if err := os.Chtimes(leftover, old, old); err != nil {
		t.Fatal(err)
	}
	now = now.Add(time.Second)
	write("b")
	if _, err := os.Stat(leftover); err != nil {
		t.Errorf("the directory was gone through again within a second: %v", err)
	}
	now = now.Add(time.Minute)
	write("c")
	if _, err := os.Stat(leftover); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the leftover is still there (%v)", err)
	}
}

// A network file system locks no directories. Those of targets are read and listed by
// others, and have nothing in them but targets.
func TestARegularFileIsLockedInTheDirectoryOfAState(t *testing.T) {
	p := newPlace(t)
	p.write(p.record(nil, "a"), "", "k", "v")
	name := filepath.Join(p.dir, ".credsync/.credsync-lock")
	info, err := os.Lstat(name)
	if err != nil || !info.Mode().IsRegular() || info.Mode().Perm() != 0o600 {
		t.Fatalf("%v, %v", info, err)
	}
	lock := flock.New(name, flock.SetFlag(os.O_RDWR))
	if ok, err := lock.TryLock(); !ok || err != nil {
		t.Fatal(ok, err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error)
	go func() {
		_, err := p.open().Write(ctx, p.record(nil, "b"), sinks.Write{Data: secrets("k", "v")})
		done <- err
	}()
	cancel()
	if err := <-done; !errors.Is(err, context.Canceled) {
		t.Errorf("Write = %v, want it to wait for the lock", err)
	}
	if err := lock.Close(); err != nil {
		t.Fatal(err)
	}
	p.write(p.target(attrs{"path": "out/a.json"}, false), "", "k", "v")
	if entries, err := os.ReadDir(filepath.Join(p.dir, "out")); err != nil || len(entries) != 1 {
		t.Errorf("beside the target there is more: %v, %v", entries, err)
	}
}

func TestAnotherProcessHoldsTheLock(t *testing.T) {
	p := newPlace(t)
	lock := flock.New(p.dir, flock.SetFlag(os.O_RDONLY))
	if ok, err := lock.TryLock(); !ok || err != nil {
		t.Fatal(ok, err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error)
	go func() {
		_, err := p.open().Write(ctx, p.target(attrs{"path": "a.json"}, false), sinks.Write{Data: secrets("k", "v")})
		done <- err
	}()
	cancel()
	if err := <-done; !errors.Is(err, context.Canceled) {
		t.Errorf("Write = %v, want it to stop waiting when cancelled", err)
	}
	if err := lock.Close(); err != nil {
		t.Fatal(err)
	}
	p.write(p.target(attrs{"path": "a.json"}, false), "", "k", "v")
}

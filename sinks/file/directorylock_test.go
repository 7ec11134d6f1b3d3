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
	list, err := p.open().List(t.Context(), p.record(nil, ""))
	if err != nil || len(list) != 1 {
		t.Errorf("List = %v, %v; want the record only", list, err)
	}
	p.write(p.record(nil, "b"), "", "k", "v")
	if _, err := os.Stat(filepath.Join(p.dir, ".credsync/.credsync-tmp-KILLED")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the leftover is still there (%v)", err)
	}
}

func TestLeftoversAreLookedForOnceInAWhile(t *testing.T) {
	p := newPlace(t)
	now := time.Now()
	s, err := p.spec.New(p.conn, sinks.Env{Dir: p.dir, Now: func() time.Time { return now }, Log: hclog.NewNullLogger(), Getenv: func(string) string { return "" }})
	if err != nil {
		t.Fatal(err)
	}
	leftover := filepath.Join(p.dir, ".credsync/.credsync-tmp-KILLED")
	write := func(name string) {
		t.Helper()
		if _, err := s.Write(t.Context(), p.record(nil, name), sinks.Write{Data: map[string]credential.Secret{"k": credential.NewSecret("v")}}); err != nil {
			t.Fatal(err)
		}
	}
	write("a")
	p.put(".credsync/.credsync-tmp-KILLED", `{"half":`)
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

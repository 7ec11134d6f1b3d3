package main

import (
	"io/fs"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"github.com/credsync/credsync/engine"
	"github.com/credsync/credsync/testkit/posixfile"
)

// Whoever opens a file before its mode is set keeps it open.
func TestFilesHaveTheirModeFromTheFirstByte(t *testing.T) {
	posixfile.SetUmask(t, 0)
	for name, c := range map[string]struct {
		args []string
		want fs.FileMode
	}{
		"saved plan": {[]string{"plan", "--out"}, 0o600},
		"page":       {[]string{"status", "--html"}, 0o644},
		"metrics":    {[]string{"plan", "--metrics-file"}, 0o644},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			path := filepath.Join(dir, "file.prom")
			looks := watchModes(t, dir, c.want)
			deadline := time.Now().Add(30 * time.Second)
			for n := 0; n < 20 || looks.count() < 20; n++ {
				if time.Now().After(deadline) {
					t.Fatal("nobody looked")
				}
				f := &fakeEngine{plans: []*engine.Plan{planned(missing)}}
				if got := command(t, f, append(append([]string{"-C", dir}, c.args...), path)); got.code != 0 {
					t.Fatalf("exit %d: %s", got.code, got.stderr)
				}
				if info, err := os.Stat(path); err != nil || info.Mode() != c.want {
					t.Fatalf("mode %v, %v; want %v", info.Mode(), err, c.want)
				}
				if err := os.Remove(path); err != nil {
					t.Fatal(err)
				}
			}
		})
	}
}

// modeWatcher looks at the modes of a directory's files over and over.
type modeWatcher struct{ looks atomic.Int64 }

func (w *modeWatcher) count() int64 { return w.looks.Load() }

// watchModes fails the test when a file in dir gives anyone more than want.
func watchModes(t *testing.T, dir string, want fs.FileMode) *modeWatcher {
	w, stop, stopped := &modeWatcher{}, make(chan struct{}), make(chan struct{})
	go func() {
		defer close(stopped)
		for {
			select {
			case <-stop:
				return
			default:
			}
			entries, err := os.ReadDir(dir)
			if err != nil {
				t.Error(err)
				return
			}
			for _, e := range entries {
				info, err := e.Info()
				if err != nil {
					continue
				}
				w.looks.Add(1)
				if info.Mode().IsRegular() && info.Mode()&^want != 0 {
					t.Errorf("%s was there with mode %v, wider than %v", e.Name(), info.Mode(), want)
				}
			}
		}
	}()
	t.Cleanup(func() {
		close(stop)
		<-stopped
	})
	return w
}

package file_test

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/credsync/credsync/sinks"
)

// What cannot be replaced is found out before anything is spent for it, and stays as
// it is; what can be is let through.
func TestPreflightLooksAtTheFile(t *testing.T) {
	needsRoot(t)
	for name, c := range map[string]struct {
		arrange func(t *testing.T, path string)
		class   error
		says    string
	}{
		"a mount point": {func(t *testing.T, path string) {
			other := filepath.Join(t.TempDir(), "other")
			must(t, os.WriteFile(other, []byte("x"), 0o600))
			if err := syscall.Mount(other, path, "", syscall.MS_BIND, ""); err != nil {
				t.Skipf("this machine lets nobody mount: %v", err)
			}
			t.Cleanup(func() { _ = syscall.Unmount(path, 0) })
		}, sinks.ErrUnsupported, "it is a mount point"},
		"immutable":   {chattr("i"), sinks.ErrDenied, "chattr -i "},
		"append-only": {chattr("a"), sinks.ErrDenied, "chattr -a "},
		"plain":       {func(*testing.T, string) {}, nil, ""},
	} {
		t.Run(name, func(t *testing.T) {
			p := newPlace(t)
			p.put("kept", "x")
			path := filepath.Join(p.dir, "kept")
			c.arrange(t, path)
			err := p.preflight(p.target(attrs{"path": "kept"}, false))
			if !errors.Is(err, c.class) || !strings.Contains(fmt.Sprint(err), c.says) {
				t.Errorf("Preflight = %v, want %v that says %q", err, c.class, c.says)
			}
			if content, err := os.ReadFile(path); err != nil || string(content) != "x" {
				t.Errorf("the file holds %q, %v", content, err)
			}
			if entries, err := os.ReadDir(p.dir); err != nil || len(entries) != 1 {
				t.Errorf("Preflight left %v, %v", entries, err)
			}
		})
	}
}

func chattr(flag string) func(*testing.T, string) {
	return func(t *testing.T, path string) {
		if out, err := exec.Command("chattr", "+"+flag, path).CombinedOutput(); err != nil {
			t.Skipf("this file system has no such attribute: %v %s", err, out)
		}
		t.Cleanup(func() { _ = exec.Command("chattr", "-"+flag, path).Run() })
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func TestPreflightInAStickyDirectory(t *testing.T) {
	needsRoot(t)
	const another = 54333
	p := newPlace(t)
	p.give("mine", "x", 0o666, somebody, someones)
	p.give("theirs", "x", 0o666, another, another)
	mine := p.target(attrs{"path": "mine"}, false)
	theirs := p.target(attrs{"path": "theirs", "owner": strconv.Itoa(somebody), "group": strconv.Itoa(someones)}, false)
	asSomebody(t, p.dir, func() {
		if err := p.preflight(theirs); err != nil {
			t.Errorf("Preflight of another user's file in an ordinary directory = %v", err)
		}
	})
	must(t, errors.Join(os.Chown(p.dir, 0, 0), os.Chmod(p.dir, 0o777|os.ModeSticky)))
	func() {
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		defer becomeOnThisThread(somebody, someones)()
		if err := p.preflight(mine); err != nil {
			t.Errorf("Preflight of an own file = %v", err)
		}
		err := p.preflight(theirs)
		if !errors.Is(err, sinks.ErrDenied) || !strings.Contains(err.Error(), "its directory is sticky") || !strings.Contains(err.Error(), "54333") {
			t.Errorf("Preflight of another user's file = %v", err)
		}
	}()
	if err := p.preflight(theirs); err != nil {
		t.Errorf("Preflight as root = %v", err)
	}
}

// A full disk has room for an empty file.
func TestPreflightOfAFullDisk(t *testing.T) {
	p := newPlace(t)
	if err := syscall.Mount("tmpfs", p.dir, "tmpfs", 0, "size=64k"); err != nil {
		t.Skipf("this machine lets nobody mount: %v", err)
	}
	t.Cleanup(func() { _ = syscall.Unmount(p.dir, 0) })
	target := p.target(attrs{"path": "a"}, false)
	if err := p.preflight(target); err != nil {
		t.Errorf("Preflight = %v", err)
	}
	_ = os.WriteFile(filepath.Join(p.dir, "fill"), make([]byte, 1<<20), 0o600)
	if err := p.preflight(target); !errors.Is(err, sinks.ErrUnavailable) || !strings.Contains(err.Error(), "free space") {
		t.Errorf("Preflight = %v", err)
	}
	if entries, err := os.ReadDir(p.dir); err != nil || len(entries) != 1 {
		t.Errorf("Preflight left %v, %v", entries, err)
	}
}

//go:build acceptance

package outage

import (
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// What is here needs no right to mount, so it is tried on every machine.

// mayGrow lets the program's files grow, or no longer. The limit is the
// process's own; a write fails as on a disk that is full, whichever it is.
func (r *running) mayGrow(grow bool) {
	r.w.t.Helper()
	var limit unix.Rlimit
	if err := unix.Prlimit(r.cmd.Process.Pid, unix.RLIMIT_FSIZE, nil, &limit); err != nil {
		r.w.t.Fatal(err)
	}
	limit.Cur = 0
	if grow {
		limit.Cur = limit.Max
	}
	if err := unix.Prlimit(r.cmd.Process.Pid, unix.RLIMIT_FSIZE, &limit, nil); err != nil {
		r.w.t.Fatal(err)
	}
}

func TestNoFileMayGrow(t *testing.T) {
	t.Parallel()
	t.Run("before the login", func(t *testing.T) {
		target := t.TempDir()
		w := onDisk(t, t.TempDir(), target, "")
		w.before = "ulimit -f 0"
		w.apply(1, "file too large")
		w.wantLogins(0)
		w.before = ":"
		w.apply(0)
		w.wantLive(w.delivered(target))
	})
	t.Run("for a while", func(t *testing.T) {
		target := t.TempDir()
		w := onDisk(t, t.TempDir(), target, "")
		r := w.applyUntilLogin(func() {})
		r.mayGrow(false)
		r.says("the emergency file could not be written")
		r.mayGrow(true)
		r.ends(0, "Apply complete")
		w.wantLogins(1)
		w.wantLive(w.delivered(target))
		if files := w.emergencyFiles(); len(files) != 0 {
			t.Errorf("emergency files are left, perhaps with half a token: %v", files)
		}
	})
	t.Run("until the run is stopped", func(t *testing.T) {
		w := onDisk(t, t.TempDir(), t.TempDir(), "")
		r := w.applyUntilLogin(func() {})
		r.mayGrow(false)
		r.says("the emergency file could not be written")
		r.signal(syscall.SIGTERM)
		r.ends(1, "The new token is lost", "credsync apply --replace account.sagi.coffee")
		if files := w.emergencyFiles(); len(files) != 0 {
			t.Errorf("emergency files are left, perhaps with half a token: %v", files)
		}
	})
}

// asAnyone runs the program as a user whom the modes of files hold back: as
// root it is somebody else.
func (w *world) asAnyone(dirs ...string) {
	w.t.Helper()
	if os.Getuid() != 0 {
		return
	}
	const nobody = 65534
	w.prepare = func(cmd *exec.Cmd) { w.runAs(cmd, nobody) }
	if err := os.Chown(w.dir, nobody, nobody); err != nil {
		w.t.Skipf("left out: a directory without write permission. This is root, whom it does not hold back, and there is no other user to be: %v. TestNoFileMayGrow is tried all the same.", err)
	}
	for _, dir := range append(dirs, w.dir) {
		if err := errors.Join(os.Chmod(filepath.Dir(dir), 0o711), os.Chown(dir, nobody, nobody)); err != nil {
			w.t.Fatal(err)
		}
	}
	// The umask may have kept it for its owner.
	if err := errors.Join(os.Chmod(filepath.Dir(program), 0o711), os.Chmod(program, 0o755)); err != nil {
		w.t.Fatal(err)
	}
}

// runAs makes a command one of another user, who gets the world's directory.
func (w *world) runAs(cmd *exec.Cmd, user uint32) {
	w.t.Helper()
	err := filepath.WalkDir(w.dir, func(path string, _ fs.DirEntry, err error) error {
		return errors.Join(err, os.Lchown(path, int(user), int(user)))
	})
	if err != nil {
		w.t.Fatal(err)
	}
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: user, Gid: user}}
}

func TestDirectoryWithoutWritePermission(t *testing.T) {
	t.Parallel()
	mode := func(t *testing.T, mode os.FileMode, dirs ...string) {
		t.Helper()
		for _, dir := range dirs {
			if err := os.Chmod(dir, mode); err != nil {
				t.Error(err)
			}
		}
	}
	t.Run("the state's, before the login", func(t *testing.T) {
		state, target := t.TempDir(), t.TempDir()
		w := onDisk(t, state, target, "")
		w.asAnyone(state, target)
		mode(t, 0o500, state)
		w.apply(1, "permission denied", state)
		w.wantLogins(0)
		mode(t, 0o700, state)
		w.apply(0)
		w.wantLive(w.delivered(target))
	})
	t.Run("the state's, before the journal", func(t *testing.T) {
		state, target := t.TempDir(), t.TempDir()
		w := onDisk(t, state, target, "")
		w.asAnyone(state, target)
		records := filepath.Join(state, "records")
		r := w.applyUntilLogin(func() { mode(t, 0o500, state, records) })
		r.says("a new token could not be written to the state")
		if files := w.emergencyFiles(); len(files) != 1 {
			t.Errorf("emergency files meanwhile: %v", files)
		}
		mode(t, 0o700, state, records)
		r.ends(0, "Apply complete")
		w.wantLogins(1)
		w.wantLive(w.delivered(target))
	})
	t.Run("the target's", func(t *testing.T) {
		state, target := t.TempDir(), t.TempDir()
		w := onDisk(t, state, target, "")
		w.asAnyone(state, target)
		w.apply(0)
		before := w.delivered(target)
		w.upstream.Revoke("sagi", login)
		if err := w.upstream.AddFault(refreshesFail); err != nil {
			t.Fatal(err)
		}
		mode(t, 0o500, target)
		w.apply(1, "could not be written")
		if got := w.delivered(target); got != before {
			t.Error("the target is not as it was")
		}
		mode(t, 0o700, target)
		w.apply(0, "1 delivered")
		w.wantLogins(2)
		w.wantLive(w.delivered(target))
	})
}

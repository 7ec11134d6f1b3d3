package file

import (
	"os"
	"runtime/debug"
	"testing"

	"github.com/credsync/credsync/credential"
	"github.com/credsync/credsync/schema"
	"github.com/credsync/credsync/sinks"
	"golang.org/x/sys/unix"
)

// The warning about a state on another machine's disk says which kind of share it is.
func TestFileSystemsOfOtherMachinesAreNamed(t *testing.T) {
	for magic, want := range map[int64]string{
		unix.NFS_SUPER_MAGIC: "NFS", unix.SMB_SUPER_MAGIC: "SMB", unix.CIFS_SUPER_MAGIC: "CIFS", unix.SMB2_SUPER_MAGIC: "SMB",
		unix.V9FS_MAGIC: "9p", unix.AFS_SUPER_MAGIC: "AFS", unix.AFS_FS_MAGIC: "AFS",
		unix.EXT4_SUPER_MAGIC: "", unix.TMPFS_MAGIC: "", unix.OVERLAYFS_SUPER_MAGIC: "",
	} {
		if got := remote[magic]; got != want {
			t.Errorf("%x: %q, want %q", magic, got, want)
		}
	}
	if got := remoteFileSystem("/nonexistent"); got != "" {
		t.Errorf("what is not there is on %q", got)
	}
}

// Locks that reach the server make NFS as good as a disk, and say nothing of others.
func TestLocksThatReachTheServer(t *testing.T) {
	for _, c := range []struct {
		name    string
		reaches bool
		want    string
	}{{"NFS", true, ""}, {"NFS", false, "NFS"}, {"SMB", true, "SMB"}, {"SMB", false, "SMB"}, {"", true, ""}, {"", false, ""}} {
		if got := withoutServerLocks(c.name, func() bool { return c.reaches }); got != c.want {
			t.Errorf("%+v: %q", c, got)
		}
	}
	dir := t.TempDir()
	for option, want := range map[string]bool{"rw": true, "local_lock=none": false} {
		if got := mountedWith(dir, option); got != want {
			t.Errorf("%s is mounted with %s: %v", dir, option, got)
		}
	}
	if mountedWith("/nonexistent", "rw") {
		t.Error("what is not there is mounted")
	}
}

// A daemon writes for months, so nothing stays open.
func TestNoFileStaysOpen(t *testing.T) {
	open := func() int {
		entries, err := os.ReadDir("/proc/self/fd")
		if err != nil {
			t.Fatal(err)
		}
		return len(entries)
	}
	defer debug.SetGCPercent(debug.SetGCPercent(-1)) // which would close what was forgotten
	s := opened(t)
	ctx, target := t.Context(), sinks.Target{Path: "dir/a.json"}
	record, err := Spec().Record(schema.NewValues(&Spec().Connection, "", nil, nil),
		schema.NewValues(&Spec().State, "", nil, nil), "a")
	if err != nil {
		t.Fatal(err)
	}
	write := func(at sinks.Target, version string) string {
		t.Helper()
		v, err := s.Write(
			ctx,
			at,
			sinks.Write{Data: map[string]credential.Secret{"k": credential.NewSecret("v")}, If: version},
		)
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	before := 0
	for i := range 20 {
		if i == 1 {
			before = open() // the first opens what is opened once
		}
		delete(s.tidied, "dir")
		version := write(target, write(target, ""))
		if _, err := s.Read(ctx, target); err != nil {
			t.Error(err)
		}
		if _, err := s.Stat(ctx, sinks.Target{Path: "dir"}); err == nil {
			t.Error("a directory was looked at as a file")
		}
		if _, err := s.List(ctx, sinks.Target{Path: "dir"}); err != nil {
			t.Error(err)
		}
		if errs := s.Preflight(ctx, []sinks.Trial{{Target: target}, {Target: sinks.Target{Path: "b.json"}}}); errs[0] != nil ||
			errs[1] != nil {
			t.Error(errs)
		}
		if err := s.Delete(ctx, target, sinks.Removal{If: version}); err != nil {
			t.Error(err)
		}
		if err := s.Delete(ctx, record, sinks.Removal{If: write(record, "")}); err != nil {
			t.Error(err)
		}
	}
	if after := open(); after > before+5 {
		t.Errorf("%d files stay open after 19 rounds", after-before)
	}
}

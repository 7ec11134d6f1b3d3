package file

import (
	"testing"

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
	if locksReachServer("/proc") || locksReachServer("/nonexistent") {
		t.Error("a file system of this machine has a server of locks")
	}
}

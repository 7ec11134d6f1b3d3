package file

import (
	"os"
	"strings"

	"golang.org/x/sys/unix"
)

// remote are the file systems of other machines on which locks may hold on each
// machine only, by the number that statfs tells.
var remote = map[int64]string{
	unix.NFS_SUPER_MAGIC:  "NFS",
	unix.SMB_SUPER_MAGIC:  "SMB",
	unix.CIFS_SUPER_MAGIC: "CIFS",
	unix.SMB2_SUPER_MAGIC: "SMB",
	unix.V9FS_MAGIC:       "9p",
	unix.AFS_SUPER_MAGIC:  "AFS",
	unix.AFS_FS_MAGIC:     "AFS",
}

// remoteFileSystem names the file system of a directory where that is on another
// machine; "" where it is not, as far as is known. NFS whose mount says that locks go
// to the server is as good as a disk.
func remoteFileSystem(dir string) string {
	var fs unix.Statfs_t
	if unix.Statfs(dir, &fs) != nil {
		return ""
	}
	name := remote[int64(uint32(fs.Type))] //nolint:unconvert // its type differs by architecture
	return withoutServerLocks(name, func() bool { return mountedWith(dir, "local_lock=none") })
}

// withoutServerLocks is the name of a remote file system whose locks may not reach the
// server.
func withoutServerLocks(name string, locksReachServer func() bool) string {
	if name == "NFS" && locksReachServer() {
		return ""
	}
	return name
}

// mountedWith reports whether the options of a directory's mount have that one.
func mountedWith(dir, option string) bool {
	var x unix.Statx_t
	if unix.Statx(unix.AT_FDCWD, dir, 0, unix.STATX_MNT_ID, &x) != nil || x.Mask&unix.STATX_MNT_ID == 0 {
		return false
	}
	mounts, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		return false
	}
	return strings.Contains(mountOptions(string(mounts), x.Mnt_id), option)
}

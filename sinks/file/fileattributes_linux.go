package file

import "golang.org/x/sys/unix"

// isMountPoint reports whether a file is one, as in containers whose files are mounted
// one by one. Kernels before 5.8 do not say.
func isMountPoint(path string) bool { return attributes(path)&unix.STATX_ATTR_MOUNT_ROOT != 0 }

// attributesOf are those that chattr sets.
func attributesOf(path string) (immutable, appendOnly bool) {
	set := attributes(path)
	return set&unix.STATX_ATTR_IMMUTABLE != 0, set&unix.STATX_ATTR_APPEND != 0
}

// attributes are as far as the file system tells them.
func attributes(path string) uint64 {
	var x unix.Statx_t
	if unix.Statx(unix.AT_FDCWD, path, unix.AT_SYMLINK_NOFOLLOW, unix.STATX_BASIC_STATS, &x) != nil {
		return 0
	}
	return x.Attributes & x.Attributes_mask
}

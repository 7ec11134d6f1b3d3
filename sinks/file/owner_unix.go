//go:build unix

package file

import (
	"io/fs"
	"syscall"
)

// protects reports whether modes and locks keep a file from other users and writers here.
func protects() error { return nil }

// ownerOf is whose a file is.
func ownerOf(info fs.FileInfo) (owner, group int) {
	if s, ok := info.Sys().(*syscall.Stat_t); ok {
		return int(s.Uid), int(s.Gid)
	}
	return unowned, unowned
}

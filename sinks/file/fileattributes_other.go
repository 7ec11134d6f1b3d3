//go:build unix && !linux

package file

// isMountPoint is false: only Linux mounts over single files.
func isMountPoint(string) bool { return false }

// attributesOf is not asked here; that a file may not be replaced is known all the same.
func attributesOf(string) (immutable, appendOnly bool) { return false, false }

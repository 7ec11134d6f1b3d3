//go:build !linux

package file

// remoteFileSystem is not known here.
func remoteFileSystem(string) string { return "" }

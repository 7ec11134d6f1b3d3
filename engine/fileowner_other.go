//go:build !unix

package engine

import "io/fs"

// isOwn reports whether a file belongs to the user of this process, which a mode does not
// tell here. What is not known to be is not used unasked; credsync state recover does.
func isOwn(fs.FileInfo) bool { return false }

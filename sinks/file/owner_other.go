//go:build !unix

package file

import "io/fs"

// ownerOf is whose a file is, which this system does not tell by numbers.
func ownerOf(fs.FileInfo) (owner, group int) { return unowned, unowned }

//go:build !unix

package file

import (
	"io/fs"
	"os"
)

// replaceable knows of nothing here that would keep a file from being replaced.
func (s *Sink) replaceable(*os.Root, string, fs.FileInfo) error { return nil }

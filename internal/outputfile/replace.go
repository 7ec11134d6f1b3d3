//go:build !windows

package outputfile

import (
	"io/fs"

	"github.com/google/renameio/v2"
)

// replace puts a new file in place of a regular one, or of none.
func replace(path string, content []byte, mode fs.FileMode) error {
	// Not WriteFile, which keeps the mode of the file before.
	f, err := renameio.NewPendingFile(path, renameio.WithPermissions(mode), renameio.IgnoreUmask())
	if err != nil {
		return err
	}
	defer func() { _ = f.Cleanup() }()
	if _, err := f.Write(content); err != nil {
		return err
	}
	return f.CloseAtomicallyReplace()
}

//go:build !windows

package outputfile

import (
	"io/fs"

	"github.com/google/renameio/v2"
)

// replace puts a new file in place of a regular one, or of none.
func replace(path string, content []byte, mode fs.FileMode) error {
	return renameio.WriteFile(path, content, mode, renameio.IgnoreUmask())
}

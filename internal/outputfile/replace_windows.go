package outputfile

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
)

// replace puts a new file in place of a regular one, or of none. Windows has no modes to
// speak of.
func replace(path string, content []byte, _ fs.FileMode) error {
	f, err := os.CreateTemp(filepath.Dir(path), ".credsync-*")
	if err != nil {
		return err
	}
	_, err = f.Write(content)
	if err = errors.Join(err, f.Sync(), f.Close()); err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		_ = os.Remove(f.Name())
	}
	return err
}

// Package outputfile writes the files that a user has named for output: a saved plan, a
// page, metrics.
package outputfile

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
)

// Write writes a file whole or not at all, with exactly that mode. It replaces a regular
// file and nothing else: a symbolic link stays one, and the file that it leads to is
// replaced; a device or a pipe gets the content written to it. What is none of these is
// refused. Errors name the path.
func Write(path string, content []byte, mode fs.FileMode) error {
	if err := write(path, content, mode); err != nil {
		return fmt.Errorf("cannot write %s: %w", path, withoutPath(err))
	}
	return nil
}

func write(path string, content []byte, mode fs.FileMode) error {
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		if _, err := os.Lstat(path); err == nil {
			return errors.New("it is a symbolic link to a file that does not exist; remove the link or create the file")
		}
		return replace(path, content, mode)
	case err != nil:
		return err
	case info.IsDir():
		return errors.New("it is a directory; name a file in it")
	case info.Mode()&fs.ModeSocket != 0:
		return errors.New("it is a socket; name a file, a pipe or a device")
	case !info.Mode().IsRegular(), isDescriptor(path):
		return writeThrough(path, content)
	}
	real, err := filepath.EvalSymlinks(path)
	if err != nil {
		return err
	}
	return replace(real, content, mode)
}

// isDescriptor reports whether a path names what a process has open, as /dev/stdout does.
// Were such a file replaced, whoever has it open would continue with the one before.
func isDescriptor(path string) bool {
	full, err := filepath.Abs(path)
	return err == nil && (strings.HasPrefix(full, "/dev/") || strings.HasPrefix(full, "/proc/"))
}

// writeThrough does not wait for somebody to read from a pipe: nobody may ever.
func writeThrough(path string, content []byte) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_APPEND|syscall.O_NONBLOCK, 0)
	if errors.Is(err, syscall.ENXIO) {
		return errors.New("nothing is reading from this pipe; start its reader first")
	}
	if err != nil {
		return err
	}
	_, err = f.Write(content)
	return errors.Join(err, f.Close())
}

// withoutPath leaves out the path that the error of a system call repeats.
func withoutPath(err error) error {
	var p *fs.PathError
	if errors.As(err, &p) {
		return p.Err
	}
	return err
}

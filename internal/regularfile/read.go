// Package regularfile reads files that must be regular ones. Others may never begin
// (a pipe that nobody writes to), never end (/dev/zero), or do something when
// they are opened.
package regularfile

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
)

// ErrKind is that a path leads to what is not a regular file.
var ErrKind = errors.New("not a regular file")

// ErrTooLarge is that a file has more than may be read.
var ErrTooLarge = errors.New("too large")

// kindError says what a path leads to in place of a regular file.
type kindError struct {
	path string
	mode fs.FileMode
}

func (e kindError) Error() string { return fmt.Sprintf("%s is %s, %s", e.path, kind(e.mode), ErrKind) }

func (e kindError) Is(target error) bool { return target == ErrKind }

// IsDirectory reports whether an error of Read is that the path leads to a
// directory.
func IsDirectory(err error) bool {
	var e kindError
	return errors.As(err, &e) && e.mode.IsDir()
}

// sizeError is ErrTooLarge for a reader of the message.
type sizeError struct {
	path  string
	limit int64
}

func (e sizeError) Error() string { return fmt.Sprintf("%s has more than %d bytes", e.path, e.limit) }

func (e sizeError) Is(target error) bool { return target == ErrTooLarge }

// Read returns the content of the regular file, or of the one that a symbolic
// link leads to, of at most limit bytes. A larger one is refused unread where its
// size is known. Errors name the path and quote none of the content: they are
// ErrKind, ErrTooLarge or an fs.PathError whose operation is stat, open or read.
func Read(path string, limit int64) ([]byte, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, kindError{path, info.Mode()}
	}
	if info.Size() > limit {
		return nil, sizeError{path, limit}
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }()
	b, err := io.ReadAll(io.LimitReader(f, limit+1))
	if err != nil {
		return nil, err
	}
	if int64(len(b)) > limit {
		return nil, sizeError{path, limit}
	}
	return b, nil
}

func kind(m fs.FileMode) string {
	switch {
	case m.IsDir():
		return "a directory"
	case m&fs.ModeNamedPipe != 0:
		return "a pipe"
	case m&fs.ModeDevice != 0:
		return "a device"
	case m&fs.ModeSocket != 0:
		return "a socket"
	}
	return "something else"
}

//go:build unix

package file

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"

	"github.com/credsync/credsync/sinks"
	"golang.org/x/sys/unix"
)

// replaceable refuses a file over which no other can be renamed, though its directory
// may be written to.
//
// The system itself is asked, by the removal of a directory of that name: it looks
// first whether the name could go, and then finds that it is no directory.
func (s *Sink) replaceable(root *os.Root, name string, info fs.FileInfo) error {
	where := filepath.Join(s.dir, filepath.FromSlash(name))
	if isMountPoint(where) {
		return fmt.Errorf("%w: it is a mount point, which a rename cannot replace: mount its directory instead, or deliver to another path", sinks.ErrUnsupported)
	}
	dir, err := root.Open(path.Dir(name))
	if err != nil {
		return err
	}
	defer func() { _ = dir.Close() }()
	err = unix.Unlinkat(int(dir.Fd()), path.Base(name), unix.AT_REMOVEDIR)
	if !errors.Is(err, fs.ErrPermission) {
		// That it is no directory was to be expected, and all else the probe tells better.
		return nil
	}
	return fmt.Errorf("%w: %s", sinks.ErrDenied, s.whyKept(dir, where, info))
}

// whyKept says why a file may not be replaced.
func (s *Sink) whyKept(dir *os.File, where string, info fs.FileInfo) string {
	switch immutable, appendOnly := attributesOf(where); {
	case immutable:
		return fmt.Sprintf("it has the immutable attribute, so it cannot be replaced: run \"chattr -i %s\"", where)
	case appendOnly:
		return fmt.Sprintf("it has the append-only attribute, so it cannot be replaced: run \"chattr -a %s\"", where)
	}
	if parent, err := dir.Stat(); err == nil && parent.Mode()&fs.ModeSticky != 0 {
		owner, _ := ownerOf(info)
		return fmt.Sprintf("it belongs to %s and its directory is sticky, so no other user may replace it: give the file to the user who runs credsync with chown, run \"chmod -t %s\", or deliver to another directory",
			userName(owner), filepath.Dir(where))
	}
	return "the user who runs credsync may write to its directory but may not replace the file: give that user access to both"
}

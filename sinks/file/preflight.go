package file

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"

	"github.com/credsync/credsync/internal/crashpoint"
	"github.com/credsync/credsync/sinks"
)

// Preflight implements sinks.Preflighter. In each directory, or in the nearest
// one above that exists, an empty file is made and removed: permissions alone
// do not tell of read-only file systems and full disks.
func (s *Sink) Preflight(ctx context.Context, targets []sinks.Target) error {
	var (
		errs   []error
		probed []string
	)
	for _, t := range targets {
		if err := ctx.Err(); err != nil {
			return s.describe("write", t, err)
		}
		dir, err := s.nearestDirectory(t)
		if err == nil && !slices.Contains(probed, dir) {
			err = tryDirectory(dir)
		}
		if err != nil {
			errs = append(errs, s.describe("write", t, err))
			continue
		}
		probed = append(probed, dir)
	}
	return errors.Join(errs...)
}

// nearestDirectory is the directory in which writing a target begins, after a look
// whether the target itself is one that could be replaced.
func (s *Sink) nearestDirectory(t sinks.Target) (string, error) {
	if root, err := os.OpenRoot(s.dir); err == nil {
		defer func() { _ = root.Close() }()
		info, err := root.Lstat(t.Path)
		switch {
		case err != nil && !errors.Is(err, fs.ErrNotExist):
			return "", err
		case err == nil && !info.Mode().IsRegular():
			return "", fmt.Errorf("%w: it is not a regular file, which credsync does not replace", sinks.ErrUnsupported)
		}
		if _, err := root.Stat(path.Dir(t.Path)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return "", err
		}
	}
	dir := filepath.Join(s.dir, filepath.FromSlash(path.Dir(t.Path)))
	for {
		_, err := os.Stat(dir)
		if !errors.Is(err, fs.ErrNotExist) || dir == filepath.Dir(dir) {
			return dir, err
		}
		dir = filepath.Dir(dir)
	}
}

func tryDirectory(dir string) error {
	crashpoint.Reach("probe", dir)
	f, err := os.CreateTemp(dir, tempPrefix)
	if err != nil {
		return err
	}
	err = f.Close()
	crashpoint.Reach("remove the probe in", dir)
	// A writer who has the lock may have taken it for a leftover.
	if removed := os.Remove(f.Name()); err == nil && !errors.Is(removed, fs.ErrNotExist) {
		err = removed
	}
	return err
}

// refuseWritableByAll refuses a state's directory that every user of the machine may write
// to, as ssh refuses such a one of keys: whoever puts a record there says what is
// delivered, and whoever removes one lifts a remembered rejection.
//
// Who owns it, and what its group may, is not judged: volumes of containers have
// owners of their own, and are shared by group. Nor are the directories of
// targets, which often are volumes that everyone may write to.
func (s *Sink) refuseWritableByAll(root *os.Root, dir string, t sinks.Target) error {
	if !isState(t.Options) {
		return nil
	}
	info, err := root.Stat(dir)
	// What is missing, or may not be looked at, the next step tells better.
	if err != nil || info.Mode().Perm()&0o002 == 0 {
		return nil
	}
	where := filepath.Join(s.dir, filepath.FromSlash(dir))
	return fmt.Errorf("%w: every user of this machine may write to %s, so what is in the state cannot be trusted: look at what is there, then run \"chmod o-w %s\"", sinks.ErrDenied, where, where)
}

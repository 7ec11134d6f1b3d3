package file

import (
	"cmp"
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

// probe is what is tried out before a write.
type probe struct {
	dir    string
	wanted permissions
}

// probeSize is how much a probe writes: more than a token, so that a full disk or quota
// shows, which may still have room for an empty file.
const probeSize = 16 << 10

// Preflight implements sinks.Preflighter. In each directory, or in the nearest
// one above that exists, a file is made, filled and removed: permissions alone
// do not report read-only file systems, full disks and quotas. It is given the owner
// that the target is to have, since that is denied to most. A file that is there is
// looked at, whether it can be replaced.
func (s *Sink) Preflight(ctx context.Context, trials []sinks.Trial) []error {
	errs := make([]error, len(trials))
	dirs := s.openDirectories()
	defer dirs.close()
	var probed []probe
	for i, trial := range trials {
		t := trial.Target
		err := cmp.Or(ctx.Err(), protects())
		var p probe
		if err == nil {
			p, err = dirs.probeOf(t)
		}
		if err == nil && !slices.Contains(probed, p) {
			err = p.try(t)
		}
		if err != nil {
			errs[i] = s.describe("write", t, err)
			continue
		}
		probed = append(probed, p)
	}
	return errs
}

// probeOf finds the directory in which writing a target begins, and the owner that
// it is to have, after a look whether the target itself is one that could be
// replaced.
func (d *directories) probeOf(t sinks.Target) (p probe, err error) {
	replaced, err := d.replaced(t)
	if err != nil {
		return p, err
	}
	if p.wanted, err = permissionsFor(t.Options, replaced); err != nil {
		return p, err
	}
	// Whoever has a file may set its mode.
	p.wanted.mode = 0
	p.dir, err = d.start(filepath.Join(d.s.dir, filepath.FromSlash(path.Dir(t.Path))))
	return p, err
}

// replaced is the file that a write would replace, nil where there is none.
func (d *directories) replaced(t sinks.Target) (fs.FileInfo, error) {
	if d.root == nil {
		return nil, nil
	}
	dir := path.Dir(t.Path)
	info, err := d.lstat(dir, path.Base(t.Path))
	switch {
	case err != nil && !errors.Is(err, fs.ErrNotExist):
		return nil, err
	case err == nil && !info.Mode().IsRegular():
		return nil, fmt.Errorf("%w: it is not a regular file, and credsync replaces only regular files", sinks.ErrUnsupported)
	case err == nil:
		if err := d.s.replaceable(d.root, t.Path, info); err != nil {
			return nil, err
		}
	}
	if d.opened[dir] == nil {
		if _, err := d.root.Stat(dir); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, err
		}
	}
	return info, nil
}

// start is the directory itself, or the nearest one above that exists.
func (d *directories) start(dir string) (string, error) {
	if found := d.nearest[dir]; found != "" {
		return found, nil
	}
	for at := dir; ; at = filepath.Dir(at) {
		_, err := os.Stat(at)
		if !errors.Is(err, fs.ErrNotExist) || at == filepath.Dir(at) {
			if err == nil {
				d.nearest[dir] = at
			}
			return at, err
		}
	}
}

func (p probe) try(t sinks.Target) error {
	crashpoint.Reach("probe", p.dir)
	f, err := os.CreateTemp(p.dir, tempPrefix)
	if err != nil {
		return err
	}
	err = p.wanted.apply(f, p.dir, t.Options)
	if err == nil {
		crashpoint.Reach("fill the probe in", p.dir)
		_, err = f.Write(make([]byte, probeSize))
	}
	if err == nil {
		// Some file systems find out only now that there is no room.
		crashpoint.Reach("flush the probe in", p.dir)
		err = f.Sync()
	}
	if closed := f.Close(); err == nil {
		err = closed
	}
	crashpoint.Reach("remove the probe in", p.dir)
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
	return fmt.Errorf("%w: every user of this machine may write to %s, so the state cannot be trusted: check its files, then run \"chmod o-w %s\"", sinks.ErrDenied, where, where)
}

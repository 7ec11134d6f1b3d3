package file

import (
	"context"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/credsync/credsync/internal/crashpoint"
	"github.com/credsync/credsync/sinks"
	"github.com/gofrs/flock"
)

// locked runs f with the target's directory made, locked against other writers
// and free of what killed ones left behind.
func (s *Sink) locked(ctx context.Context, t sinks.Target, f func(root *os.Root) error) error {
	select {
	case s.turn <- struct{}{}:
		defer func() { <-s.turn }()
	case <-ctx.Done():
		return ctx.Err()
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	if err := protects(); err != nil {
		return err
	}
	if err := os.MkdirAll(s.dir, 0o700); err != nil {
		return err
	}
	return s.inDirectory(ctx, func(root *os.Root) error {
		dir := path.Dir(t.Path)
		if err := root.MkdirAll(dir, 0o700); err != nil {
			return err
		}
		if err := s.refuseWritableByAll(root, dir, t); err != nil {
			return err
		}
		unlock, err := lockFor(ctx, t, filepath.Join(s.dir, filepath.FromSlash(dir)))
		if err != nil {
			return err
		}
		defer unlock()
		s.removeLeftovers(root, dir)
		return f(root)
	})
}

// lockName is the file that is locked in the directory of a state.
const lockName = ".credsync-lock"

// lockFor locks a directory against other processes, for whose writes it waits. In that of
// a state a regular file is locked: network file systems lock no directories, and some lock
// files that are open for writing only. In directories of targets, which others read and
// list, no such file is left behind.
func lockFor(ctx context.Context, t sinks.Target, dir string) (unlock func(), err error) {
	if isState(t.Options) {
		return lock(
			ctx,
			flock.New(filepath.Join(dir, lockName), flock.SetFlag(os.O_CREATE|os.O_RDWR), flock.SetPermissions(0o600)),
		)
	}
	return lock(ctx, flock.New(dir, flock.SetFlag(os.O_RDONLY)))
}

func lock(ctx context.Context, l *flock.Flock) (unlock func(), err error) {
	ctx, cancel := context.WithTimeoutCause(ctx, lockWait, errLocked)
	defer cancel()
	if _, err := l.TryLockContext(ctx, lockPoll); err != nil {
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		return nil, err
	}
	return func() { _ = l.Close() }, nil
}

var errLocked = fmt.Errorf("%w: another process has held the lock on its directory for %s", sinks.ErrUnavailable, lockWait)

// removeLeftovers deletes unfinished files of killed processes. Whoever holds the lock is
// the only one who makes them; where a network file system keeps locks to each machine,
// another machine may be working on one, so that young ones are left alone. What
// cannot be deleted does no harm. A directory is gone through when it is written
// to first, and then once in a while: it may have a file for each account.
func (s *Sink) removeLeftovers(root *os.Root, dir string) {
	now := s.now()
	if at, ok := s.tidied[dir]; ok && now.Sub(at) < leftoversEvery {
		return
	}
	s.tidied[dir] = now
	names, err := unfinishedFiles(root, dir, now)
	if err != nil {
		return
	}
	for _, name := range names {
		crashpoint.Reach("remove a leftover in", dir)
		_ = root.Remove(path.Join(dir, name))
	}
}

// leftoversEvery is how often a directory is gone through for unfinished files.
const leftoversEvery = time.Minute

// leftoverAge is how long nobody has written to an unfinished file that is taken to belong
// to nobody any more. A write takes milliseconds, or minutes where a file server hangs.
const leftoverAge = 10 * time.Minute

// unfinishedFiles lists the unfinished files in a directory that nobody is working on.
func unfinishedFiles(root *os.Root, dir string, now time.Time) (found []string, err error) {
	f, err := root.Open(dir)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }()
	names, err := f.Readdirnames(-1)
	if err != nil {
		return nil, err
	}
	for _, name := range names {
		if !strings.HasPrefix(name, tempPrefix) {
			continue
		}
		if info, err := root.Lstat(path.Join(dir, name)); err == nil && info.Mode().IsRegular() &&
			now.Sub(info.ModTime()).Abs() >= leftoverAge {
			found = append(found, name)
		}
	}
	slices.Sort(found)
	return found, nil
}

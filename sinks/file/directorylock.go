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
		unlock, err := lock(ctx, filepath.Join(s.dir, filepath.FromSlash(dir)))
		if err != nil {
			return err
		}
		defer unlock()
		s.removeLeftovers(root, dir)
		return f(root)
	})
}

// lock locks a directory against other processes, for whose writes it waits.
func lock(ctx context.Context, dir string) (unlock func(), err error) {
	ctx, cancel := context.WithTimeoutCause(ctx, lockWait, errLocked)
	defer cancel()
	l := flock.New(dir, flock.SetFlag(os.O_RDONLY))
	if _, err := l.TryLockContext(ctx, lockPoll); err != nil {
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		return nil, err
	}
	return func() { _ = l.Close() }, nil
}

var errLocked = fmt.Errorf("%w: another process has kept its directory locked for %s", sinks.ErrUnavailable, lockWait)

// removeLeftovers deletes unfinished files. Whoever holds the lock is the only
// one who makes them, so all that are there belong to killed processes. What
// cannot be deleted does no harm. A directory is gone through when it is written
// to first, and then once in a while: it may have a file for each account.
func (s *Sink) removeLeftovers(root *os.Root, dir string) {
	now := s.now()
	if at, ok := s.tidied[dir]; ok && now.Sub(at) < leftoversEvery {
		return
	}
	s.tidied[dir] = now
	names, err := unfinishedFiles(root, dir)
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

// unfinishedFiles lists the unfinished files in a directory.
func unfinishedFiles(root *os.Root, dir string) (found []string, err error) {
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
		if info, err := root.Lstat(path.Join(dir, name)); err == nil && info.Mode().IsRegular() {
			found = append(found, name)
		}
	}
	slices.Sort(found)
	return found, nil
}

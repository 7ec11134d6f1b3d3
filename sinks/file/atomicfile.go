package file

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"slices"
	"syscall"
	"time"

	"github.com/credsync/credsync/internal/crashpoint"
	"github.com/credsync/credsync/sinks"
)

const (
	// tempPrefix begins the name of a file that is not finished. No target may
	// have such a name, and List passes over them.
	tempPrefix = ".credsync-tmp-"
	// maxSize of a file that is read: far above any set of tokens, and far
	// below what would exhaust memory.
	maxSize = 16 << 20
	// lockWait bounds the wait for other processes, each of whose writes takes
	// milliseconds.
	lockWait = 15 * time.Second
	lockPoll = 10 * time.Millisecond
)

// version is half a SHA-256 of a file's content: enough to tell versions apart.
func version(content []byte) string {
	sum := sha256.Sum256(content)
	return hex.EncodeToString(sum[:16])
}

// content reads a target's file. fs.ErrNotExist where it, or its directory, is
// missing.
func (s *Sink) content(ctx context.Context, t sinks.Target) (content []byte, info fs.FileInfo, err error) {
	err = s.inDirectory(ctx, func(root *os.Root) error {
		if err := s.refuseWritableByAll(root, path.Dir(t.Path), t); err != nil {
			return err
		}
		content, info, err = readRegular(root, t.Path)
		return err
	})
	return content, info, err
}

// inDirectory runs f with the sink's directory, out of which no path and no symbolic
// link leads.
func (s *Sink) inDirectory(ctx context.Context, f func(*os.Root) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	root, err := os.OpenRoot(s.dir)
	if err != nil {
		return err
	}
	defer func() { _ = root.Close() }()
	return f(root)
}

func readRegular(root *os.Root, name string) ([]byte, fs.FileInfo, error) {
	// Looking first keeps Open from waiting for the writer of a named pipe.
	info, err := root.Stat(name)
	if err != nil {
		return nil, nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, nil, errors.New("it is not a regular file")
	}
	f, err := root.Open(name)
	if err != nil {
		return nil, nil, err
	}
	defer func() { _ = f.Close() }()
	content, err := io.ReadAll(io.LimitReader(f, maxSize+1))
	if err == nil && len(content) > maxSize {
		err = fmt.Errorf("it is larger than %d MiB", maxSize>>20)
	}
	return content, info, err
}

// listNames lists the regular files directly below a directory, in order.
func (s *Sink) listNames(ctx context.Context, prefix sinks.Target) (names []string, err error) {
	err = s.inDirectory(ctx, func(root *os.Root) error {
		if err := s.refuseWritableByAll(root, prefix.Path, prefix); err != nil {
			return err
		}
		names, err = regularFiles(root, prefix.Path)
		return err
	})
	return names, err
}

func regularFiles(root *os.Root, dir string) ([]string, error) {
	f, err := root.Open(dir)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }()
	entries, err := f.ReadDir(-1)
	if err != nil {
		return nil, err
	}
	var names []string
	for _, e := range entries {
		if e.Type().IsRegular() {
			names = append(names, e.Name())
		}
	}
	slices.Sort(names)
	return names, nil
}

// replace writes what makeContent makes of the content that is there (nil for
// none), if that is at the version asked for.
func (s *Sink) replace(
	ctx context.Context,
	t sinks.Target,
	want string,
	makeContent func([]byte) ([]byte, error),
) error {
	return s.locked(ctx, t, func(root *os.Root) error {
		now, replaced, err := atVersion(root, t.Path, want)
		if err != nil {
			return err
		}
		content, err := makeContent(now)
		if err != nil {
			return err
		}
		wanted, err := permissionsFor(t.Options, replaced)
		if err != nil {
			return err
		}
		temp, err := writeTemp(root, t, content, wanted)
		if err != nil {
			return err
		}
		// After a rename there is nothing left to remove.
		defer func() {
			crashpoint.Reach("remove the unfinished", t.Path)
			_ = root.Remove(temp)
		}()
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := publish(root, temp, t.Path, now == nil); err != nil {
			return err
		}
		crashpoint.Reach(crashpoint.Published, t.Path)
		return syncDir(root, path.Dir(t.Path))
	})
}

// remove deletes a target's file if it is at the version asked for.
func (s *Sink) remove(ctx context.Context, t sinks.Target, want string) error {
	return s.locked(ctx, t, func(root *os.Root) error {
		if _, _, err := atVersion(root, t.Path, want); err != nil {
			return err
		}
		crashpoint.Reach("remove", t.Path)
		if err := root.Remove(t.Path); err != nil {
			return err
		}
		return syncDir(root, path.Dir(t.Path))
	})
}

// atVersion returns the content that is there, and what of; both are nil only
// where nothing is. It is ErrConflict if that is at another version.
func atVersion(root *os.Root, name, want string) ([]byte, fs.FileInfo, error) {
	if info, err := root.Lstat(name); err == nil && info.Mode()&fs.ModeSymlink != 0 {
		return nil, nil, fmt.Errorf("%w: credsync does not replace symbolic links; set path to the file that the link points to", sinks.ErrUnsupported)
	}
	content, info, err := readRegular(root, name)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		if want != "" {
			return nil, nil, fmt.Errorf("%w: it has been deleted", sinks.ErrConflict)
		}
		return nil, nil, nil
	case err != nil:
		return nil, nil, err
	case want == "":
		return nil, nil, fmt.Errorf("%w: the file already exists", sinks.ErrConflict)
	case version(content) != want:
		return nil, nil, fmt.Errorf("%w: its content has changed since credsync last read it", sinks.ErrConflict)
	}
	return content, info, nil
}

// writeTemp writes a file beside a target's later place. Until it has its owner
// and mode, which it has before the first byte, it is for whoever runs credsync
// only.
func writeTemp(root *os.Root, t sinks.Target, content []byte, wanted permissions) (name string, err error) {
	name = path.Join(path.Dir(t.Path), tempPrefix+rand.Text())
	crashpoint.Reach("create", t.Path)
	f, err := root.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, usual.mode)
	if err != nil {
		return "", err
	}
	err = wanted.apply(f, t.Path, t.Options)
	if err == nil {
		crashpoint.Reach("write", t.Path)
		_, err = f.Write(content)
	}
	if err == nil {
		crashpoint.Reach("flush", t.Path)
		err = f.Sync()
	}
	if closed := f.Close(); err == nil {
		err = closed
	}
	if err != nil {
		crashpoint.Reach("remove the unfinished", t.Path)
		_ = root.Remove(name)
		return "", err
	}
	return name, nil
}

// publish puts a finished file in its place. A new one is linked, which unlike
// a rename fails where a file has appeared meanwhile.
func publish(root *os.Root, temp, name string, create bool) error {
	if !create {
		crashpoint.Reach("publish", name)
		return root.Rename(temp, name)
	}
	crashpoint.Reach("publish", name)
	err := root.Link(temp, name)
	switch {
	case errors.Is(err, fs.ErrExist):
		return fmt.Errorf("%w: another process has just created the file", sinks.ErrConflict)
	case err == nil:
		return nil
	}
	// A file system without hard links (FAT, some network shares) leaves only
	// the rename, under the lock.
	if _, statErr := root.Lstat(name); !errors.Is(statErr, fs.ErrNotExist) {
		return fmt.Errorf("%w: another process has just created the file", sinks.ErrConflict)
	}
	crashpoint.Reach("publish", name)
	return root.Rename(temp, name)
}

// syncDir makes a rename durable. Some file systems cannot flush a directory;
// there is nothing more to do on those.
func syncDir(root *os.Root, dir string) error {
	f, err := root.Open(dir)
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }()
	crashpoint.Reach("flush the directory", dir)
	if err := f.Sync(); err != nil && !errors.Is(err, errors.ErrUnsupported) && !errors.Is(err, syscall.EINVAL) {
		return err
	}
	return nil
}

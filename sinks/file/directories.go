package file

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path"

	"github.com/credsync/credsync/sinks"
)

// directories are what many targets are often few in: each is opened once for all that
// are looked at together.
type directories struct {
	s *Sink
	// root is the sink's directory, nil where it is not there yet.
	root *os.Root
	// opened are the directories in it that can be opened, by their paths in it.
	opened map[string]*os.Root
	// nearest is the directory in which writing to a directory begins.
	nearest map[string]string
}

func (s *Sink) openDirectories() *directories {
	d := &directories{s: s, opened: map[string]*os.Root{}, nearest: map[string]string{}}
	if root, err := os.OpenRoot(s.dir); err == nil {
		d.root = root
	}
	return d
}

func (d *directories) close() {
	for _, dir := range d.opened {
		if dir != nil {
			_ = dir.Close()
		}
	}
	if d.root != nil {
		_ = d.root.Close()
	}
}

// lstat looks at a name in a directory, through the directory itself where it can be opened.
func (d *directories) lstat(dir, name string) (fs.FileInfo, error) {
	opened, known := d.opened[dir]
	if !known {
		opened, _ = d.root.OpenRoot(dir)
		d.opened[dir] = opened
	}
	if opened == nil {
		return d.root.Lstat(path.Join(dir, name))
	}
	return opened.Lstat(name)
}

// StatMany implements sinks.BulkStatter. It reports files that are not there; those that
// are have to be read one by one.
func (s *Sink) StatMany(ctx context.Context, targets []sinks.Target, found func(int, sinks.Info)) {
	dirs := s.openDirectories()
	defer dirs.close()
	if dirs.root == nil {
		return
	}
	for i, t := range targets {
		if ctx.Err() != nil {
			return
		}
		if _, err := dirs.lstat(path.Dir(t.Path), path.Base(t.Path)); errors.Is(err, fs.ErrNotExist) {
			found(i, sinks.Info{})
		}
	}
}

package audit

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"time"

	"github.com/credsync/credsync/internal/crashpoint"
)

// File is an audit trail in a file. It is opened when the first event is there,
// and again when another file has taken its place, so that logrotate needs to
// tell nobody.
//
// Each line is one write to a file opened for appending, so that processes that
// share it do not write into each other's lines. Record returns once the line
// is on the disk; events that come at the same time share one flush.
type File struct {
	path string

	// mu guards the file; written counts the lines in it.
	mu      sync.Mutex
	file    *os.File
	written uint64
	// torn says that the file may not end with a line's end.
	torn bool

	// flushing guards flushed, the count of lines known to be on the disk.
	flushing sync.Mutex
	flushed  uint64
}

var _ Recorder = (*File)(nil)

// NewFile returns a trail in the file at path. It opens nothing yet.
func NewFile(path string) *File { return &File{path: path} }

// Record implements Recorder.
func (f *File) Record(ev Event) error {
	b, err := encode(ev)
	if err != nil {
		return err
	}
	n, err := f.append(b)
	if err == nil {
		err = f.flush(n)
	}
	if err != nil {
		return fmt.Errorf("the audit trail %s cannot be written: %w", f.path, reasonOf(err))
	}
	return nil
}

// Close closes the file. The trail may be written again: it is then opened
// again.
func (f *File) Close() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.file == nil {
		return nil
	}
	err := errors.Join(flushFile(f.file), f.file.Close())
	f.file = nil
	return err
}

// append writes a line, and returns how many lines were written with it.
func (f *File) append(b []byte) (uint64, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if err := f.reopen(); err != nil {
		return 0, err
	}
	if f.torn {
		// What an earlier write has left of its line must not spoil this one.
		b = append([]byte{'\n'}, b...)
	}
	crashpoint.Reach("append to", f.path)
	n, err := f.file.Write(b)
	f.torn = f.torn && n == 0 || n > 0 && n < len(b)
	if err != nil {
		return 0, err
	}
	f.written++
	return f.written, nil
}

// reopen makes sure that the file which is open is the one at the path.
func (f *File) reopen() error {
	if f.file != nil {
		open, err := f.file.Stat()
		if err != nil {
			return err
		}
		if there, err := os.Stat(f.path); err == nil && os.SameFile(open, there) {
			return nil
		}
		// Whoever waits for a line to be flushed finds the file closed, so it
		// is flushed before.
		if err := flushFile(f.file); err != nil {
			return err
		}
		_ = f.file.Close()
		f.file = nil
	}
	return f.open()
}

func (f *File) open() error {
	_, err := os.Stat(f.path)
	created := errors.Is(err, os.ErrNotExist)
	// Without O_NONBLOCK a named pipe that nobody reads would hold us up.
	crashpoint.Reach("open", f.path)
	file, err := os.OpenFile(f.path, os.O_WRONLY|os.O_APPEND|os.O_CREATE|syscall.O_NONBLOCK, 0o600)
	if err != nil {
		return err
	}
	if created {
		if err := flushDir(filepath.Dir(f.path)); err != nil {
			_ = file.Close()
			return err
		}
	}
	f.file, f.torn = file, staysTorn(f.path)
	return nil
}

// tornTries and tornPause are how often, and after which pause, a file that ends
// within a line is looked at: a line that another process is writing can be seen
// before all of it is there.
const (
	tornTries = 10
	tornPause = 20 * time.Millisecond
)

// pause waits for another process to finish its line.
var pause = time.Sleep

// staysTorn reports whether a file ends within a line that nobody is writing any
// more.
func staysTorn(path string) bool {
	for range tornTries {
		if !endsTorn(path) {
			return false
		}
		pause(tornPause)
	}
	return endsTorn(path)
}

// endsTorn reports whether a file is known to end within a line: the process
// that wrote it was stopped by a full disk. A file that may not be read is
// taken to be whole.
func endsTorn(path string) bool {
	info, err := os.Stat(path)
	if err != nil || !info.Mode().IsRegular() || info.Size() == 0 {
		return false
	}
	r, err := os.Open(path)
	if err != nil {
		return false
	}
	defer r.Close()
	last := make([]byte, 1)
	if _, err := r.ReadAt(last, info.Size()-1); err != nil && !errors.Is(err, io.EOF) {
		return false
	}
	return last[0] != '\n'
}

// flush returns once that many lines are on the disk. While one call flushes,
// others wait, and mostly find that their line was flushed with it.
func (f *File) flush(n uint64) error {
	f.flushing.Lock()
	defer f.flushing.Unlock()
	if f.flushed >= n {
		return nil
	}
	f.mu.Lock()
	file, written := f.file, f.written
	f.mu.Unlock()
	if file != nil {
		// One that was closed meanwhile was flushed before.
		if err := flushFile(file); err != nil && !errors.Is(err, os.ErrClosed) {
			return err
		}
	}
	f.flushed = written
	return nil
}

// flushFile brings a file to the disk. What cannot be flushed, such as a pipe,
// has nothing to flush.
func flushFile(f *os.File) error {
	crashpoint.Reach("flush", f.Name())
	err := f.Sync()
	if errors.Is(err, syscall.EINVAL) || errors.Is(err, syscall.ENOTSUP) {
		return nil
	}
	return err
}

// flushDir makes sure that a file which was just made is still there after a
// power failure.
func flushDir(path string) error {
	d, err := os.Open(path)
	if err != nil {
		// A directory that may be written but not read cannot be flushed.
		return nil
	}
	defer d.Close()
	return flushFile(d)
}

// reasonOf leaves the path out of an error, which has been named already.
func reasonOf(err error) error {
	var path *os.PathError
	if errors.As(err, &path) {
		return path.Err
	}
	return err
}

package file

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/credsync/credsync/schema"
	"github.com/credsync/credsync/sinks"
)

// placePrefix begins the places of this type of sink.
const placePrefix = "file "

// Place implements sinks.Sink: the real path of the file, also of one that is not
// there yet.
func (s *Sink) Place(_ context.Context, t sinks.Target) (sinks.Place, error) {
	return s.place(t, realPath)
}

// PlaceMany implements sinks.BulkPlacer. Many files are often in few directories,
// and the links of each directory are followed once.
func (s *Sink) PlaceMany(_ context.Context, targets []sinks.Target, found func(int, sinks.Place, error)) {
	directories := map[string]string{}
	find := func(path string) (string, error) {
		dir, name := filepath.Split(path)
		real, known := directories[dir]
		if !known {
			var err error
			// That a directory cannot be followed is said of each file by its own name.
			if real, err = realPath(dir); err != nil {
				return realPath(path)
			}
			directories[dir] = real
		}
		info, err := os.Lstat(path)
		if errors.Is(err, fs.ErrNotExist) || err == nil && info.Mode()&fs.ModeSymlink == 0 {
			return filepath.Join(real, name), nil
		}
		return realPath(path)
	}
	for i, t := range targets {
		p, err := s.place(t, find)
		found(i, p, err)
	}
}

func (s *Sink) place(t sinks.Target, find func(path string) (string, error)) (sinks.Place, error) {
	path, err := find(filepath.Join(s.dir, filepath.FromSlash(t.Path)))
	if err != nil {
		return "", s.describe("check", t, err)
	}
	return sinks.Place(placePrefix + path), nil
}

// At implements sinks.Sink.
func (s *Sink) At(_ context.Context, p sinks.Place, options schema.Values) (sinks.Target, bool, error) {
	path, ok := strings.CutPrefix(string(p), placePrefix)
	if !ok {
		return sinks.Target{}, false, nil
	}
	dir, err := realPath(s.dir)
	if err != nil {
		return sinks.Target{}, false, s.describe("check", sinks.Target{}, err)
	}
	rel, err := filepath.Rel(dir, path)
	if err != nil || !filepath.IsLocal(rel) || rel == "." {
		return sinks.Target{}, false, nil //nolint:nilerr // no way from one to the other means: not here
	}
	return sinks.Target{Path: filepath.ToSlash(rel), Location: filepath.Join(s.shown, rel), Options: options}, true, nil
}

// Address implements sinks.Sink.
func (s *Sink) Address() string { return s.dir }

// realPath is an absolute path without symbolic links. What is not there is as its
// name says.
func realPath(path string) (string, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return "", err
	}
	rest := ""
	for {
		found, err := filepath.EvalSymlinks(path)
		if err == nil {
			return filepath.Join(found, rest), nil
		}
		// A link to what is not there cannot be followed by EvalSymlinks.
		if info, lerr := os.Lstat(path); errors.Is(err, fs.ErrNotExist) && lerr == nil &&
			info.Mode()&fs.ModeSymlink != 0 {
			return "", fmt.Errorf(
				"%w: %s is a broken symbolic link: remove it, or create the file or directory that it points to",
				sinks.ErrUnsupported,
				path,
			)
		}
		if !errors.Is(err, fs.ErrNotExist) || path == filepath.Dir(path) {
			return "", err
		}
		rest, path = filepath.Join(filepath.Base(path), rest), filepath.Dir(path)
	}
}

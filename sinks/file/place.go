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
	path, err := realPath(filepath.Join(s.dir, filepath.FromSlash(t.Path)))
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

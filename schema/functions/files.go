package functions

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"github.com/bmatcuk/doublestar/v4"
	"github.com/credsync/credsync/internal/inputtext"
	"github.com/credsync/credsync/internal/regularfile"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/function"
)

// maxFile is the most that file and filebase64 read, in bytes.
const maxFile = 16 << 20

var (
	basenameFunc = textFunc(func(b []byte) string { return filepath.Base(string(b)) })
	dirnameFunc  = textFunc(func(b []byte) string { return filepath.Dir(string(b)) })
)

func pathFrom(dir, path string) string {
	if filepath.IsAbs(path) {
		return filepath.Clean(path)
	}
	return filepath.Join(dir, path)
}

// fileFunc reads a file as text, or as base64.
func fileFunc(o Options, saw func(string), asBase64 bool) function.Function {
	return function.New(&function.Spec{
		Params: []function.Parameter{stringParam("path")},
		Type:   function.StaticReturnType(cty.String),
		Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
			none := cty.UnknownVal(cty.String)
			path := pathFrom(o.Dir, args[0].AsString())
			saw(path)
			b, err := readFile(path)
			switch {
			case err != nil && o.MissingUnknown:
				return none, nil
			case err != nil:
				return none, function.NewArgError(0, err)
			case asBase64:
				return cty.StringVal(encodeBase64(b)), nil
			}
			text, err := inputtext.Decode(b)
			if errors.Is(err, inputtext.NotUTF8) || errors.Is(err, inputtext.UTF16) {
				return none, function.NewArgErrorf(0, "%s %w, or use filebase64 if it is not text", path, err)
			}
			if err != nil {
				return none, function.NewArgErrorf(0, "%s %w", path, err)
			}
			return cty.StringVal(text), nil
		},
	})
}

// readFile reads a regular file, and says in the language's own words why it
// cannot.
func readFile(path string) ([]byte, error) {
	b, err := regularfile.Read(path, maxFile)
	var failed *fs.PathError
	switch {
	case err == nil:
		return b, nil
	case errors.Is(err, fs.ErrNotExist):
		return nil, fmt.Errorf("there is no file at %s", path)
	case regularfile.IsDirectory(err):
		return nil, fmt.Errorf("%s is a directory", path)
	case errors.Is(err, regularfile.ErrKind):
		return nil, fmt.Errorf("%s is not a regular file", path)
	case errors.Is(err, regularfile.ErrTooLarge):
		return nil, fmt.Errorf("%s is larger than %d MiB", path, maxFile>>20)
	case errors.As(err, &failed) && failed.Op == "stat":
		return nil, fmt.Errorf("%s cannot be accessed: %s", path, failed.Err)
	case errors.As(err, &failed) && failed.Op == "open":
		return nil, fmt.Errorf("%s cannot be opened: %s", path, failed.Err)
	}
	return nil, fmt.Errorf("%s cannot be read: %s", path, cause(err))
}

// cause leaves out the operation and path, which the caller names.
func cause(err error) error {
	var p *fs.PathError
	if errors.As(err, &p) {
		return p.Err
	}
	return err
}

func fileExistsFunc(dir string, saw func(string)) function.Function {
	return function.New(&function.Spec{
		Params: []function.Parameter{stringParam("path")},
		Type:   function.StaticReturnType(cty.Bool),
		Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
			path := pathFrom(dir, args[0].AsString())
			saw(path)
			info, err := os.Stat(path)
			switch {
			case errors.Is(err, fs.ErrNotExist):
				return cty.False, nil
			case err != nil:
				return cty.UnknownVal(cty.Bool), function.NewArgErrorf(0, "%s cannot be accessed: %s", path, cause(err))
			case !info.Mode().IsRegular():
				return cty.UnknownVal(cty.Bool), function.NewArgErrorf(0, "%s is not a regular file", path)
			}
			return cty.True, nil
		},
	})
}

// FileSet lists the regular files below a directory that match a pattern, as paths
// relative to it with slashes, in order.
func FileSet(dir, pattern string) ([]string, error) {
	names, err := doublestar.Glob(os.DirFS(dir), pattern, doublestar.WithFilesOnly(), doublestar.WithFailOnIOErrors())
	slices.Sort(names)
	return names, err
}

// fileSetFunc lists the regular files below a directory that match a pattern,
// as paths relative to it with slashes.
func fileSetFunc(o Options, saw func(path, pattern string)) function.Function {
	return function.New(&function.Spec{
		Params: []function.Parameter{stringParam("path"), stringParam("pattern")},
		Type:   function.StaticReturnType(cty.Set(cty.String)),
		Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
			none := cty.UnknownVal(cty.Set(cty.String))
			path, pattern := pathFrom(o.Dir, args[0].AsString()), filepath.ToSlash(args[1].AsString())
			if !doublestar.ValidatePattern(pattern) {
				return none, function.NewArgErrorf(1, "not a valid pattern")
			}
			saw(path, pattern)
			names, err := FileSet(path, pattern)
			if err != nil && o.MissingUnknown {
				return none, nil
			}
			if err != nil {
				return none, function.NewArgErrorf(0, "the files of %s cannot be listed: %s", path, cause(err))
			}
			if len(names) == 0 {
				return cty.SetValEmpty(cty.String), nil
			}
			values := make([]cty.Value, len(names))
			for i, name := range names {
				values[i] = cty.StringVal(name)
			}
			return cty.SetVal(values), nil
		},
	})
}

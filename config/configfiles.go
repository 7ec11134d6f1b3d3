package config

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/credsync/credsync/internal/inputtext"
	"github.com/credsync/credsync/internal/regularfile"
	"github.com/credsync/credsync/schema/diag"
	"github.com/credsync/credsync/schema/functions"
)

// MaxFile is the most that one file may have, in bytes. Far more than anyone
// writes, and little enough to hold in memory.
const MaxFile = 16 << 20

const (
	nativeSuffix   = ".hcl"
	jsonSuffix     = ".hcl.json"
	autoVarsSuffix = ".auto.credvars"
)

// listFiles returns the configuration files of a path in order, and the
// directory that relative paths start at.
func listFiles(path string) (dir string, files []string, problems diag.List) {
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return "", nil, diag.List{diag.Errorf("No such file or directory", "%s does not exist. Give the configuration's directory, or one of its files.", path)}
	case err != nil:
		return "", nil, diag.List{unreadable(path, err)}
	case !info.IsDir():
		return filepath.Dir(path), []string{path}, nil
	}
	names, err := listMatching(path, isConfig)
	if err != nil {
		return path, nil, diag.List{unreadable(path, err)}
	}
	if len(names) == 0 {
		return path, nil, diag.List{diag.Errorf("No configuration files", "%s has no *.hcl or *.hcl.json files. Name the directory that has them, as PATH or with -C.", directoryName(path))}
	}
	return path, names, nil
}

// directoryName begins a sentence about a directory.
func directoryName(path string) string {
	if path == "." {
		return "The current directory"
	}
	return "The directory " + path
}

// FilesOf lists the files that Load reads by itself, given that path and those
// inputs, as far as they are there: what declares the configuration, and what
// gives values to its variables.
func FilesOf(path string, inputs []Input) []string {
	dir, files, _ := listFiles(path)
	auto, _ := listMatching(dir, isAutoVars)
	files = append(files, auto...)
	for _, in := range inputs {
		if in.File != "" {
			files = append(files, in.File)
		}
	}
	return files
}

// ListedFiles are the files that fileset() would list now where the configuration
// calls it, in order: when one comes or goes, the configuration may be another.
func (c *Config) ListedFiles() []string {
	var files []string
	for _, s := range c.fileSets {
		// A directory that has gone lists nothing, which is a difference too.
		names, _ := functions.FileSet(s.dir, s.pattern)
		for _, name := range names {
			files = append(files, filepath.Join(s.dir, filepath.FromSlash(name)))
		}
	}
	slices.Sort(files)
	return slices.Compact(files)
}

func isConfig(name string) bool {
	return (strings.HasSuffix(name, nativeSuffix) || strings.HasSuffix(name, jsonSuffix)) && !isUpstreamTest(name)
}

// isUpstreamTest reports whether a file has tests of upstream blocks.
func isUpstreamTest(name string) bool { return strings.HasSuffix(name, testSuffix) }

// hasOtherConfigFiles reports whether a path is one file with other configuration files
// beside it. A directory that cannot be listed may have some.
func hasOtherConfigFiles(path string) bool {
	info, err := os.Stat(path)
	if err != nil || info.IsDir() {
		return false
	}
	names, err := listMatching(filepath.Dir(path), isConfig)
	return err != nil || len(names) > 1
}

// listMatching lists the files of a directory that are wanted, in order. Hidden
// ones never are.
func listMatching(dir string, wanted func(name string) bool) ([]string, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	var names []string
	for _, e := range entries {
		if !e.IsDir() && !strings.HasPrefix(e.Name(), ".") && wanted(e.Name()) {
			names = append(names, filepath.Join(dir, e.Name()))
		}
	}
	slices.Sort(names)
	return names, nil
}

func unreadable(path string, err error) diag.Diagnostic {
	var p *fs.PathError
	if errors.As(err, &p) {
		err = p.Err
	}
	return diag.Errorf("Unreadable file", "%s cannot be read: %s.", path, err)
}

// readSource reads one file of text.
func readSource(path string) ([]byte, *diag.Diagnostic) {
	refuse := func(d diag.Diagnostic) ([]byte, *diag.Diagnostic) { return nil, &d }
	src, err := regularfile.Read(path, MaxFile)
	switch {
	case errors.Is(err, regularfile.ErrKind):
		return refuse(diag.Errorf("Unreadable file", "%s is not a regular file.", path))
	case errors.Is(err, regularfile.ErrTooLarge):
		return refuse(tooLarge(path))
	case err != nil:
		return refuse(unreadable(path, err))
	}
	src = withoutBOM(src)
	if d := checkText(path, src); d != nil {
		return nil, d
	}
	return src, nil
}

func withoutBOM(src []byte) []byte { return bytes.TrimPrefix(src, []byte(inputtext.BOM)) }

func tooLarge(path string) diag.Diagnostic {
	return diag.Errorf("File too large", "%s is larger than %d MiB, the limit for a configuration file.", path, MaxFile>>20)
}

// checkText refuses what is no plain UTF-8, and literals that would be altered.
func checkText(path string, src []byte) *diag.Diagnostic {
	var d diag.Diagnostic
	switch {
	case bytes.HasPrefix(src, []byte("\xff\xfe")), bytes.HasPrefix(src, []byte("\xfe\xff")):
		d = diag.Errorf("File is not UTF-8", "%s is UTF-16. Save it as UTF-8.", path)
	case !utf8.Valid(src):
		line := 1
		for rest := src; len(rest) > 0; {
			r, n := utf8.DecodeRune(rest)
			if r == utf8.RuneError && n == 1 {
				break
			}
			if r == '\n' {
				line++
			}
			rest = rest[n:]
		}
		d = diag.Errorf("File is not UTF-8", "Line %d of %s is not UTF-8 text. Save the file as UTF-8.", line, path)
	default:
		return checkNormalForm(path, src)
	}
	return &d
}

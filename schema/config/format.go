package config

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/credsync/credsync/schema/diag"
	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/hashicorp/hcl/v2/hclwrite"
)

// Format returns the source of a configuration or variables file in canonical
// form. A file with a syntax error is refused.
func Format(filename string, src []byte) ([]byte, diag.List) {
	if d := checkText(filename, src); d != nil {
		return nil, diag.List{*d}
	}
	if err := checkDepth(src, false); err != nil {
		return nil, diag.List{diag.Errorf(tooDeep, "%s: %s.", filename, err)}
	}
	_, problems := hclsyntax.ParseConfig(src, filename, hcl.InitialPos)
	if problems.HasErrors() {
		words := languageWords(Options{})
		var list diag.List
		for _, p := range problems {
			list = append(list, syntaxError(p, src, false, words))
		}
		return nil, list
	}
	return hclwrite.Format(src), nil
}

// FilesToFormat lists the files that fmt works on, in order: the file that
// path is, or the *.hcl and *.credvars files of the directory, and of those
// below it if recursive is true. Hidden files and directories are left out, as
// is JSON, which has no canonical form here.
func FilesToFormat(path string, recursive bool) ([]string, diag.List) {
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, diag.List{diag.Errorf("No such file or directory", "There is nothing at %s.", path)}
	case err != nil:
		return nil, diag.List{unreadable(path, err)}
	case !info.IsDir():
		return []string{path}, nil
	}
	var files []string
	err = filepath.WalkDir(path, func(p string, e fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case p == path:
			return nil
		case e.IsDir() && (!recursive || strings.HasPrefix(e.Name(), ".")):
			return fs.SkipDir
		case !e.IsDir() && isFormatted(e.Name()):
			files = append(files, p)
		}
		return nil
	})
	if err != nil {
		return nil, diag.List{unreadable(path, err)}
	}
	slices.Sort(files)
	return files, nil
}

// ReadFile reads a file for Format, within the bounds that Load keeps.
func ReadFile(path string) ([]byte, diag.List) {
	src, d := readSource(path)
	if d != nil {
		return nil, diag.List{*d}
	}
	return src, nil
}

func isFormatted(name string) bool {
	return !strings.HasPrefix(name, ".") && (strings.HasSuffix(name, nativeSuffix) || strings.HasSuffix(name, ".credvars"))
}

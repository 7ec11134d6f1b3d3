package main

import (
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/credsync/credsync/schema/diag"
)

// formatted are the endings of the files that fmt rewrites. JSON has no
// canonical format of ours.
var formatted = []string{".hcl", ".credvars"}

// formattable lists the files that fmt rewrites, in order: one file, those of
// a directory and, if asked, of the directories below it. What is hidden, such
// as .git and .credsync, is left out.
func formattable(path string, recursive bool) ([]string, diag.List) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, diag.List{unreadable(err)}
	}
	if !info.IsDir() {
		return []string{path}, nil
	}
	var files []string
	err = filepath.WalkDir(path, func(p string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case p == path:
			return nil
		case d.IsDir() && (!recursive || hidden(d.Name())):
			return fs.SkipDir
		case !d.IsDir() && !hidden(d.Name()) && slices.Contains(formatted, filepath.Ext(p)):
			files = append(files, p)
		}
		return nil
	})
	if err != nil {
		return files, diag.List{unreadable(err)}
	}
	return files, nil
}

func hidden(name string) bool { return strings.HasPrefix(name, ".") }

func unreadable(err error) diag.Diagnostic {
	return diag.Errorf("A path cannot be read", "%s.", err)
}

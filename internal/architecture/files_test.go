package architecture

import (
	"io/fs"
	"path/filepath"
	"strings"
	"testing"
)

// root is the project's folder, from here.
const root = "../.."

// files are the project's files that are wanted, by their path in it.
func files(t *testing.T, wanted func(path string) bool) (list []string) {
	t.Helper()
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			if path != root && strings.HasPrefix(d.Name(), ".") || d.Name() == "testdata" {
				return filepath.SkipDir
			}
			return nil
		}
		rel, err := filepath.Rel(root, path)
		if rel = filepath.ToSlash(rel); err == nil && wanted(rel) {
			list = append(list, rel)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(list) == 0 {
		t.Fatal("no file was found; has the code moved?")
	}
	return list
}

// fromHere is the path of a file as the tests open it.
func fromHere(path string) string { return filepath.Join(root, filepath.FromSlash(path)) }

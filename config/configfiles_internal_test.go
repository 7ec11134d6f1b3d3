package config

import (
	"os"
	"path/filepath"
	"testing"
)

func TestOneFileOfSeveralIsPartial(t *testing.T) {
	dir := t.TempDir()
	write := func(name string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	file := write("a.hcl")
	write("x.auto.credvars")
	write(".hidden.hcl")
	if hasOtherConfigFiles(file) || hasOtherConfigFiles(dir) {
		t.Error("a file that is alone has others")
	}
	write("b.hcl.json")
	if !hasOtherConfigFiles(file) {
		t.Error("a file with another one beside it has none")
	}
	if hasOtherConfigFiles(dir) {
		t.Error("a directory is never a part")
	}
}

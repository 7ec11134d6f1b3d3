package architecture

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// working are the folders of what takes part in a rotation.
var working = []string{"engine", "state", "providers", "sinks", "schema", "config", "internal/upstream", "audit", "notify", "credential", "plan"}

// changing are the calls, of package os, of an os.Root or of an os.File, that
// change a file. Making a directory and closing a file are not among them:
// nothing is lost between them and what follows.
var changing = []string{
	"Create", "CreateTemp", "WriteFile", "OpenFile", "Write", "Sync", "Chmod", "Chown", "Truncate", "Rename", "Link", "Symlink", "Remove", "RemoveAll",
}

// connecting is how a package comes by connections of its own.
var connecting = []string{"http.Transport{", "http.DefaultTransport", "http.DefaultClient", "http.Get(", "http.Post(", "cleanhttp.", "RESTClientFor(", "RESTClientForConfigAndClient(", "net.Dial("}

// TestEveryEffectIsACrashPoint keeps the crash matrix whole: each call that
// changes a file stands right behind the name of its moment, and each
// connection goes through what names the moments of its requests.
func TestEveryEffectIsACrashPoint(t *testing.T) {
	connected := map[string]bool{}
	watched := map[string]bool{}
	named := 0
	for _, path := range files(t, isWorking) {
		b, err := os.ReadFile(fromHere(path))
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range connecting {
			if strings.Contains(string(b), c) {
				connected[filepath.Dir(path)] = true
			}
		}
		if strings.Contains(string(b), "crashpoint.Transport") {
			watched[filepath.Dir(path)] = true
		}
		named += checkChanges(t, path, b)
	}
	for dir := range connected {
		if !watched[dir] {
			t.Errorf("%s makes connections that do not go through crashpoint.Transport", dir)
		}
	}
	if named < 10 || len(connected) < 3 {
		t.Errorf("only %d calls that change files and %d packages with connections were found; has the code moved?", named, len(connected))
	}
}

// isWorking reports whether a file is code of what takes part in a rotation.
func isWorking(path string) bool {
	return isGo(path) && !strings.HasSuffix(path, "_test.go") && !strings.HasSuffix(filepath.Dir(path), "test") &&
		slices.ContainsFunc(working, func(dir string) bool { return strings.HasPrefix(path, dir+"/") })
}

// checkChanges checks one file, and returns how many calls change files in it.
func checkChanges(t *testing.T, path string, content []byte) int {
	set := token.NewFileSet()
	file, err := parser.ParseFile(set, path, content, 0)
	if err != nil {
		t.Fatal(err)
	}
	if !slices.ContainsFunc(file.Imports, func(i *ast.ImportSpec) bool { return i.Path.Value == `"os"` }) {
		return 0
	}
	lines := strings.Split(string(content), "\n")
	found := 0
	ast.Inspect(file, func(n ast.Node) bool {
		call, ok := n.(*ast.CallExpr)
		if !ok {
			return true
		}
		f, ok := call.Fun.(*ast.SelectorExpr)
		if !ok || !slices.Contains(changing, f.Sel.Name) || !onFiles(f.X) {
			return true
		}
		found++
		at := set.Position(call.Pos()).Line
		if before := strings.Join(lines[max(0, at-4):at], "\n"); !strings.Contains(before, "crashpoint.Reach(") {
			t.Errorf("%s:%d changes a file, and no crashpoint.Reach stands before it", path, at)
		}
		return true
	})
	return found
}

// onFiles reports whether a call is of package os, or of what the code calls
// its roots and files, be it a variable or a field.
func onFiles(x ast.Expr) bool {
	if field, ok := x.(*ast.SelectorExpr); ok {
		x = field.Sel
	}
	name, ok := x.(*ast.Ident)
	return ok && slices.Contains([]string{"os", "root", "f", "file"}, name.Name)
}

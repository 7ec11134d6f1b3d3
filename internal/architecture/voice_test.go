package architecture

import (
	"bytes"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// stumbles are words and turns that a reader stumbles over, and what to say; package
// render has the rules.
var stumbles = []struct {
	pattern *regexp.Regexp
	instead string
}{
	{regexp.MustCompile(`(?i)\banew\b`), "again"},
	{regexp.MustCompile(`(?i)\bmend(s|ed|ing)?\b`), "fix, repair"},
	{regexp.MustCompile(`(?i)\bin clear\b`), "in plain text"},
	{regexp.MustCompile(`(?i)\bwhat is what\b`), "name the things"},
	{regexp.MustCompile(`(?i)\bnobody was told\b|\bwent nowhere\b`), "the notification failed, could not be written"},
	{regexp.MustCompile(`(?i)\btells? of\b`), "report"},
	{regexp.MustCompile(`(?i)\bthat there is not\b`), "that does not exist"},
	{regexp.MustCompile(`(?i)\balso where\b`), "even when"},
	{regexp.MustCompile(`(?i)\bbut for\b`), "except"},
	{regexp.MustCompile(`(?i)\blest\b|\bthereof\b|\bbe it\b`), "plain words"},
	{regexp.MustCompile(`(?i)\bturned down\b`), "rejected, refused"},
	{regexp.MustCompile(`(?i)\b(is|are) at work on\b`), "is working on"},
	{regexp.MustCompile(`(?i)\bgo(es)? on with\b`), "continues with"},
}

// untold are folders whose texts no user of the product meets.
var untold = []string{"testkit", "acceptance", "bench", "internal/architecture", "internal/crashpoint", "scripts"}

// TestTextsUseTheWordsOfTheField looks for turns of speech that a native engineer would
// stumble over, in what the program says and in the documentation.
func TestTextsUseTheWordsOfTheField(t *testing.T) {
	texts := 0
	for path, read := range map[string]func(*testing.T, string) []said{".go": literals, ".md": prose} {
		for _, file := range filesOf(t, path) {
			for _, s := range read(t, file) {
				texts++
				for _, stumble := range stumbles {
					if found := stumble.pattern.FindString(s.text); found != "" {
						t.Errorf("%s:%d says %q; say: %s", strings.TrimPrefix(file, "../../"), s.line, found, stumble.instead)
					}
				}
			}
		}
	}
	if texts < 3000 {
		t.Errorf("only %d texts were found; has the code moved?", texts)
	}
}

// said is a text, and where it begins.
type said struct {
	text string
	line int
}

func filesOf(t *testing.T, extension string) (files []string) {
	t.Helper()
	err := filepath.WalkDir("../..", func(path string, d fs.DirEntry, err error) error {
		rel := filepath.ToSlash(strings.TrimPrefix(path, "../../"))
		switch {
		case err != nil:
			return err
		case d.IsDir() && (slices.Contains(untold, rel) || path != "../.." && strings.HasPrefix(d.Name(), ".") || d.Name() == "testdata"):
			return filepath.SkipDir
		case filepath.Ext(path) == extension && !strings.HasSuffix(path, "_test.go") && rel != "CHANGELOG.md":
			files = append(files, path)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// literals are the texts of a Go file of three words or more.
func literals(t *testing.T, path string) (list []said) {
	t.Helper()
	fset := token.NewFileSet()
	file, err := parser.ParseFile(fset, path, nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	ast.Inspect(file, func(n ast.Node) bool {
		if l, ok := n.(*ast.BasicLit); ok && l.Kind == token.STRING {
			if text, err := strconv.Unquote(l.Value); err == nil && len(strings.Fields(text)) >= 3 {
				list = append(list, said{text, fset.Position(l.Pos()).Line})
			}
		}
		return true
	})
	return list
}

// prose are the lines of a document that are not code.
func prose(t *testing.T, path string) (list []said) {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	code := false
	for i, line := range bytes.Split(b, []byte("\n")) {
		if bytes.HasPrefix(bytes.TrimSpace(line), []byte("```")) {
			code = !code
		} else if !code {
			list = append(list, said{string(line), i + 1})
		}
	}
	return list
}

package architecture

import (
	"bytes"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"regexp"
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
	for _, path := range files(t, isTold) {
		read := prose
		if isGo(path) {
			read = literals
		}
		for _, s := range read(t, path) {
			texts++
			for _, stumble := range stumbles {
				if found := stumble.pattern.FindString(s.text); found != "" {
					t.Errorf("%s:%d says %q; say: %s", path, s.line, found, stumble.instead)
				}
			}
		}
	}
	if texts < 3000 {
		t.Errorf("only %d texts were found; has the code moved?", texts)
	}
}

// isTold reports whether a user of the product meets what a file says. The changelog
// speaks of what was.
func isTold(path string) bool {
	if path == "CHANGELOG.md" || strings.HasSuffix(path, "_test.go") {
		return false
	}
	for _, dir := range untold {
		if strings.HasPrefix(path, dir+"/") {
			return false
		}
	}
	return isGo(path) || strings.HasSuffix(path, ".md")
}

// said is a text, and where it begins.
type said struct {
	text string
	line int
}

// literals are the texts of a Go file of three words or more.
func literals(t *testing.T, path string) (list []said) {
	t.Helper()
	fset := token.NewFileSet()
	file, err := parser.ParseFile(fset, fromHere(path), nil, 0)
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
	b, err := os.ReadFile(fromHere(path))
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

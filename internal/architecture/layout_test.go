package architecture

import (
	"go/parser"
	"go/scanner"
	"go/token"
	"os"
	"strconv"
	"strings"
	"testing"
	"unicode/utf8"
)

// longestComment is how many columns a line of a comment may have, longestCode a line of
// code without its literals: a text that someone meets is not cut. A tab counts as four.
const longestComment, longestCode = 100, 120

// TestImportsStandInTwoGroups keeps the imports of each file as they are everywhere: those
// of the standard library, and after an empty line all others.
func TestImportsStandInTwoGroups(t *testing.T) {
	for _, path := range files(t, isGo) {
		fset := token.NewFileSet()
		file, err := parser.ParseFile(fset, fromHere(path), nil, parser.ImportsOnly|parser.ParseComments)
		if err != nil {
			t.Fatal(err)
		}
		last, lastStandard := 0, true
		for i, spec := range file.Imports {
			name, _ := strconv.Unquote(spec.Path.Value)
			first, _, _ := strings.Cut(name, "/")
			standard, line := !strings.Contains(first, "."), fset.Position(spec.Pos()).Line
			apart := i > 0 && line > last+1 && spec.Doc == nil
			switch {
			case i > 0 && standard && !lastStandard:
				t.Errorf("%s:%d: %s belongs to the imports of the standard library above", path, line, name)
			case i > 0 && apart != (standard != lastStandard):
				t.Errorf("%s:%d: %s: one empty line separates the standard library from all other imports", path, line, name)
			}
			last, lastStandard = fset.Position(spec.End()).Line, standard
		}
	}
}

// TestCommentsWrap keeps comments as narrow as the pages of the documentation.
func TestCommentsWrap(t *testing.T) {
	for _, path := range files(t, isGo) {
		b, err := os.ReadFile(fromHere(path))
		if err != nil {
			t.Fatal(err)
		}
		n := 0
		for line := range strings.Lines(string(b)) {
			n++
			text := strings.TrimRight(line, "\n")
			if strings.HasPrefix(strings.TrimLeft(text, "\t"), "// ") &&
				utf8.RuneCountInString(text) > longestComment &&
				strings.Count(text, " ") > 2 {
				t.Errorf("%s:%d: the comment has more than %d columns", path, n, longestComment)
			}
		}
	}
}

// TestCodeWraps keeps code as narrow as a screen beside another.
func TestCodeWraps(t *testing.T) {
	for _, path := range files(t, isGo) {
		b, err := os.ReadFile(fromHere(path))
		if err != nil {
			t.Fatal(err)
		}
		literals := literalWidths(b)
		n := 0
		for line := range strings.Lines(string(b)) {
			n++
			text := strings.TrimRight(line, "\n")
			width := utf8.RuneCountInString(strings.ReplaceAll(text, "\t", "    ")) - literals[n]
			if width > longestCode && !strings.HasPrefix(strings.TrimLeft(text, "\t"), "//") {
				t.Errorf("%s:%d: the code has more than %d columns without its literals", path, n, longestCode)
			}
		}
	}
}

// literalWidths are how many columns literals and comments take in each line of a file.
func literalWidths(src []byte) map[int]int {
	fset := token.NewFileSet()
	file := fset.AddFile("", fset.Base(), len(src))
	var s scanner.Scanner
	s.Init(file, src, nil, scanner.ScanComments)
	widths := map[int]int{}
	for {
		pos, tok, text := s.Scan()
		switch tok {
		case token.EOF:
			return widths
		case token.STRING, token.CHAR, token.COMMENT:
			line := fset.Position(pos).Line
			for part := range strings.Lines(text) {
				widths[line] += utf8.RuneCountInString(strings.ReplaceAll(strings.TrimRight(part, "\n"), "\t", "    "))
				line++
			}
		}
	}
}

func isGo(path string) bool { return strings.HasSuffix(path, ".go") }

package config

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"

	"github.com/credsync/credsync/schema/diag"
	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/hashicorp/hcl/v2/hclwrite"
)

// Format returns the source of a configuration or variables file in canonical
// form. A file with a syntax error is refused.
func Format(filename string, src []byte) ([]byte, diag.List) {
	if strings.HasSuffix(filename, ".json") {
		return nil, diag.List{diag.Errorf("JSON cannot be formatted", "%s is JSON, which credsync does not format. Name a *.hcl or *.credvars file, or the directory.", filename)}
	}
	if len(src) > MaxFile {
		return nil, diag.List{tooLarge(filename)}
	}
	src = withoutBOM(src)
	if d := checkText(filename, src); d != nil {
		return nil, diag.List{*d}
	}
	if err := checkDepth(src, false); err != nil {
		return nil, diag.List{diag.Errorf(tooDeepSummary, "%s: %s.", filename, err)}
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

// WithoutLiterals returns source with "…" in place of every string and number
// that is not a block's label, and of every name that nothing has, so that what
// formatting changes can be shown: nobody knows which of them are passwords, in
// quotes or, by mistake, without. Source with a syntax error gives nothing.
func WithoutLiterals(src []byte) []byte {
	file, problems := hclsyntax.ParseConfig(src, "", hcl.InitialPos)
	if problems.HasErrors() {
		return nil
	}
	labels := map[int]bool{}
	collectLabels(file.Body.(*hclsyntax.Body), labels)
	strangers := unknownRootNames(file.Body.(*hclsyntax.Body))
	tokens, _ := hclsyntax.LexConfig(src, "", hcl.InitialPos)
	var shown []byte
	at, label := 0, false
	for _, t := range tokens {
		shown = append(shown, src[at:t.Range.Start.Byte]...)
		at = t.Range.End.Byte
		switch t.Type {
		case hclsyntax.TokenIdent:
			if strangers[t.Range.Start.Byte] {
				t.Bytes = []byte("…")
			}
		case hclsyntax.TokenOQuote:
			label = labels[t.Range.Start.Byte]
		case hclsyntax.TokenQuotedLit, hclsyntax.TokenStringLit, hclsyntax.TokenNumberLit:
			if text := bytes.TrimSpace(t.Bytes); !label && len(text) > 0 {
				t.Bytes = bytes.Replace(t.Bytes, text, []byte("…"), 1)
			}
		case hclsyntax.TokenCQuote:
			label = false
		case hclsyntax.TokenComment:
			t.Bytes = quotedText().ReplaceAll(t.Bytes, []byte(`"…"`))
		}
		shown = append(shown, t.Bytes...)
	}
	return shown
}

// unknownRootNames are where the names begin that no reference starts with.
func unknownRootNames(body *hclsyntax.Body) map[int]bool {
	at := map[int]bool{}
	_ = hclsyntax.VisitAll(body, func(n hclsyntax.Node) hcl.Diagnostics {
		if ref, ok := n.(*hclsyntax.ScopeTraversalExpr); ok && !slices.Contains(rootNames(), ref.Traversal.RootName()) {
			at[ref.Traversal.SourceRange().Start.Byte] = true
		}
		return nil
	})
	return at
}

// quotedText is what stands in quotes in a comment, such as an attribute that
// has been commented out.
var quotedText = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`"[^"\n]*"`) })

// collectLabels notes where the labels of blocks begin.
func collectLabels(body *hclsyntax.Body, labels map[int]bool) {
	for _, b := range body.Blocks {
		for _, r := range b.LabelRanges {
			labels[r.Start.Byte] = true
		}
		collectLabels(b.Body, labels)
	}
}

// FilesToFormat lists the files that fmt works on, in order: the file that
// path is, or the *.hcl and *.credvars files of the directory, and of those
// below it if recursive is true. Hidden files and directories are left out, as
// is JSON, which has no canonical form here.
func FilesToFormat(path string, recursive bool) ([]string, diag.List) {
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, diag.List{diag.Errorf("No such file or directory", "%s does not exist.", path)}
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

package config

import (
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	hcljson "github.com/hashicorp/hcl/v2/json"
)

// parse is parseSource for what is evaluated: its loops end once that is given up.
func (l *loader) parse(path string, src []byte) (*hcl.File, hcl.Diagnostics) {
	file, problems := parseSource(path, src)
	if file != nil {
		makeStoppable(file, l.over)
	}
	return file, problems
}

// parseSource parses a file in the syntax that its name says. The body is
// there, as far as it could be read, even with errors; nil if there is none.
func parseSource(path string, src []byte) (*hcl.File, hcl.Diagnostics) {
	isJSON := strings.HasSuffix(path, ".json")
	if err := checkDepth(src, isJSON); err != nil {
		return nil, hcl.Diagnostics{{
			Severity: hcl.DiagError, Summary: tooDeepSummary, Detail: capitalize(err.Error()) + ".",
			Subject: &hcl.Range{Filename: path, Start: hcl.InitialPos, End: hcl.InitialPos},
		}}
	}
	if isJSON {
		return hcljson.Parse(src, path)
	}
	return hclsyntax.ParseConfig(src, path, hcl.InitialPos)
}

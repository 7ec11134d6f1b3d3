package config

import (
	"fmt"

	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"
)

// upstreamLanguage is the version of the language of descriptions that this credsync reads.
const upstreamLanguage = 1

// readsLanguage reports a description in another version of the language, before anything
// in it is taken for a mistake.
func (l *loader) readsLanguage(b *hcl.Block) bool {
	content, _, _ := b.Body.PartialContent(&hcl.BodySchema{Attributes: []hcl.AttributeSchema{{Name: "language"}}})
	a := content.Attributes["language"]
	if a == nil {
		return true
	}
	l.report.reveal(a.Expr)
	where := "upstream." + b.Labels[0]
	v, problems := a.Expr.Value(nil)
	if problems.HasErrors() || !v.IsKnown() || v.IsNull() || v.Type() != cty.Number || !v.AsBigFloat().IsInt() {
		l.report.error(a.Expr.Range(), where, "Invalid language", fmt.Sprintf("language must be the number %d: it is read before anything else in the block.", upstreamLanguage))
		return false
	}
	if v.AsBigFloat().Cmp(cty.NumberIntVal(upstreamLanguage).AsBigFloat()) != 0 {
		l.report.error(a.Expr.Range(), where, "Unsupported language", fmt.Sprintf("This description is written in version %s of the language, but this version of credsync reads version %d only. Upgrade credsync.", v.AsBigFloat().Text('f', 0), upstreamLanguage))
		return false
	}
	return true
}

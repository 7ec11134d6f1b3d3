package config

import (
	"fmt"
	"path/filepath"

	"github.com/hashicorp/hcl/v2"
)

// standardStream is the path that asks for no file.
const standardStream = "-"

// declareAudit evaluates the audit block; nil where there is none that can be
// used.
func (l *loader) declareAudit(blocks []*hcl.Block) *Audit {
	if len(blocks) == 0 {
		return nil
	}
	for _, b := range blocks[1:] {
		l.report.error(b.DefRange, "", "Duplicate audit block", fmt.Sprintf("The audit trail was already declared at %s. There can be only one audit block.", place(blocks[0].DefRange)))
	}
	b := blocks[0]
	s := section{body: b.Body, def: b.DefRange, kind: "the audit block"}
	values, ok := l.decodeAll(s, l.tables.audit, "", scope{ctx: l.fullContext})
	if !ok {
		return nil
	}
	if !values.AllKnown() {
		if !l.opts.AllowUnset {
			l.refuseDataIn(b, "The path of the audit trail must be known", "The path of the audit block must not depend on data.")
		}
		return nil
	}
	a := &Audit{Path: values.String("path"), Range: convertRange(b.DefRange)}
	switch {
	case a.Path == standardStream:
		a.Path, a.Stream = "", true
	case !filepath.IsAbs(a.Path):
		a.Path = filepath.Join(l.dir, a.Path)
	}
	return a
}

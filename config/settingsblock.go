package config

import (
	"fmt"

	"github.com/credsync/credsync/schema/diag"
	goversion "github.com/hashicorp/go-version"
	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"
)

// checkRequiredVersion looks at required_version in whatever could be parsed,
// before anything else is said: a newer version's syntax must not hide it.
func (l *loader) checkRequiredVersion(files []*hcl.File) {
	for _, f := range files {
		if f == nil || f.Body == nil {
			continue
		}
		content, _, _ := f.Body.PartialContent(&hcl.BodySchema{Blocks: []hcl.BlockHeaderSchema{{Type: "credsync"}}})
		for _, b := range content.Blocks {
			inner, _, _ := b.Body.PartialContent(&hcl.BodySchema{Attributes: []hcl.AttributeSchema{{Name: "required_version"}}})
			if a := inner.Attributes["required_version"]; a != nil {
				l.requireVersion(a)
			}
		}
	}
}

func (l *loader) requireVersion(a *hcl.Attribute) {
	l.report.reveal(a.Expr)
	refuse := func(detail string) {
		l.report.error(a.Expr.Range(), "", "Invalid required_version", detail)
	}
	v, problems := a.Expr.Value(nil)
	if problems.HasErrors() || !v.IsKnown() || v.IsNull() || v.Type() != cty.String {
		refuse("required_version must be a literal string such as \">= 0.1.0\": it is read before anything else.")
		return
	}
	constraints, err := goversion.NewConstraint(v.AsString())
	if err != nil {
		refuse("required_version must be a version constraint such as \">= 0.1.0\" or \"~> 1.2\".")
		return
	}
	current, err := goversion.NewVersion(l.opts.Version)
	if err != nil {
		return // a build without a version suits every configuration
	}
	if !constraints.Check(current.Core()) {
		l.report.error(a.Expr.Range(), "", "Unsupported credsync version", fmt.Sprintf("This configuration requires credsync %s, but this is version %s. Use a version that satisfies the constraint, or change required_version.", constraints, current))
	}
}

// refuseDataIn reports a block that depends on data. What else keeps a value from being
// known, such as a variable that has none, was reported where it is.
func (l *loader) refuseDataIn(b *hcl.Block, summary, detail string) {
	attrs, _ := b.Body.JustAttributes()
	for _, a := range inOrder(attrs) {
		if _, found := l.fromData(needs(a.Expr)); found {
			l.report.add(diag.Errorf(summary, "%s", detail), &b.DefRange)
			return
		}
	}
}

// declareSettings evaluates the credsync block.
func (l *loader) declareSettings(blocks []*hcl.Block, c *Config) {
	c.Project = "default"
	for i, b := range blocks {
		if i > 0 {
			l.report.error(b.DefRange, "", "Duplicate credsync block", fmt.Sprintf("The settings were already given at %s. There can be only one credsync block.", place(blocks[0].DefRange)))
			continue
		}
		s := section{body: b.Body, def: b.DefRange, kind: "the credsync block"}
		values, ok := l.decodeAll(s, l.tables.settings, "", scope{ctx: l.fullContext})
		if !ok {
			l.projectUnknown = true
			continue
		}
		l.projectUnknown = !values.Known("project")
		if !values.AllKnown() && !l.opts.AllowUnset {
			l.refuseDataIn(b, "Settings must be known", "The settings of the credsync block must not depend on data.")
			continue
		}
		if !l.projectUnknown {
			c.Project = values.String("project")
		}
		// What a variable without a value says is no mistake here, and left out.
		c.Formerly, c.Schedule = values.Strings("formerly"), values.String("schedule")
	}
}

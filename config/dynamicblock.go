package config

import (
	"fmt"
	"slices"

	"github.com/credsync/credsync/schema/diag"
	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/convert"
)

// dynamicBody is the shape of a dynamic block. It is expanded here rather than
// by hcl's dynblock package, whose own evaluation of for_each and labels could
// quote a sensitive value.
func dynamicBody() *hcl.BodySchema {
	return &hcl.BodySchema{
		Attributes: []hcl.AttributeSchema{{Name: "for_each", Required: true}, {Name: "iterator"}, {Name: "labels", Required: true}},
		Blocks:     []hcl.BlockHeaderSchema{{Type: "content"}},
	}
}

// dynamic expands a dynamic "deliver" block.
func (l *loader) dynamic(b *hcl.Block, at *diag.Range, sc scope) ([]*delivery, bool) {
	if b.Labels[0] != "deliver" {
		l.report.error(b.LabelRanges[0], sc.address, "Unsupported dynamic block", fmt.Sprintf("A dynamic block can generate only deliver blocks, not %q.", b.Labels[0]))
		return nil, false
	}
	content, ok := l.splitBody(b.Body, bodyShape{}, dynamicBody(), sc)
	if !ok {
		return nil, false
	}
	if len(content.Blocks) != 1 {
		l.report.error(b.DefRange, sc.address, "Invalid dynamic block", "A dynamic block must have exactly one content block, which is the body of each deliver block.")
		return nil, false
	}
	iterator, ok := l.iterator(content.Attributes["iterator"], sc)
	if !ok {
		return nil, false
	}
	elements, ok := l.elements(content.Attributes["for_each"].Expr, sc)
	if sc.cache == nil {
		sc.cache = newInstanceCache()
	}
	var list []*delivery
	for _, e := range elements {
		inner := sc
		inner.iterator = iterator
		inner.ctx = sc.ctx.NewChild()
		inner.ctx.Variables = map[string]cty.Value{iterator: e}
		d := &delivery{section: section{body: content.Blocks[0].Body, def: b.DefRange, kind: "the content of dynamic \"deliver\""}, at: at, scope: inner}
		d.labels, d.labelRanges = l.labels(content.Attributes["labels"].Expr, inner)
		if d.labels == nil {
			ok = false
			continue
		}
		list = append(list, d)
	}
	return list, ok
}

// iterator is the name that the content gives to its element.
func (l *loader) iterator(a *hcl.Attribute, sc scope) (string, bool) {
	if a == nil {
		return "deliver", true
	}
	l.report.reveal(a.Expr)
	name := hcl.ExprAsKeyword(a.Expr)
	if slices.Contains(rootNames(), name) {
		name = ""
	}
	if name == "" {
		l.report.error(a.Expr.Range(), sc.address, "Invalid iterator", "The iterator must be a plain name that is not reserved (var, local, data, each, token, account).")
	}
	return name, name != ""
}

// elements are the {key, value} of a dynamic block's for_each.
func (l *loader) elements(expr hcl.Expression, sc scope) ([]cty.Value, bool) {
	l.report.reveal(expr)
	v, ok := l.evaluate(expr, sc, false)
	if !ok {
		return nil, false
	}
	refuse := func(detail string) ([]cty.Value, bool) {
		l.report.error(expr.Range(), sc.address, "Invalid dynamic for_each value", detail)
		return nil, false
	}
	switch {
	case v.IsMarked():
		return refuse("for_each cannot take a sensitive value: the number of blocks and their labels are shown.")
	case v.IsKnown() && v.IsNull():
		return refuse("The value of for_each is null. It must be a list, a set or a map.")
	case !v.IsKnown():
		l.noteUnknown(sc.address, "", expr.Range())
		return nil, true // offline: nothing to check
	case !v.CanIterateElements():
		return refuse(fmt.Sprintf("The value of for_each is a %s. It must be a list, a set or a map.", v.Type().FriendlyName()))
	}
	var list []cty.Value
	for it := v.ElementIterator(); it.Next(); {
		key, value := it.Element()
		list = append(list, cty.ObjectVal(map[string]cty.Value{"key": key, "value": value}))
	}
	return list, true
}

// labels evaluates the labels of one deliver block; nil if that fails.
func (l *loader) labels(expr hcl.Expression, sc scope) ([]string, []hcl.Range) {
	l.report.reveal(expr)
	exprs, problems := hcl.ExprList(expr)
	if problems.HasErrors() || len(exprs) != 2 {
		l.report.error(expr.Range(), sc.address, "Invalid labels", "A deliver block has two labels: the type and the name of a sink, as in labels = [\"vault\", \"main\"].")
		return nil, nil
	}
	var values []string
	var ranges []hcl.Range
	for _, e := range exprs {
		v, ok := l.evaluate(e, sc, false)
		if !ok {
			return nil, nil
		}
		if isSensitive(v) {
			l.report.error(e.Range(), sc.address, "Sensitive value not allowed here", "A label names a sink and is shown in plans and logs, so it must not be sensitive.")
			return nil, nil
		}
		v, err := convert.Convert(v, cty.String)
		if err != nil || !v.IsKnown() || v.IsNull() {
			l.report.error(e.Range(), sc.address, "Invalid labels", "A label must be a known string: the type or the name of a sink.")
			return nil, nil
		}
		values, ranges = append(values, v.AsString()), append(ranges, e.Range())
	}
	return values, ranges
}

package config

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/credsync/credsync/providers"
	"github.com/credsync/credsync/schema"
	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
)

// accountReference is an account's address as a moved or import block has it.
type accountReference struct {
	// block is `account.sagi.shop`, suffix `["almaty"]` or "".
	block, suffix string
	spec          *providers.Spec
	at            hcl.Range
}

func (r accountReference) address() string { return r.block + r.suffix }

// accountReference reads an argument that is an account's address, which is not
// evaluated.
func (l *loader) accountReference(
	content *hcl.BodyContent,
	name string,
	table *schema.Block,
	s section,
) (ref accountReference, ok bool) {
	sc := scope{ctx: l.functionsContext, address: table.Type}
	attr := content.Attributes[name]
	if attr == nil {
		row, _ := table.Attribute(name)
		_, _ = l.absentValue(&row, s, sc)
		return ref, false
	}
	l.report.reveal(attr.Expr)
	ref.at = attr.Expr.Range()
	steps := traversalOf(attr.Expr)
	kind, provider, account := nameStep(steps, 0), nameStep(steps, 1), nameStep(steps, 2)
	ok = kind == "account" && provider != "" && account != "" && len(steps) <= 4
	if ok && len(steps) == 4 {
		ref.suffix, ok = keyStep(steps[3])
	}
	if !ok {
		l.report.error(ref.at, table.Type, "Invalid account address", fmt.Sprintf("The argument %q must be an account's address: account.sagi.coffee, or account.sagi.shop[\"almaty\"] for one instance of a for_each. "+
			"The address is not evaluated, so it cannot contain variables.%s", name, withoutQuotes(attr.Expr)))
		return ref, false
	}
	ref.block = "account." + provider + "." + account
	if ref.spec, ok = l.provider(provider); !ok && name == "from" {
		ref.spec, ok = l.formerProvider(provider)
	}
	if !ok {
		known := l.providerNames()
		l.report.error(ref.at, table.Type, "Unknown provider", fmt.Sprintf("There is no provider %q.%s The providers are %s.", provider, didYouMean(provider, known), quoteAll(known)))
	}
	return ref, ok
}

// traversalOf is the reference that an expression is; nil if it is none.
func traversalOf(expr hcl.Expression) hcl.Traversal {
	if index, ok := expr.(*hclsyntax.IndexExpr); ok {
		// So is parsed a key that has an escaped "${".
		key, literal := escapedText(index.Key)
		if collection := traversalOf(index.Collection); literal && collection != nil {
			return append(slices.Clip(collection), hcl.TraverseIndex{Key: key, SrcRange: index.BracketRange})
		}
		return nil
	}
	steps, problems := hcl.AbsTraversalForExpr(expr)
	if problems.HasErrors() {
		return nil
	}
	return steps
}

// escapedText is the value of a quoted text whose parts are all literal.
func escapedText(expr hcl.Expression) (cty.Value, bool) {
	template, ok := expr.(*hclsyntax.TemplateExpr)
	if !ok {
		return cty.NilVal, false
	}
	for _, part := range template.Parts {
		if literal, ok := part.(*hclsyntax.LiteralValueExpr); !ok || literal.Val.Type() != cty.String {
			return cty.NilVal, false
		}
	}
	v, problems := template.Value(nil)
	return v, !problems.HasErrors()
}

// nameStep is the name that a reference has at i; "" if it has none there.
func nameStep(steps hcl.Traversal, i int) string {
	if i >= len(steps) {
		return ""
	}
	switch s := steps[i].(type) {
	case hcl.TraverseRoot:
		return s.Name
	case hcl.TraverseAttr:
		return s.Name
	}
	return ""
}

// keyStep is the suffix of an instance that a step of a reference stands for.
func keyStep(step hcl.Traverser) (suffix string, ok bool) {
	index, ok := step.(hcl.TraverseIndex)
	if !ok || index.Key.Type() != cty.String || !index.Key.IsKnown() || index.Key.IsNull() {
		return "", false
	}
	return instanceSuffix(index.Key.AsString()), true
}

// placeOfBlock is where a block stands. JSON has only the place of a list for all
// that are in it, so that of one of its arguments is taken there.
func placeOfBlock(b *hcl.Block, argument hcl.Range) hcl.Range {
	if _, native := b.Body.(*hclsyntax.Body); native {
		return b.DefRange
	}
	return argument
}

// withoutQuotes is the advice for a reference that was written as a text.
func withoutQuotes(expr hcl.Expression) string {
	if text, ok := literalText(expr); ok && strings.HasPrefix(text.AsString(), "account.") {
		return " Write it without quotes."
	}
	return ""
}

// declaredAccount is an account block, whether or not it has mistakes.
type declaredAccount struct {
	at      hcl.Range
	forEach bool
	// spec is that of the description in the block; nil where there is none.
	spec *providers.Spec
	// suffixes are those of its instances; nil where they are not known.
	suffixes map[string]bool
}

// expand notes the instances. Nothing is noted of a nil block.
func (d *declaredAccount) expand(forEach bool, instances []instance, good bool) {
	if d == nil {
		return
	}
	d.forEach = forEach
	if !good || slices.ContainsFunc(instances, func(i instance) bool { return i.placeholder }) {
		return
	}
	d.suffixes = make(map[string]bool, len(instances))
	for _, i := range instances {
		d.suffixes[i.suffix] = true
	}
}

// declaration says whether the configuration has an account; for whole, its
// block. Where that is not known, known is false. at is where the block stands.
func (l *loader) declaration(r accountReference, whole bool) (declared, known bool, at hcl.Range) {
	d := l.declared[r.block]
	switch {
	case d == nil:
		return false, !hasOtherConfigFiles(l.opts.Path), hcl.Range{}
	case whole:
		return true, true, d.at
	case d.forEach == (r.suffix == ""):
		return false, true, d.at
	}
	return d.suffixes[r.suffix], d.suffixes != nil, d.at
}

// nearAccount says which declared account an undeclared one may stand for.
func (l *loader) nearAccount(r accountReference) string {
	d := l.declared[r.block]
	switch {
	case d == nil:
		return didYouMean(r.block, slices.Collect(maps.Keys(l.declared)))
	case !d.forEach:
		return fmt.Sprintf(" The block at %s has no for_each; its address is %s.", place(d.at), r.block)
	case r.suffix == "":
		return fmt.Sprintf(" The block at %s has for_each: name an instance, such as %s.", place(d.at), r.block+firstOf(d.suffixes))
	}
	if near := nearest(r.suffix, slices.Collect(maps.Keys(d.suffixes))); near != "" {
		return fmt.Sprintf(" Did you mean %s?", r.block+near)
	}
	return fmt.Sprintf(" The for_each of the block at %s has no such key.", place(d.at))
}

// firstOf is the first suffix, or one as an example where none is known.
func firstOf(suffixes map[string]bool) string {
	if len(suffixes) == 0 {
		return `["key"]`
	}
	return slices.Min(slices.Collect(maps.Keys(suffixes)))
}

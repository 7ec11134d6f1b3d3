package config

import (
	"fmt"
	"net/url"
	"path/filepath"
	"slices"

	"github.com/credsync/credsync/providers"
	"github.com/credsync/credsync/providers/described"
	"github.com/credsync/credsync/schema"
	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
)

// inlineAccount is the description that stands in an account block. It is read once, and
// all instances of the block share what comes of it.
type inlineAccount struct {
	// spec is nil where the description has mistakes.
	spec *providers.Spec
	// given is the table of what each instance is given, without what it captures.
	given *schema.Block
	scope *inlineScope
}

// isInline reports whether accounts of a spec describe their upstream themselves.
func (l *loader) isInline(spec *providers.Spec) bool { return slices.Contains(l.inlineSpecs, spec) }

// declareInline reads the description in an account block whose body was split.
func (l *loader) declareInline(b *hcl.Block, content *hcl.BodyContent, kind *providers.Spec, sc scope) *inlineAccount {
	r := &upstreamReader{
		l: l, block: b, functions: l.requestFunctionsContext(),
		locals: map[string]*upstreamLocal{}, always: map[string]bool{},
		optional: map[string]bool{}, good: true,
		root: l.providerTable(kind), where: sc.address, inline: l.newInlineScope(content, sc),
		def: &described.Definition{
			Type: b.Labels[0], Title: sectionOf(b).name(),
			Place: fmt.Sprintf("%s:%d", filepath.Base(b.DefRange.Filename), b.DefRange.Start.Line),
		},
	}
	r.def.ClientCertificate = described.CertificateOptional
	r.readLiterals(content)
	r.count(content, r.root, b, sectionOf(b).name())
	r.readLimit(content)
	if kind.Static {
		r.def.Attributes = schema.StaticAccountRows()
		r.def.Static = r.configuredToken(content)
	}
	for _, inner := range r.blocks(content, "output") {
		r.readOutput(inner)
	}
	r.readBehaviour(content)
	r.checkWhole(content)
	r.def.BaseURLUnused = kind.Static &&
		(r.def.Verify == nil || r.def.Verify.Request == nil || r.def.Verify.Request.Path == nil)
	if !r.good {
		return &inlineAccount{given: &schema.Block{
			Type: b.Type, Labels: b.Labels,
			Attributes: slices.DeleteFunc(slices.Clone(r.root.Attributes), isLiteralRow),
		}}
	}
	given := len(r.def.Attributes) + 1
	r.def.Attributes = append(r.def.Attributes, r.inline.finish(r)...)
	r.derive()
	spec := r.def.Spec()
	table := l.providerTable(spec)
	return &inlineAccount{
		spec: spec, scope: r.inline,
		given: &schema.Block{
			Type: table.Type, Labels: table.Labels, Attributes: slices.Clip(table.Attributes[:given]),
			Blocks: table.Blocks, Check: table.Check,
		},
	}
}

// isLiteralRow reports whether a row of an account is a part of its description.
func isLiteralRow(row schema.Attribute) bool {
	return slices.Contains([]string{"hosts", "unknown_refusals", "revoke_on"}, row.Name)
}

// readLiterals reads what is the same for all instances.
func (r *upstreamReader) readLiterals(content *hcl.BodyContent) {
	rows := schema.Block{Type: r.block.Type}
	for _, row := range r.root.Attributes {
		if isLiteralRow(row) {
			rows.Attributes = append(rows.Attributes, row)
		}
	}
	sc := scope{ctx: r.l.functionsContext, constant: true, address: r.where}
	v, good := r.l.decode(content, &rows, sectionOf(r.block), sc)
	r.good = r.good && good
	if !good {
		return
	}
	r.readHosts(content, v)
	if v.Has("unknown_refusals") {
		r.def.UnknownRefusals, r.def.RevokeOn = v.Int("unknown_refusals"), v.Strings("revoke_on")
	}
}

// configuredToken is the expression of the token that a static account is given.
func (r *upstreamReader) configuredToken(content *hcl.BodyContent) schema.Expr {
	at := r.block.DefRange
	if a := content.Attributes["token"]; a != nil {
		at = a.Expr.Range()
	}
	expr, _ := hclsyntax.ParseExpression([]byte("self.token"), at.Filename, at.Start)
	return &upstreamExpr{
		expr: expr, functions: r.functions, refs: []string{"self.token"}, shape: []byte("self.token"), place: convertRange(at).String(),
	}
}

// inlineValues evaluates what one instance is given, and what its description captures.
func (l *loader) inlineValues(b *accountBlock, sc scope) (schema.Values, bool) {
	given, good := l.decode(b.content, b.inline.given, b.section, sc)
	attrs := make([]cty.Value, 0, len(b.table.Attributes))
	for i := range b.inline.given.Attributes {
		attrs = append(attrs, given.MarkedAt(i))
	}
	captured, ok := b.inline.scope.values(sc)
	nested := map[string][]schema.Values{}
	for i := range b.table.Blocks {
		kind := b.table.Blocks[i].Type
		nested[kind] = given.Nested(kind)
	}
	return schema.ValuesInOrder(b.table, "", append(attrs, captured...), nested), good && ok
}

// literalHost is the host of a base_url that is written out; "" for another.
func literalHost(a *hcl.Attribute) string {
	if a == nil {
		return ""
	}
	text, ok := literalText(a.Expr)
	if !ok {
		return ""
	}
	u, err := url.Parse(text.AsString())
	if err != nil {
		return ""
	}
	return u.Hostname()
}

package config

import (
	"github.com/credsync/credsync/schema"
	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
)

// memo keeps what the instances of one block have in common, so that it is
// worked out once and not for each of them. Only what went well is kept:
// mistakes are reported for each instance. A nil memo keeps nothing.
type memo struct {
	bodies      map[bodyKey]*hcl.BodyContent
	expressions map[*hcl.Attribute]*expression
	tables      map[tableKey]*decoded
}

type bodyKey struct {
	body  hcl.Body
	shape shape
}

type tableKey struct {
	content *hcl.BodyContent
	table   *schema.Block
}

// decoded are the values of a table that are the same each time.
type decoded struct {
	values schema.Values
	done   bool
}

func newMemo() *memo {
	return &memo{bodies: map[bodyKey]*hcl.BodyContent{}, expressions: map[*hcl.Attribute]*expression{}, tables: map[tableKey]*decoded{}}
}

// body is a body that was split, if it is kept.
func (m *memo) body(key bodyKey) (content *hcl.BodyContent, ok bool) {
	if m == nil {
		return nil, false
	}
	content, ok = m.bodies[key]
	return content, ok
}

// expression is what is known of an attribute's.
type expression struct {
	refs []hcl.Traversal
	// names are the variables and locals that it uses, as `var.x`.
	names []string
	// fixed says that its value is the same in all instances of a block.
	fixed bool
	// sound says that all it refers to is there and may be used.
	sound bool
	// value is what a fixed one gives its row, once that is known.
	value cty.Value
	// keys are those of a deliver block's data, if they are the same each time.
	keys *dataKeySet
}

func newExpression(expr hcl.Expression) *expression {
	x := &expression{refs: references(expr), value: cty.NilVal}
	x.names = namesOf(x.refs)
	x.fixed = refersOnlyTo(x.refs, "var", "local", "data")
	return x
}

func (m *memo) expression(a *hcl.Attribute) *expression {
	if m == nil {
		return newExpression(a.Expr)
	}
	x := m.expressions[a]
	if x == nil {
		x = newExpression(a.Expr)
		m.expressions[a] = x
	}
	return x
}

// table is where the values of one table of a block are kept; nil where they
// may differ between instances.
func (m *memo) table(content *hcl.BodyContent, table *schema.Block) *decoded {
	if m == nil {
		return nil
	}
	key := tableKey{content: content, table: table}
	kept, seen := m.tables[key]
	if !seen {
		if m.fixed(content, table) {
			kept = &decoded{}
		}
		m.tables[key] = kept
	}
	return kept
}

// fixed reports whether all that a block gives a table is the same in all
// instances.
func (m *memo) fixed(content *hcl.BodyContent, table *schema.Block) bool {
	for i := range table.Attributes {
		row := &table.Attributes[i]
		if a := content.Attributes[row.Name]; a != nil && !row.Deferred && !m.expression(a).fixed {
			return false
		}
	}
	for _, b := range content.Blocks {
		if !table.HasBlock(b.Type) {
			continue
		}
		refs, ok := bodyReferences(b.Body)
		if !ok || !refersOnlyTo(refs, "var", "local", "data") {
			return false
		}
	}
	return true
}

// gives reports whether a block has anything of a table.
func gives(content *hcl.BodyContent, table *schema.Block) bool {
	for i := range table.Attributes {
		if row := &table.Attributes[i]; !row.Deferred && content.Attributes[row.Name] != nil {
			return true
		}
	}
	for _, b := range content.Blocks {
		if table.HasBlock(b.Type) {
			return true
		}
	}
	return false
}

// references are those of an expression, without walking the usual ones.
func references(expr hcl.Expression) []hcl.Traversal {
	if isLiteral(expr) {
		return nil
	}
	if e, ok := expr.(*hclsyntax.ScopeTraversalExpr); ok {
		return []hcl.Traversal{e.Traversal}
	}
	return expr.Variables()
}

// bodyReferences are those of all expressions of a body. ok is false for JSON,
// of which they cannot be told before it is decoded.
func bodyReferences(body hcl.Body) (refs []hcl.Traversal, ok bool) {
	native, ok := body.(*hclsyntax.Body)
	if !ok {
		return nil, false
	}
	for _, a := range native.Attributes {
		refs = append(refs, references(a.Expr)...)
	}
	for _, b := range native.Blocks {
		inner, _ := bodyReferences(b.Body)
		refs = append(refs, inner...)
	}
	return refs, true
}

// literalText is the value of a quoted text with nothing to put into it.
func literalText(expr hcl.Expression) (v cty.Value, ok bool) {
	template, ok := expr.(*hclsyntax.TemplateExpr)
	if !ok || !template.IsStringLiteral() {
		return cty.NilVal, false
	}
	v = template.Parts[0].(*hclsyntax.LiteralValueExpr).Val
	return v, v.Type() == cty.String && v.IsKnown() && !v.IsNull()
}

// isLiteral reports whether an expression is a plain text, number or word.
func isLiteral(expr hcl.Expression) bool {
	switch e := expr.(type) {
	case *hclsyntax.LiteralValueExpr:
		return true
	case *hclsyntax.TemplateExpr:
		return e.IsStringLiteral()
	}
	return false
}

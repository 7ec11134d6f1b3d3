package config

import (
	"github.com/credsync/credsync/schema"
	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"
)

// instanceCache keeps what the instances of one block have in common, so that it is
// worked out once and not for each of them. Only what went well is kept:
// mistakes are reported for each instance. A nil cache keeps nothing.
//
// Without it, loading allocates twice as much, and a plan of 10,000 new accounts takes 6 to
// 11 % more processor time.
type instanceCache struct {
	bodies      map[bodyKey]*hcl.BodyContent
	expressions map[*hcl.Attribute]*expression
	tables      map[tableKey]*cachedValues
}

type bodyKey struct {
	body  hcl.Body
	shape bodyShape
}

type tableKey struct {
	content *hcl.BodyContent
	table   *schema.Block
}

// cachedValues are the values of a table that are the same each time.
type cachedValues struct {
	values schema.Values
	known  bool
}

func newInstanceCache() *instanceCache {
	return &instanceCache{
		bodies:      map[bodyKey]*hcl.BodyContent{},
		expressions: map[*hcl.Attribute]*expression{},
		tables:      map[tableKey]*cachedValues{},
	}
}

// splitBody is a body that was split, if it is kept.
func (m *instanceCache) splitBody(key bodyKey) (content *hcl.BodyContent, ok bool) {
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
	// tokenOutputs are the outputs that it names of the token; nil where it uses the
	// token as a whole.
	tokenOutputs []string
	// sameInAllInstances says that its value is the same in all instances of a block.
	sameInAllInstances bool
	// referencesChecked says that all it refers to is there and may be used.
	referencesChecked bool
	// value is what the expression gives its row, once that is known; only for one
	// that is the same in all instances.
	value cty.Value
	// keys are those of a deliver block's data, if they are the same each time.
	keys *dataKeySet
}

func newExpression(expr hcl.Expression) *expression {
	x := &expression{refs: references(expr), value: cty.NilVal}
	x.names, x.tokenOutputs = namesAmong(x.refs), tokenOutputsAmong(x.refs)
	x.sameInAllInstances = refersOnlyTo(x.refs, "var", "local", "data")
	return x
}

func (m *instanceCache) expressionOf(a *hcl.Attribute) *expression {
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

// tableValues is where the values of one table of a block are kept; nil where they
// may differ between instances.
func (m *instanceCache) tableValues(content *hcl.BodyContent, table *schema.Block) *cachedValues {
	if m == nil {
		return nil
	}
	key := tableKey{content: content, table: table}
	kept, seen := m.tables[key]
	if !seen {
		if m.sameInAllInstances(content, table) {
			kept = &cachedValues{}
		}
		m.tables[key] = kept
	}
	return kept
}

// sameInAllInstances reports whether all that a block gives a table is the same in all
// instances.
func (m *instanceCache) sameInAllInstances(content *hcl.BodyContent, table *schema.Block) bool {
	for i := range table.Attributes {
		row := &table.Attributes[i]
		if a := content.Attributes[row.Name]; a != nil && !row.Deferred && !m.expressionOf(a).sameInAllInstances {
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

// setsAnyOf reports whether a block has anything of a table.
func setsAnyOf(content *hcl.BodyContent, table *schema.Block) bool {
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

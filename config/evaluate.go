package config

import (
	"fmt"
	"maps"
	"slices"

	"github.com/credsync/credsync/schema/functions"
	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
)

// scope is where an expression stands: what it may refer to, and with which
// values.
type scope struct {
	ctx *hcl.EvalContext
	// each is true inside a block that has for_each.
	each bool
	// iterator is the name that a dynamic block gives to its element.
	iterator string
	// deliver is true inside a deliver block, token where that may be used.
	deliver, token bool
	// event is true where `event` may be used: in what a notify block sends.
	event bool
	// address of the account or block, for diagnostics.
	address string
	// provider names the outputs of token.
	provider string
	// constant is true where nothing may be referred to.
	constant bool
	// owner is the local value whose expression this is.
	owner string
	// upstream is what expressions of an upstream block may refer to; nil elsewhere.
	upstream *upstreamNames
	// cache is that of a block with instances; nil elsewhere.
	cache *instanceCache
}

// rootNames are the first names that references can have.
func rootNames() []string {
	return []string{"var", "local", "data", "each", "token", "account", "event"}
}

// evaluate gives an expression's value. Where that fails, or where the value
// is unknown because of an earlier error, it is reported and ok is false.
// secret says that the expression stands where secrets belong, so that nothing
// of it may be quoted.
func (l *loader) evaluate(expr hcl.Expression, sc scope, secret bool) (v cty.Value, ok bool) {
	if !l.checkReferences(expr, references(expr), sc, secret) {
		return cty.DynamicVal, false
	}
	return l.value(expr, sc, secret)
}

// value is evaluate for an expression whose references were checked.
func (l *loader) value(expr hcl.Expression, sc scope, secret bool) (v cty.Value, ok bool) {
	if v, ok := literalText(expr); ok {
		return v, true
	}
	if l.over.Load() || !loopsInJSONEnd(expr, sc.ctx, l.over) {
		return cty.DynamicVal, false
	}
	if at, found := sensitiveJSONKey(expr, sc.ctx); found {
		l.report.error(at, sc.address, "Sensitive value not allowed here", "The attribute names of an object must not be sensitive; only the values may be. If this name is not a secret, wrap it in nonsensitive().")
		return cty.DynamicVal, false
	}
	v, problems := expr.Value(sc.ctx)
	for _, p := range problems {
		l.report.addFinding(l.explainEvaluation(p, expr, sc, secret))
	}
	if problems.HasErrors() {
		return cty.DynamicVal, false
	}
	if valueTooLarge(v) {
		l.report.error(expr.Range(), sc.address, "Value too large", fmt.Sprintf("The result of this expression is larger than %d MiB. Look for values that are built from several copies of others.", maxValueSize>>20))
		return cty.DynamicVal, false
	}
	return v, true
}

// sensitiveJSONKey finds a name in an object written in JSON that is sensitive: the
// parser panics on it.
func sensitiveJSONKey(expr hcl.Expression, ctx *hcl.EvalContext) (at hcl.Range, found bool) {
	if _, native := expr.(hclsyntax.Node); native {
		return at, false
	}
	pairs, problems := hcl.ExprMap(expr)
	if problems.HasErrors() {
		list, _ := hcl.ExprList(expr)
		for _, e := range list {
			if at, found = sensitiveJSONKey(e, ctx); found {
				return at, true
			}
		}
		return at, false
	}
	for _, pair := range pairs {
		if v, _ := pair.Key.Value(ctx); v.IsMarked() {
			return pair.Key.Range(), true
		}
		if at, found = sensitiveJSONKey(pair.Value, ctx); found {
			return at, true
		}
	}
	return at, false
}

func traverse(t hcl.Traversal, ctx *hcl.EvalContext) cty.Value {
	v, problems := t.TraverseAbs(ctx)
	if problems.HasErrors() {
		return cty.NilVal
	}
	return v
}

// keysOf returns the attribute names of an object in order, nil for others.
func keysOf(v cty.Value) []string {
	if v == cty.NilVal || !v.Type().IsObjectType() {
		return nil
	}
	return slices.Sorted(maps.Keys(v.Type().AttributeTypes()))
}

// isSensitive reports whether any part of a value is.
func isSensitive(v cty.Value) bool { return v.ContainsMarked() }

// markSensitive marks a value as a whole.
func markSensitive(v cty.Value) cty.Value { return v.Mark(functions.Sensitive) }

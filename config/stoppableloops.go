package config

import (
	"bytes"
	"strings"
	"sync/atomic"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	hcljson "github.com/hashicorp/hcl/v2/json"
	"github.com/zclconf/go-cty/cty"
)

// stoppable is an expression that a loop evaluates for each element. Loops in loops are
// how one expression can take longer than any machine has time; once the evaluation was
// given up, each of them comes to its end with nothing more evaluated.
//
// It embeds a node of the parser's own, so that whoever walks the tree, as for the
// references in it, finds the expression inside.
type stoppable struct {
	*hclsyntax.ParenthesesExpr
	over *atomic.Bool
}

// Value implements hcl.Expression. What is left of an evaluation that was given up is
// thrown away, so that there is nothing to report.
func (s stoppable) Value(ctx *hcl.EvalContext) (cty.Value, hcl.Diagnostics) {
	if s.over.Load() {
		return cty.DynamicVal, nil
	}
	return s.Expression.Value(ctx)
}

// makeStoppable makes every loop of a file end once over is set. The templates of a file
// in JSON are parsed only when they are evaluated; see loopsInJSONEnd.
func makeStoppable(file *hcl.File, over *atomic.Bool) {
	body, native := file.Body.(*hclsyntax.Body)
	if !native || !bytes.Contains(file.Bytes, []byte("for")) {
		return // Ten thousand blocks without a loop need not be walked through.
	}
	makeLoopsStoppable(body, over)
}

func makeLoopsStoppable(tree hclsyntax.Node, over *atomic.Bool) {
	wrap := func(e hclsyntax.Expression) hclsyntax.Expression {
		if e == nil {
			return nil
		}
		return stoppable{&hclsyntax.ParenthesesExpr{Expression: e, SrcRange: e.Range()}, over}
	}
	_ = hclsyntax.VisitAll(tree, func(n hclsyntax.Node) hcl.Diagnostics {
		if loop, ok := n.(*hclsyntax.ForExpr); ok {
			loop.KeyExpr, loop.ValExpr, loop.CondExpr = wrap(loop.KeyExpr), wrap(loop.ValExpr), wrap(loop.CondExpr)
		}
		return nil
	})
}

// loopsInJSONEnd evaluates the templates with loops of an expression written in JSON, and
// reports whether they end before over is set. Nobody can stop them where they are, so
// they are tried out: what has ended will end again.
func loopsInJSONEnd(expr hcl.Expression, ctx *hcl.EvalContext, over *atomic.Bool) bool {
	if !hcljson.IsJSONExpression(expr) {
		return true
	}
	// Of these two, one is empty.
	elements, _ := hcl.ExprList(expr)
	pairs, _ := hcl.ExprMap(expr)
	for _, pair := range pairs {
		elements = append(elements, pair.Key, pair.Value)
	}
	for _, e := range elements {
		if !loopsInJSONEnd(e, ctx, over) {
			return false
		}
	}
	if len(elements) > 0 {
		return true
	}
	text, _ := expr.Value(nil)
	if text.Type() != cty.String || text.IsNull() || !strings.Contains(text.AsString(), "for") {
		return !over.Load()
	}
	template, problems := hclsyntax.ParseTemplate([]byte(text.AsString()), expr.Range().Filename, expr.Range().Start)
	if problems.HasErrors() {
		return !over.Load() // It will be reported.
	}
	makeLoopsStoppable(template, over)
	_, _ = template.Value(ctx)
	return !over.Load()
}

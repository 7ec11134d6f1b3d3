package config

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
)

// upstreamExpr is an expression of an upstream block. It implements schema.Expr, and may
// be used at any time and concurrently: it only reads what loading has left.
type upstreamExpr struct {
	expr hcl.Expression
	// functions is the context in which there is nothing else.
	functions *hcl.EvalContext
	refs      []string
	shape     []byte
	place     string
}

// newUpstreamExpr keeps an expression that was checked.
func (l *loader) newUpstreamExpr(expr hcl.Expression, functions *hcl.EvalContext) *upstreamExpr {
	return &upstreamExpr{
		expr: expr, functions: functions, refs: rootsAndSteps(references(expr)),
		shape: l.shapeOf(expr), place: convertRange(expr.Range()).String(),
	}
}

func (x *upstreamExpr) References() []string { return x.refs }
func (x *upstreamExpr) Shape() []byte        { return x.shape }
func (x *upstreamExpr) Place() string        { return x.place }

func (x *upstreamExpr) Eval(scope map[string]cty.Value) (cty.Value, error) {
	ctx := x.functions.NewChild()
	ctx.Variables = scope
	v, problems := x.expr.Value(ctx)
	for _, p := range problems {
		if p.Severity == hcl.DiagError {
			return cty.DynamicVal, errors.New(explainWithoutValues(p, x.expr, ctx))
		}
	}
	if valueTooLarge(v) {
		return cty.DynamicVal, fmt.Errorf("makes a value larger than %d MiB", maxValueSize>>20)
	}
	return v, nil
}

// explainWithoutValues says why an expression over an answer has no value, by the names
// that stand in the source: what an upstream answers may be secret.
func explainWithoutValues(p *hcl.Diagnostic, expr hcl.Expression, ctx *hcl.EvalContext) string {
	if p.Subject != nil {
		for _, t := range expr.Variables() {
			at := t.SourceRange()
			if at.Start.Byte > p.Subject.Start.Byte || at.End.Byte < p.Subject.Start.Byte {
				continue
			}
			if why := nothingAt(t, ctx); why != "" {
				return why
			}
		}
	}
	if extra, ok := hcl.DiagnosticExtra[hclsyntax.FunctionCallDiagExtra](p); ok && extra.CalledFunctionName() != "" {
		why := fmt.Sprintf("cannot be evaluated: the call to the function %q failed", extra.CalledFunctionName())
		if refused(p) {
			why += ": " + extra.FunctionCallError().Error()
		}
		return why
	}
	return "cannot be evaluated: " + lowerFirst(p.Summary)
}

// nothingAt says where a reference leads nowhere; "" where it does not.
func nothingAt(t hcl.Traversal, ctx *hcl.EvalContext) string {
	whole := traversalName(t, len(t))
	for i := 1; i < len(t); i++ {
		v := traverse(t[:i], ctx)
		if v == cty.NilVal {
			return ""
		}
		v, _ = v.Unmark()
		before := traversalName(t[i-1:], 1)
		name, _ := stepName(t, i)
		switch {
		case !v.IsKnown():
			return ""
		case v.IsNull():
			return fmt.Sprintf("found nothing at %s: %q is null", whole, lastStep(t, i-1))
		case traverse(t[:i+1], ctx) != cty.NilVal:
		case v.Type().IsObjectType() && !v.Type().HasAttribute(name), v.Type().IsMapType():
			return fmt.Sprintf("found nothing at %s: there is no %q", whole, lastStep(t, i))
		case v.Type().IsTupleType(), v.Type().IsListType():
			return fmt.Sprintf("found nothing at %s: the list %q has no such element", whole, lastStep(t, i-1))
		default:
			return fmt.Sprintf("found nothing at %s: %q is a %s", whole, strings.TrimPrefix(before, "."), v.Type().FriendlyName())
		}
	}
	return ""
}

// lastStep is the name or the number of one step of a reference.
func lastStep(t hcl.Traversal, i int) string {
	if name, ok := stepName(t, i); ok {
		return name
	}
	if step, ok := t[i].(hcl.TraverseIndex); ok && step.Key.Type() == cty.Number {
		return step.Key.AsBigFloat().Text('f', -1)
	}
	return "?"
}

func lowerFirst(s string) string {
	if s == "" {
		return s
	}
	return strings.ToLower(s[:1]) + s[1:]
}

// rootsAndSteps are the names of references, each once, in order.
func rootsAndSteps(refs []hcl.Traversal) []string {
	var names []string
	for _, t := range refs {
		name := t.RootName()
		if step, ok := stepName(t, 1); ok {
			name += "." + step
		}
		names = append(names, name)
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// shapeOf is an expression's source without comments and space.
func (l *loader) shapeOf(expr hcl.Expression) []byte {
	at := expr.Range()
	file := l.report.files[at.Filename]
	if file == nil || !at.CanSliceBytes(file.src) {
		return nil
	}
	tokens, _ := hclsyntax.LexExpression(at.SliceBytes(file.src), at.Filename, hcl.InitialPos)
	var shape []byte
	for _, t := range tokens {
		switch t.Type {
		case hclsyntax.TokenComment, hclsyntax.TokenNewline, hclsyntax.TokenEOF:
		default:
			shape = append(append(shape, t.Bytes...), 0)
		}
	}
	return shape
}

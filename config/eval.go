package config

import (
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"sync"

	"github.com/credsync/credsync/schema/diag"
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
	// memo is that of a block with instances; nil elsewhere.
	memo *memo
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
	v, problems := expr.Value(sc.ctx)
	for _, p := range problems {
		l.report.addFinding(l.explain(p, expr, sc, secret))
	}
	if problems.HasErrors() {
		return cty.DynamicVal, false
	}
	if valueTooLarge(v) {
		l.report.error(expr.Range(), sc.address, "Value too large", fmt.Sprintf("This expression gives more than %d MiB. Look for values that are made of several copies of others.", maxValue>>20))
		return cty.DynamicVal, false
	}
	return v, true
}

// names are the variables and locals that an expression uses, as `var.x`.
func names(expr hcl.Expression) []string { return namesOf(references(expr)) }

func namesOf(refs []hcl.Traversal) []string {
	var used []string
	for _, t := range refs {
		if root := t.RootName(); root == "var" || root == "local" {
			if name, ok := step(t, 1); ok {
				used = append(used, root+"."+name)
			}
		}
	}
	return used
}

// refersOnlyTo reports whether all references begin with one of those names.
func refersOnlyTo(refs []hcl.Traversal, roots ...string) bool {
	for _, t := range refs {
		if !slices.Contains(roots, t.RootName()) {
			return false
		}
	}
	return true
}

// step returns the name that a reference has at i.
func step(t hcl.Traversal, i int) (string, bool) {
	if i >= len(t) {
		return "", false
	}
	switch s := t[i].(type) {
	case hcl.TraverseRoot:
		return s.Name, true
	case hcl.TraverseAttr:
		return s.Name, true
	case hcl.TraverseIndex:
		if s.Key.Type() == cty.String && s.Key.IsKnown() && !s.Key.IsNull() {
			return s.Key.AsString(), true
		}
	}
	return "", false
}

// calls reports whether an expression calls any of the functions. One written
// in JSON cannot be looked into before it is evaluated, so it is assumed to.
func calls(expr hcl.Expression, functionNames ...string) bool {
	if isLiteral(expr) {
		return false
	}
	node, ok := expr.(hclsyntax.Node)
	if !ok {
		return true
	}
	found := false
	_ = hclsyntax.VisitAll(node, func(n hclsyntax.Node) hcl.Diagnostics {
		if call, ok := n.(*hclsyntax.FunctionCallExpr); ok && slices.Contains(functionNames, call.Name) {
			found = true
		}
		return nil
	})
	return found
}

// touchesSecret reports whether a value that may be secret flows into any part
// of an expression.
func touchesSecret(expr hcl.Expression, ctx *hcl.EvalContext) bool {
	// The results of these may be secret, marked or not.
	if calls(expr, "env", "sensitive", "file", "filebase64") {
		return true
	}
	for _, t := range expr.Variables() {
		if t.RootName() == "token" {
			return true
		}
		v, problems := t.TraverseAbs(ctx)
		if problems.HasErrors() || v.ContainsMarked() {
			// What cannot be followed all the way may be secret in part.
			return true
		}
	}
	return false
}

// harmless reports whether problems of that summary name types and names
// only, never values.
func harmless(summary string) bool {
	switch summary {
	case "Unsupported attribute", "Not enough function arguments", "Too many function arguments", "Invalid operand",
		"Incorrect condition type", "Invalid template interpolation value", "Iteration over non-iterable value",
		"Iteration over null value", "Attempt to get attribute from null value", "Attempt to index null value":
		return true
	}
	return false
}

// explain turns a problem of evaluation into what is shown. Details of HCL and
// of functions quote values, so where those may be secret our own words stand
// in for them.
func (l *loader) explain(p *hcl.Diagnostic, expr hcl.Expression, sc scope, secret bool) finding {
	bland := blandDetail(p)
	f := finding{
		Diagnostic: diag.Diagnostic{Severity: diag.Error, Summary: p.Summary, Detail: p.Detail, Address: sc.address},
		subject:    p.Subject, uses: append(names(expr), sc.owner), bland: bland,
	}
	if p.Severity == hcl.DiagWarning {
		f.Severity = diag.Warning
	}
	if f.subject == nil {
		f.subject = expr.Range().Ptr()
	}
	if summary, detail := l.betterMissing(p, expr, sc); detail != "" {
		f.Summary, f.Detail, f.bland = summary, detail, ""
		return f
	}
	switch {
	case harmless(p.Summary) && !secret, refused(p):
		f.bland = ""
	case ownFileError(p, sc):
		f.noSource = secret
		f.bland = ""
		if refs := argumentRefs(p.Expression); len(refs) > 0 {
			f.bland = bland + " Look at what " + strings.Join(refs, " and ") + " names."
			if secret {
				f.Detail = f.bland
			}
		}
	case secret, touchesSecret(expr, sc.ctx):
		f.Detail = bland
		f.noSource = secret
	}
	return f
}

// refused reports whether a problem is a function's refusal, which quotes
// nothing.
func refused(p *hcl.Diagnostic) bool {
	extra, ok := hcl.DiagnosticExtra[hclsyntax.FunctionCallDiagExtra](p)
	var refusal functions.Refusal
	return ok && errors.As(extra.FunctionCallError(), &refusal)
}

func blandDetail(p *hcl.Diagnostic) string {
	what := "Evaluating this expression"
	if extra, ok := hcl.DiagnosticExtra[hclsyntax.FunctionCallDiagExtra](p); ok && extra.CalledFunctionName() != "" {
		what = fmt.Sprintf("The call of the function %q", extra.CalledFunctionName())
	}
	return what + " failed. Details are left out because it deals with a value that may be secret."
}

// ownFileError reports whether a problem is a file or environment function's
// own, which names only the path or variable it was given. Where a secret
// belongs, that name is shown if it is written there itself: it says where the
// secret is, and is none.
func ownFileError(p *hcl.Diagnostic, sc scope) bool {
	extra, ok := hcl.DiagnosticExtra[hclsyntax.FunctionCallDiagExtra](p)
	if !ok || extra.FunctionCallError() == nil || p.Expression == nil {
		return false
	}
	switch extra.CalledFunctionName() {
	case "file", "filebase64", "fileexists", "fileset":
		return !touchesSecret(p.Expression, sc.ctx)
	case "env":
		call, ok := p.Expression.(*hclsyntax.FunctionCallExpr)
		return ok && len(call.Args) == 1 && !touchesSecret(call.Args[0], sc.ctx)
	}
	return false
}

// argumentRefs are the references in the arguments of a failed call, or in the
// argument that made it fail.
func argumentRefs(expr hcl.Expression) []string {
	var refs []string
	for _, t := range expr.Variables() {
		if name := traversalName(t, len(t)); !slices.Contains(refs, name) {
			refs = append(refs, name)
		}
	}
	return refs
}

// betterMissing says in the configuration's own terms what "no such attribute"
// means where the object is a data block, the token or an event.
func (l *loader) betterMissing(p *hcl.Diagnostic, expr hcl.Expression, sc scope) (summary, detail string) {
	if p.Summary != "Unsupported attribute" && p.Summary != "Invalid index" && p.Summary != "Missing map element" || p.Subject == nil {
		return "", ""
	}
	for _, t := range expr.Variables() {
		at := t.SourceRange()
		if at.Filename != p.Subject.Filename || p.Subject.Start.Byte < at.Start.Byte || p.Subject.End.Byte > at.End.Byte {
			continue
		}
		switch t.RootName() {
		case "token":
			name, ok := step(t, 1)
			outputs := keysOf(traverse(t[:1], sc.ctx))
			if ok && !slices.Contains(outputs, name) {
				return "Unsupported attribute", fmt.Sprintf("The token of provider %q has no output %q.%s Its outputs are %s.", sc.provider, name, didYouMean(name, outputs), strings.Join(outputs, ", "))
			}
		case "event":
			name, ok := step(t, 1)
			if fields := keysOf(traverse(t[:1], sc.ctx)); ok && !slices.Contains(fields, name) {
				return "Unsupported attribute", fmt.Sprintf("An event has no attribute %q.%s It has %s.", name, didYouMean(name, fields), strings.Join(fields, ", "))
			}
		case "data":
			return l.missingKey(t, sc)
		case "var", "local", "each":
			return missingAttribute(t, sc)
		}
	}
	return "", ""
}

// missingAttribute names the object and the attribute, both of which are names
// in the source; those the object has only if it is not sensitive.
func missingAttribute(t hcl.Traversal, sc scope) (summary, detail string) {
	for i := 2; i < len(t); i++ {
		object := traverse(t[:i], sc.ctx)
		name, ok := step(t, i)
		if !ok || object == cty.NilVal || !object.Type().IsObjectType() || object.Type().HasAttribute(name) {
			continue
		}
		hint := ""
		if !isSensitive(object) {
			hint = didYouMean(name, keysOf(object))
		}
		return "Unsupported attribute", fmt.Sprintf("%s has no attribute %q.%s", traversalName(t, i), name, hint)
	}
	return "", ""
}

func (l *loader) missingKey(t hcl.Traversal, sc scope) (summary, detail string) {
	for i := 3; i < len(t); i++ {
		object := traverse(t[:i], sc.ctx)
		name, ok := step(t, i)
		keys := keysOf(object)
		if !ok || object == cty.NilVal || slices.Contains(keys, name) {
			continue
		}
		what := "Its keys are "
		if i == 3 && l.data[dataAddress(t)] != nil && l.data[dataAddress(t)].forEach != nil {
			what = "Its instances are "
		}
		return "Missing key in data", fmt.Sprintf("%s has no key %q.%s %s", traversalName(t, i), name, didYouMean(name, keys), orNone(what, "It is empty.", keys))
	}
	return "", ""
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

// traversalName writes the first n steps as the user does.
func traversalName(t hcl.Traversal, n int) string {
	var b strings.Builder
	for i := range min(n, len(t)) {
		name, _ := step(t, i)
		if _, index := t[i].(hcl.TraverseIndex); index {
			fmt.Fprintf(&b, "[%s]", quoteHCL(name))
			continue
		}
		if i > 0 {
			b.WriteByte('.')
		}
		b.WriteString(name)
	}
	return b.String()
}

// isSensitive reports whether any part of a value is.
func isSensitive(v cty.Value) bool { return v.ContainsMarked() }

// markSensitive marks a value as a whole.
func markSensitive(v cty.Value) cty.Value { return v.Mark(functions.Sensitive) }

// isIdentifier looks at the usual letters without the expression, which takes
// longer.
func isIdentifier(name string) bool {
	for i := range len(name) {
		switch c := name[i]; {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', c == '_':
		case i > 0 && ('0' <= c && c <= '9' || c == '-'):
		default:
			return identifier().MatchString(name)
		}
	}
	return name != ""
}

var identifier = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^[\p{L}_][\p{L}\p{N}_-]*$`) })

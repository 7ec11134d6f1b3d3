package config

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode"

	"github.com/credsync/credsync/schema/diag"
	"github.com/credsync/credsync/schema/functions"
	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
)

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

// quotesNoValue reports whether problems of that summary name types and names
// only, never values.
func quotesNoValue(summary string) bool {
	switch summary {
	case "Unsupported attribute", "Not enough function arguments", "Too many function arguments", "Invalid operand",
		"Incorrect condition type", "Invalid template interpolation value", "Iteration over non-iterable value",
		"Iteration over null value", "Attempt to get attribute from null value", "Attempt to index null value":
		return true
	}
	return false
}

// explainEvaluation turns a problem of evaluation into what is shown. Details of HCL and
// of functions quote values, so where those may be secret our own words stand
// in for them.
func (l *loader) explainEvaluation(p *hcl.Diagnostic, expr hcl.Expression, sc scope, secret bool) finding {
	withoutValues := detailWithoutValues(p)
	f := finding{
		Diagnostic: diag.Diagnostic{Severity: diag.Error, Summary: p.Summary, Detail: p.Detail, Address: sc.address},
		subject:    p.Subject, uses: append(namesUsedIn(expr), sc.owner), detailWithoutValues: withoutValues,
	}
	if p.Severity == hcl.DiagWarning {
		f.Severity = diag.Warning
	}
	if f.subject == nil {
		f.subject = expr.Range().Ptr()
	}
	if summary, detail := l.explainMissing(p, expr, sc); detail != "" {
		f.Summary, f.Detail, f.detailWithoutValues = summary, detail, ""
		return f
	}
	if extra, ok := hcl.DiagnosticExtra[hclsyntax.FunctionCallUnknownDiagExtra](p); ok {
		// In JSON, whose calls are not seen before the evaluation.
		f.Summary, f.Detail = l.unknownCall(extra.CalledFunctionName(), sc, secret)
		f.detailWithoutValues, f.noSource = "", secret
		return f
	}
	switch {
	case quotesNoValue(p.Summary) && !secret, refused(p):
		f.detailWithoutValues = ""
	case ownFileError(p, sc):
		f.noSource = secret
		f.detailWithoutValues = ""
		if refs := argumentRefs(p.Expression); len(refs) > 0 {
			f.detailWithoutValues = withoutValues + " Check what " + strings.Join(refs, " and ") + " names."
			if secret {
				f.Detail = f.detailWithoutValues
			}
		}
	case secret, touchesSecret(expr, sc.ctx):
		f.Detail = withoutValues
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

func detailWithoutValues(p *hcl.Diagnostic) string {
	what := "Evaluating this expression"
	if extra, ok := hcl.DiagnosticExtra[hclsyntax.FunctionCallDiagExtra](p); ok && extra.CalledFunctionName() != "" {
		what = fmt.Sprintf("The call to the function %q", extra.CalledFunctionName())
	}
	return what + " failed. Details are left out because a value in it may be secret."
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

// explainMissing says in the configuration's own terms what "no such attribute"
// means where the object is a data block, the token or an event.
func (l *loader) explainMissing(p *hcl.Diagnostic, expr hcl.Expression, sc scope) (summary, detail string) {
	if p.Summary != "Unsupported attribute" && p.Summary != "Invalid index" && p.Summary != "Missing map element" || p.Subject == nil {
		return "", ""
	}
	for _, t := range expr.Variables() {
		at := t.SourceRange()
		if at.Filename != p.Subject.Filename || p.Subject.Start.Byte < at.Start.Byte ||
			p.Subject.End.Byte > at.End.Byte {
			continue
		}
		switch t.RootName() {
		case "token":
			name, ok := stepName(t, 1)
			outputs := keysOf(traverse(t[:1], sc.ctx))
			if ok && !slices.Contains(outputs, name) {
				return "Unsupported attribute", fmt.Sprintf("The token of provider %q has no output %q.%s Its outputs are %s.", sc.provider, name, didYouMean(name, outputs), strings.Join(outputs, ", "))
			}
		case "event":
			name, ok := stepName(t, 1)
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
		name, ok := stepName(t, i)
		if !ok || object == cty.NilVal || !object.Type().IsObjectType() || object.Type().HasAttribute(name) {
			continue
		}
		hint := ""
		if !isSensitive(object) {
			hint = didYouMean(name, keysOf(object)) + attributesThereAre(keysOf(object))
		}
		return "Unsupported attribute", fmt.Sprintf("%s has no attribute %q.%s", traversalName(t, i), name, hint)
	}
	return "", ""
}

// mostNames is how many attributes are listed.
const mostNames = 20

// attributesThereAre lists the attributes of an object that is not sensitive, such as
// the columns of a table. Where the first line of a table is not its head, its values
// pass for names, passwords too: what has a digit or a sign in it is not shown.
func attributesThereAre(names []string) string {
	if len(names) == 0 || len(names) > mostNames {
		return fmt.Sprintf(" It has %d attributes.", len(names))
	}
	for _, name := range names {
		if name == "" ||
			strings.ContainsFunc(
				name,
				func(r rune) bool { return !unicode.IsLetter(r) && !strings.ContainsRune("_- .", r) },
			) {
			return fmt.Sprintf(
				" It has %d attributes. They are not shown, because not all of them look like names; the first line of a table must contain the column names.",
				len(names),
			)
		}
	}
	return " It has " + strings.Join(names, ", ") + "."
}

func (l *loader) missingKey(t hcl.Traversal, sc scope) (summary, detail string) {
	for i := 3; i < len(t); i++ {
		object := traverse(t[:i], sc.ctx)
		name, ok := stepName(t, i)
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

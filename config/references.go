package config

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"sync"

	"github.com/credsync/credsync/schema/functions"
	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/function"
)

// checkReferences reports every name in an expression, whose references refs
// are, that is not declared or may not be used there. It looks at names only, so
// a wrong one is found in a branch that is not taken and inside try() too.
func (l *loader) checkReferences(expr hcl.Expression, refs []hcl.Traversal, sc scope, secret bool) bool {
	good := true
	for _, t := range refs {
		summary, detail := l.checkReference(t, sc, secret)
		if summary != "" {
			l.report.error(t.SourceRange(), sc.address, summary, detail)
			good = false
		}
	}
	return l.checkCalls(expr, sc, secret) && good
}

func (l *loader) checkReference(t hcl.Traversal, sc scope, secret bool) (summary, detail string) {
	if sc.upstream != nil {
		return sc.upstream.check(t)
	}
	root := t.RootName()
	name, named := stepName(t, 1)
	switch {
	case sc.constant && !secret:
		return "References not allowed", "This must be a constant: it may not refer to anything. If it is meant as text, put it in quotes."
	case root == sc.iterator && root != "":
		return "", ""
	case root == "var":
		return l.checkDeclared(t, "variable", named, name, l.vars[name] != nil, slices.Collect(maps.Keys(l.vars)))
	case root == "local":
		return l.checkDeclared(t, "local value", named, name, l.locals[name] != nil, slices.Collect(maps.Keys(l.locals)))
	case root == "data":
		return l.checkDataReference(t)
	case root == "each":
		return checkEachReference(sc, name, named)
	case root == "event":
		return checkEventReference(sc)
	case root == "token" || root == "account":
		return checkDeliverReference(root, sc)
	case secret:
		return "Invalid reference", "This is not a reference. If it is meant as text, put it in quotes."
	}
	return "Invalid reference", fmt.Sprintf("There is nothing named %q here.%s Expressions can refer to var, local, data and each. The data of a deliver block can also refer to token and account, and the body of a notify block to event. If it is meant as text, put it in quotes.", root, didYouMean(root, rootNames()))
}

func (l *loader) checkDeclared(
	t hcl.Traversal,
	kind string,
	named bool,
	name string,
	exists bool,
	known []string,
) (summary, detail string) {
	switch {
	case !named:
		return "Invalid reference", fmt.Sprintf("Name the %s after %q, as in %s.name.", kind, t.RootName(), t.RootName())
	case !exists:
		hint := didYouMean(name, known)
		if hint == "" && kind == "variable" {
			hint = fmt.Sprintf(" Declare it with a block: variable %q {}.", name)
		}
		return "Reference to undeclared " + kind, fmt.Sprintf("No %s named %q is declared.%s", kind, name, hint)
	}
	return "", ""
}

func (l *loader) checkDataReference(t hcl.Traversal) (summary, detail string) {
	_, typed := stepName(t, 1)
	_, named := stepName(t, 2)
	if !typed || !named {
		return "Invalid reference", "Name a data block's type and name, as in data.vault.accounts."
	}
	address := dataAddress(t)
	if l.data[address] == nil {
		return "Reference to undeclared data block", fmt.Sprintf("No data block %s is declared.%s", address, didYouMean(address, slices.Collect(maps.Keys(l.data))))
	}
	return "", ""
}

func checkEachReference(sc scope, name string, named bool) (summary, detail string) {
	switch {
	case !sc.each:
		return "Reference to \"each\" without for_each", "\"each\" can be used only inside a block that has for_each."
	case !named || name != "key" && name != "value":
		return "Invalid \"each\" attribute", "\"each\" has two attributes: each.key and each.value."
	}
	return "", ""
}

func checkDeliverReference(root string, sc scope) (summary, detail string) {
	switch {
	case !sc.deliver:
		return fmt.Sprintf("Reference to %q outside deliver", root), fmt.Sprintf("%q can be used only inside a deliver block: it describes the account whose token is delivered.", root)
	case root == "token" && !sc.token:
		return "Reference to \"token\" outside data", "A target's location must be known before there is a token, so \"token\" can be used only in the data argument of a deliver block. Use account.name, each.key, variables or locals here."
	}
	return "", ""
}

func checkEventReference(sc scope) (summary, detail string) {
	if !sc.event {
		return "Reference to \"event\" outside notify", "\"event\" can be used only in the body argument of a notify block: it describes what the message is about."
	}
	return "", ""
}

// checkCalls reports functions that do not exist, or not here.
func (l *loader) checkCalls(expr hcl.Expression, sc scope, secret bool) bool {
	node, ok := expr.(hclsyntax.Node)
	if !ok || isLiteral(expr) {
		return true
	}
	good, known := true, l.functionsIn(sc)
	_ = hclsyntax.VisitAll(node, func(n hclsyntax.Node) hcl.Diagnostics {
		call, ok := n.(*hclsyntax.FunctionCallExpr)
		if !ok {
			return nil
		}
		if _, is := known[call.Name]; is {
			return nil
		}
		good = false
		summary, detail := l.unknownCall(call.Name, sc, secret)
		l.report.error(call.NameRange, sc.address, summary, detail)
		return nil
	})
	return good
}

// functionsIn are those that expressions of a scope may call.
func (l *loader) functionsIn(sc scope) map[string]function.Function {
	if sc.upstream != nil {
		return sc.upstream.r.functions.Functions
	}
	return l.functions
}

// unknownCall says what is wrong with a call of a function that is not among the known
// ones. The names of the language's own functions are no secret.
func (l *loader) unknownCall(name string, sc scope, secret bool) (summary, detail string) {
	switch {
	case sc.upstream == nil && slices.Contains(functions.RequestTimeNames(), name):
		return "Function not available here", name + "() is known only when a request is sent: use it in an upstream block."
	case sc.upstream == nil && slices.Contains(functions.AnswerNames(), name):
		return "Function not available here", name + "() is about what an upstream answers: use it in an upstream block, or try() here."
	case sc.upstream != nil && sc.upstream.r.inline != nil && slices.Contains(functions.ImpureNames(), name):
		return "Function not available here", "A request is made of what is known when the configuration is loaded, so it cannot call " + name + "(). Give the value a name in a locals block, and refer to it as local.<name>."
	case sc.upstream != nil && slices.Contains(functions.ImpureNames(), name):
		return "Function not available here", "An upstream block is complete in itself, so it cannot call " + name + "(). Add an attribute block, refer to it as self.<name>, and set it in the account."
	}
	detail = fmt.Sprintf("There is no function named %q.", name)
	if secret {
		detail = "There is no function of this name."
	}
	return "Call to unknown function", detail + didYouMean(name, slices.Collect(maps.Keys(l.functionsIn(sc))))
}

// dataAddress is the data block that a reference speaks of, as `data.vault.accounts`.
func dataAddress(t hcl.Traversal) string {
	kind, _ := stepName(t, 1)
	name, _ := stepName(t, 2)
	return "data." + kind + "." + name
}

// namesUsedIn are the variables and locals that an expression uses, as `var.x`.
func namesUsedIn(expr hcl.Expression) []string { return namesAmong(references(expr)) }

func namesAmong(refs []hcl.Traversal) []string {
	var used []string
	for _, t := range refs {
		if root := t.RootName(); root == "var" || root == "local" {
			if name, ok := stepName(t, 1); ok {
				used = append(used, root+"."+name)
			}
		}
	}
	return used
}

// tokenOutputsAmong are the names X of references token.X, in order; nil where one
// is to the token as a whole.
func tokenOutputsAmong(refs []hcl.Traversal) []string {
	var outputs []string
	for _, t := range refs {
		if t.RootName() != "token" {
			continue
		}
		name, ok := stepName(t, 1)
		if !ok {
			return nil
		}
		outputs = append(outputs, name)
	}
	slices.Sort(outputs)
	return slices.Compact(outputs)
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

// stepName returns the name that a reference has at i.
func stepName(t hcl.Traversal, i int) (string, bool) {
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

// namesUsedInBody are the names that the expressions of a body use, nested blocks
// included.
func namesUsedInBody(body hcl.Body) (all []string) {
	native, ok := body.(*hclsyntax.Body)
	if !ok {
		attrs, _ := body.JustAttributes()
		for _, a := range inOrder(attrs) {
			all = append(all, namesUsedIn(a.Expr)...)
		}
		return all
	}
	for _, a := range native.Attributes {
		all = append(all, namesUsedIn(a.Expr)...)
	}
	for _, b := range native.Blocks {
		all = append(all, namesUsedInBody(b.Body)...)
	}
	return all
}

// traversalName writes the first n steps as the user does.
func traversalName(t hcl.Traversal, n int) string {
	var b strings.Builder
	for i := range min(n, len(t)) {
		name, _ := stepName(t, i)
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

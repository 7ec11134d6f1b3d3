package config

import (
	"fmt"
	"maps"
	"slices"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
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
	root := t.RootName()
	name, named := step(t, 1)
	switch {
	case sc.constant && !secret:
		return "References not allowed", "This must be a constant: it may not refer to anything. If it is meant as text, put it into quotes."
	case root == sc.iterator && root != "":
		return "", ""
	case root == "var":
		return l.declared(t, "variable", named, name, l.vars[name] != nil, slices.Collect(maps.Keys(l.vars)))
	case root == "local":
		return l.declared(t, "local value", named, name, l.locals[name] != nil, slices.Collect(maps.Keys(l.locals)))
	case root == "data":
		return l.checkDataReference(t)
	case root == "each":
		return checkEach(sc, name, named)
	case root == "event":
		return checkEventRoot(sc)
	case root == "token" || root == "account":
		return checkDeliverRoot(root, sc)
	case secret:
		return "Invalid reference", "This is not a reference. If it is meant as text, put it into quotes."
	}
	return "Invalid reference", fmt.Sprintf("There is nothing named %q here.%s Expressions can refer to var, local, data and each, and those of a deliver block's data also to token and account, and those of a notify block's body also to event. If it is meant as text, put it into quotes.", root, didYouMean(root, rootNames()))
}

func (l *loader) declared(t hcl.Traversal, kind string, named bool, name string, exists bool, known []string) (summary, detail string) {
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
	_, typed := step(t, 1)
	_, named := step(t, 2)
	if !typed || !named {
		return "Invalid reference", "Name a data block's type and name, as in data.vault.accounts."
	}
	address := dataAddress(t)
	if l.data[address] == nil {
		return "Reference to undeclared data block", fmt.Sprintf("No data block %s is declared.%s", address, didYouMean(address, slices.Collect(maps.Keys(l.data))))
	}
	return "", ""
}

func checkEach(sc scope, name string, named bool) (summary, detail string) {
	switch {
	case !sc.each:
		return "Reference to \"each\" without for_each", "\"each\" can be used only inside a block that has for_each."
	case !named || name != "key" && name != "value":
		return "Invalid \"each\" attribute", "\"each\" has two attributes: each.key and each.value."
	}
	return "", ""
}

func checkDeliverRoot(root string, sc scope) (summary, detail string) {
	switch {
	case !sc.deliver:
		return fmt.Sprintf("Reference to %q outside deliver", root), fmt.Sprintf("%q can be used only inside a deliver block: it describes the account whose token is delivered.", root)
	case root == "token" && !sc.token:
		return "Token used in a place that plan must know", "A target's place must be known before there is a token, so \"token\" can be used only in the data argument of a deliver block. Use account.name, each.key, variables or locals here."
	}
	return "", ""
}

func checkEventRoot(sc scope) (summary, detail string) {
	if !sc.event {
		return "Reference to \"event\" outside notify", "\"event\" can be used only in the body argument of a notify block: it describes what the message is about."
	}
	return "", ""
}

// checkCalls reports functions that do not exist.
func (l *loader) checkCalls(expr hcl.Expression, sc scope, secret bool) bool {
	node, ok := expr.(hclsyntax.Node)
	if !ok || isLiteral(expr) {
		return true
	}
	good := true
	_ = hclsyntax.VisitAll(node, func(n hclsyntax.Node) hcl.Diagnostics {
		call, ok := n.(*hclsyntax.FunctionCallExpr)
		if !ok {
			return nil
		}
		if _, known := l.functions[call.Name]; known {
			return nil
		}
		good = false
		detail := fmt.Sprintf("There is no function named %q.", call.Name)
		if secret {
			detail = "There is no function of this name."
		}
		detail += didYouMean(call.Name, slices.Collect(maps.Keys(l.functions)))
		l.report.error(call.NameRange, sc.address, "Call to unknown function", detail)
		return nil
	})
	return good
}

// dataAddress is the data block that a reference speaks of, as `data.vault.accounts`.
func dataAddress(t hcl.Traversal) string {
	kind, _ := step(t, 1)
	name, _ := step(t, 2)
	return "data." + kind + "." + name
}

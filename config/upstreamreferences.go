package config

import (
	"fmt"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"
)

// stage is a moment in the life of a token at which expressions of an upstream block are
// evaluated.
type stage struct {
	// where names it in diagnostics: "in a request".
	where string
	// roots are the names that have a value by then.
	roots []string
	// labels are of requests that were answered by then.
	labels []string
}

// with is the stage with more roots.
func (s stage) with(where string, roots ...string) stage {
	s.where, s.roots = where, slices.Concat(s.roots, roots)
	return s
}

// overSelf is the stage before anything is sent.
var overSelf = stage{where: "here", roots: []string{"self", "local"}}

// upstreamRoots are all first names in an upstream block.
var upstreamRoots = []string{"self", "local", "previous", "token", "response", "responses", "challenge"}

// fieldsOf are the attributes of roots that every upstream block has.
var fieldsOf = map[string][]string{
	"response":  {"status", "body", "text", "headers", "cookies", "outer"},
	"challenge": {"id", "code"},
}

// upstreamNames is what expressions of one upstream block may refer to at a stage.
type upstreamNames struct {
	stage
	r *upstreamReader
}

// check judges one reference, as checkReference does elsewhere.
func (n *upstreamNames) check(t hcl.Traversal) (summary, detail string) {
	root := t.RootName()
	switch {
	case n.r.inline != nil && slices.Contains(configurationRoots, root):
		return n.r.l.checkReference(t, n.r.inline.scope, false)
	case n.r.inline != nil && !slices.Contains(upstreamRoots, root):
		return "Invalid reference", notInAccount(root)
	case !slices.Contains(upstreamRoots, root):
		return "Invalid reference", notInUpstream(root)
	}
	if !slices.Contains(n.roots, root) {
		return fmt.Sprintf("Reference to %q too early", root), whyNotYet(root, n.where)
	}
	name, named := stepName(t, 1)
	known, what := n.known(root)
	switch {
	case len(t) == 1:
		return "", ""
	case !named:
		return "Invalid reference", fmt.Sprintf("Name what is meant after %q, as in %s.name.", root, root)
	case !slices.Contains(known, name):
		return "Unsupported attribute", fmt.Sprintf("%s %q.%s%s", what, name, didYouMean(name, known), thereAre(known))
	case root == "local":
		return n.checkLocal(name)
	}
	return "", ""
}

// known are the names after a root, and how the sentence begins that one is not there.
func (n *upstreamNames) known(root string) (names []string, what string) {
	switch root {
	case "self":
		if n.r.inline != nil {
			return n.r.attributeNames(), "self has no"
		}
		return n.r.attributeNames(), "The accounts of this upstream have no attribute"
	case "local":
		return n.r.localNames(), "This upstream block has no local value"
	case "token":
		return n.r.tokenNames(), "The token of this upstream has no output"
	case "previous":
		return n.r.outputNames(), "This upstream declares no output"
	case "responses":
		return n.labels, "No earlier request of this operation has the label"
	}
	return fieldsOf[root], root + " has no"
}

// checkLocal refuses a local value that is not known yet because of what it refers to.
func (n *upstreamNames) checkLocal(name string) (summary, detail string) {
	for _, root := range n.r.locals[name].roots {
		if !slices.Contains(n.roots, root) {
			return fmt.Sprintf("Reference to %q too early", root), fmt.Sprintf("local.%s refers to %q. %s", name, root, whyNotYet(root, n.where))
		}
	}
	return "", ""
}

// configurationRoots are what a description in an account block takes from the
// configuration around it.
var configurationRoots = []string{"var", "local", "data", "each"}

func notInAccount(root string) string {
	known := slices.Concat(configurationRoots, []string{"self", "previous", "token", "response", "responses", "challenge"})
	return fmt.Sprintf("There is nothing named %q here.%s Expressions in a description can refer to %s. If it is meant as text, put it in quotes.", root, didYouMean(root, known), strings.Join(known, ", "))
}

func notInUpstream(root string) string {
	switch root {
	case "var", "data", "each", "account":
		return fmt.Sprintf("An upstream block is complete in itself, so it cannot refer to %q. Add an attribute block, refer to it as self.<name>, and set it in the account.", root)
	}
	return fmt.Sprintf("There is nothing named %q here.%s Expressions in an upstream block can refer to %s. If it is meant as text, put it in quotes.", root, didYouMean(root, upstreamRoots), strings.Join(upstreamRoots, ", "))
}

// whyNotYet says when a root has a value.
func whyNotYet(root, where string) string {
	switch root {
	case "response":
		return fmt.Sprintf("\"response\" is known only once an answer has arrived, so it cannot be used %s. The answer to an earlier request with a label is responses.<label>.", where)
	case "responses":
		return fmt.Sprintf("\"responses\" has the answers to earlier requests of the operation, so it cannot be used %s.", where)
	case "token":
		return fmt.Sprintf("There is no token %s. It can be used in refresh, verify, revoke and warn.", where)
	case "challenge":
		return "\"challenge\" can be used only in login_with_code."
	}
	return fmt.Sprintf("%q cannot be used %s.", root, where)
}

func thereAre(names []string) string {
	if len(names) == 0 || len(names) > mostNames {
		return ""
	}
	return " There is " + strings.Join(names, ", ") + "."
}

// unknowns is the context of a stage before anything is known.
func (n *upstreamNames) unknowns() *hcl.EvalContext {
	ctx := n.r.functions.NewChild()
	ctx.Variables = map[string]cty.Value{}
	if n.r.inline != nil {
		n.r.inline.addRoots(ctx.Variables)
	}
	for _, root := range n.roots {
		if _, taken := ctx.Variables[root]; taken {
			continue
		}
		ctx.Variables[root] = n.unknown(root)
	}
	return ctx
}

func (n *upstreamNames) unknown(root string) cty.Value {
	switch root {
	case "self":
		return n.r.unknownSelf()
	case "local":
		return n.r.unknownLocals()
	case "token":
		return n.r.unknownOutputs(n.r.tokenOutputs())
	case "previous":
		return n.r.unknownOutputs(n.r.def.Outputs)
	case "responses":
		answers := map[string]cty.Value{}
		for _, label := range n.labels {
			answers[label] = unknownResponse()
		}
		return cty.ObjectVal(answers)
	case "challenge":
		secret := markSensitive(cty.UnknownVal(cty.String))
		return cty.ObjectVal(map[string]cty.Value{"id": secret, "code": secret})
	}
	return unknownResponse()
}

// unknownResponse is an answer that has not come: all of it but the status may be secret.
func unknownResponse() cty.Value {
	texts := markSensitive(cty.UnknownVal(cty.Map(cty.String)))
	return cty.ObjectVal(map[string]cty.Value{
		"status": cty.UnknownVal(cty.Number), "text": markSensitive(cty.UnknownVal(cty.String)),
		"body": markSensitive(cty.DynamicVal), "outer": markSensitive(cty.DynamicVal),
		"headers": texts, "cookies": texts,
	})
}

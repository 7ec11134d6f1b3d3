package config

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/credsync/credsync/providers/described"
	"github.com/credsync/credsync/schema"
	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"
)

// upstreamLocal is a local value of an upstream block.
type upstreamLocal struct {
	name string
	attr *hcl.Attribute
	expr schema.Expr
	// needs are the local values that it refers to; roots what it depends on through
	// them too.
	needs, roots []string
	mark         visitState
	unknown      cty.Value
}

// readLocals reads the local values and puts them in an order in which each comes after
// those that it refers to.
func (r *upstreamReader) readLocals(content *hcl.BodyContent) {
	var order []*upstreamLocal
	for _, b := range r.blocks(content, "locals") {
		attrs, problems := b.Body.JustAttributes()
		for _, p := range problems {
			r.good = false
			r.l.reportStructure(p, r.where)
		}
		for _, a := range inOrder(attrs) {
			if first := r.locals[a.Name]; first != nil {
				r.error(a.NameRange, "Duplicate local value", fmt.Sprintf("A local value named %q was already defined at %s. Names must be unique.", a.Name, place(first.attr.NameRange)))
				continue
			}
			v := &upstreamLocal{name: a.Name, attr: a, unknown: cty.DynamicVal}
			r.locals[a.Name] = v
			order = append(order, v)
		}
	}
	for _, v := range order {
		v.needs = r.needsOf(v)
	}
	r.labels = r.allLabels()
	for _, v := range order {
		r.visitLocal(v, nil)
	}
}

func (r *upstreamReader) needsOf(v *upstreamLocal) (names []string) {
	for _, ref := range rootsAndSteps(references(v.attr.Expr)) {
		switch root, name := cutReference(ref); {
		case root != "local":
			v.roots = append(v.roots, root)
		case r.locals[name] != nil:
			names = append(names, name)
		}
	}
	return names
}

func (r *upstreamReader) visitLocal(v *upstreamLocal, path []*upstreamLocal) {
	switch v.mark {
	case visited:
		return
	case visiting:
		var steps []string
		for _, p := range path[slices.Index(path, v):] {
			steps = append(steps, "local."+p.name)
		}
		r.error(v.attr.NameRange, "Cycle among local values", "These refer to each other, so none of them can be evaluated first: "+strings.Join(append(steps, "local."+v.name), " → ")+".")
		return
	}
	v.mark = visiting
	for _, name := range v.needs {
		r.visitLocal(r.locals[name], append(path, v))
		v.roots = append(v.roots, r.locals[name].roots...)
	}
	slices.Sort(v.roots)
	v.roots = slices.Compact(v.roots)
	v.mark = visited
	// Which of them are known where it is used is told there.
	anywhere := stage{where: "here", roots: upstreamRoots, labels: r.labels}
	if x, unknown, ok := r.check(v.attr, anywhere, cty.DynamicPseudoType); ok {
		v.expr, v.unknown = x, unknown
		r.def.Locals = append(r.def.Locals, described.Local{Name: v.name, Expr: x})
	}
}

// allLabels are those of all requests in the block, of which a local value may use any.
func (r *upstreamReader) allLabels() (labels []string) {
	operations := &hcl.BodySchema{}
	for _, name := range []string{"login", "refresh", "verify", "revoke", "second_factor", "send_code", "login_with_code"} {
		operations.Blocks = append(operations.Blocks, hcl.BlockHeaderSchema{Type: name})
	}
	var walk func(body hcl.Body)
	walk = func(body hcl.Body) {
		requests, rest := splitRequests(body)
		for _, b := range requests {
			labels = append(labels, b.Labels[0])
		}
		content, _, _ := rest.PartialContent(operations)
		for _, b := range content.Blocks {
			walk(b.Body)
		}
	}
	walk(r.block.Body)
	return slices.DeleteFunc(labels, func(label string) bool { return label == "" })
}

func (r *upstreamReader) localNames() []string { return slices.Sorted(maps.Keys(r.locals)) }

func (r *upstreamReader) unknownLocals() cty.Value {
	values := map[string]cty.Value{}
	for name, v := range r.locals {
		values[name] = v.unknown
	}
	return cty.ObjectVal(values)
}

// localsOf are the local values that expressions depend on, in order.
func (r *upstreamReader) localsOf(exprs []schema.Expr) (names []string) {
	for _, x := range r.withLocals(exprs) {
		for _, ref := range x.References() {
			if root, name := cutReference(ref); root == "local" && r.locals[name] != nil {
				names = append(names, name)
			}
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// cutReference takes "self.password" apart.
func cutReference(ref string) (root, name string) {
	root, name, _ = strings.Cut(ref, ".")
	return root, name
}

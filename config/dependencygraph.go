package config

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"
)

// graphNode is a local value or a data block: what can depend on others.
type graphNode struct {
	// name is `local.x` or `data.vault.accounts`.
	name string
	at   hcl.Range
	// needs are the names of the nodes that its expressions refer to.
	needs []string
	// level is 0 for what needs no other node, and otherwise one more than the
	// highest level of its needs.
	level int
	// fromData says that a data block is among what it needs, however far.
	fromData bool
	mark     visitState
	local    *localValue
	data     *dataBlock
}

type visitState int

const (
	unvisited visitState = iota
	visiting
	visited
)

// localValue is one entry of a locals block.
type localValue struct {
	name  string
	at    hcl.Range
	expr  hcl.Expression
	value cty.Value
}

// declareLocals reads the locals blocks.
func (l *loader) declareLocals(blocks []*hcl.Block) {
	for _, b := range blocks {
		attrs, problems := b.Body.JustAttributes()
		for _, p := range problems {
			l.reportStructure(p, "")
		}
		for _, a := range inOrder(attrs) {
			if first := l.locals[a.Name]; first != nil {
				l.report.error(a.NameRange, "", "Duplicate local value", fmt.Sprintf("A local value named %q was already defined at %s. Names must be unique.", a.Name, place(first.at)))
				continue
			}
			l.locals[a.Name] = &localValue{name: a.Name, at: a.NameRange, expr: a.Expr, value: cty.DynamicVal}
			name := "local." + a.Name
			l.report.sources[name] = a.Expr.Range()
			l.report.uses[name] = namesUsedIn(a.Expr)
			l.report.reveal(a.Expr)
		}
	}
}

func inOrder(attrs hcl.Attributes) []*hcl.Attribute {
	return slices.SortedFunc(maps.Values(attrs), func(a, b *hcl.Attribute) int {
		return a.Range.Start.Byte - b.Range.Start.Byte
	})
}

// needs lists the locals and data blocks that expressions refer to.
func needs(exprs ...hcl.Expression) []string {
	var all []string
	for _, expr := range exprs {
		for _, t := range expr.Variables() {
			switch t.RootName() {
			case "local":
				if name, ok := stepName(t, 1); ok {
					all = append(all, "local."+name)
				}
			case "data":
				all = append(all, dataAddress(t))
			}
		}
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// expressions are those of a body that was split, nested blocks included.
func expressions(content *hcl.BodyContent) []hcl.Expression {
	var all []hcl.Expression
	for _, a := range inOrder(content.Attributes) {
		all = append(all, a.Expr)
	}
	for _, b := range content.Blocks {
		attrs, _ := b.Body.JustAttributes()
		for _, a := range inOrder(attrs) {
			all = append(all, a.Expr)
		}
	}
	return all
}

// buildGraph finds the order of evaluation, and reports cycles.
func (l *loader) buildGraph() {
	for name, v := range l.locals {
		l.nodes["local."+name] = &graphNode{name: "local." + name, at: v.at, needs: needs(v.expr), local: v}
	}
	for address, d := range l.data {
		l.nodes[address] = &graphNode{
			name: address, at: d.block.DefRange, needs: needs(expressions(d.content)...), data: d,
		}
	}
	for _, name := range slices.Sorted(maps.Keys(l.nodes)) {
		l.visit(l.nodes[name], nil)
	}
}

func (l *loader) visit(n *graphNode, path []*graphNode) {
	if n.mark != unvisited {
		return
	}
	n.mark = visiting
	path = append(path, n)
	n.fromData = n.data != nil
	for _, name := range n.needs {
		need := l.nodes[name]
		if need == nil {
			continue // not declared, which is reported where it is evaluated
		}
		if need.mark == visiting {
			l.reportCycle(path[slices.Index(path, need):])
			continue
		}
		l.visit(need, path)
		n.level = max(n.level, need.level+1)
		n.fromData = n.fromData || need.fromData
	}
	n.mark = visited
	l.order = append(l.order, n)
}

// reportCycle reports nodes that need each other. They stay unknown.
func (l *loader) reportCycle(path []*graphNode) {
	steps := make([]string, 0, len(path)+1)
	for _, n := range path {
		steps = append(steps, fmt.Sprintf("%s (%s)", n.name, place(n.at)))
		l.cyclic[n.name] = true
	}
	steps = append(steps, path[0].name)
	summary := "Cycle among local values"
	if slices.ContainsFunc(path, func(n *graphNode) bool { return n.data != nil }) {
		summary = "Cycle among local values and data"
	}
	l.report.error(path[0].at, "", summary, "These refer to each other, so none of them can be evaluated first: "+strings.Join(steps, " → ")+".")
}

// evaluateLocals gives a value to the locals that data has no part in.
func (l *loader) evaluateLocals() {
	for _, n := range l.order {
		if n.local != nil && !n.fromData {
			l.evaluateLocal(n)
		}
	}
}

// evaluateData reads the data blocks, level by level, and gives a value to the
// locals that need them.
func (l *loader) evaluateData() {
	levels := map[int][]*graphNode{}
	for _, n := range l.order {
		if n.fromData {
			levels[n.level] = append(levels[n.level], n)
		}
	}
	for _, level := range slices.Sorted(maps.Keys(levels)) {
		var reads []*dataRead
		for _, n := range levels[level] {
			switch {
			case n.local != nil:
				l.evaluateLocal(n)
			case !l.cyclic[n.name]:
				reads = append(reads, l.prepareData(n)...)
			}
		}
		l.readAllData(reads)
		for _, n := range levels[level] {
			if n.data != nil {
				n.data.combineInstances()
			}
		}
	}
}

func (l *loader) evaluateLocal(n *graphNode) {
	if l.cyclic[n.name] {
		return
	}
	n.local.value, _ = l.evaluate(n.local.expr, scope{ctx: l.contextOf(n.needs), owner: n.name}, false)
}

// contextOf is a context with just those locals and data blocks.
func (l *loader) contextOf(needs []string) *hcl.EvalContext {
	locals, data := map[string]cty.Value{}, map[string]map[string]cty.Value{}
	for _, name := range needs {
		n := l.nodes[name]
		switch {
		case n == nil:
		case n.local != nil:
			locals[n.local.name] = n.local.value
		default:
			if data[n.data.kind] == nil {
				data[n.data.kind] = map[string]cty.Value{}
			}
			data[n.data.kind][n.data.name] = n.data.value
		}
	}
	kinds := make(map[string]cty.Value, len(data))
	for kind, blocks := range data {
		kinds[kind] = cty.ObjectVal(blocks)
	}
	ctx := l.functionsContext.NewChild()
	ctx.Variables = map[string]cty.Value{"var": l.varValue, "local": cty.ObjectVal(locals), "data": cty.ObjectVal(kinds)}
	return ctx
}

// fromData returns a data block that expressions depend on, however far, and
// the chain of names to it.
func (l *loader) fromData(names []string) (chain []string, found bool) {
	for _, name := range names {
		n := l.nodes[name]
		if n == nil || !n.fromData {
			continue
		}
		if n.data != nil {
			return []string{name}, true
		}
		if rest, ok := l.fromData(n.needs); ok {
			return append([]string{name}, rest...), true
		}
	}
	return nil, false
}

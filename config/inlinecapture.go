package config

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/credsync/credsync/schema"
	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"
)

// inlineScope is what the expressions of a description in an account block refer to of the
// configuration around it. Each such reference is captured: it becomes an attribute of the
// description, whose value is evaluated for each instance of the block and kept with its
// other values. So a change of it is seen, nothing that is secret in it is repeated, and
// one description serves all instances.
type inlineScope struct {
	l      *loader
	reader *upstreamReader
	// scope is the block's, with an element of for_each that is not known.
	scope scope
	roots map[string]cty.Value
	// baseHost is that of a base_url that is written out.
	baseHost string
	exprs    []*inlineExpr
	captures []*capture
}

// capture is one thing that is taken from the configuration.
type capture struct {
	name  string
	steps []string
	ref   hcl.Traversal
	// public says that it is used only where no secret may be.
	public bool
	// value is that of all instances; cty.NilVal where each has its own.
	value cty.Value
}

func (l *loader) newInlineScope(content *hcl.BodyContent, sc scope) *inlineScope {
	s := &inlineScope{l: l, scope: sc, roots: map[string]cty.Value{}, baseHost: literalHost(content.Attributes["base_url"])}
	for _, root := range []string{"var", "local", "data"} {
		s.roots[root] = l.fullContext.Variables[root]
	}
	if content.Attributes["for_each"] != nil {
		s.scope.each = true
		s.roots["each"] = cty.ObjectVal(map[string]cty.Value{"key": cty.UnknownVal(cty.String), "value": cty.DynamicVal})
	}
	return s
}

func (s *inlineScope) addRoots(to map[string]cty.Value) { maps.Copy(to, s.roots) }

// isSecret reports whether what a reference leads to is sensitive.
func (s *inlineScope) isSecret(t hcl.Traversal) bool {
	v := traverse(t, &hcl.EvalContext{Variables: s.roots})
	return v != cty.NilVal && isSensitive(v)
}

// isShown reports whether an argument of a request or a rule is shown in messages, so that
// no secret may be in it.
func isShown(argument string) bool {
	return slices.Contains([]string{"path", "url", "path_params", "query", "error_message"}, argument)
}

// isSent reports whether an argument of a request is where secrets belong.
func isSent(argument string) bool {
	return slices.Contains([]string{"header", "json", "form", "text", "bearer", "username", "password"}, argument)
}

// inlineExpr is an expression that refers to the configuration around it. It implements
// schema.Expr.
type inlineExpr struct {
	*upstreamExpr
	attr  *hcl.Attribute
	stage stage
	// refusesSecrets says that nothing sensitive may be in it.
	refusesSecrets bool
	// own are the references to the description's own names.
	own []string
	// captured are by the names of the configuration's roots.
	captured map[string]*capturedTree
	uses     []*capture
}

// capture keeps an expression for what it refers to.
func (s *inlineScope) capture(x *upstreamExpr, a *hcl.Attribute, at stage) *inlineExpr {
	e := &inlineExpr{upstreamExpr: x, attr: a, stage: at, refusesSecrets: isShown(a.Name)}
	s.exprs = append(s.exprs, e)
	return e
}

// References implements schema.Expr: what is captured is an attribute of self.
func (x *inlineExpr) References() []string { return x.own }

// Eval implements schema.Expr. It puts what was captured back under its names.
func (x *inlineExpr) Eval(scope map[string]cty.Value) (cty.Value, error) {
	vars := maps.Clone(scope)
	self := scope["self"]
	delete(vars, "local")
	for root, tree := range x.captured {
		vars[root] = tree.value(self)
	}
	if slices.Contains(x.own, "self") {
		vars["self"] = givenTo(self)
	}
	return x.upstreamExpr.Eval(vars)
}

// givenTo is self as the user knows it.
func givenTo(self cty.Value) cty.Value {
	if !self.IsKnown() || self.IsNull() || !self.Type().IsObjectType() {
		return self
	}
	fields := self.AsValueMap()
	maps.DeleteFunc(fields, func(name string, _ cty.Value) bool { return strings.Contains(name, ".") })
	return cty.ObjectVal(fields)
}

// capturedTree is a root of the configuration as far as it was captured.
type capturedTree struct {
	leaf   *capture
	fields map[string]*capturedTree
}

// value is what was captured; cty.NilVal where there is nothing of that name.
func (t *capturedTree) value(self cty.Value) cty.Value {
	if t.leaf == nil {
		fields := map[string]cty.Value{}
		for name, inner := range t.fields {
			if v := inner.value(self); v != cty.NilVal {
				fields[name] = v
			}
		}
		return cty.ObjectVal(fields)
	}
	if !self.IsKnown() || !self.Type().IsObjectType() || !self.Type().HasAttribute(t.leaf.name) {
		return cty.DynamicVal
	}
	v := self.GetAttr(t.leaf.name)
	switch {
	case !v.IsKnown():
		return cty.DynamicVal
	case v.IsNull(), v.LengthInt() == 0:
		return cty.NilVal
	}
	return v.Index(cty.Zero)
}

func (t *capturedTree) add(c *capture, steps []string) {
	if len(steps) == 0 {
		t.leaf = c
		return
	}
	if t.fields == nil {
		t.fields = map[string]*capturedTree{}
	}
	if t.fields[steps[0]] == nil {
		t.fields[steps[0]] = &capturedTree{}
	}
	t.fields[steps[0]].add(c, steps[1:])
}

// finish settles what is captured once all expressions were read, and returns the rows of
// the attributes that have it.
func (s *inlineScope) finish(r *upstreamReader) []schema.Attribute {
	s.reader = r
	byName := map[string]*capture{}
	for _, x := range s.exprs {
		for _, t := range references(x.expr) {
			if !slices.Contains(configurationRoots, t.RootName()) {
				continue
			}
			c := newCapture(t)
			if byName[c.name] == nil {
				byName[c.name] = c
			}
		}
	}
	// What is captured as a part is left to what is captured as a whole.
	for _, name := range slices.Sorted(maps.Keys(byName)) {
		c := byName[name]
		if !slices.ContainsFunc(
			slices.Collect(maps.Values(byName)),
			func(o *capture) bool { return o != c && o.holds(c.steps) },
		) {
			s.captures = append(s.captures, c)
		}
	}
	for _, x := range s.exprs {
		s.settle(x)
	}
	var rows []schema.Attribute
	for _, c := range s.captures {
		rows = append(rows, schema.Attribute{
			Name: c.name, Type: cty.DynamicPseudoType, Sensitive: true, Public: c.public,
			Captured: true, Effect: toBeDerived,
		})
		if c.steps[0] != "each" {
			c.value = c.in(&hcl.EvalContext{Variables: s.roots})
		}
	}
	return rows
}

// settle has an expression refer to what is captured.
func (s *inlineScope) settle(x *inlineExpr) {
	x.captured = map[string]*capturedTree{}
	for _, name := range x.upstreamExpr.refs {
		if root, _ := cutReference(name); !slices.Contains(configurationRoots, root) {
			x.own = append(x.own, name)
		}
	}
	for _, t := range references(x.expr) {
		if !slices.Contains(configurationRoots, t.RootName()) {
			continue
		}
		steps := newCapture(t).steps
		i := slices.IndexFunc(s.captures, func(c *capture) bool { return c.holds(steps) })
		c := s.captures[i]
		if slices.Contains(x.uses, c) {
			continue
		}
		x.uses, x.own = append(x.uses, c), append(x.own, "self."+c.name)
		c.public = c.public && x.refusesSecrets
		if x.captured[c.steps[0]] == nil {
			x.captured[c.steps[0]] = &capturedTree{}
		}
		x.captured[c.steps[0]].add(c, c.steps[1:])
	}
	slices.Sort(x.own)
}

// newCapture is what a reference leads to, as far as names go.
func newCapture(t hcl.Traversal) *capture {
	c := &capture{public: true, value: cty.NilVal}
	for i := range t {
		name, ok := stepName(t, i)
		if !ok {
			break
		}
		c.steps, c.ref = append(c.steps, name), t[:i+1]
	}
	for i, step := range c.steps {
		if i > 0 && !isIdentifier(step) {
			step = strconv.Quote(step)
		}
		c.name += "." + step
	}
	c.name = c.name[1:]
	return c
}

// holds reports whether what is at those steps is captured, as a whole or with more.
func (c *capture) holds(steps []string) bool {
	return len(c.steps) <= len(steps) && slices.Equal(c.steps, steps[:len(c.steps)])
}

// in is the value in a context: a list of one, or of none where nothing is there.
func (c *capture) in(ctx *hcl.EvalContext) cty.Value {
	v := traverse(c.ref, ctx)
	if v == cty.NilVal {
		return cty.EmptyTupleVal
	}
	return cty.TupleVal([]cty.Value{v})
}

// values are what an instance captures, in the order of the rows. What only its element
// of for_each shows to be wrong is reported.
func (s *inlineScope) values(sc scope) (list []cty.Value, good bool) {
	good = true
	var doubtful []*capture
	for _, c := range s.captures {
		v := c.value
		if v == cty.NilVal {
			v = c.in(sc.ctx)
			if v.LengthInt() == 0 || isSensitive(v) {
				doubtful = append(doubtful, c)
			}
		}
		list = append(list, v)
	}
	if len(doubtful) == 0 {
		return list, true
	}
	for _, x := range s.exprs {
		if slices.ContainsFunc(x.uses, func(c *capture) bool { return slices.Contains(doubtful, c) }) {
			good = s.checkInstance(x, sc) && good
		}
	}
	return list, good
}

// checkInstance checks an expression with the element of one instance.
func (s *inlineScope) checkInstance(x *inlineExpr, sc scope) bool {
	names := &upstreamNames{stage: x.stage, r: s.reader}
	ctx := names.unknowns()
	ctx.Variables["each"] = eachIn(sc.ctx)
	v, ok := s.l.evaluate(
		x.attr.Expr,
		scope{ctx: ctx, address: sc.address, provider: s.reader.def.Type, upstream: names},
		isSent(x.attr.Name),
	)
	if !ok {
		return false
	}
	if x.refusesSecrets && isSensitive(v) && !slices.ContainsFunc(x.own, isOfAnswer) {
		s.l.report.error(x.attr.Expr.Range(), sc.address, "Sensitive value not allowed here", fmt.Sprintf("The argument %q is shown in errors and logs, so nothing in it may be sensitive.", x.attr.Name))
		return false
	}
	return true
}

// isOfAnswer reports whether a reference is to what an upstream has said, of which it was
// checked where it may stand.
func isOfAnswer(ref string) bool {
	root, _ := cutReference(ref)
	return root == "response" || root == "responses"
}

func eachIn(ctx *hcl.EvalContext) cty.Value {
	for ; ctx != nil; ctx = ctx.Parent() {
		if v, ok := ctx.Variables["each"]; ok {
			return v
		}
	}
	return cty.DynamicVal
}

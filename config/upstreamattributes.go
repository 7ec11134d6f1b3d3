package config

import (
	"fmt"
	"slices"

	"github.com/credsync/credsync/internal/upstream"
	"github.com/credsync/credsync/providers/described"
	"github.com/credsync/credsync/schema"
	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/ext/typeexpr"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/convert"
)

// readAttribute reads an attribute block.
func (r *upstreamReader) readAttribute(b *hcl.Block) {
	content, v := r.read(b, r.table("attribute"))
	name := b.Labels[0]
	if !r.l.checkName(name, "an attribute", b) || !r.isFree(name, b) {
		r.good = false
		return
	}
	a := schema.Attribute{
		Name: name, Sensitive: v.Bool("sensitive"), OneOf: v.Strings("one_of"), Env: v.Strings("env"), Doc: v.String("doc"),
		Endpoint: v.Bool("endpoint"), Type: r.typeOf(content, "type"), Text: schema.OneLineOrPEM,
	}
	r.readDefault(content, &a)
	if a.Endpoint {
		a.Check = upstream.CheckBaseURL
		if a.Type != cty.String || a.Sensitive {
			r.error(b.DefRange, "Invalid endpoint", fmt.Sprintf("The attribute %q is a URL that requests go to, so it must be of type string and not sensitive.", name))
		}
	}
	if len(a.OneOf) > 0 && a.Type != cty.String {
		r.error(content.Attributes["one_of"].Range, "Invalid one_of", "Only an attribute of type string can have one_of.")
	}
	switch v.String("effect") {
	case "login":
		a.Effect = schema.ShapesLogin
	case "token":
		a.Effect = schema.ShapesToken
	case "none":
		a.Effect = schema.NoEffect
	default:
		a.Effect = toBeDerived
	}
	r.def.Attributes = append(r.def.Attributes, a)
	for _, rule := range r.blocks(content, "validation") {
		r.validations = append(r.validations, validationBlock{attribute: name, block: rule})
	}
}

// validationBlock is one that is read once all attributes are known.
type validationBlock struct {
	attribute string
	block     *hcl.Block
}

// isFree refuses names that every account has.
func (r *upstreamReader) isFree(name string, b *hcl.Block) bool {
	switch _, common := r.l.tables.account.Attribute(name); {
	case common, r.l.tables.account.HasBlock(name),
		slices.Contains([]string{"base_url", "revoke_on", "deliver", "dynamic"}, name):
		r.error(b.LabelRanges[0], "Reserved attribute", fmt.Sprintf("Every account has %q, so an upstream cannot declare it. Give the attribute another name.", name))
		return false
	}
	if name == described.Certificate && r.takesCertificate() {
		r.error(b.LabelRanges[0], "Reserved attribute", fmt.Sprintf("With client_certificate every account can have a block %q, so the upstream cannot declare an attribute of that name. Give the attribute another name.", name))
		return false
	}
	_, own := r.attribute(name)
	isDated := slices.ContainsFunc(schema.DatedTokenRows(), func(a schema.Attribute) bool { return a.Name == name })
	if own && isDated {
		r.error(b.LabelRanges[0], "Reserved attribute", fmt.Sprintf("Every account of a static upstream has %q, so the upstream cannot declare it. Give the attribute another name.", name))
		return false
	}
	if own {
		r.error(b.DefRange, "Duplicate attribute", fmt.Sprintf("The attribute %q is declared twice.", name))
		return false
	}
	return true
}

// typeOf reads a type constraint.
func (r *upstreamReader) typeOf(content *hcl.BodyContent, row string) cty.Type {
	a := content.Attributes[row]
	if a == nil {
		return cty.DynamicPseudoType
	}
	r.l.report.reveal(a.Expr)
	t, problems := typeexpr.TypeConstraint(a.Expr)
	for _, p := range problems {
		r.good = false
		r.l.reportStructure(p, r.where)
	}
	return t
}

func (r *upstreamReader) readDefault(content *hcl.BodyContent, a *schema.Attribute) {
	attr := content.Attributes["default"]
	if attr == nil {
		a.Required = true
		return
	}
	r.l.report.reveal(attr.Expr)
	value, problems := attr.Expr.Value(nil)
	if problems.HasErrors() || len(attr.Expr.Variables()) > 0 {
		r.error(attr.Expr.Range(), "Invalid default", fmt.Sprintf("The default of the attribute %q must be a literal value.", a.Name))
		return
	}
	if value.IsNull() {
		return
	}
	converted, err := convert.Convert(value, a.Type)
	if err != nil {
		r.error(attr.Expr.Range(), "Invalid default", fmt.Sprintf("The default of the attribute %q does not fit its type: %s required.", a.Name, typeexpr.TypeString(a.Type)))
		return
	}
	if len(a.OneOf) > 0 && converted.Type() == cty.String && !slices.Contains(a.OneOf, converted.AsString()) {
		r.error(attr.Expr.Range(), "Invalid default", fmt.Sprintf("The default of the attribute %q is not in its one_of.", a.Name))
		return
	}
	if a.Sensitive {
		r.error(attr.Expr.Range(), "Default of a secret", fmt.Sprintf("The attribute %q is sensitive, so its value must not stand here. Use default = null, and set it in the account.", a.Name))
		return
	}
	a.Default = converted
}

// readOutput reads an output block.
func (r *upstreamReader) readOutput(b *hcl.Block) {
	content, v := r.read(b, r.table("output"))
	name := b.Labels[0]
	o := schema.Output{
		Name: name, Type: r.typeOf(content, "type"), Sensitive: v.Bool("sensitive"), Withheld: v.Bool("withheld"), Doc: v.String("doc"),
	}
	switch {
	case !r.l.checkName(name, "an output", b):
		r.good = false
	case slices.Contains(standardOutputs, name):
		r.error(b.LabelRanges[0], "Reserved output", fmt.Sprintf("Every token has %q, so an upstream cannot declare it.", name))
	case slices.Contains(r.outputNames(), name):
		r.error(b.DefRange, "Duplicate output", fmt.Sprintf("The output %q is declared twice.", name))
	case o.Type == cty.Number:
		r.error(content.Attributes["type"].Expr.Range(), "Invalid type of an output", "A number is kept as text, so that no digit of an identifier is lost. Declare the output as string; an expression that needs a number converts it.")
	case !isOutputType(o.Type):
		r.error(content.Attributes["type"].Expr.Range(), "Invalid type of an output", "An output is a string, a bool, a list(string) or a list(object({ name = string, … })).")
	case o.Sensitive && o.Type != cty.String:
		r.error(b.DefRange, "Invalid sensitive output", fmt.Sprintf("Only an output of type string can be sensitive. Set sensitive = false for %q, or take one text out of it.", name))
	}
	r.def.Outputs = append(r.def.Outputs, o)
	r.optional[name] = v.Bool("optional")
}

// standardOutputs are those that a token has without a declaration.
var standardOutputs = []string{"access_token", "refresh_token", "expires_at"}

func isOutputType(t cty.Type) bool {
	switch {
	case t == cty.String, t == cty.Bool, t.Equals(cty.List(cty.String)):
		return true
	case !t.IsListType() || !t.ElementType().IsObjectType():
		return false
	}
	for _, field := range t.ElementType().AttributeTypes() {
		if field != cty.String {
			return false
		}
	}
	return true
}

func (r *upstreamReader) attribute(name string) (schema.Attribute, bool) {
	i := slices.IndexFunc(r.def.Attributes, func(a schema.Attribute) bool { return a.Name == name })
	if i < 0 {
		return schema.Attribute{}, false
	}
	return r.def.Attributes[i], true
}

func (r *upstreamReader) attributeNames() []string {
	names := []string{"base_url"}
	for i := range r.def.Attributes {
		names = append(names, r.def.Attributes[i].Name)
	}
	if r.takesCertificate() {
		names = append(names, described.Certificate)
	}
	return names
}

// takesCertificate reports whether an account can have a client certificate.
func (r *upstreamReader) takesCertificate() bool {
	return r.def.ClientCertificate != "" && r.def.ClientCertificate != described.CertificateNone
}

func (r *upstreamReader) outputNames() (names []string) {
	for _, o := range r.def.Outputs {
		names = append(names, o.Name)
	}
	return names
}

// tokenOutputs are those of a token, the standard ones first.
func (r *upstreamReader) tokenOutputs() []schema.Output {
	return slices.Concat([]schema.Output{
		{Name: "access_token", Type: cty.String, Sensitive: true},
		{Name: "refresh_token", Type: cty.String, Sensitive: true},
		{Name: "expires_at", Type: cty.String},
	}, r.def.Outputs)
}

func (r *upstreamReader) tokenNames() []string {
	return slices.Concat(standardOutputs, r.outputNames())
}

func (r *upstreamReader) unknownSelf() cty.Value {
	self := map[string]cty.Value{"base_url": cty.UnknownVal(cty.String)}
	for i := range r.def.Attributes {
		a := &r.def.Attributes[i]
		v := cty.UnknownVal(a.Type)
		if a.Sensitive {
			v = markSensitive(v)
		}
		self[a.Name] = v
	}
	if r.takesCertificate() {
		self[described.Certificate] = cty.UnknownVal(described.CertificateType)
	}
	return cty.ObjectVal(self)
}

func (r *upstreamReader) unknownOutputs(outputs []schema.Output) cty.Value {
	token := map[string]cty.Value{}
	for _, o := range outputs {
		v := cty.UnknownVal(o.Type)
		if o.Sensitive {
			v = markSensitive(v)
		}
		token[o.Name] = v
	}
	return cty.ObjectVal(token)
}

// toBeDerived stands for the effect of an attribute that says none.
const toBeDerived schema.Effect = -1

// derive finds out what a change of each attribute means: it is part of the login where
// a request of the login depends on it, and of the token where an output or the
// verification does.
func (r *upstreamReader) derive() {
	login, token := r.selfNamesIn(r.sends), r.selfNamesIn(r.takes)
	for i := range r.def.Attributes {
		a := &r.def.Attributes[i]
		if a.Effect != toBeDerived {
			continue
		}
		switch {
		case slices.Contains(login, a.Name), a.Endpoint:
			a.Effect = schema.ShapesLogin
		case slices.Contains(token, a.Name):
			a.Effect = schema.ShapesToken
		default:
			a.Effect = schema.NoEffect
		}
	}
	r.def.LoginShape = r.shapeOfLogin()
}

// selfNamesIn are the attributes that expressions depend on, also through local values.
func (r *upstreamReader) selfNamesIn(exprs []schema.Expr) (names []string) {
	for _, x := range r.withLocals(exprs) {
		for _, ref := range x.References() {
			switch root, name := cutReference(ref); {
			case root != "self":
			case name == "":
				return r.attributeNames()
			default:
				names = append(names, name)
			}
		}
	}
	return names
}

// withLocals are expressions and those of the local values that they depend on.
func (r *upstreamReader) withLocals(exprs []schema.Expr) []schema.Expr {
	seen := map[string]bool{}
	all := slices.Clone(exprs)
	for i := 0; i < len(all); i++ {
		for _, ref := range all[i].References() {
			root, name := cutReference(ref)
			if root != "local" {
				continue
			}
			for local, v := range r.locals {
				if (name == local || name == "") && !seen[local] {
					seen[local] = true
					all = append(all, v.expr)
				}
			}
		}
	}
	return all
}

// shapeOfLogin is the source of what a login sends, in an order that does not change.
func (r *upstreamReader) shapeOfLogin() []byte {
	var shape []byte
	add := func(texts ...string) {
		for _, text := range texts {
			shape = fmt.Appendf(shape, "%d:%s", len(text), text)
		}
	}
	for _, op := range r.loginOperations() {
		for _, q := range op.Requests {
			add(q.Method, q.ContentType, q.Label)
		}
	}
	for _, x := range r.sends {
		add(string(x.Shape()))
	}
	for _, name := range r.localsOf(r.sends) {
		add(name, string(r.locals[name].expr.Shape()))
	}
	return shape
}

func (r *upstreamReader) loginOperations() (list []described.Operation) {
	if r.def.Login != nil {
		list = append(list, r.def.Login.Operation)
	}
	if r.def.Second != nil {
		list = append(list, r.def.Second.SendCode, r.def.Second.LoginWithCode.Operation)
	}
	return list
}

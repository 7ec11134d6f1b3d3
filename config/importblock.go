package config

import (
	"fmt"
	"slices"
	"time"

	"github.com/credsync/credsync/credential"
	"github.com/credsync/credsync/providers"
	"github.com/credsync/credsync/schema"
	"github.com/credsync/credsync/schema/diag"
	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/convert"
)

// Import is one import block: a token that was issued elsewhere.
type Import struct {
	// To is the account's address.
	To string
	// Token has what the block says; when it was issued is not known.
	Token credential.Token
	Range *diag.Range
}

// declareImports reads the import blocks, by the address of the account. Those
// whose values are not known are checked as far as they are, and left out.
func (l *loader) declareImports(blocks []*hcl.Block) map[string]*Import {
	imports := map[string]*Import{}
	first := map[string]hcl.Range{}
	for _, b := range blocks {
		s := section{body: b.Body, def: b.DefRange, kind: "the import block"}
		content, ok := l.splitByTables(s, scope{ctx: l.fullContext, address: "import"}, []*schema.Block{l.tables.imported})
		to, good := l.accountReference(content, "to", l.tables.imported, s)
		if good {
			if at, twice := first[to.address()]; twice {
				l.report.error(to.at, to.address(), "Two tokens to import for one account", fmt.Sprintf("The import block at %s already has a token for %s. Remove one of the two blocks.", place(at), to.address()))
				continue
			}
			first[to.address()] = placeOfBlock(b, to.at)
			good = l.checkImported(to)
		}
		if d := l.declared[to.block]; d != nil && d.spec != nil {
			to.spec = d.spec
		}
		token, known := l.importedToken(content, s, to)
		if ok && good && known {
			imports[to.address()] = &Import{To: to.address(), Token: token, Range: convertRange(placeOfBlock(b, to.at))}
		}
	}
	return imports
}

// checkImported reports an account that cannot be given a token.
func (l *loader) checkImported(to accountReference) bool {
	declared, known, at := l.declaration(to, false)
	switch d := l.declared[to.block]; {
	case to.spec.Static:
		l.report.error(to.at, to.address(), "No token to import", fmt.Sprintf("Accounts of provider %q have their token in the configuration and no login, so there is nothing to import. Remove this block, and set the token in the account block.", to.spec.Name))
		return false
	case declared || !known:
		return true
	case d != nil && d.forEach && to.suffix == "":
		l.report.error(to.at, to.address(), "Import into several accounts", fmt.Sprintf("The account block at %s has for_each, so %s names several accounts, but a token belongs to one. Name the instance, such as %s.", place(at), to.block, to.block+firstOf(d.suffixes)))
		return false
	}
	l.report.error(to.at, to.address(), "Import into an account that is not declared", fmt.Sprintf("There is no %s in the configuration.%s Declare the account, or correct the address.", to.address(), l.nearAccount(to)))
	return false
}

// importedToken evaluates what a block says of its token. known is false where
// that fails, or depends on values that were not read. The account may be unknown.
func (l *loader) importedToken(
	content *hcl.BodyContent,
	s section,
	to accountReference,
) (token credential.Token, known bool) {
	sc := scope{ctx: l.fullContext, address: "import"}
	if to.spec != nil {
		sc.address = to.address()
	}
	values, ok := l.decode(content, l.tables.imported, s, sc)
	if to.spec == nil {
		return token, false
	}
	if attr := content.Attributes["refresh_token"]; attr != nil && values.IsSet("refresh_token") && !hasOutput(to.spec, "refresh_token") {
		l.report.error(attr.NameRange, sc.address, "No refresh token to import", fmt.Sprintf("Provider %q does not use refresh tokens. Remove refresh_token.", to.spec.Name))
		ok = false
	}
	outputs, good := l.importedOutputs(content.Attributes["outputs"], values.Raw("outputs"), to.spec, sc)
	if !ok || !good || !values.AllKnown() {
		return token, false
	}
	token = credential.Token{Access: values.Secret("access_token"), Refresh: values.Secret("refresh_token"), Outputs: outputs}
	if text := values.Secret("expires_at").Reveal(); text != "" {
		at, err := time.Parse(time.RFC3339, text)
		if err != nil {
			panic("config: expires_at was not checked to be a time")
		}
		token.ExpiresAt = at.UTC()
	}
	return token, true
}

// tokenItself are the outputs that an import block has arguments for, or that are
// not for it to say.
var tokenItself = []string{"access_token", "refresh_token", "expires_at", "issued_at"}

// OfToken reports whether an output of that name is the token itself, or its times.
func OfToken(name string) bool { return slices.Contains(tokenItself, name) }

func hasOutput(spec *providers.Spec, name string) bool {
	return slices.ContainsFunc(spec.Outputs, func(o schema.Output) bool { return o.Name == name })
}

// importedOutputs converts outputs to the types that the provider's have. Those
// that are null or not known are left out.
func (l *loader) importedOutputs(
	attr *hcl.Attribute,
	v cty.Value,
	spec *providers.Spec,
	sc scope,
) (credential.Outputs, bool) {
	if attr == nil || v.IsNull() || !v.IsKnown() && !v.Type().IsObjectType() {
		return nil, true
	}
	literal := literalKeys(attr.Expr)
	outputs, good := credential.Outputs{}, true
	for name, value := range elementsOf(v) {
		i := slices.IndexFunc(spec.Outputs, func(o schema.Output) bool { return o.Name == name && !OfToken(name) })
		at, written := literal[name]
		if !written {
			at = attr.Expr.Range()
		}
		if i < 0 {
			l.report.error(at, sc.address, "Unknown output", unknownOutput(name, written, spec))
			good = false
			continue
		}
		output, ok := OutputOf(spec.Outputs[i], value)
		if !ok {
			l.report.error(at, sc.address, "Incorrect type of an output", fmt.Sprintf("The output %q must be a %s without nulls. The value is not shown, because it may be secret.", name, outputType(spec.Outputs[i].Type)))
			good = false
		}
		if output != nil {
			outputs[name] = output
		}
	}
	return outputs, good
}

// elementsOf are the elements of an object or a map by name; those of an object
// that is not known are not known.
func elementsOf(v cty.Value) map[string]cty.Value {
	if v.IsKnown() {
		return v.AsValueMap()
	}
	elements := map[string]cty.Value{}
	for name, t := range v.Type().AttributeTypes() {
		elements[name] = cty.UnknownVal(t)
	}
	return elements
}

// literalKeys are the names that an object is written with, and where they stand.
func literalKeys(expr hcl.Expression) map[string]hcl.Range {
	pairs, problems := hcl.ExprMap(expr)
	if problems.HasErrors() {
		return nil
	}
	keys := map[string]hcl.Range{}
	for _, pair := range pairs {
		if len(pair.Key.Variables()) > 0 {
			continue
		}
		if v, problems := pair.Key.Value(nil); !problems.HasErrors() && v.Type() == cty.String && v.IsKnown() &&
			!v.IsNull() {
			keys[v.AsString()] = pair.Key.Range()
		}
	}
	return keys
}

// unknownOutput says what is wrong with a name, which is quoted only where it is
// written as it is.
func unknownOutput(name string, written bool, spec *providers.Spec) string {
	var known []string
	for _, o := range spec.Outputs {
		if !OfToken(o.Name) {
			known = append(known, o.Name)
		}
	}
	all := orNone("Its outputs are ", "It has no outputs except the token itself.", known)
	switch {
	case !written:
		return fmt.Sprintf("One of the names in outputs is not an output of provider %q. %s", spec.Name, all)
	case name == "issued_at":
		return "The import block does not accept the time of issue. Remove issued_at from outputs."
	case OfToken(name):
		return fmt.Sprintf("%q is an argument of the import block itself. Set it there, not in outputs.", name)
	}
	return fmt.Sprintf("Provider %q has no output %q.%s %s", spec.Name, name, didYouMean(name, known), all)
}

// outputType is a type as messages name it.
func outputType(t cty.Type) string {
	switch {
	case !t.IsListType():
		return t.FriendlyName()
	case t.ElementType().IsObjectType():
		return "list of objects of strings"
	}
	return "list of strings"
}

// OutputOf is a value in the form that credential.Outputs holds; nil for one that is null
// or not known. ok is false where it does not have the type.
func OutputOf(o schema.Output, v cty.Value) (output any, ok bool) {
	want := o.Type
	objects := want.IsListType() && want.ElementType().IsObjectType()
	if objects {
		// Not every element has all that an upstream may say.
		var optional []string
		for name := range want.ElementType().AttributeTypes() {
			optional = append(optional, name)
		}
		want = cty.List(cty.ObjectWithOptionalAttrs(want.ElementType().AttributeTypes(), optional))
	}
	v, err := convert.Convert(v, want)
	switch {
	case err != nil:
		return nil, false
	case v.IsNull() || !v.IsWhollyKnown():
		return nil, true
	case want == cty.Bool:
		return v.True(), true
	case want == cty.String && o.Sensitive:
		return credential.NewSecret(v.AsString()), true
	case want == cty.String:
		return v.AsString(), true
	case objects:
		return stringObjects(v)
	}
	texts := make([]string, 0, v.LengthInt())
	for _, e := range v.AsValueSlice() {
		if e.IsNull() {
			return nil, false
		}
		texts = append(texts, e.AsString())
	}
	return texts, true
}

// stringObjects leaves out what an element does not say.
func stringObjects(v cty.Value) (output any, ok bool) {
	list := make([]map[string]string, 0, v.LengthInt())
	for _, e := range v.AsValueSlice() {
		if e.IsNull() {
			return nil, false
		}
		fields := map[string]string{}
		for name, field := range e.AsValueMap() {
			if !field.IsNull() {
				fields[name] = field.AsString()
			}
		}
		list = append(list, fields)
	}
	return list, true
}

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

// Import is one import block: a live token that an account begins with.
type Import struct {
	// To is the account's address.
	To string
	// Token has no IssuedAt, which nobody knows.
	Token credential.Token
	Range *diag.Range
}

// declareImports evaluates the import blocks, by address. Those with values that are
// not known are left out.
func (l *loader) declareImports(blocks []*hcl.Block, accounts *accountBlocks) map[string]*Import {
	imports := map[string]*Import{}
	first := map[string]hcl.Range{}
	for _, b := range blocks {
		s := section{body: b.Body, def: b.DefRange, kind: "the import block"}
		sc := scope{ctx: l.fullContext, address: "import"}
		content, ok := l.splitByTables(s, sc, []*schema.Block{l.tables.imports})
		to := content.Attributes["to"]
		if to == nil {
			l.requireAttributes(content, s, l.tables.imports)
			continue
		}
		values, good := l.decode(content, l.tables.imports, s, sc)
		ref, known := l.accountRef(to, "to")
		if !known || !l.checkImported(ref, accounts) {
			continue
		}
		if at, twice := first[ref.address()]; twice {
			l.report.error(ref.at, "", "Two imports for one account", fmt.Sprintf("%s already has an import block at %s. Keep one of them.", ref.address(), place(at)))
			continue
		}
		first[ref.address()] = ref.at
		if !ok || !good {
			continue
		}
		if im := l.importOf(ref, content, values, b.DefRange); im != nil {
			imports[ref.address()] = im
		}
	}
	return imports
}

// checkImported reports an account that a token cannot be imported for.
func (l *loader) checkImported(ref accountRef, accounts *accountBlocks) bool {
	refuse := func(summary, detail string) bool {
		l.report.error(ref.at, "", summary, detail)
		return false
	}
	spec, _ := l.opts.Providers.Lookup(ref.provider)
	switch at, there := accounts.at[ref.block()]; {
	case !there:
		return refuse("Import for an account that is not declared", fmt.Sprintf("The configuration does not have %s. Declare it, or take the block out.", ref.block()))
	case spec.Static:
		return refuse("Nothing to import", fmt.Sprintf("The token of %s is configured, so there is no login to save. Put it into the account block.", ref.address()))
	case ref.key == "" && accounts.several[ref.block()]:
		return refuse("Import for several accounts", fmt.Sprintf("%s has for_each, at %s. Name the instance that the token is of: %s[\"KEY\"].", ref.block(), place(at), ref.block()))
	case !accounts.declares(ref, true):
		return refuse("Import for an account that is not declared", fmt.Sprintf("%s, at %s, has no instance of that key.", ref.block(), place(at)))
	}
	return true
}

func (l *loader) importOf(ref accountRef, content *hcl.BodyContent, values schema.Values, def hcl.Range) *Import {
	spec, _ := l.opts.Providers.Lookup(ref.provider)
	im := &Import{To: ref.address(), Range: convertRange(def)}
	refuse := func(name, detail string) *Import {
		at := def
		if a := content.Attributes[name]; a != nil {
			at = a.Expr.Range()
			l.report.conceal(at)
		}
		l.report.error(at, ref.address(), "Invalid import block", detail)
		return nil
	}
	outputs, known, ok := l.importedOutputs(content.Attributes["outputs"], spec, ref)
	switch {
	case !ok:
		return nil
	case values.Known("refresh_token") && values.IsSet("refresh_token") && !hasOutput(spec, "refresh_token"):
		return refuse("refresh_token", fmt.Sprintf("A token of %s cannot be refreshed. Leave refresh_token out.", spec.Name))
	case !values.AllKnown() || !known:
		return nil
	case !values.IsSet("access_token") || values.Secret("access_token").Reveal() == "":
		return refuse("access_token", "access_token is null or empty, so there is nothing to import. Give the token, or take the block out.")
	}
	im.Token = credential.Token{Access: values.Secret("access_token"), Refresh: values.Secret("refresh_token"), Outputs: outputs}
	if text := values.Secret("expires_at").Reveal(); text != "" {
		at, err := time.Parse(time.RFC3339, text)
		if err != nil {
			return refuse("expires_at", "expires_at is not a time in RFC 3339, such as 2026-03-01T12:00:00Z.")
		}
		im.Token.ExpiresAt = at.UTC()
	}
	return im
}

func hasOutput(spec *providers.Spec, name string) bool {
	return slices.ContainsFunc(spec.Outputs, func(o schema.Output) bool { return o.Name == name })
}

// tokenItself are the outputs that the block's other arguments give.
var tokenItself = []string{"access_token", "refresh_token", "expires_at"}

// importedOutputs evaluates outputs. known is false where a value is not.
func (l *loader) importedOutputs(a *hcl.Attribute, spec *providers.Spec, ref accountRef) (outputs credential.Outputs, known, ok bool) {
	if a == nil {
		return nil, true, true
	}
	refuse := func(detail string) (credential.Outputs, bool, bool) {
		l.report.conceal(a.Expr.Range())
		l.report.error(a.Expr.Range(), ref.address(), "Invalid import block", detail)
		return nil, false, false
	}
	v, good := l.evaluate(a.Expr, scope{ctx: l.fullContext, address: "import"}, true)
	if !good {
		return nil, false, false
	}
	// The names of an object that is sensitive as a whole are no more to be shown than
	// its values.
	hidden := v.IsMarked()
	v, _ = v.UnmarkDeep()
	switch t := v.Type(); {
	case !v.IsKnown():
		return nil, false, true
	case v.IsNull():
		return nil, true, true
	case !t.IsObjectType() && !t.IsMapType():
		return refuse("outputs must be an object, such as { user_id = \"17\" }.")
	}
	var names []string
	for _, o := range spec.Outputs {
		if !slices.Contains(tokenItself, o.Name) {
			names = append(names, o.Name)
		}
	}
	outputs, known = credential.Outputs{}, true
	for it := v.ElementIterator(); it.Next(); {
		key, value := it.Element()
		name := key.AsString()
		i := slices.IndexFunc(spec.Outputs, func(o schema.Output) bool { return o.Name == name })
		if i < 0 || slices.Contains(tokenItself, name) {
			if hidden {
				return refuse(fmt.Sprintf("outputs has a name that is no output of %s that can be given here. They are %s.", spec.Name, quoteAll(names)))
			}
			return refuse(fmt.Sprintf("%s has no output %q that can be given here.%s They are %s.", spec.Name, name, didYouMean(name, names), quoteAll(names)))
		}
		converted, err := convert.Convert(value, spec.Outputs[i].Type)
		if err != nil {
			return refuse(fmt.Sprintf("The output %q is a %s.", name, spec.Outputs[i].Type.FriendlyName()))
		}
		if !converted.IsWhollyKnown() {
			known = false
			continue
		}
		if given := outputGiven(converted, spec.Outputs[i].Sensitive); given != nil {
			outputs[name] = given
		}
	}
	return outputs, known, true
}

// outputGiven is a value as a token's outputs have it; nil for null.
func outputGiven(v cty.Value, sensitive bool) any {
	switch t := v.Type(); {
	case v.IsNull():
		return nil
	case t == cty.String && sensitive:
		return credential.NewSecret(v.AsString())
	case t == cty.String:
		return v.AsString()
	case t == cty.Bool:
		return v.True()
	case t.IsListType() && t.ElementType() == cty.String:
		texts := []string{}
		for _, e := range v.AsValueSlice() {
			if !e.IsNull() {
				texts = append(texts, e.AsString())
			}
		}
		return texts
	case t.IsListType() && t.ElementType().IsObjectType():
		objects := []map[string]string{}
		for _, e := range v.AsValueSlice() {
			fields := map[string]string{}
			for name, f := range e.AsValueMap() {
				if !f.IsNull() && f.Type() == cty.String {
					fields[name] = f.AsString()
				}
			}
			objects = append(objects, fields)
		}
		return objects
	}
	return nil
}

package config

import (
	"fmt"
	"slices"

	"github.com/credsync/credsync/providers"
	"github.com/credsync/credsync/schema"
	"github.com/credsync/credsync/schema/diag"
	"github.com/credsync/credsync/sinks"
	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"
)

// delivery is a deliver block, written or made by a dynamic block.
type delivery struct {
	section
	labels      []string
	labelRanges []hcl.Range
	// at is the section's def, for what is kept of the block.
	at    *diag.Range
	scope scope
}

// deliveries evaluates the deliver blocks of one account.
func (l *loader) deliveries(b *accountBlock, a *Account, sc scope) ([]*Delivery, bool) {
	sc.deliver = true
	if b.usesAccount {
		sc.ctx = sc.ctx.NewChild()
		sc.ctx.Variables = map[string]cty.Value{"account": accountObject(a)}
	}
	var all []*Delivery
	good := true
	add := func(d *delivery) {
		made := l.deliver(d, a)
		good = good && made != nil
		if made != nil {
			all = append(all, made)
		}
	}
	for i, block := range b.content.Blocks {
		switch block.Type {
		case "deliver":
			add(&delivery{
				section: sectionOf(block),
				labels:  block.Labels, labelRanges: block.LabelRanges, at: b.ranges[i], scope: sc,
			})
		case "dynamic":
			list, ok := l.dynamic(block, b.ranges[i], sc)
			good = good && ok
			for _, d := range list {
				add(d)
			}
		}
	}
	return all, good
}

// usesAccount reports whether any deliver block may refer to account.
func usesAccount(content *hcl.BodyContent) bool {
	for _, b := range content.Blocks {
		if b.Type != "deliver" && b.Type != "dynamic" {
			continue
		}
		refs, ok := bodyReferences(b.Body)
		if !ok || slices.ContainsFunc(refs, func(t hcl.Traversal) bool { return t.RootName() == "account" }) {
			return true
		}
	}
	return false
}

// accountObject is what `account` means in a deliver block.
func accountObject(a *Account) cty.Value {
	return cty.ObjectVal(map[string]cty.Value{
		"address": cty.StringVal(a.Address), "provider": cty.StringVal(a.Spec.Name), "name": cty.StringVal(a.Name),
	})
}

// deliver evaluates one; nil if that fails.
func (l *loader) deliver(d *delivery, a *Account) *Delivery {
	spec, ok := l.opts.Sinks.Lookup(d.labels[0])
	if !ok {
		types := l.opts.Sinks.Names()
		l.report.error(
			d.labelRanges[0],
			a.Address,
			"Unknown sink type",
			fmt.Sprintf(
				"There is no sink type %q.%s The types are %s.",
				d.labels[0],
				didYouMean(d.labels[0], types),
				quoteAll(types),
			),
		)
		return nil
	}
	sink, found := l.findSink(d.labels[0], d.labels[1], d.labelRanges[1], a.Address)
	content, ok := l.splitByTables(d.section, d.scope, []*schema.Block{l.tables.deliver, &spec.Deliver})
	common, okCommon := l.decode(content, l.tables.deliver, d.section, d.scope)
	own, okOwn := l.decode(content, &spec.Deliver, d.section, d.scope)
	keys, okData := l.checkData(content.Attributes["data"], d, a)
	if !found || !ok || !okCommon || !okOwn || !okData {
		return nil
	}
	if !l.checkKeys(content.Attributes["data"], spec.CheckKeys, own, keys, !common.Known("merge") || common.Bool("merge"), d, a) {
		return nil
	}
	made := &Delivery{
		Sink:         sink,
		Adopt:        common.Bool("adopt"),
		Range:        d.at,
		def:          d.def,
		keys:         keys.all,
		keysKnown:    keys.known,
		TokenOutputs: keys.tokenOutputs,
	}
	if !l.target(made, spec.Target, own, d, a) {
		return nil
	}
	l.doubt(spec, sink, own, d.def, a.Address)
	if !common.Known("merge") {
		l.noteUnknown(a.Address, spec.Type, d.def)
	}
	made.Target.Options, made.Target.Merge = own, common.Bool("merge")
	made.render = l.renderer(content.Attributes["data"], d, a).render
	return made
}

// dataKeySet is what is known of the keys of data before there is a token.
type dataKeySet struct {
	known bool
	all   []string
	// written leaves out those whose values are null.
	written []string
	// sensitive means that a key may be made of a sensitive value.
	sensitive bool
	// tokenOutputs are Delivery.TokenOutputs.
	tokenOutputs []string
}

// checkData type-checks data against a token whose values are not known yet,
// and returns the keys that will be written where these are known.
func (l *loader) checkData(attr *hcl.Attribute, d *delivery, a *Account) (keys dataKeySet, ok bool) {
	if attr == nil {
		names := l.defaultKeys(a.Spec)
		return dataKeySet{known: true, all: names, written: names}, true
	}
	x := d.scope.cache.expressionOf(attr)
	if x.keys != nil {
		return *x.keys, true
	}
	keys, ok = l.keysOfData(attr, d, a)
	keys.tokenOutputs = x.tokenOutputs
	if ok && refersOnlyTo(x.refs, "var", "local", "data", "token") {
		x.keys = &keys
	}
	return keys, ok
}

// keysOfData is checkData for what is not kept.
func (l *loader) keysOfData(attr *hcl.Attribute, d *delivery, a *Account) (keys dataKeySet, ok bool) {
	l.report.revealNames(attr.Expr)
	sc := d.scope.withToken(l.unknownToken(a.Spec))
	v, ok := l.evaluate(attr.Expr, sc, false)
	if !ok || !l.checkKeyExpressions(attr.Expr, sc) {
		return dataKeySet{}, false
	}
	names, known, wrong := dataKeys(v)
	if wrong == "" && v.HasMark(tokenMark) {
		l.report.error(attr.Expr.Range(), a.Address, "Sensitive value not allowed here", keysDependOnSecret)
		return dataKeySet{}, false
	}
	if wrong == "" && known && len(names) == 0 {
		wrong = "The data of a deliver block has no keys, so there would be nothing to write."
	}
	if wrong != "" {
		l.report.error(attr.Expr.Range(), a.Address, "Invalid data", wrong)
		return dataKeySet{}, false
	}
	return dataKeySet{known: known, all: names, written: withoutNulls(v, names), sensitive: v.IsMarked()}, true
}

const keysDependOnSecret = "The set of keys in data depends on a secret of the token. Keys are shown in messages and stored in plain text, so they must not be sensitive; only the values may be. Write the keys out. If the value that decides them is not a secret, wrap it in nonsensitive()."

// checkKeyExpressions reports the keys of a literal object that are sensitive.
func (l *loader) checkKeyExpressions(expr hcl.Expression, sc scope) bool {
	pairs, problems := hcl.ExprMap(expr)
	if problems.HasErrors() {
		return true // no literal
	}
	good := true
	for _, pair := range pairs {
		if v, _ := pair.Key.Value(sc.ctx); isSensitive(v) {
			l.report.error(pair.Key.Range(), sc.address, "Sensitive value not allowed here", "The keys of data are shown in messages, so they must not be sensitive; only the values may be. If this key is not a secret, wrap it in nonsensitive().")
			good = false
		}
	}
	return good
}

// checkKeys asks the sink whether it can write data under these keys.
func (l *loader) checkKeys(
	attr *hcl.Attribute,
	check func(schema.Values, []string, bool) error,
	own schema.Values,
	keys dataKeySet,
	merge bool,
	d *delivery,
	a *Account,
) bool {
	if check == nil || !keys.known || !own.AllKnown() {
		return true
	}
	err := check(own, keys.written, merge)
	if err == nil {
		return true
	}
	f := finding{subject: &d.def, detailWithoutValues: "The sink cannot write data under these keys. The keys are not shown, because they may be secret."}
	if attr != nil {
		at := attr.Expr.Range()
		f.subject, f.uses = &at, namesUsedIn(attr.Expr)
	}
	f.Severity, f.Summary, f.Detail, f.Address = diag.Error, "Invalid data", sentence(err.Error()), a.Address
	if keys.sensitive {
		f.Detail = f.detailWithoutValues
	}
	l.report.addFinding(f)
	return false
}

// withoutNulls leaves out the keys whose values are known to be null.
func withoutNulls(v cty.Value, keys []string) []string {
	v, _ = v.Unmark()
	if !v.IsKnown() {
		return keys
	}
	var written []string
	for it := v.ElementIterator(); it.Next(); {
		key, value := it.Element()
		if value, _ = value.Unmark(); !value.IsKnown() || !value.IsNull() {
			written = append(written, key.AsString())
		}
	}
	return written
}

// withToken is the scope of data, in which token has that value.
func (sc scope) withToken(token cty.Value) scope {
	sc.token = true
	sc.ctx = sc.ctx.NewChild()
	sc.ctx.Variables = map[string]cty.Value{"token": token}
	return sc
}

// dataKeys returns the keys of what data gives, if they are known.
func dataKeys(v cty.Value) (keys []string, known bool, wrong string) {
	v, _ = v.Unmark()
	t := v.Type()
	switch {
	case v.IsKnown() && v.IsNull():
		return nil, false, "The data of a deliver block must not be null. Leave it out to write the provider's standard fields."
	case t == cty.DynamicPseudoType, t.IsMapType() && !v.IsKnown():
		return nil, false, ""
	case t.IsObjectType():
		keys = keysOf(v)
	case t.IsMapType():
		for it := v.ElementIterator(); it.Next(); {
			key, _ := it.Element()
			keys = append(keys, key.AsString())
		}
	default:
		return nil, false, fmt.Sprintf("The data of a deliver block must be an object or a map, such as { TOKEN = token.access_token }, but this is a %s.", t.FriendlyName())
	}
	if slices.Contains(keys, "") {
		return nil, false, "A key of data is empty. Give every value a key."
	}
	return keys, true, ""
}

// defaultKeys are what is delivered where data does not say. The list is made
// once for each provider.
func (l *loader) defaultKeys(spec *providers.Spec) []string {
	if keys, ok := l.defaultDataKeys[spec]; ok {
		return keys
	}
	var keys []string
	for _, o := range spec.Outputs {
		if !o.Withheld {
			keys = append(keys, o.Name)
		}
	}
	l.defaultDataKeys[spec] = keys
	return keys
}

// target asks the sink for the place that the block names.
func (l *loader) target(made *Delivery, makeTarget targetFunc, own schema.Values, d *delivery, a *Account) bool {
	if !own.AllKnown() || !knownButSecrets(made.Sink.Values) {
		l.noteUnknown(a.Address, made.Sink.Spec.Type, d.def)
		return true // offline: it cannot be known
	}
	target, err := makeTarget(made.Sink.Values, own)
	if err != nil {
		l.blockError(err, "Invalid deliver block", own, d.def, a.Address)
		return false
	}
	made.Target = target
	return true
}

// knownButSecrets reports whether all attributes that are not sensitive are known: a
// sink's secrets are no part of its places.
func knownButSecrets(v schema.Values) bool {
	for i, a := range v.Block().Attributes {
		if !a.Sensitive && !v.RawAt(i).IsWhollyKnown() {
			return false
		}
	}
	for _, nested := range v.Block().Blocks {
		for _, b := range v.Nested(nested.Type) {
			if !knownButSecrets(b) {
				return false
			}
		}
	}
	return true
}

type targetFunc = func(conn, deliver schema.Values) (sinks.Target, error)

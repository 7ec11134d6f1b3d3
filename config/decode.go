package config

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/credsync/credsync/schema"
	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/convert"
)

// section is a block of the configuration on its way through decoding.
type section struct {
	body hcl.Body
	// def is the block's header.
	def hcl.Range
	// kind and quoted are what its name in diagnostics is made of.
	kind   string
	quoted []string
}

// sectionOf is a block that is named by its header.
func sectionOf(b *hcl.Block) section {
	return section{body: b.Body, def: b.DefRange, kind: b.Type, quoted: b.Labels}
}

// name is the block as the user writes it: `account "sagi" "coffee"`.
func (s section) name() string {
	header := s.kind
	for _, label := range s.quoted {
		header += " " + strconv.Quote(label)
	}
	return header
}

// read splits a body by the tables that share it, and reports what none of
// them has. extra are block types that the caller takes apart itself.
func (l *loader) read(s section, sc scope, tables []*schema.Block, extra ...hcl.BlockHeaderSchema) (*hcl.BodyContent, bool) {
	of := shape{tables[0], tables[len(tables)-1]}
	want := l.bodySchemas[of]
	if want == nil {
		want = bodySchema(tables, extra)
		l.bodySchemas[of] = want
	}
	return l.split(s.body, of, want, sc)
}

// split takes a body apart, and reports what is not wanted in it.
func (l *loader) split(body hcl.Body, of shape, want *hcl.BodySchema, sc scope) (*hcl.BodyContent, bool) {
	key := bodyKey{body: body, shape: of}
	if kept, ok := sc.memo.body(key); ok {
		return kept, true
	}
	content, ok := plainContent(body, want)
	if !ok {
		var problems hcl.Diagnostics
		content, problems = body.Content(want)
		for _, p := range problems {
			l.structural(p, sc.address)
		}
		ok = !problems.HasErrors()
	}
	if ok && sc.memo != nil {
		sc.memo.bodies[key] = content
	}
	return content, ok
}

// shape is that of a body: the first and the last of the tables that share it.
type shape [2]*schema.Block

// bodySchema is the shape of tables for the parser. Nothing in it is required:
// an environment variable may stand in.
func bodySchema(tables []*schema.Block, extra []hcl.BlockHeaderSchema) *hcl.BodySchema {
	s := &hcl.BodySchema{Blocks: slices.Clone(extra)}
	for _, t := range tables {
		for _, a := range t.Attributes {
			s.Attributes = append(s.Attributes, hcl.AttributeSchema{Name: a.Name})
		}
		for i := range t.Blocks {
			labels := t.Blocks[i].Labels
			if len(labels) == 0 && len(t.Blocks[i].Variants) > 0 {
				labels = []string{"type"}
			}
			s.Blocks = append(s.Blocks, hcl.BlockHeaderSchema{Type: t.Blocks[i].Type, LabelNames: labels})
		}
	}
	return s
}

// plainContent is what Content gives of a block's body as it was parsed from
// the native syntax. ok is false for others, and where there is something to
// report.
func plainContent(body hcl.Body, want *hcl.BodySchema) (content *hcl.BodyContent, ok bool) {
	native, ok := body.(*hclsyntax.Body)
	if !ok {
		return nil, false
	}
	for _, a := range want.Attributes {
		if a.Required && native.Attributes[a.Name] == nil {
			return nil, false
		}
	}
	content = &hcl.BodyContent{Attributes: make(hcl.Attributes, len(native.Attributes)), MissingItemRange: native.MissingItemRange()}
	for name, a := range native.Attributes {
		if !slices.ContainsFunc(want.Attributes, func(s hcl.AttributeSchema) bool { return s.Name == name }) {
			return nil, false
		}
		content.Attributes[name] = a.AsHCLAttribute()
	}
	for _, b := range native.Blocks {
		if !slices.ContainsFunc(want.Blocks, func(s hcl.BlockHeaderSchema) bool {
			return s.Type == b.Type && len(s.LabelNames) == len(b.Labels)
		}) {
			return nil, false
		}
		content.Blocks = append(content.Blocks, b.AsHCLBlock())
	}
	return content, true
}

// decode reads the rows of one table out of a body that was split.
func (l *loader) decode(content *hcl.BodyContent, table *schema.Block, s section, sc scope) (schema.Values, bool) {
	var kept *decoded
	if gives(content, table) {
		kept = sc.memo.table(content, table)
	} else {
		kept = l.defaultsOf(table)
	}
	if kept != nil && kept.done {
		return kept.values, true
	}
	values, good := l.decodeRows(content, table, s, sc)
	if kept != nil && good {
		kept.values, kept.done = values, true
	}
	return values, good
}

// defaultsOf is where the values are kept of a table of which a block gives
// nothing. They are the same for all blocks.
func (l *loader) defaultsOf(table *schema.Block) *decoded {
	if l.defaultValues[table] == nil {
		l.defaultValues[table] = &decoded{}
	}
	return l.defaultValues[table]
}

// decodeRows is decode for what is not kept.
func (l *loader) decodeRows(content *hcl.BodyContent, table *schema.Block, s section, sc scope) (schema.Values, bool) {
	good := true
	attrs := make([]cty.Value, len(table.Attributes))
	for i := range table.Attributes {
		row := &table.Attributes[i]
		if row.Deferred {
			continue
		}
		v, ok := l.attribute(content.Attributes[row.Name], row, s, sc)
		attrs[i] = v
		good = good && ok
	}
	var nested map[string][]schema.Values
	for i := range table.Blocks {
		blocks, ok := l.nested(content, &table.Blocks[i], s, sc)
		if len(blocks) > 0 && nested == nil {
			nested = map[string][]schema.Values{}
		}
		if len(blocks) > 0 {
			nested[table.Blocks[i].Type] = blocks
		}
		good = good && ok
	}
	values := schema.ValuesInOrder(table, "", attrs, nested)
	if good && table.Check != nil {
		good = l.checkBlock(table, values, s, sc)
	}
	return values, good
}

// decodeAll is read and decode for a body that has one table.
func (l *loader) decodeAll(s section, table *schema.Block, label string, sc scope) (schema.Values, bool) {
	content, ok := l.read(s, sc, []*schema.Block{table})
	values, good := l.decode(content, table, s, sc)
	return values.WithLabel(label), ok && good
}

// nested decodes the blocks of one type inside another.
func (l *loader) nested(content *hcl.BodyContent, row *schema.Nested, s section, sc scope) ([]schema.Values, bool) {
	var all []schema.Values
	good, count := true, 0
	for _, b := range content.Blocks {
		if b.Type != row.Type {
			continue
		}
		count++
		if row.Max > 0 && count > row.Max {
			most := "Only one block"
			if row.Max > 1 {
				most = fmt.Sprintf("At most %d blocks", row.Max)
			}
			l.report.error(b.DefRange, sc.address, fmt.Sprintf("Too many %s blocks", row.Type), fmt.Sprintf("%s of type %q can be in %s.", most, row.Type, s.name()))
			good = false
			continue
		}
		table, label := &row.Block, ""
		if len(row.Variants) > 0 {
			label = b.Labels[0]
			variant, ok := l.variant(row, label)
			if !ok {
				l.report.error(b.LabelRanges[0], sc.address, fmt.Sprintf("Unknown %s type", row.Type),
					fmt.Sprintf("There is no %s %q.%s The types are %s.", row.Type, label, didYouMean(label, row.VariantLabels()), quoteAll(row.VariantLabels())))
				good = false
				continue
			}
			table = variant
		}
		values, ok := l.decodeAll(sectionOf(b), table, label, sc)
		all = append(all, values)
		good = good && ok
	}
	if count < row.Min {
		l.report.error(s.def, sc.address, fmt.Sprintf("Missing %s block", row.Type), fmt.Sprintf("At least %d %q block is required in %s.", row.Min, row.Type, s.name()))
		good = false
	}
	return all, good
}

// variant keeps the joined tables, so that a table is the same at each use.
func (l *loader) variant(row *schema.Nested, label string) (*schema.Block, bool) {
	key := variantKey{row: row, label: label}
	if t, ok := l.variants[key]; ok {
		return t, true
	}
	t, ok := row.Variant(label)
	if ok {
		l.variants[key] = t
	}
	return t, ok
}

type variantKey struct {
	row   *schema.Nested
	label string
}

// attribute decodes one row; attr is nil where the body does not have it.
func (l *loader) attribute(attr *hcl.Attribute, row *schema.Attribute, s section, sc scope) (cty.Value, bool) {
	if attr == nil {
		return l.absent(row, s, sc)
	}
	x := sc.memo.expression(attr)
	if x.value != cty.NilVal {
		return x.value, true
	}
	null := cty.NullVal(row.Type)
	if row.Sensitive {
		l.report.taint(x.names)
	} else {
		l.report.reveal(attr.Expr)
	}
	x.sound = x.sound || l.checkReferences(attr.Expr, x.refs, sc, row.Sensitive)
	if !x.sound {
		return null, false
	}
	v, ok := l.value(attr.Expr, sc, row.Sensitive)
	if !ok {
		return null, false
	}
	if v.IsKnown() && v.IsNull() {
		return l.absent(row, s, sc)
	}
	r := rowReport{l: l, row: row, at: attr.Expr.Range(), address: sc.address, used: x.names}
	if isSensitive(v) && !row.Sensitive {
		r.error("Sensitive value in a place that is shown", fmt.Sprintf("The argument %q is shown in plans and logs, or stored in clear, so its value must not be sensitive. If this value is no secret, wrap it in nonsensitive().", row.Name), "")
		return null, false
	}
	v, ok = r.convert(v)
	if ok && x.fixed {
		x.value = v
	}
	return v, ok
}

// absent is the value of a row that the body does not have: of the
// environment, or null, for which the default stands in.
func (l *loader) absent(row *schema.Attribute, s section, sc scope) (cty.Value, bool) {
	for _, name := range row.Env {
		if text := l.getenv(name); text != "" {
			r := rowReport{l: l, row: row, at: s.def, address: sc.address, env: name}
			return r.convert(cty.StringVal(text))
		}
	}
	if !row.Required {
		return cty.NullVal(row.Type), true
	}
	detail := fmt.Sprintf("The argument %q is required in %s, but it is not set.", row.Name, s.name())
	if len(row.Env) > 0 {
		detail += fmt.Sprintf(" Set it, or the environment variable %s.", strings.Join(row.Env, " or "))
	}
	l.report.error(s.def, sc.address, "Missing required argument", detail)
	return cty.NullVal(row.Type), false
}

// rowReport converts and checks one value, and reports without quoting it
// where the row is sensitive.
type rowReport struct {
	l       *loader
	row     *schema.Attribute
	at      hcl.Range
	address string
	used    []string
	// env is the environment variable that the value came from, or "".
	env string
}

// error reports; bland is the detail in case the value turns out to be used
// where secrets belong.
func (r rowReport) error(summary, detail, bland string) {
	if r.env != "" {
		detail = fmt.Sprintf("In the environment variable %s: %s", r.env, detail)
	}
	f := finding{subject: &r.at, uses: r.used, bland: bland}
	f.Severity, f.Summary, f.Detail, f.Address = "error", summary, detail, r.address
	r.l.report.addFinding(f)
}

func (r rowReport) convert(v cty.Value) (cty.Value, bool) {
	null := cty.NullVal(r.row.Type)
	converted, err := convert.Convert(v, r.row.Type)
	if err != nil {
		reason := err.Error()
		if r.row.Sensitive {
			// A path of the error may hold a key.
			reason = r.row.Type.FriendlyName() + " required"
		}
		generic := fmt.Sprintf("The argument %q must be a %s.", r.row.Name, r.row.Type.FriendlyName())
		r.error("Incorrect argument type", fmt.Sprintf("Inappropriate value for the argument %q: %s.", r.row.Name, reason), generic)
		return null, false
	}
	bare, _ := converted.UnmarkDeep()
	if !bare.IsWhollyKnown() || bare.IsNull() {
		return converted, true
	}
	if err := r.check(bare); err != "" {
		if bare.Type() == cty.String && mayHoldPassword(bare.AsString()) {
			r.l.report.conceal(r.at)
		}
		generic := fmt.Sprintf("The value of the argument %q is not acceptable. It is not quoted, since it may be secret.", r.row.Name)
		if r.row.Sensitive {
			// Nothing that check returns of such a row quotes the value, so it
			// can say what is wanted wherever the value comes from.
			generic = ""
		}
		r.error("Invalid value for an argument", err, generic)
		return null, false
	}
	return converted, true
}

// mayHoldPassword reports whether a text is a URL with user info, a query or a
// fragment, where a password or a key may stand.
func mayHoldPassword(s string) bool {
	return strings.Contains(s, "://") && strings.ContainsAny(s, "@?#")
}

// check returns what is wrong with a value, or "".
func (r rowReport) check(v cty.Value) string {
	if wrong := r.unknownWord(v); wrong != "" {
		return wrong
	}
	if r.row.Check == nil {
		return ""
	}
	err := r.row.Check(v)
	switch {
	case err == nil:
		return ""
	case r.row.Sensitive && quotes(err, v):
		return fmt.Sprintf("The value of the argument %q is not acceptable.", r.row.Name)
	}
	return sentence(fmt.Sprintf("The argument %q: %s", r.row.Name, err))
}

// unknownWord says which word of a closed list the value should have been, or
// one of its elements; "" where there is no such list or the value is in it.
func (r rowReport) unknownWord(v cty.Value) string {
	switch t := v.Type(); {
	case len(r.row.OneOf) == 0:
		return ""
	case t == cty.String && !slices.Contains(r.row.OneOf, v.AsString()):
		hint := ""
		if !r.row.Sensitive {
			hint = didYouMean(v.AsString(), r.row.OneOf)
		}
		return fmt.Sprintf("The argument %q must be one of %s.%s", r.row.Name, quoteAll(r.row.OneOf), hint)
	case (t.IsSetType() || t.IsListType()) && t.ElementType() == cty.String:
		for it := v.ElementIterator(); it.Next(); {
			_, e := it.Element()
			if e.IsNull() || slices.Contains(r.row.OneOf, e.AsString()) {
				continue
			}
			detail := fmt.Sprintf("The argument %q may have only %s", r.row.Name, quoteAll(r.row.OneOf))
			if !r.row.Sensitive {
				detail += fmt.Sprintf(", not %q", e.AsString())
			}
			detail += "."
			if !r.row.Sensitive {
				detail += didYouMean(e.AsString(), r.row.OneOf)
			}
			return detail
		}
	}
	return ""
}

// checkBlock runs the table's own check of the whole block.
func (l *loader) checkBlock(table *schema.Block, values schema.Values, s section, sc scope) bool {
	err := table.Check(values)
	if err != nil {
		l.blockError(err, "Invalid "+table.Type+" block", values, s.def, sc.address)
	}
	return err == nil
}

// blockError reports an error about a block as a whole. Whoever made it must
// not quote a secret; if one did all the same, it is not shown.
func (l *loader) blockError(err error, summary string, values schema.Values, def hcl.Range, address string) {
	detail := sentence(err.Error())
	first, _, _ := strings.Cut(err.Error(), ":")
	if _, ok := values.Block().Attribute(first); ok {
		detail = first + detail[len(first):] // an argument's name keeps its small letter
	}
	if quotesSecret(err, values) {
		detail = "The arguments of this block do not fit together. Details are left out because they quote a sensitive value."
	}
	l.report.error(def, address, summary, detail)
}

func quotesSecret(err error, values schema.Values) bool {
	for _, a := range values.Block().Attributes {
		if a.Sensitive && quotes(err, values.Raw(a.Name)) {
			return true
		}
	}
	for _, n := range values.Block().Blocks {
		for _, inner := range values.Nested(n.Type) {
			if quotesSecret(err, inner) {
				return true
			}
		}
	}
	return false
}

// quotes reports whether an error's text has any string of the value in it.
func quotes(err error, v cty.Value) bool {
	text, found := err.Error(), false
	_ = cty.Walk(v, func(_ cty.Path, part cty.Value) (bool, error) {
		if part.IsKnown() && !part.IsNull() && part.Type() == cty.String {
			s := part.AsString()
			quoted := strconv.Quote(s)
			found = found || s != "" && (strings.Contains(text, s) || strings.Contains(text, quoted[1:len(quoted)-1]))
		}
		return true, nil
	})
	return found
}

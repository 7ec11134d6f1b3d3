package config

import (
	"fmt"
	"strings"

	"github.com/credsync/credsync/schema"
	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"
)

// decode reads the rows of one table out of a body that was split.
func (l *loader) decode(content *hcl.BodyContent, table *schema.Block, s section, sc scope) (schema.Values, bool) {
	var kept *cachedValues
	if setsAnyOf(content, table) {
		kept = sc.cache.tableValues(content, table)
	} else {
		kept = l.defaultsOf(table)
	}
	if kept != nil && kept.known {
		return kept.values, true
	}
	values, good := l.decodeRows(content, table, s, sc)
	if kept != nil && good {
		kept.values, kept.known = values, true
	}
	return values, good
}

// defaultsOf is where the values are kept of a table of which a block gives
// nothing. They are the same for all blocks.
func (l *loader) defaultsOf(table *schema.Block) *cachedValues {
	if l.defaultValues[table] == nil {
		l.defaultValues[table] = &cachedValues{}
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
		good = l.checkBlock(content, table, values, s, sc)
	}
	return values, good
}

// decodeAll is read and decode for a body that has one table.
func (l *loader) decodeAll(s section, table *schema.Block, label string, sc scope) (schema.Values, bool) {
	content, ok := l.splitByTables(s, sc, []*schema.Block{table})
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
				l.report.error(
					b.LabelRanges[0],
					sc.address,
					fmt.Sprintf("Unknown %s type", row.Type),
					fmt.Sprintf(
						"There is no %s %q.%s The types are %s.",
						row.Type,
						label,
						didYouMean(label, row.VariantLabels()),
						quoteAll(row.VariantLabels()),
					),
				)
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

// checkBlock runs the table's own check of the whole block. An error that begins
// with an argument's name and a colon is shown where that argument stands.
func (l *loader) checkBlock(
	content *hcl.BodyContent,
	table *schema.Block,
	values schema.Values,
	s section,
	sc scope,
) bool {
	err := table.Check(values)
	if err == nil {
		return true
	}
	at := s.def
	name, _, _ := strings.Cut(err.Error(), ":")
	if argument := content.Attributes[name]; argument != nil {
		at = argument.Range
	}
	l.blockError(err, "Invalid "+table.Type+" block", values, at, sc.address)
	return false
}

// blockError reports an error about a block as a whole. Whoever made it must
// not quote a secret; if one did all the same, it is not shown.
func (l *loader) blockError(err error, summary string, values schema.Values, def hcl.Range, address string) {
	detail := sentence(err.Error())
	first, _, _ := strings.Cut(err.Error(), ":")
	if _, ok := values.Block().Attribute(first); ok {
		detail = first + detail[len(first):] // an argument's name keeps its small letter
	}
	if errorQuotesSecret(err, values) {
		detail = "The arguments of this block are not valid together. Details are left out because they would show a sensitive value."
	}
	l.report.error(def, address, summary, detail)
}

func errorQuotesSecret(err error, values schema.Values) bool {
	for _, a := range values.Block().Attributes {
		if a.Sensitive && errorQuotes(err, values.Raw(a.Name)) {
			return true
		}
	}
	for _, n := range values.Block().Blocks {
		for _, inner := range values.Nested(n.Type) {
			if errorQuotesSecret(err, inner) {
				return true
			}
		}
	}
	return false
}

package schema

import "slices"

// Join returns one table with the rows of all: what the language gives a block
// and what a provider or sink adds. It has the type, labels and description of
// the first, and no Check: each table's own sees its own values.
func Join(tables ...*Block) *Block {
	joined := *tables[0]
	joined.Check = nil
	joined.Attributes = slices.Clone(joined.Attributes)
	joined.Blocks = slices.Clone(joined.Blocks)
	for _, t := range tables[1:] {
		joined.Attributes = append(joined.Attributes, t.Attributes...)
		joined.Blocks = append(joined.Blocks, t.Blocks...)
	}
	return &joined
}

// Variant returns the whole table for a label: the common rows and those of
// the variant. A variant is named by its first label, or by its Type where it
// has none.
func (n *Nested) Variant(label string) (*Block, bool) {
	for i := range n.Variants {
		v := &n.Variants[i]
		if v.variantLabel() == label {
			whole := Join(&n.Block, v)
			whole.Doc = v.Doc
			whole.Check = bothChecks(n.Check, v.Check)
			return whole, true
		}
	}
	return nil, false
}

// VariantLabels returns the labels of the variants in the order of the table.
func (n *Nested) VariantLabels() []string {
	labels := make([]string, len(n.Variants))
	for i := range n.Variants {
		labels[i] = n.Variants[i].variantLabel()
	}
	return labels
}

func (b *Block) variantLabel() string {
	if len(b.Labels) > 0 {
		return b.Labels[0]
	}
	return b.Type
}

func bothChecks(a, b func(Values) error) func(Values) error {
	switch {
	case a == nil:
		return b
	case b == nil:
		return a
	}
	return func(v Values) error {
		if err := a(v); err != nil {
			return err
		}
		return b(v)
	}
}

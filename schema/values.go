package schema

import (
	"fmt"
	"io"
	"math/big"
	"slices"
	"time"

	"github.com/credsync/credsync/credential"
	"github.com/zclconf/go-cty/cty"
)

// Values are the decoded attributes of one block. Every attribute of the table
// is there, converted to its type, with its default applied.
//
// A getter for a name that the table does not have, or for another type, is a
// bug of the caller and panics. A null value reads as the zero value; IsSet
// tells them apart. A value can be unknown while a configuration is validated
// offline (it comes from a data block): Known tells, and the getters return
// the zero value for it.
type Values struct {
	block *Block
	// attrs are in the order of the table.
	attrs  []cty.Value
	nested map[string][]Values
	label  string
}

// NewValues is called by the decoder, and by tests that have no HCL. attrs may
// be marked; missing ones count as null. It panics on a name that block lacks.
func NewValues(block *Block, label string, attrs map[string]cty.Value, nested map[string][]Values) Values {
	inOrder := make([]cty.Value, len(block.Attributes))
	known := 0
	for i := range block.Attributes {
		v, ok := attrs[block.Attributes[i].Name]
		if ok {
			known++
		}
		inOrder[i] = v
	}
	if known != len(attrs) {
		for name := range attrs {
			if _, ok := block.Attribute(name); !ok {
				panic(fmt.Sprintf("schema: block %q has no attribute %q", block.Type, name))
			}
		}
	}
	return ValuesInOrder(block, label, inOrder, nested)
}

// ValuesInOrder is NewValues for attributes in the order of the table, those
// missing being cty.NilVal. It keeps attrs.
func ValuesInOrder(block *Block, label string, attrs []cty.Value, nested map[string][]Values) Values {
	if len(attrs) != len(block.Attributes) {
		panic(fmt.Sprintf("schema: block %q has %d attributes, not %d", block.Type, len(block.Attributes), len(attrs)))
	}
	for i := range block.Attributes {
		a, v := &block.Attributes[i], &attrs[i]
		if *v == cty.NilVal {
			*v = cty.NullVal(a.Type)
		}
		if v.IsNull() && a.Default != cty.NilVal {
			*v = a.Default
		}
	}
	return Values{block: block, attrs: attrs, nested: nested, label: label}
}

// Block returns the table these values were decoded by.
func (v Values) Block() *Block { return v.block }

// WithLabel returns the values of a block that was chosen by that label.
func (v Values) WithLabel(label string) Values {
	v.label = label
	return v
}

// Label returns the label that chose the variant, or "".
func (v Values) Label() string { return v.label }

// Nested returns the blocks of that type, in order.
func (v Values) Nested(blockType string) []Values { return v.nested[blockType] }

// Raw returns the value as decoded, without its marks.
func (v Values) Raw(name string) cty.Value {
	i := v.index(name)
	if i < 0 {
		panic(fmt.Sprintf("schema: no attribute %q", name))
	}
	return v.RawAt(i)
}

// RawAt is Raw for the attribute that stands there in the table.
func (v Values) RawAt(i int) cty.Value {
	val := v.attrs[i]
	if val.Type().IsPrimitiveType() {
		// Nothing lies deeper.
		val, _ = val.Unmark()
		return val
	}
	val, _ = val.UnmarkDeep()
	return val
}

// MarkedAt is RawAt with the marks.
func (v Values) MarkedAt(i int) cty.Value { return v.attrs[i] }

// MarkedTexts are the texts in a value that are marked, on their own or with what they are
// in: the secrets of a captured attribute.
func MarkedTexts(v cty.Value) []credential.Secret { return textsIn(v, false) }

func textsIn(v cty.Value, marked bool) (texts []credential.Secret) {
	v, marks := v.Unmark()
	marked = marked || len(marks) > 0
	switch {
	case v.IsNull() || !v.IsKnown():
	case v.Type() == cty.String && marked:
		texts = append(texts, credential.NewSecret(v.AsString()))
	case v.CanIterateElements():
		for it := v.ElementIterator(); it.Next(); {
			_, element := it.Element()
			texts = append(texts, textsIn(element, marked)...)
		}
	}
	return texts
}

// index is where an attribute stands in the table; -1 for none.
func (v Values) index(name string) int {
	if v.block == nil {
		return -1
	}
	return v.block.index(name)
}

// IsSet reports whether the attribute has a value, even an unknown one.
func (v Values) IsSet(name string) bool {
	raw := v.Raw(name)
	return !raw.IsKnown() || !raw.IsNull()
}

// Known reports whether the value is wholly known.
func (v Values) Known(name string) bool { return v.Raw(name).IsWhollyKnown() }

// AllKnown reports whether every attribute, nested ones too, is wholly known.
func (v Values) AllKnown() bool {
	for i := range v.attrs {
		if !v.attrs[i].IsWhollyKnown() {
			return false
		}
	}
	for _, blocks := range v.nested {
		for _, b := range blocks {
			if !b.AllKnown() {
				return false
			}
		}
	}
	return true
}

// Equal reports whether both are of one table and have the same values, nested
// ones too. Marks do not count.
func (v Values) Equal(o Values) bool {
	if v.block.Type != o.block.Type || v.label != o.label || len(v.attrs) != len(o.attrs) ||
		len(v.nested) != len(o.nested) {
		return false
	}
	for i, a := range v.block.Attributes {
		if o.block.Attributes[i].Name != a.Name || !v.Raw(a.Name).RawEquals(o.Raw(a.Name)) {
			return false
		}
	}
	for blockType, blocks := range v.nested {
		if !slices.EqualFunc(blocks, o.nested[blockType], Values.Equal) {
			return false
		}
	}
	return true
}

// Has reports whether the table has the attribute at all, for code that works
// with any block.
func (v Values) Has(name string) bool {
	return v.index(name) >= 0
}

// get returns the value if it is known and not null.
func (v Values) get(name string, want cty.Type) (cty.Value, bool) {
	val := v.Raw(name)
	if val.Type() != want && val.IsKnown() && !val.IsNull() {
		panic(fmt.Sprintf("schema: attribute %q is %s, not %s", name, val.Type().FriendlyName(), want.FriendlyName()))
	}
	return val, val.IsWhollyKnown() && !val.IsNull()
}

// String returns a string attribute. It panics for a sensitive one, which only
// Secret may read.
func (v Values) String(name string) string {
	if a, _ := v.block.Attribute(name); a.Sensitive {
		panic(fmt.Sprintf("schema: attribute %q is sensitive; use Secret", name))
	}
	val, ok := v.get(name, cty.String)
	if !ok {
		return ""
	}
	return val.AsString()
}

// Secret returns a string attribute as a secret.
func (v Values) Secret(name string) credential.Secret {
	val, ok := v.get(name, cty.String)
	if !ok {
		return credential.Secret{}
	}
	return credential.NewSecret(val.AsString())
}

// Bool returns a bool attribute.
func (v Values) Bool(name string) bool {
	val, ok := v.get(name, cty.Bool)
	return ok && val.True()
}

// Int returns a number attribute without its fraction.
func (v Values) Int(name string) int {
	val, ok := v.get(name, cty.Number)
	if !ok {
		return 0
	}
	i, _ := val.AsBigFloat().Int64()
	return int(i)
}

// Float returns a number attribute.
func (v Values) Float(name string) float64 {
	val, ok := v.get(name, cty.Number)
	if !ok {
		return 0
	}
	f, _ := new(big.Float).Copy(val.AsBigFloat()).Float64()
	return f
}

// Duration returns a string attribute that the table's Check has found to be a
// duration; zero where it is null or unknown.
func (v Values) Duration(name string) time.Duration {
	s := v.String(name)
	if s == "" {
		return 0
	}
	d, err := ParseDuration(s)
	if err != nil {
		panic(fmt.Sprintf("schema: attribute %q was not checked to be a duration", name))
	}
	return d
}

// Strings returns a list(string) or set(string) attribute.
func (v Values) Strings(name string) []string {
	val := v.Raw(name)
	if !val.IsWhollyKnown() || val.IsNull() {
		return nil
	}
	list := make([]string, 0, val.LengthInt())
	for it := val.ElementIterator(); it.Next(); {
		_, e := it.Element()
		if !e.IsNull() {
			list = append(list, e.AsString())
		}
	}
	return list
}

// Secrets returns a map(string) attribute with its values as secrets.
func (v Values) Secrets(name string) map[string]credential.Secret {
	val := v.Raw(name)
	if !val.IsWhollyKnown() || val.IsNull() {
		return nil
	}
	m := make(map[string]credential.Secret, val.LengthInt())
	for it := val.ElementIterator(); it.Next(); {
		k, e := it.Element()
		if !e.IsNull() {
			m[k.AsString()] = credential.NewSecret(e.AsString())
		}
	}
	return m
}

// StringMap returns a map(string) attribute. It panics for a sensitive one.
func (v Values) StringMap(name string) map[string]string {
	if a, _ := v.block.Attribute(name); a.Sensitive {
		panic(fmt.Sprintf("schema: attribute %q is sensitive; use Secrets", name))
	}
	secrets := v.Secrets(name)
	m := make(map[string]string, len(secrets))
	for k, s := range secrets {
		m[k] = s.Reveal()
	}
	return m
}

// Format implements fmt.Formatter for every verb: values may be secret, so
// only the block's type is printed.
func (v Values) Format(f fmt.State, _ rune) {
	if v.block == nil {
		_, _ = io.WriteString(f, "schema.Values{}")
		return
	}
	_, _ = io.WriteString(f, "schema.Values{"+v.block.Type+"}")
}

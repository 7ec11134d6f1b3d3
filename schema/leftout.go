package schema

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/zclconf/go-cty/cty"
)

// LeftOut is the mark of a value that stands in for one which an upstream sent in another
// form than an expression needs. What is made of the value has it too, so that whoever
// takes the result can warn.
type LeftOut struct {
	// Name is what was left out, as the expression names it, and Place where that stands.
	Name, Place string
	// Why is what is wrong with it, and nothing of what it is.
	Why string
}

// String is the warning.
func (l LeftOut) String() string {
	return fmt.Sprintf("%q (%s) was not taken from the upstream's answer: %s.", l.Name, l.Place, l.Why)
}

// StaysMarked has nonsensitive keep the mark.
func (LeftOut) StaysMarked() {}

// LeftOutOf returns what was left out of a value, in the order of the places.
func LeftOutOf(v cty.Value) (list []LeftOut) {
	if !v.ContainsMarked() {
		return nil
	}
	_, marks := v.UnmarkDeep()
	for m := range marks {
		if l, ok := m.(LeftOut); ok {
			list = append(list, l)
		}
	}
	slices.SortFunc(list, func(a, b LeftOut) int {
		return cmp.Or(cmp.Compare(a.Place, b.Place), cmp.Compare(a.Name, b.Name), cmp.Compare(a.Why, b.Why))
	})
	return list
}

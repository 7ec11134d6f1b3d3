package described

import (
	"errors"
	"fmt"
	"math/big"

	"github.com/zclconf/go-cty/cty"
)

// errDamaged is the error for a value that would differ from what it was made of.
type errDamaged struct{ path string }

func (e errDamaged) Error() string {
	return "the answer's " + e.path + " has characters that are not valid, or not in Unicode normal form C, " +
		"and credsync would alter them"
}

// undamaged returns a value without its marks, or an error where it is not what the
// upstream sent.
func undamaged(v cty.Value) (cty.Value, error) {
	if path, ok := damagedAt(v); ok {
		return cty.NilVal, errDamaged{path}
	}
	v = plain(v)
	if !v.IsWhollyKnown() {
		return cty.NilVal, errors.New("the value is not known")
	}
	return v, nil
}

// textOf writes a text, a number or a truth value, which must not be null.
func textOf(v cty.Value) (string, error) {
	v, err := undamaged(v)
	switch {
	case err != nil:
		return "", err
	case v.IsNull():
		return "", errors.New("null cannot be sent as text")
	case v.Type() == cty.String:
		return v.AsString(), nil
	case v.Type() == cty.Number:
		return numberText(v.AsBigFloat()), nil
	case v.Type() == cty.Bool:
		return fmt.Sprint(v.True()), nil
	}
	return "", fmt.Errorf("a text is needed, and this is %s", kindOf(v))
}

// numberText writes a number with all of its digits. One with thousands of them, which
// only arithmetic can make, gets an exponent.
func numberText(n *big.Float) string {
	const most = 4096
	if exponent := n.MantExp(nil); exponent > most || exponent < -most {
		return n.Text('g', -1)
	}
	return n.Text('f', -1)
}

// kindOf says what a value is, for a message.
func kindOf(v cty.Value) string {
	switch t := v.Type(); {
	case v.IsNull():
		return "null"
	case t == cty.String:
		return "a string"
	case t == cty.Number:
		return "a number"
	case t == cty.Bool:
		return "a bool"
	case t.IsObjectType(), t.IsMapType():
		return "an object"
	}
	return "a list"
}

// isList reports whether a value is a sequence.
func isList(v cty.Value) bool {
	t := v.Type()
	return t.IsTupleType() || t.IsListType() || t.IsSetType()
}

// isFields reports whether a value has fields with names.
func isFields(v cty.Value) bool { return v.Type().IsObjectType() || v.Type().IsMapType() }

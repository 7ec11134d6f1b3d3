package upstream

import (
	"encoding/json"
	"reflect"
	"strings"

	"github.com/credsync/credsync/credential"
)

// The types of an answer's fields, each with what it tolerates: upstreams are not
// strict in what they send, and a token is not thrown away because of a field
// that merely describes it.
//
// Their errors name no value, and have encoding/json fill in the field's name.

// ID is an identifier that an upstream gives as a number or as a string of
// digits. It is kept as decimal digits, since some have more than 64 bits.
// null and absence give "".
type ID string

// UnmarshalJSON implements json.Unmarshaler. A fraction, an exponent or a sign
// is an error that does not repeat the value.
func (id *ID) UnmarshalJSON(b []byte) error {
	text := string(b)
	if text == "null" {
		return nil
	}
	if len(text) >= 2 && text[0] == '"' {
		text = text[1 : len(text)-1]
	}
	if len(text) > 64 || !Digits(text) {
		return &json.UnmarshalTypeError{Value: "value", Type: reflect.TypeFor[ID]()}
	}
	*id = ID(text)
	return nil
}

// Digits reports whether a text consists of decimal digits, of which there is at
// least one.
func Digits(s string) bool { return s != "" && strings.Trim(s, "0123456789") == "" }

// IsZero reports whether the id is absent or the number zero, which no
// upstream uses for anything that exists.
func (id ID) IsZero() bool { return strings.Trim(string(id), "0") == "" }

// Hidden is a secret in an answer: a JSON string. null and absence give a zero
// Secret.
type Hidden struct{ credential.Secret }

// UnmarshalJSON implements json.Unmarshaler.
func (h *Hidden) UnmarshalJSON(b []byte) error {
	var s *string
	if err := json.Unmarshal(b, &s); err != nil {
		return &json.UnmarshalTypeError{Value: "value", Type: reflect.TypeFor[Hidden]()}
	}
	if s != nil {
		h.Secret = credential.NewSecret(*s)
	}
	return nil
}

// AnyID is an identifier that only informs: digits as an ID has them, or else
// what a TextList takes.
type AnyID string

// UnmarshalJSON implements json.Unmarshaler. It never fails.
func (a *AnyID) UnmarshalJSON(b []byte) error {
	var id ID
	if json.Unmarshal(b, &id) == nil {
		*a = AnyID(id)
		return nil
	}
	var text TextList
	err := text.UnmarshalJSON(b)
	*a = AnyID(text)
	return err
}

// Text is a field that only informs: a string. Anything else gives "".
type Text string

// UnmarshalJSON implements json.Unmarshaler. It never fails.
func (t *Text) UnmarshalJSON(b []byte) error {
	var s string
	if json.Unmarshal(b, &s) != nil {
		s = ""
	}
	*t = Text(s)
	return nil
}

// KeptText is a Text for a field that a document gives twice, once as a string
// and once as something else: what is not a string leaves the string be.
type KeptText string

// UnmarshalJSON implements json.Unmarshaler. It never fails.
func (t *KeptText) UnmarshalJSON(b []byte) error {
	var s *string
	if json.Unmarshal(b, &s) == nil && s != nil {
		*t = KeptText(*s)
	}
	return nil
}

// TextList is a Text that may also be a list of strings, as some servers send a
// scope: they are joined by spaces.
type TextList string

// UnmarshalJSON implements json.Unmarshaler. It never fails.
func (t *TextList) UnmarshalJSON(b []byte) error {
	var s string
	var list []string
	switch {
	case json.Unmarshal(b, &s) == nil:
	case json.Unmarshal(b, &list) == nil:
		s = strings.Join(list, " ")
	default:
		s = ""
	}
	*t = TextList(s)
	return nil
}

// LooseNumber is a number, or a string with one in it. It is kept as it is
// written, whatever it is: what reads it finds out whether it is a number. A
// field that must be a number, or a string with one, is a json.Number.
type LooseNumber string

// UnmarshalJSON implements json.Unmarshaler. It never fails.
func (n *LooseNumber) UnmarshalJSON(b []byte) error {
	*n = LooseNumber(strings.Trim(string(b), `"`))
	return nil
}

// Given reports whether a piece of an answer is there, and not null.
func Given(raw json.RawMessage) bool { return len(raw) > 0 && string(raw) != "null" }

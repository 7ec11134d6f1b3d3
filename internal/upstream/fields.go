package upstream

import (
	"encoding/json"
	"reflect"
	"strings"
)

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

// Given reports whether a piece of an answer is there, and not null.
func Given(raw json.RawMessage) bool { return len(raw) > 0 && string(raw) != "null" }

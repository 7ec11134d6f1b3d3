package upstream

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/credsync/credsync/credential"
	"github.com/credsync/credsync/failure"
)

// Object is a JSON object in an answer. Upstreams are not strict in what they send,
// and a token is not thrown away because of a field that merely describes it: a field
// in a form that is not its own is left out, and the answer's warnings name it. Only
// what must be there has errors.
//
// null counts as absent. Names are looked for letter by letter first, then in any
// letter case. Of a field that is given twice, the last in the right form counts.
type Object struct {
	answer *Answer
	// path leads to the object: "organization.", or "" for the answer itself.
	path   string
	fields []field
}

type field struct {
	name string
	raw  json.RawMessage
}

// Object returns the answer, which must be a JSON object whatever its content type
// says. An error is of class Server, and says no more of the body than what it is.
func (a *Answer) Object() (*Object, error) {
	body, err := a.jsonText()
	if err != nil {
		return nil, err
	}
	o, ok := a.object("", body)
	switch {
	case ok:
		return o, nil
	case body[0] == '{' || !json.Valid(body):
		return nil, a.Fail(failure.Server, "the answer is not well-formed JSON", askUpstream)
	}
	return nil, a.Fail(failure.Server, "the answer is not a JSON object", askUpstream)
}

// Fields returns the answer as an object, without fields where it is none: for a
// refusal, whose status may be all that is documented.
func (a *Answer) Fields() *Object {
	if o, err := a.Object(); err == nil {
		return o
	}
	return &Object{answer: a}
}

// object reads a JSON object; ok is false for anything else.
func (a *Answer) object(path string, raw []byte) (o *Object, ok bool) {
	d := json.NewDecoder(bytes.NewReader(raw))
	if start, err := d.Token(); err != nil || start != json.Delim('{') {
		return nil, false
	}
	o = &Object{answer: a, path: path}
	for d.More() {
		name, err := d.Token()
		if err != nil {
			return nil, false
		}
		f := field{name: fmt.Sprint(name)}
		if d.Decode(&f.raw) != nil {
			return nil, false
		}
		o.fields = append(o.fields, f)
	}
	if _, err := d.Token(); err != nil {
		return nil, false
	}
	return o, len(bytes.TrimSpace(raw[d.InputOffset():])) == 0
}

// given are the values of a field that are not null, the last one first. A nil Object
// has none.
func (o *Object) given(name string) []json.RawMessage {
	if o == nil {
		return nil
	}
	var exact, alike []json.RawMessage
	for _, f := range slices.Backward(o.fields) {
		switch {
		case !Given(f.raw):
		case f.name == name:
			exact = append(exact, f.raw)
		case strings.EqualFold(f.name, name):
			alike = append(alike, f.raw)
		}
	}
	return append(exact, alike...)
}

// Has reports whether a field is there, in whatever form; a nil Object has none.
func (o *Object) Has(name string) bool { return len(o.given(name)) > 0 }

// read returns the last value of a field that read takes; the zero value where there
// is none, with a warning if there is another.
func read[T any](o *Object, name string, read func(json.RawMessage) (T, bool)) T {
	values := o.given(name)
	for _, raw := range values {
		if v, ok := read(raw); ok {
			return v
		}
	}
	if len(values) > 0 {
		o.LeaveOut(name)
	}
	var none T
	return none
}

// text reads a JSON string that is valid in every letter.
func text(raw json.RawMessage) (string, bool) {
	var s *string
	// What is not valid is replaced while it is read.
	if json.Unmarshal(raw, &s) != nil || s == nil || strings.ContainsRune(*s, utf8.RuneError) {
		return "", false
	}
	return *s, true
}

// Text returns a string.
func (o *Object) Text(name string) string { return read(o, name, text) }

// Said returns a string for people or machines to judge, such as an error's message:
// as Text, without a warning.
func (o *Object) Said(name string) string {
	for _, raw := range o.given(name) {
		if s, ok := text(raw); ok {
			return s
		}
	}
	return ""
}

// Code returns a code, a number or a string, as text, without a warning.
func (o *Object) Code(name string) string {
	for _, raw := range o.given(name) {
		if code := strings.TrimSpace(strings.Trim(string(raw), `"`)); code != "" {
			return code
		}
	}
	return ""
}

// LeaveOut warns of a field, which is taken not to be there.
func (o *Object) LeaveOut(name string) { o.answer.leaveOut(o.path + name) }

// TextList returns a string, or a list of strings joined by spaces, as some servers
// send a scope.
func (o *Object) TextList(name string) string {
	return read(o, name, func(raw json.RawMessage) (string, bool) {
		if s, ok := text(raw); ok {
			return s, true
		}
		var parts []json.RawMessage
		if json.Unmarshal(raw, &parts) != nil {
			return "", false
		}
		list := make([]string, len(parts))
		for i, part := range parts {
			var ok bool
			if list[i], ok = text(part); !ok {
				return "", false
			}
		}
		return strings.Join(list, " "), true
	})
}

// ID returns an identifier that is a number or a string of digits, as digits: some
// have more than 64 bits.
func (o *Object) ID(name string) ID { return read(o, name, readID) }

func readID(raw json.RawMessage) (id ID, ok bool) {
	err := id.UnmarshalJSON(raw)
	return id, err == nil
}

// AnyID returns an identifier that only informs: digits as an ID has them, or text.
func (o *Object) AnyID(name string) string {
	return read(o, name, func(raw json.RawMessage) (string, bool) {
		if id, ok := readID(raw); ok {
			return string(id), true
		}
		return text(raw)
	})
}

// IDs returns a list of identifiers, without those that are none.
func (o *Object) IDs(name string) []ID {
	var list []ID
	for i, raw := range o.list(name) {
		id, ok := readID(raw)
		switch {
		case !ok:
			o.LeaveOut(fmt.Sprintf("%s[%d]", name, i))
		case !id.IsZero():
			list = append(list, id)
		}
	}
	return list
}

// Flag returns true or false; nil where it is neither.
func (o *Object) Flag(name string) *bool {
	return read(o, name, func(raw json.RawMessage) (*bool, bool) {
		var b *bool
		return b, json.Unmarshal(raw, &b) == nil
	})
}

// Time returns a time of RFC 3339; zero where there is none.
func (o *Object) Time(name string) time.Time {
	return read(o, name, func(raw json.RawMessage) (time.Time, bool) {
		s, ok := text(raw)
		if !ok {
			return time.Time{}, false
		}
		return RFC3339(s)
	})
}

// ExpiresIn returns the end of a life that is given in seconds from issuedAt, as a
// number or a string with one (see the function ExpiresIn); zero where there is none.
func (o *Object) ExpiresIn(name string, issuedAt time.Time, longest time.Duration) time.Time {
	return read(o, name, func(raw json.RawMessage) (time.Time, bool) {
		at := ExpiresIn(issuedAt, strings.Trim(string(raw), `"`), longest)
		return at, !at.IsZero()
	})
}

// Object returns an object within; nil where there is none.
func (o *Object) Object(name string) *Object {
	return read(o, name, func(raw json.RawMessage) (*Object, bool) {
		return o.answer.object(o.path+name+".", raw)
	})
}

// Objects returns a list of objects, without what is none.
func (o *Object) Objects(name string) []*Object {
	var list []*Object
	for i, raw := range o.list(name) {
		at := fmt.Sprintf("%s[%d]", name, i)
		if each, ok := o.answer.object(o.path+at+".", raw); ok {
			list = append(list, each)
		} else {
			o.LeaveOut(at)
		}
	}
	return list
}

// Len returns how many elements a list has; 0 for what is no list.
func (o *Object) Len(name string) int { return len(o.list(name)) }

func (o *Object) list(name string) []json.RawMessage {
	return read(o, name, func(raw json.RawMessage) (list []json.RawMessage, ok bool) {
		return list, json.Unmarshal(raw, &list) == nil
	})
}

// Secret returns a secret that may be absent: a string, without the space around it.
func (o *Object) Secret(name string) credential.Secret {
	return read(o, name, func(raw json.RawMessage) (credential.Secret, bool) {
		s, ok := text(raw)
		return credential.NewSecret(strings.Trim(s, " \t\r\n")), ok
	})
}

// Bearer returns the token that the answer is about: a string that an Authorization
// header can carry, without the space around it, as HTTP would leave that out too.
// Where there is none, the error says what is in its place.
func (o *Object) Bearer(name string) (credential.Secret, error) {
	for _, raw := range o.given(name) {
		s, ok := text(raw)
		token := credential.NewSecret(strings.Trim(s, " \t\r\n"))
		switch {
		case !ok:
			return credential.Secret{}, o.answer.noToken(fmt.Sprintf("the answer's %q has the wrong type or format", o.path+name))
		case token.IsZero():
			// An empty one is none.
		case !HeaderSafe(token):
			return credential.Secret{}, o.answer.noToken(fmt.Sprintf("the answer's %q contains characters that are not allowed in a token", o.path+name))
		default:
			return token, nil
		}
	}
	return credential.Secret{}, o.NoToken(name)
}

// NoToken is the error for an answer without the field that has the token, or that it is
// in.
func (o *Object) NoToken(name string) *failure.Error {
	return o.answer.noToken(fmt.Sprintf("the answer has no %q", o.path+name))
}

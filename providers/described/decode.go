package described

import (
	"encoding/json"
	"errors"
	"io"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/zclconf/go-cty/cty"
	"golang.org/x/text/unicode/norm"
)

// maxDepth is how deep the JSON of an answer may be nested.
const maxDepth = 64

// The ways in which a text is no JSON for us.
var (
	errNotJSON = errors.New("the answer is not well-formed JSON")
	errTooDeep = errors.New("the answer's JSON is nested too deeply")
)

// damaged marks a value that the language cannot hold as it came: its strings are in
// normal form C, and a character that is not valid is replaced. What is made of one
// would differ from what the upstream sent, so nothing may be.
type damaged struct {
	// path is where in the answer it stands.
	path string
}

// StaysMarked has nonsensitive keep the mark.
func (damaged) StaysMarked() {}

// rewritten marks a number that was sent with a fraction or an exponent: as a text it is
// written otherwise than it came, and what sends an identifier so may have rounded it.
type rewritten struct{}

// StaysMarked has nonsensitive keep the mark.
func (rewritten) StaysMarked() {}

// isRewritten reports whether such a number is in a value, or was made part of it.
func isRewritten(v cty.Value) bool {
	_, marks := v.UnmarkDeep()
	_, is := marks[rewritten{}]
	return is
}

// place is where a value stands in an answer. It is written out only where someone asks:
// an upstream can send a name of a megabyte above a list of a hundred thousand.
type place struct {
	up *place
	// field is a name; without one it is the index of a list.
	field string
	index int
}

// maxPlace bounds a place that is written out, in bytes.
const maxPlace = 120

// String writes the place as an expression does, the end of it where it is long.
func (p *place) String() string {
	text := ""
	for ; p != nil; p = p.up {
		switch {
		case len(text)+len(p.field) > maxPlace:
			return "…" + text
		case p.up == nil:
			text = p.field + text
		case p.field != "":
			text = "." + p.field + text
		default:
			text = "[" + strconv.Itoa(p.index) + "]" + text
		}
	}
	return text
}

// decodeJSON reads one JSON value. Of a field that is given twice, the last one counts.
// The errors hold nothing of the text.
func decodeJSON(text string, at *place) (cty.Value, error) {
	d := json.NewDecoder(strings.NewReader(text))
	d.UseNumber()
	v, err := decodeValue(d, at, 0)
	if err != nil {
		return cty.NilVal, err
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return cty.NilVal, errNotJSON
	}
	return v, nil
}

func decodeValue(d *json.Decoder, at *place, depth int) (cty.Value, error) {
	t, err := d.Token()
	if err != nil {
		return cty.NilVal, errNotJSON
	}
	switch t := t.(type) {
	case json.Delim:
		switch {
		case depth == maxDepth:
			return cty.NilVal, errTooDeep
		case t == '{':
			return decodeObject(d, at, depth+1)
		}
		return decodeList(d, at, depth+1)
	case string:
		return textValue(t, at), nil
	case json.Number:
		return numberValue(t.String(), at), nil
	case bool:
		return cty.BoolVal(t), nil
	}
	return cty.NullVal(cty.DynamicPseudoType), nil
}

func decodeObject(d *json.Decoder, at *place, depth int) (cty.Value, error) {
	fields := map[string]cty.Value{}
	for d.More() {
		name, err := d.Token()
		if err != nil {
			return cty.NilVal, errNotJSON
		}
		// More has seen to it that a key comes, and a key is a string.
		key, _ := name.(string)
		if fields[cty.NormalizeString(key)], err = decodeValue(d, &place{up: at, field: key}, depth); err != nil {
			return cty.NilVal, err
		}
	}
	if _, err := d.Token(); err != nil {
		return cty.NilVal, errNotJSON
	}
	return cty.ObjectVal(fields), nil
}

func decodeList(d *json.Decoder, at *place, depth int) (cty.Value, error) {
	var elements []cty.Value
	for d.More() {
		v, err := decodeValue(d, &place{up: at, index: len(elements)}, depth)
		if err != nil {
			return cty.NilVal, err
		}
		elements = append(elements, v)
	}
	if _, err := d.Token(); err != nil {
		return cty.NilVal, errNotJSON
	}
	return cty.TupleVal(elements), nil
}

// textValue is a text of an answer, marked where it is not held as it came.
func textValue(s string, at *place) cty.Value {
	if !utf8.ValidString(s) {
		return cty.StringVal(strings.ToValidUTF8(s, string(utf8.RuneError))).Mark(damaged{at.String()})
	}
	v := cty.StringVal(s)
	if strings.ContainsRune(s, utf8.RuneError) || !norm.NFC.IsNormalString(s) {
		return v.Mark(damaged{at.String()})
	}
	return v
}

// maxDigits is how many digits a number may have to be held exactly, and maxExponent
// how large its exponent may be: one of some billions would be written with as many
// zeros.
const (
	maxDigits   = 150
	maxExponent = 308
)

var exponentForm = regexp.MustCompile(`[eE]([+-]?[0-9]+)$`)

// numberValue is a number of an answer. One that cannot be held exactly is a text with
// the mark of what is damaged.
func numberValue(s string, at *place) cty.Value {
	mantissa, exponent := s, 0
	if m := exponentForm.FindStringSubmatchIndex(s); m != nil {
		n, err := strconv.Atoi(s[m[2]:m[3]])
		if err != nil {
			n = maxExponent + 1
		}
		mantissa, exponent = s[:m[0]], max(n, -n)
	}
	if len(mantissa) <= maxDigits && exponent <= maxExponent {
		v, err := cty.ParseNumberVal(s)
		switch {
		case err != nil:
		case strings.ContainsAny(s, ".eE"):
			return v.Mark(rewritten{})
		default:
			return v
		}
	}
	return cty.StringVal(s).Mark(damaged{at.String()})
}

// damagedAt returns where in an answer something stands that a value is made of and
// that is not held as it came; ok is false for none.
func damagedAt(v cty.Value) (path string, ok bool) {
	_, marks := v.UnmarkDeep()
	for m := range marks {
		if d, is := m.(damaged); is && (!ok || d.path < path) {
			path, ok = d.path, true
		}
	}
	return path, ok
}

// plain returns a value without its marks.
func plain(v cty.Value) cty.Value {
	v, _ = v.UnmarkDeep()
	return v
}

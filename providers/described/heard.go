package described

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/credsync/credsync/internal/upstream"
	"github.com/zclconf/go-cty/cty"
)

// heard is what is known of an answer: what expressions see, and what is kept of it
// where an output is still to be taken from it.
type heard struct {
	Label   string            `json:"label,omitempty"`
	Status  int               `json:"status"`
	Headers map[string]string `json:"headers,omitempty"`
	Cookies map[string]string `json:"cookies,omitempty"`
	Body    string            `json:"body,omitempty"`
	Kind    string            `json:"format,omitempty"`
	Unwrap  string            `json:"unwrap,omitempty"`
}

// Format implements fmt.Formatter for every verb: an answer may hold secrets.
func (h heard) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, "described.heard{}") }

// hear reads an answer as far as that can be done whatever is in it.
func hear(q *Request, a *upstream.Answer) heard {
	h := heard{
		Label: q.Label, Status: a.Status, Body: a.Body().Reveal(), Kind: q.Response.Format, Unwrap: q.Response.Unwrap,
		Headers: map[string]string{}, Cookies: map[string]string{},
	}
	for name, values := range a.Header() {
		h.Headers[strings.ToLower(name)] = strings.Join(values, ", ")
	}
	for name, value := range a.Cookies() {
		h.Cookies[name] = value.Reveal()
	}
	return h
}

// value is what response means. The body is null where it is not in its format; why is
// then the error, and nil for an answer without any.
func (h heard) value() (v cty.Value, why error) {
	body, why := h.body()
	outer := body
	if inner, ok := fieldOf(body, h.Unwrap); ok {
		body = inner
	}
	return cty.ObjectVal(map[string]cty.Value{
		"status":  cty.NumberIntVal(int64(h.Status)),
		"body":    body,
		"outer":   outer,
		"text":    textValue(h.Body, &place{field: "response.text"}),
		"headers": textMap(h.Headers, "response.headers"),
		"cookies": textMap(h.Cookies, "response.cookies"),
	}), why
}

func (h heard) body() (cty.Value, error) {
	null := cty.NullVal(cty.DynamicPseudoType)
	text, at := strings.TrimSpace(h.Body), &place{field: "response.body"}
	if text == "" || h.Kind == FormatNone {
		return null, nil
	}
	if h.Kind == FormatText {
		return textValue(text, at), nil
	}
	v, err := decodeJSON(text, at)
	switch {
	case err == nil:
		return v, nil
	case h.Kind == FormatAuto:
		return textValue(text, at), nil
	}
	return null, err
}

// fieldOf returns a field of an object that is there and not null.
func fieldOf(v cty.Value, name string) (cty.Value, bool) {
	if name == "" || v.IsNull() || !v.Type().IsObjectType() {
		return cty.NilVal, false
	}
	name = cty.NormalizeString(name)
	if !v.Type().HasAttribute(name) {
		return cty.NilVal, false
	}
	inner := v.GetAttr(name)
	return inner, !inner.IsNull()
}

func textMap(texts map[string]string, name string) cty.Value {
	if len(texts) == 0 {
		return cty.MapValEmpty(cty.String)
	}
	values := map[string]cty.Value{}
	for _, key := range slices.Sorted(maps.Keys(texts)) {
		values[key] = textValue(texts[key], &place{up: &place{field: name}, field: key})
	}
	return cty.MapVal(values)
}

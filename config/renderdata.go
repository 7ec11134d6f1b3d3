package config

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math/big"
	"slices"

	"github.com/credsync/credsync/credential"
	"github.com/credsync/credsync/internal/inputtext"
	"github.com/credsync/credsync/providers"
	"github.com/credsync/credsync/schema"
	"github.com/credsync/credsync/schema/diag"
	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/convert"
)

// renderer is behind Delivery.Render. It may be used at any time and
// concurrently: it only reads what loading has left.
type renderer struct {
	spec    *providers.Spec
	address string
	at      *diag.Range
	// evaluate is what data gives for a token; nil where the block has none, and
	// then nothing of the loader is kept.
	evaluate func(credential.Token) (cty.Value, diag.List)
}

func (l *loader) renderer(data *hcl.Attribute, d *delivery, a *Account) renderer {
	r := renderer{spec: a.Spec, address: a.Address, at: d.at}
	if data == nil {
		return r
	}
	expr, sc := data.Expr, d.scope
	sc.cache = nil // it is for loading only
	r.evaluate = func(t credential.Token) (cty.Value, diag.List) {
		quiet := *l
		quiet.report = l.report.withoutFindings()
		v, ok := quiet.value(expr, sc.withToken(TokenObject(r.spec, t)), false)
		if !ok {
			return v, quiet.report.list()
		}
		if v.HasMark(tokenMark) {
			// Where functions lose marks of what is unknown, loading did not see it.
			return v, r.wrong(keysDependOnSecret)
		}
		return v, nil
	}
	return r
}

func (r renderer) wrong(why string) diag.List {
	return diag.List{diag.Errorf("Data cannot be rendered", "%s", why).About(r.address, r.at)}
}

// render writes as text what data makes of a token.
func (r renderer) render(t credential.Token) (map[string]credential.Secret, diag.List) {
	if inputtext.Check(t.Access.Reveal()) != nil || inputtext.Check(t.Refresh.Reveal()) != nil {
		return nil, r.wrong("The token is not UTF-8 text in normal form C, so it would not be delivered unchanged.")
	}
	var rendered map[string]credential.Secret
	var err error
	if r.evaluate == nil {
		rendered, err = renderOutputs(r.spec, t)
	} else {
		value, diags := r.evaluate(t)
		if diags != nil {
			return nil, diags
		}
		rendered, err = renderData(value)
	}
	if err != nil {
		return nil, r.wrong(sentence(err.Error()))
	}
	return rendered, nil
}

// renderOutputs is what a deliver block without data writes: every output but
// those that are withheld. It is what an object of them would be rendered to.
func renderOutputs(spec *providers.Spec, t credential.Token) (map[string]credential.Secret, error) {
	rendered := make(map[string]credential.Secret, len(spec.Outputs))
	for _, o := range spec.Outputs {
		if o.Withheld {
			continue
		}
		if s, ok := plainOutput(o, t); ok {
			rendered[o.Name] = s
			continue
		}
		if err := renderValue(rendered, o.Name, outputOf(o, t)); err != nil {
			return nil, err
		}
	}
	return rendered, nil
}

// plainOutput is an output that is text and written as it is, as most are; ok is
// false for others.
func plainOutput(o schema.Output, t credential.Token) (s credential.Secret, ok bool) {
	if o.Type != cty.String {
		return credential.Secret{}, false
	}
	switch o.Name {
	case "access_token":
		return t.Access, !t.Access.IsZero()
	case "refresh_token":
		return t.Refresh, !t.Refresh.IsZero()
	}
	switch v := t.Outputs[o.Name].(type) {
	case string:
		return credential.NewSecret(v), inputtext.Check(v) == nil
	case credential.Secret:
		return v, !v.IsZero() && inputtext.Check(v.Reveal()) == nil
	}
	return credential.Secret{}, false
}

// renderData writes the values as text. Its errors name keys, never values.
func renderData(v cty.Value) (map[string]credential.Secret, error) {
	v, _ = v.UnmarkDeep()
	if !v.IsKnown() || v.IsNull() || !v.Type().IsObjectType() && !v.Type().IsMapType() {
		return nil, errors.New("data must be an object or a map, and known")
	}
	rendered := make(map[string]credential.Secret, v.LengthInt())
	for it := v.ElementIterator(); it.Next(); {
		key, value := it.Element()
		name := key.AsString()
		if name == "" {
			return nil, errors.New("a key of data is empty; every value needs a name to be written under")
		}
		if !value.IsWhollyKnown() {
			return nil, fmt.Errorf("the value of %q is not known, because it depends on data that was not read", name)
		}
		if err := renderValue(rendered, name, value); err != nil {
			return nil, err
		}
	}
	return rendered, nil
}

// renderValue adds one value as text; one that is null is left out.
func renderValue(to map[string]credential.Secret, name string, v cty.Value) error {
	if v, _ = v.UnmarkDeep(); v.IsNull() {
		return nil
	}
	text, err := encodeValue(v)
	if err != nil {
		return fmt.Errorf("the value of %q cannot be written as text", name)
	}
	to[name] = credential.NewSecret(text)
	return nil
}

// encodeValue writes primitive values plainly and others as JSON, with sorted
// keys and without the escapes that are meant for HTML.
func encodeValue(v cty.Value) (string, error) {
	if v.Type().IsPrimitiveType() {
		text, err := convert.Convert(v, cty.String)
		if err != nil {
			return "", err
		}
		return text.AsString(), nil
	}
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(jsonValue(v)); err != nil {
		return "", err
	}
	return string(bytes.TrimSuffix(b.Bytes(), []byte("\n"))), nil
}

// jsonValue turns a value into what encoding/json writes; numbers keep every digit.
func jsonValue(v cty.Value) any {
	t := v.Type()
	switch {
	case v.IsNull():
		return nil
	case t == cty.String:
		return v.AsString()
	case t == cty.Bool:
		return v.True()
	case t == cty.Number:
		return json.Number(number(v.AsBigFloat()))
	case t.IsMapType(), t.IsObjectType():
		m := make(map[string]any, v.LengthInt())
		for it := v.ElementIterator(); it.Next(); {
			key, e := it.Element()
			m[key.AsString()] = jsonValue(e)
		}
		return m
	}
	list := make([]any, 0, v.LengthInt())
	for it := v.ElementIterator(); it.Next(); {
		_, e := it.Element()
		list = append(list, jsonValue(e))
	}
	return slices.Clip(list)
}

func number(f *big.Float) string { return f.Text('f', -1) }

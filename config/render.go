package config

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math/big"
	"slices"
	"time"

	"github.com/credsync/credsync/credential"
	"github.com/credsync/credsync/providers"
	"github.com/credsync/credsync/schema"
	"github.com/credsync/credsync/schema/diag"
	"github.com/credsync/credsync/schema/functions"
	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/convert"
)

// TokenObject is what `token` means for a token: every output of the provider,
// the sensitive ones marked. What the upstream did not say is null, and so is
// an output whose value does not have the type that the provider declares.
func TokenObject(spec *providers.Spec, t credential.Token) cty.Value {
	fields := make(map[string]cty.Value, len(spec.Outputs))
	for _, o := range spec.Outputs {
		v := outputOf(o, t)
		if o.Sensitive {
			v = markSensitive(v).Mark(ofToken)
		}
		fields[o.Name] = v
	}
	return cty.ObjectVal(fields)
}

// outputOf is one output, or null where it does not have its type.
func outputOf(o schema.Output, t credential.Token) cty.Value {
	v := outputValue(o, t)
	if v.Type().Equals(o.Type) {
		return v
	}
	if converted, err := convert.Convert(v, o.Type); err == nil {
		return converted
	}
	return cty.NullVal(o.Type)
}

func outputValue(o schema.Output, t credential.Token) cty.Value {
	switch o.Name {
	case "access_token":
		return secretValue(t.Access)
	case "refresh_token":
		return secretValue(t.Refresh)
	case "expires_at":
		if t.ExpiresAt.IsZero() {
			return cty.NullVal(cty.String)
		}
		return cty.StringVal(t.ExpiresAt.UTC().Format(time.RFC3339))
	}
	switch v := t.Outputs[o.Name].(type) {
	case string:
		return cty.StringVal(v)
	case bool:
		return cty.BoolVal(v)
	case credential.Secret:
		return markSensitive(secretValue(v))
	case []string:
		return listOf(v, cty.StringVal, cty.String)
	case []map[string]string:
		if o.Type.IsListType() && o.Type.ElementType().IsObjectType() {
			object := o.Type.ElementType()
			return listOf(v, func(m map[string]string) cty.Value { return stringObject(m, object) }, object)
		}
	}
	return cty.NullVal(cty.DynamicPseudoType)
}

func secretValue(s credential.Secret) cty.Value {
	if s.IsZero() {
		return cty.NullVal(cty.String)
	}
	return cty.StringVal(s.Reveal())
}

func listOf[T any](elements []T, value func(T) cty.Value, of cty.Type) cty.Value {
	if elements == nil {
		return cty.NullVal(cty.List(of))
	}
	if len(elements) == 0 {
		return cty.ListValEmpty(of)
	}
	values := make([]cty.Value, len(elements))
	for i, e := range elements {
		values[i] = value(e)
	}
	return cty.ListVal(values)
}

// stringObject leaves null what the upstream did not say of an element.
func stringObject(m map[string]string, object cty.Type) cty.Value {
	fields := make(map[string]cty.Value, len(object.AttributeTypes()))
	for name, t := range object.AttributeTypes() {
		fields[name] = cty.NullVal(t)
		if s, ok := m[name]; ok {
			fields[name] = cty.StringVal(s)
		}
	}
	return cty.ObjectVal(fields)
}

type originMark string

// ofToken marks, beside functions.Sensitive, what is made of a secret of the
// token, which other than data is never known before the login.
const ofToken originMark = "token"

// unknownToken is the token's object before there is one. It is made once for
// each provider.
func (l *loader) unknownToken(spec *providers.Spec) cty.Value {
	if v, ok := l.unknownTokens[spec]; ok {
		return v
	}
	fields := make(map[string]cty.Value, len(spec.Outputs))
	for _, o := range spec.Outputs {
		fields[o.Name] = cty.UnknownVal(o.Type)
		if o.Sensitive {
			fields[o.Name] = markSensitive(fields[o.Name]).Mark(ofToken)
		}
	}
	v := cty.ObjectVal(fields)
	l.unknownTokens[spec] = v
	return v
}

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
	sc.memo = nil // it is for loading only
	r.evaluate = func(t credential.Token) (cty.Value, diag.List) {
		quiet := *l
		quiet.report = l.report.again()
		v, ok := quiet.value(expr, sc.withToken(TokenObject(r.spec, t)), false)
		if !ok {
			return v, quiet.report.list()
		}
		if v.HasMark(ofToken) {
			// Where functions lose marks of what is unknown, loading did not see it.
			return v, r.wrong(keysOfSecret)
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
	if !functions.Intact(t.Access.Reveal()) || !functions.Intact(t.Refresh.Reveal()) {
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
		return credential.NewSecret(v), functions.Intact(v)
	case credential.Secret:
		return v, !v.IsZero() && functions.Intact(v.Reveal())
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
	if err := enc.Encode(plain(v)); err != nil {
		return "", err
	}
	return string(bytes.TrimSuffix(b.Bytes(), []byte("\n"))), nil
}

// plain turns a value into what encoding/json writes; numbers keep every digit.
func plain(v cty.Value) any {
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
			m[key.AsString()] = plain(e)
		}
		return m
	}
	list := make([]any, 0, v.LengthInt())
	for it := v.ElementIterator(); it.Next(); {
		_, e := it.Element()
		list = append(list, plain(e))
	}
	return slices.Clip(list)
}

func number(f *big.Float) string { return f.Text('f', -1) }

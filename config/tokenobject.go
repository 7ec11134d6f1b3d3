package config

import (
	"time"

	"github.com/credsync/credsync/credential"
	"github.com/credsync/credsync/providers"
	"github.com/credsync/credsync/schema"
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
			v = markSensitive(v).Mark(tokenMark)
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
		if said, ok := t.Outputs[o.Name].(string); ok && t.ExpiresAt.IsZero() {
			// That of a static token, which only a person replaces.
			return cty.StringVal(said)
		}
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

// tokenMark marks, beside functions.Sensitive, what is made of a secret of the
// token, which other than data is never known before the login.
const tokenMark originMark = "token"

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
			fields[o.Name] = markSensitive(fields[o.Name]).Mark(tokenMark)
		}
	}
	v := cty.ObjectVal(fields)
	l.unknownTokens[spec] = v
	return v
}

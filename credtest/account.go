package credtest

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/credsync/credsync/config"
	"github.com/credsync/credsync/credential"
	"github.com/credsync/credsync/providers"
	"github.com/credsync/credsync/providers/described"
	"github.com/credsync/credsync/schema"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/convert"
)

// madeUpBase is the base_url of a test that gives none, of an upstream without a default.
const madeUpBase = "https://upstream.example"

// values are the attributes of a test as those of an account.
func values(spec *providers.Spec, given cty.Value) (schema.Values, error) {
	attrs := map[string]cty.Value{}
	fields := map[string]cty.Value{}
	if !given.IsNull() {
		fields = given.AsValueMap()
	}
	block := spec.Block()
	certificate, err := certificateOf(spec, fields[described.Certificate])
	if err != nil {
		return schema.Values{}, fmt.Errorf("attributes: %s: %w", described.Certificate, err)
	}
	if certificate != nil {
		delete(fields, described.Certificate)
	}
	for _, name := range slices.Sorted(maps.Keys(fields)) {
		row, ok := block.Attribute(name)
		if !ok {
			return schema.Values{}, fmt.Errorf("attributes: the accounts of this upstream have no attribute %q", name)
		}
		v, err := convert.Convert(fields[name], row.Type)
		if err != nil {
			return schema.Values{}, fmt.Errorf("attributes: %s must be a %s", name, row.Type.FriendlyName())
		}
		if err := checked(row, v); err != nil {
			return schema.Values{}, fmt.Errorf("attributes: %s: %w", name, err)
		}
		attrs[name] = v
	}
	for i := range block.Attributes {
		row := &block.Attributes[i]
		if _, set := attrs[row.Name]; set || !row.Required {
			continue
		}
		if row.Name != "base_url" {
			return schema.Values{}, fmt.Errorf("attributes: %s is required", row.Name)
		}
		attrs[row.Name] = cty.StringVal(madeUpBase)
	}
	v := schema.NewValues(block, "", attrs, certificate)
	if block.Check != nil {
		if err := block.Check(v); err != nil {
			return v, fmt.Errorf("attributes: %w", err)
		}
	}
	return v, nil
}

func checked(row schema.Attribute, v cty.Value) error {
	switch {
	case v.IsNull():
		return nil
	case len(row.OneOf) > 0 && v.Type() == cty.String && !slices.Contains(row.OneOf, v.AsString()):
		return fmt.Errorf("must be one of %s", strings.Join(row.OneOf, ", "))
	case row.Check != nil:
		return row.Check(v)
	}
	return nil
}

// The token and the challenge of a test that gives none.
const (
	madeUpToken     = "v4KQ9sWcT2nLxB7e"
	madeUpRefresh   = "Rz8mJfY3pHq5Dw1U"
	madeUpChallenge = "n6XtGa0oEk9VbC2s"
	madeUpCode      = "0451"
)

// tokenOf is the token that a test starts from.
func tokenOf(d *described.Definition, given cty.Value) (credential.Token, error) {
	t := credential.Token{
		Access: credential.NewSecret(madeUpToken), Refresh: credential.NewSecret(madeUpRefresh),
		Outputs: credential.Outputs{},
	}
	if given.IsNull() {
		return t, nil
	}
	for name, v := range given.AsValueMap() {
		switch name {
		case "access_token", "refresh_token":
			text, err := convert.Convert(v, cty.String)
			if err != nil || text.IsNull() {
				return t, fmt.Errorf("token: %s must be a string", name)
			}
			if name == "access_token" {
				t.Access = credential.NewSecret(text.AsString())
			} else {
				t.Refresh = credential.NewSecret(text.AsString())
			}
		case "expires_at":
		default:
			if err := setOutput(d, t.Outputs, name, v); err != nil {
				return t, fmt.Errorf("token: %w", err)
			}
		}
	}
	return t, nil
}

func outputsOf(d *described.Definition, given cty.Value) (credential.Outputs, error) {
	if given.IsNull() {
		return nil, nil
	}
	outputs := credential.Outputs{}
	for name, v := range given.AsValueMap() {
		if err := setOutput(d, outputs, name, v); err != nil {
			return nil, err
		}
	}
	return outputs, nil
}

// given is what a test block says of the account, as its provider takes it.
type given struct {
	account  schema.Values
	token    credential.Token
	previous credential.Outputs
}

// given reads a test block; the error is one of the block itself.
func (r *runner) given(t *config.UpstreamTest) (g given, err error) {
	if g.account, err = values(r.spec, t.Attributes); err != nil {
		return g, err
	}
	if g.token, err = tokenOf(r.definition, t.Token); err != nil {
		return g, err
	}
	g.previous, err = outputsOf(r.definition, t.Previous)
	return g, err
}

// secrets are the texts that nothing may show.
func (g given) secrets() (secrets []credential.Secret) {
	for i, row := range g.account.Block().Attributes {
		if raw := g.account.RawAt(i); row.Sensitive && raw.Type() == cty.String && !raw.IsNull() && raw.AsString() != "" {
			secrets = append(secrets, credential.NewSecret(raw.AsString()))
		}
	}
	for _, s := range []credential.Secret{g.token.Access, g.token.Refresh} {
		if !s.IsZero() {
			secrets = append(secrets, s)
		}
	}
	return secrets
}

var errNotItsType = errors.New("the value does not have the output's type")

func setOutput(d *described.Definition, to credential.Outputs, name string, v cty.Value) error {
	i := slices.IndexFunc(d.Outputs, func(o schema.Output) bool { return o.Name == name })
	if i < 0 {
		return fmt.Errorf("there is no output block for %q", name)
	}
	o := d.Outputs[i]
	if _, err := convert.Convert(v, o.Type); err != nil {
		return fmt.Errorf("%s: %w", name, errNotItsType)
	}
	output, ok := config.OutputOf(o, v)
	if !ok {
		return fmt.Errorf("%s: %w", name, errNotItsType)
	}
	if output != nil {
		to[name] = output
	}
	return nil
}

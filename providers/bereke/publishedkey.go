package bereke

import (
	"context"
	"encoding/json"
	"errors"
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/credsync/credsync/credential"
	"github.com/credsync/credsync/failure"
	"github.com/credsync/credsync/internal/pemkey"
	"github.com/credsync/credsync/internal/upstream"
)

// publishedKey says where the key is in what public_key_url answers.
type publishedKey struct {
	// field names the member of a JSON object that holds it, id the one of
	// several keys in a JWK set. Both may be empty.
	field, id string
}

const defaultKeyField = "key"

// key returns the configured key, or gets the published one.
func (p *provider) key(ctx context.Context) (pemkey.RSAPublicKey, error) {
	if p.keyURL == "" {
		return p.configured, nil
	}
	return p.fetchKey(ctx)
}

func (p *provider) fetchKey(ctx context.Context) (pemkey.RSAPublicKey, error) {
	a, err := p.env.Send(ctx, upstream.Request{
		Op: upstream.Op{
			Name: "get the bank's public key", Secrets: append(p.secrets(), p.username), Endpoint: keyURL,
		},
		URL: p.keyURL,
		// JSON where there is a choice, but a file with the key is as good.
		Header: map[string]credential.Secret{"Accept": upstream.Public("application/json, */*;q=0.5")},
	})
	if err != nil {
		return pemkey.RSAPublicKey{}, err
	}
	if a.Status != http.StatusOK {
		return pemkey.RSAPublicKey{}, a.Refused("", "").Judge(keyRefusals)
	}
	return p.published.read(a)
}

// read finds the key in an answer: the key itself, as PEM or base64 of DER, a
// JSON string of that, a JWK or a set of those, or a JSON object with any of them
// in a field.
func (k publishedKey) read(a *upstream.Answer) (pemkey.RSAPublicKey, error) {
	text, err := a.Text()
	if err != nil {
		return pemkey.RSAPublicKey{}, err
	}
	if text.Reveal()[0] != '{' {
		key, err := keyOf(json.RawMessage(text.Reveal()), k.id)
		return key, k.unusable(a, "the answer", err)
	}
	if _, err := a.Object(); err != nil {
		return pemkey.RSAPublicKey{}, err
	}
	object := json.RawMessage(text.Reveal())
	value, found := member(object, k.name())
	_, isSet := member(object, "keys")
	_, isKey := member(object, "kty")
	if !found && k.field == "" && (isSet || isKey) {
		key, err := keyOf(object, k.id)
		return key, k.unusable(a, "the answer", err)
	}
	if !found {
		e := a.Missing(k.name())
		e.Advice = "Set public_key_field to the field that contains the key, or ask the bank where it publishes the key."
		return pemkey.RSAPublicKey{}, e
	}
	key, err := keyOf(value, k.id)
	return key, k.unusable(a, `the answer's "`+k.name()+`"`, err)
}

func (k publishedKey) name() string {
	if k.field == "" {
		return defaultKeyField
	}
	return k.field
}

// unusable is the error for a key that was found but is none; nil for nil.
func (k publishedKey) unusable(a *upstream.Answer, where string, err error) error {
	var choice errKeyChoice
	switch {
	case err == nil:
		return nil
	case errors.As(err, &choice):
		e := a.Fail(failure.Config, where+" "+choice.message, "Set public_key_id to "+a.Said(choice.options)+
			"; if you do not know which, ask the bank: a password encrypted with another key looks like a wrong password.")
		e.Attribute = keyID
		return e
	}
	return a.Fail(failure.Server, where+" cannot be used: "+err.Error(),
		"Check public_key_url and public_key_field; if both are correct, ask the bank, or set public_key to the key itself.")
}

// keyOf reads a key in any of the forms that are told apart by themselves.
func keyOf(raw json.RawMessage, id string) (pemkey.RSAPublicKey, error) {
	switch first := strings.TrimSpace(string(raw))[0]; {
	case first == '{':
		return parseJWKs(raw, id)
	case first == '"':
		var text string
		if json.Unmarshal(raw, &text) != nil {
			return pemkey.RSAPublicKey{}, pemkey.ErrNoPublicKey
		}
		return pemkey.ParseRSAPublicKey(text)
	}
	return pemkey.ParseRSAPublicKey(string(raw))
}

// member returns what a JSON object has under a name, or under names with dots
// between, each inside the one before. null counts as absent. Names are looked for
// letter by letter first, then in any letter case, as in every answer.
func member(object json.RawMessage, name string) (json.RawMessage, bool) {
	var members map[string]json.RawMessage
	if json.Unmarshal(object, &members) != nil {
		return nil, false
	}
	if value, found := named(members, name); found {
		return value, true
	}
	first, rest, deeper := strings.Cut(name, ".")
	inner, found := named(members, first)
	if !deeper || !found {
		return nil, false
	}
	return member(inner, rest)
}

func named(members map[string]json.RawMessage, name string) (json.RawMessage, bool) {
	if upstream.Given(members[name]) {
		return members[name], true
	}
	for _, other := range slices.Sorted(maps.Keys(members)) {
		if strings.EqualFold(other, name) && upstream.Given(members[other]) {
			return members[other], true
		}
	}
	return nil, false
}

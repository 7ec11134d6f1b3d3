package engine

import (
	"encoding/json"
	"maps"
	"slices"

	"github.com/credsync/credsync/config"
	"github.com/credsync/credsync/credential"
	"github.com/credsync/credsync/internal/keyedhash"
	"github.com/credsync/credsync/schema"
	"github.com/zclconf/go-cty/cty"
	ctyjson "github.com/zclconf/go-cty/cty/json"
)

// fingerprints are the fingerprints of an account's attributes under a record's key.
type fingerprints struct {
	// login covers what the upstream sees at a login; shape covers also what
	// the token is for.
	login, shape string
}

// fingerprintsOf covers every attribute that has the effect, by the tables of the
// provider and of the http block, so that a new attribute cannot be forgotten
// here.
func fingerprintsOf(key []byte, a *config.Account) fingerprints {
	login, shape := newFingerprinter(key, schema.ShapesLogin), newFingerprinter(key, schema.ShapesToken)
	writeAccount(a, login, shape)
	return fingerprints{login: login.sum(), shape: shape.sum()}
}

// loginFingerprints returns a function whose fingerprints tell apart accounts that log in
// alike.
func loginFingerprints(key []byte) func(*config.Account) string {
	login := newFingerprinter(key, schema.ShapesLogin)
	return func(a *config.Account) string {
		login.mac.Reset()
		writeAccount(a, login)
		return login.sum()
	}
}

// fingerprinter makes the fingerprint of what has at least that effect.
type fingerprinter struct {
	mac   keyedhash.Hash
	least schema.Effect
}

func newFingerprinter(key []byte, least schema.Effect) *fingerprinter {
	return &fingerprinter{mac: keyedhash.New(key), least: least}
}

func (p *fingerprinter) sum() string { return p.mac.Sum() }

func writeAccount(a *config.Account, to ...*fingerprinter) {
	for _, p := range to {
		if !a.Spec.Described {
			p.mac.Write(a.Spec.Name)
		}
		if a.Spec.LoginShape != nil {
			p.mac.Write("login shape")
			p.mac.Write(string(a.Spec.LoginShape))
		}
	}
	writeValues(a.Values, to)
	writeValues(a.HTTP, to)
}

func writeValues(v schema.Values, to []*fingerprinter) {
	for i := range v.Block().Attributes {
		attr := &v.Block().Attributes[i]
		if attr.AddedLater && isDefault(attr, v.RawAt(i)) {
			continue
		}
		text := ""
		for _, p := range to {
			if attr.Effect < p.least {
				continue
			}
			if text == "" {
				text = asJSON(v.RawAt(i), attr.Name)
			}
			p.mac.Write(attr.Name)
			p.mac.Write(text)
		}
	}
	for _, nested := range v.Block().Blocks {
		for _, block := range v.Nested(nested.Type) {
			for _, p := range to {
				p.mac.Write(nested.Type + " " + block.Label())
			}
			writeValues(block, to)
		}
	}
}

// isDefault reports whether a value is what the attribute has where nobody sets it.
func isDefault(attr *schema.Attribute, raw cty.Value) bool {
	if attr.Default == cty.NilVal {
		return raw.IsNull()
	}
	return raw.RawEquals(attr.Default)
}

func asJSON(raw cty.Value, name string) string {
	if raw.Type().IsPrimitiveType() && raw.IsKnown() && raw.IsNull() {
		return "null"
	}
	var b []byte
	var err error
	if raw.Type() == cty.String && raw.IsKnown() {
		// Which is what it comes to, in a longer way.
		b, err = json.Marshal(raw.AsString())
	} else {
		b, err = ctyjson.Marshal(raw, raw.Type())
	}
	if err != nil {
		// Only an unknown value cannot be marshalled, and those do not
		// come as far as this.
		panic("engine: attribute " + name + " is not known")
	}
	return string(b)
}

// digest covers what is written to a target.
func digest(key []byte, data map[string]credential.Secret) string {
	mac := keyedhash.New(key)
	for _, k := range slices.Sorted(maps.Keys(data)) {
		mac.Write(k)
		mac.Write(data[k].Reveal())
	}
	return mac.Sum()
}

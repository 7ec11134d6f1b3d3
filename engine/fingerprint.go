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

// prints are the fingerprints of an account's attributes under a record's key.
type prints struct {
	// login covers what the upstream sees at a login; shape covers also what
	// the token is for.
	login, shape string
}

// fingerprints covers every attribute that has the effect, by the tables of the
// provider and of the http block, so that a new attribute cannot be forgotten
// here.
func fingerprints(key []byte, a *config.Account) prints {
	login, shape := newPrinter(key, schema.ShapesLogin), newPrinter(key, schema.ShapesToken)
	writeAccount(a, login, shape)
	return prints{login: login.sum(), shape: shape.sum()}
}

// loginPrint is the one that tells accounts apart which log in alike.
func loginPrint(key []byte, a *config.Account) string {
	login := newPrinter(key, schema.ShapesLogin)
	writeAccount(a, login)
	return login.sum()
}

// printer makes the fingerprint of what has at least that effect.
type printer struct {
	mac   keyedhash.Hash
	least schema.Effect
}

func newPrinter(key []byte, least schema.Effect) *printer {
	return &printer{mac: keyedhash.New(key), least: least}
}

func (p *printer) sum() string { return p.mac.Sum() }

func writeAccount(a *config.Account, to ...*printer) {
	for _, p := range to {
		p.mac.Write(a.Spec.Name)
	}
	writeValues(a.Values, to)
	writeValues(a.HTTP, to)
}

func writeValues(v schema.Values, to []*printer) {
	for i := range v.Block().Attributes {
		attr := &v.Block().Attributes[i]
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

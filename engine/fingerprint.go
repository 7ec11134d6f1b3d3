package engine

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"hash"
	"maps"
	"slices"

	"github.com/credsync/credsync/credential"
	"github.com/credsync/credsync/schema"
	"github.com/credsync/credsync/schema/config"
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
	mac   partHash
	least schema.Effect
}

func newPrinter(key []byte, least schema.Effect) *printer {
	return &printer{mac: newPartHash(key), least: least}
}

func (p *printer) sum() string { return p.mac.sum() }

func writeAccount(a *config.Account, to ...*printer) {
	for _, p := range to {
		p.mac.write(a.Spec.Name)
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
			p.mac.write(attr.Name)
			p.mac.write(text)
		}
	}
	for _, nested := range v.Block().Blocks {
		for _, block := range v.Nested(nested.Type) {
			for _, p := range to {
				p.mac.write(nested.Type + " " + block.Label())
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
	mac := newPartHash(key)
	for _, k := range slices.Sorted(maps.Keys(data)) {
		mac.write(k)
		mac.write(data[k].Reveal())
	}
	return mac.sum()
}

// partHash is a keyed hash of a list of texts.
type partHash struct {
	mac hash.Hash
	// part is what is written next; it is kept, since there are many.
	part []byte
}

func newPartHash(key []byte) partHash { return partHash{mac: hmac.New(sha256.New, key)} }

// write writes s behind its length, so that no two lists of parts give the same
// bytes.
func (h *partHash) write(s string) {
	h.part = binary.BigEndian.AppendUint64(h.part[:0], uint64(len(s)))
	h.part = append(h.part, s...)
	_, _ = h.mac.Write(h.part)
}

func (h *partHash) sum() string { return hex.EncodeToString(h.mac.Sum(nil)) }

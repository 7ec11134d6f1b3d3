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
	login, shape := printer{hmac.New(sha256.New, key), schema.ShapesLogin}, printer{hmac.New(sha256.New, key), schema.ShapesToken}
	writeAccount(a, login, shape)
	return prints{login: login.sum(), shape: shape.sum()}
}

// loginPrint is the one that tells accounts apart which log in alike.
func loginPrint(key []byte, a *config.Account) string {
	login := printer{hmac.New(sha256.New, key), schema.ShapesLogin}
	writeAccount(a, login)
	return login.sum()
}

// printer makes the fingerprint of what has at least that effect.
type printer struct {
	mac   hash.Hash
	least schema.Effect
}

func (p printer) sum() string { return hex.EncodeToString(p.mac.Sum(nil)) }

func writeAccount(a *config.Account, to ...printer) {
	for _, p := range to {
		writePart(p.mac, a.Spec.Name)
	}
	writeValues(a.Values, to)
	writeValues(a.HTTP, to)
}

func writeValues(v schema.Values, to []printer) {
	for i := range v.Block().Attributes {
		attr := &v.Block().Attributes[i]
		text := ""
		for _, p := range to {
			if attr.Effect < p.least {
				continue
			}
			if text == "" {
				text = asJSON(v, attr.Name)
			}
			writePart(p.mac, attr.Name)
			writePart(p.mac, text)
		}
	}
	for _, nested := range v.Block().Blocks {
		for _, block := range v.Nested(nested.Type) {
			for _, p := range to {
				writePart(p.mac, nested.Type+" "+block.Label())
			}
			writeValues(block, to)
		}
	}
}

func asJSON(v schema.Values, name string) string {
	raw := v.Raw(name)
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
	mac := hmac.New(sha256.New, key)
	for _, k := range slices.Sorted(maps.Keys(data)) {
		writePart(mac, k)
		writePart(mac, data[k].Reveal())
	}
	return hex.EncodeToString(mac.Sum(nil))
}

// writePart writes s behind its length, so that no two lists of parts give the
// same bytes.
func writePart(h hash.Hash, s string) {
	var n [8]byte
	binary.BigEndian.PutUint64(n[:], uint64(len(s)))
	_, _ = h.Write(n[:])
	_, _ = h.Write([]byte(s))
}

package engine

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"hash"
	"maps"
	"slices"

	"github.com/credsync/credsync/credential"
	"github.com/credsync/credsync/schema"
	"github.com/credsync/credsync/schema/config"
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
	return prints{
		login: fingerprint(key, a, schema.ShapesLogin),
		shape: fingerprint(key, a, schema.ShapesToken),
	}
}

func fingerprint(key []byte, a *config.Account, least schema.Effect) string {
	mac := hmac.New(sha256.New, key)
	writePart(mac, a.Spec.Name)
	writeValues(mac, a.Values, least)
	writeValues(mac, a.HTTP, least)
	return hex.EncodeToString(mac.Sum(nil))
}

func writeValues(mac hash.Hash, v schema.Values, least schema.Effect) {
	for _, attr := range v.Block().Attributes {
		if attr.Effect < least {
			continue
		}
		raw := v.Raw(attr.Name)
		b, err := ctyjson.Marshal(raw, raw.Type())
		if err != nil {
			// Only an unknown value cannot be marshalled, and those do not
			// come as far as this.
			panic("engine: attribute " + attr.Name + " is not known")
		}
		writePart(mac, attr.Name)
		writePart(mac, string(b))
	}
	for _, nested := range v.Block().Blocks {
		for _, block := range v.Nested(nested.Type) {
			writePart(mac, nested.Type+" "+block.Label())
			writeValues(mac, block, least)
		}
	}
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

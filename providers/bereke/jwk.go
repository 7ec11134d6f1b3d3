package bereke

import (
	"crypto/rsa"
	"encoding/json"
	"strconv"
	"strings"

	"github.com/credsync/credsync/internal/pemkey"
	"github.com/credsync/credsync/internal/upstream"
	"github.com/go-jose/go-jose/v4"
)

// errKeyChoice says that a set of keys does not tell which one to take.
type errKeyChoice struct {
	message string
	// options are the ids that there are, in the bank's own words.
	options string
}

func (e errKeyChoice) Error() string { return e.message }

// jwk is what this package reads of a JWK besides the key itself. go-jose knows no
// key_ops.
type jwk struct {
	ID         string   `json:"kid"`
	Use        string   `json:"use"`
	Algorithm  string   `json:"alg"`
	Operations []string `json:"key_ops"`
	// Private is there in a private key only.
	Private json.RawMessage `json:"d"`

	key pemkey.RSAPublicKey
}

// parseJWKs finds the key in a JWK, or in a set of those: the one with that id,
// or else the only one that is not for signatures.
func parseJWKs(raw json.RawMessage, id string) (pemkey.RSAPublicKey, error) {
	var set struct {
		Keys []json.RawMessage `json:"keys"`
		Type string            `json:"kty"`
	}
	if json.Unmarshal(raw, &set) != nil {
		return pemkey.RSAPublicKey{}, pemkey.ErrNoPublicKey
	}
	if set.Type != "" {
		set.Keys = []json.RawMessage{raw}
	}
	var keys []jwk
	for _, one := range set.Keys {
		k, err := parseJWK(one)
		switch {
		case err == pemkey.ErrIsPrivate, err != nil && len(set.Keys) == 1:
			return pemkey.RSAPublicKey{}, err
		case err == nil:
			// Keys of another kind stand in such sets too.
			keys = append(keys, k)
		}
	}
	if len(keys) == 0 {
		return pemkey.RSAPublicKey{}, pemkey.ErrNoPublicKey
	}
	return chooseJWK(keys, id)
}

func parseJWK(raw json.RawMessage) (jwk, error) {
	var k jwk
	var parsed jose.JSONWebKey
	switch {
	case json.Unmarshal(raw, &k) != nil:
		return k, pemkey.ErrDamaged
	case upstream.Given(k.Private):
		return k, pemkey.ErrIsPrivate
	case json.Unmarshal(raw, &parsed) != nil:
		return k, pemkey.ErrDamaged
	}
	key, ok := parsed.Key.(*rsa.PublicKey)
	if !ok {
		return k, pemkey.ErrNotRSA
	}
	k.key = pemkey.RSAPublicKey{PublicKey: key}
	return k, k.key.Check()
}

func chooseJWK(keys []jwk, id string) (pemkey.RSAPublicKey, error) {
	var fit []jwk
	for _, k := range keys {
		if id != "" && k.ID == id || id == "" && !k.signs() {
			fit = append(fit, k)
		}
	}
	switch {
	case len(fit) == 1:
		return fit[0].key, nil
	case id != "" && len(fit) == 0:
		return pemkey.RSAPublicKey{}, errKeyChoice{"has no RSA key with the configured public_key_id", listedIDs(keys)}
	case id != "":
		return pemkey.RSAPublicKey{}, pemkey.ErrTwoKeys
	case len(fit) == 0:
		return pemkey.RSAPublicKey{}, errKeyChoice{"has only keys for signatures", listedIDs(keys)}
	}
	return pemkey.RSAPublicKey{}, errKeyChoice{"has more than one key for encryption", listedIDs(fit)}
}

// signs reports whether a key says of itself that it is for signatures.
func (k jwk) signs() bool {
	encrypts := func(operation string) bool { return operation == "encrypt" || operation == "wrapKey" }
	if len(k.Operations) > 0 {
		for _, operation := range k.Operations {
			if encrypts(operation) {
				return false
			}
		}
		return true
	}
	// The algorithms that encrypt with RSA are RSA1_5 and RSA-OAEP with or
	// without a digest.
	return k.Use == "sig" || k.Use == "" && k.Algorithm != "" && !strings.HasPrefix(k.Algorithm, "RSA")
}

// listedIDs writes the ids of keys for a sentence.
func listedIDs(keys []jwk) string {
	var ids []string
	for _, k := range keys {
		if k.ID != "" {
			ids = append(ids, strconv.Quote(k.ID))
		}
	}
	if len(ids) == 0 {
		return "the id of one of them, once they have ids"
	}
	return strings.Join(ids, " or ")
}

// keyID is the attribute that names one of several keys.
const keyID = "public_key_id"

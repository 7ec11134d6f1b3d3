package sandbox

import (
	"cmp"
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	// The digests of berekeDigests.
	_ "crypto/sha1"
	_ "crypto/sha256"
	_ "crypto/sha512"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"math/big"
	"net/http"
	"strconv"
	"strings"
	"sync"
)

// berekeBits is the length of the bank's keys.
const berekeBits = 2048

// berekeKeys are the key pairs of all sandboxes of this process: making one
// takes too long to do it for each.
var berekeKeys keyring

// keyring makes key pairs as they are asked for. It is safe for concurrent use.
type keyring struct {
	mu    sync.Mutex
	pairs []*rsa.PrivateKey
}

func (k *keyring) pair(n int) *rsa.PrivateKey {
	k.mu.Lock()
	defer k.mu.Unlock()
	for len(k.pairs) <= n {
		pair, err := rsa.GenerateKey(rand.Reader, berekeBits)
		if err != nil {
			panic("sandbox: cannot create a key pair: " + err.Error())
		}
		k.pairs = append(k.pairs, pair)
	}
	return k.pairs[n]
}

// BerekePublicKey returns, as PEM, the key that logins at the bank are
// encrypted with. A sandbox begins with number 0, and each rotation goes on to
// the next; all sandboxes of a process have the same keys.
func BerekePublicKey(number int) string {
	der, err := x509.MarshalPKIXPublicKey(&berekeKeys.pair(number).PublicKey)
	if err != nil {
		panic("sandbox: cannot encode a key: " + err.Error())
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}))
}

// berekeKeyAs answers the key in the form that the path names.
func berekeKeyAs(c *call) reply {
	text := BerekePublicKey(c.berekeKey)
	block, _ := pem.Decode([]byte(text))
	der := base64.StdEncoding.EncodeToString(block.Bytes)
	ours := berekeJWK(&berekeKeys.pair(c.berekeKey).PublicKey, "enc", "bank-"+strconv.Itoa(c.berekeKey))
	body, known := map[string]any{
		"string": text, "der-string": der, "der": map[string]any{"key": der},
		"nested": map[string]any{"data": map[string]any{"key": text}},
		"jwk":    ours,
		// A set has what signs tokens in it too.
		"jwks": map[string]any{"keys": []any{
			map[string]any{"kty": "EC", "crv": "P-256", "kid": "ec", "x": "AA", "y": "AA"},
			berekeJWK(&berekeKeys.pair(c.berekeKey+1).PublicKey, "sig", "signs"), ours,
		}},
	}[c.r.PathValue("form")]
	switch {
	case known:
		return reply{status: http.StatusOK, body: body}
	case c.r.PathValue("form") == "pem":
		return reply{status: http.StatusOK, raw: text, rawType: "application/x-pem-file"}
	case c.r.PathValue("form") == "der-text":
		return reply{status: http.StatusOK, raw: der, rawType: "text/plain"}
	}
	return reply{status: http.StatusNotFound, body: errorBody("there is no such form of the key")}
}

func berekeJWK(key *rsa.PublicKey, use, id string) map[string]any {
	encode := base64.RawURLEncoding.EncodeToString
	return map[string]any{
		"kty": "RSA", "use": use, "kid": id,
		"n": encode(key.N.Bytes()), "e": encode(big.NewInt(int64(key.E)).Bytes()),
	}
}

// RotateBerekeKey gives the bank another key pair. What is encrypted with the
// one before can no longer be read.
func (s *Sandbox) RotateBerekeKey() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.berekeKey++
}

// BerekePKCS1 is the padding that the bank takes where an account has no other.
const BerekePKCS1 = "pkcs1v15"

// berekePadding is one way to encrypt: its digest and that of its mask, both 0
// for PKCS #1 version 1.5.
type berekePadding struct{ digest, mask crypto.Hash }

var berekeDigests = map[string]crypto.Hash{
	"sha1": crypto.SHA1, "sha256": crypto.SHA256, "sha384": crypto.SHA384, "sha512": crypto.SHA512,
}

// padding is the account's way.
func (a *BerekeAccount) padding() berekePadding {
	name, _ := strings.CutPrefix(a.Padding, "oaep_")
	p := berekePadding{digest: berekeDigests[name], mask: berekeDigests[name]}
	if mask := berekeDigests[a.MGF1Digest]; mask != 0 {
		p.mask = mask
	}
	return p
}

// check finds words that no padding has.
func (a *BerekeAccount) check() error {
	if a == nil {
		return nil
	}
	name, isOAEP := strings.CutPrefix(cmp.Or(a.Padding, BerekePKCS1), "oaep_")
	if isOAEP && berekeDigests[name] == 0 || !isOAEP && name != BerekePKCS1 {
		return errors.New("padding must be pkcs1v15, oaep_sha1, oaep_sha256, oaep_sha384 or oaep_sha512")
	}
	if a.MGF1Digest != "" && (!isOAEP || berekeDigests[a.MGF1Digest] == 0) {
		return errors.New("mgf1_digest must be sha1, sha256, sha384 or sha512, with an OAEP padding")
	}
	return nil
}

// decrypt returns what was encrypted, or false for what was not encrypted with
// that key and padding.
func (p berekePadding) decrypt(key *rsa.PrivateKey, value string) (string, bool) {
	ciphertext, err := base64.StdEncoding.Strict().DecodeString(value)
	if err != nil {
		return "", false
	}
	var plain []byte
	if p.digest != 0 {
		plain, err = key.Decrypt(nil, ciphertext, &rsa.OAEPOptions{Hash: p.digest, MGFHash: p.mask})
	} else {
		//lint:ignore SA1019 the bank's documents imply this padding
		plain, err = rsa.DecryptPKCS1v15(nil, key, ciphertext)
	}
	return string(plain), err == nil
}

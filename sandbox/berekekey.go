package sandbox

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
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
			panic("sandbox: cannot make a key pair: " + err.Error())
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

// RotateBerekeKey gives the bank another key pair. What is encrypted with the
// one before can no longer be read.
func (s *Sandbox) RotateBerekeKey() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.berekeKey++
}

// The paddings of BerekeAccount.Padding.
const (
	BerekePKCS1      = "pkcs1v15"
	BerekeOAEPSHA1   = "oaep_sha1"
	BerekeOAEPSHA256 = "oaep_sha256"
)

// berekeDecrypt returns what was encrypted, or false for what was not
// encrypted with that key and padding.
func berekeDecrypt(key *rsa.PrivateKey, padding, value string) (string, bool) {
	ciphertext, err := base64.StdEncoding.Strict().DecodeString(value)
	if err != nil {
		return "", false
	}
	var plain []byte
	switch padding {
	case BerekeOAEPSHA1:
		plain, err = rsa.DecryptOAEP(sha1.New(), nil, key, ciphertext, nil)
	case BerekeOAEPSHA256:
		plain, err = rsa.DecryptOAEP(sha256.New(), nil, key, ciphertext, nil)
	default:
		//lint:ignore SA1019 the bank's documents imply this padding
		plain, err = rsa.DecryptPKCS1v15(nil, key, ciphertext)
	}
	return string(plain), err == nil
}

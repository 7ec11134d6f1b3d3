package bereke

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"hash"

	"github.com/credsync/credsync/credential"
)

// Values of the padding attribute.
const (
	paddingPKCS1      = "pkcs1v15"
	paddingOAEPSHA1   = "oaep_sha1"
	paddingOAEPSHA256 = "oaep_sha256"
)

// oaepHash is the digest of an OAEP padding; nil for the other.
func oaepHash(padding string) hash.Hash {
	switch padding {
	case paddingOAEPSHA1:
		return sha1.New()
	case paddingOAEPSHA256:
		return sha256.New()
	}
	return nil
}

// room is how many bytes the key encrypts at once with that padding.
func (k publicKey) room(padding string) int {
	if h := oaepHash(padding); h != nil {
		return k.Size() - 2*h.Size() - 2
	}
	return k.Size() - 11
}

// fits returns an error where a value is too long for the key. It does not say
// how long the value is.
func (k publicKey) fits(name, padding string, value credential.Secret) error {
	if room := k.room(padding); len(value.Reveal()) > room {
		return fmt.Errorf("the public key has %d bits, so with the padding %s it encrypts at most %d bytes, and "+
			"the %s has more; check that this is the bank's key and that the %s is right",
			k.N.BitLen(), padding, max(room, 0), name, name)
	}
	return nil
}

// encrypt returns the value as the bank wants it: encrypted, in standard
// base64. The result is a secret too: whoever repeats it logs in.
//
// An error is about the attribute of that name, and of the program's own words.
func (k publicKey) encrypt(name, padding string, value credential.Secret) (credential.Secret, error) {
	if err := k.fits(name, padding, value); err != nil {
		return credential.Secret{}, err
	}
	var ciphertext []byte
	var err error
	if h := oaepHash(padding); h != nil {
		ciphertext, err = rsa.EncryptOAEP(h, rand.Reader, k.PublicKey, []byte(value.Reveal()), nil)
	} else {
		ciphertext, err = encryptPKCS1(k.PublicKey, []byte(value.Reveal()))
	}
	if err != nil {
		return credential.Secret{}, errUnfit
	}
	return credential.NewSecret(base64.StdEncoding.EncodeToString(ciphertext)), nil
}

// encryptPKCS1 is apart because the standard library advises against it: what
// makes it dangerous is a server that tells good padding from bad when it
// decrypts, and which padding the bank decrypts is not ours to choose.
func encryptPKCS1(key *rsa.PublicKey, value []byte) ([]byte, error) {
	//lint:ignore SA1019 the bank asks for it
	return rsa.EncryptPKCS1v15(rand.Reader, key, value)
}

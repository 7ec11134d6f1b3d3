package bereke

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	// The digests that an OAEP padding may name.
	_ "crypto/sha1"
	_ "crypto/sha256"
	_ "crypto/sha512"
	"encoding/base64"
	"fmt"

	"github.com/credsync/credsync/credential"
)

// Values of the padding attribute: this one, and those of oaepDigests with
// oaepPrefix before them.
const (
	paddingPKCS1 = "pkcs1v15"
	oaepPrefix   = "oaep_"
)

// oaepDigests are the values of the mgf1_digest attribute.
var oaepDigests = []struct {
	name string
	hash crypto.Hash
}{{"sha1", crypto.SHA1}, {"sha256", crypto.SHA256}, {"sha384", crypto.SHA384}, {"sha512", crypto.SHA512}}

func digestNames() (names []string) {
	for _, d := range oaepDigests {
		names = append(names, d.name)
	}
	return names
}

func paddingNames() []string {
	names := []string{paddingPKCS1}
	for _, d := range oaepDigests {
		names = append(names, oaepPrefix+d.name)
	}
	return names
}

// padding is how a value is filled up before it is encrypted.
type padding struct {
	// name is the value of the attribute.
	name string
	// oaep is the digest of an OAEP padding, mgf1 that of its mask. oaep is 0 for
	// the padding of PKCS #1 version 1.5, which has no mask.
	oaep, mgf1 crypto.Hash
}

// paddingOf returns the padding that the attributes name. Without a digest of its
// own the mask has that of the padding.
func paddingOf(name, mgf1 string) padding {
	p := padding{name: name}
	for _, d := range oaepDigests {
		if name == oaepPrefix+d.name {
			p.oaep, p.mgf1 = d.hash, d.hash
		}
	}
	for _, d := range oaepDigests {
		if mgf1 == d.name {
			p.mgf1 = d.hash
		}
	}
	return p
}

// room is how many bytes the key encrypts at once with that padding. The mask
// takes none.
func (k publicKey) room(p padding) int {
	if p.oaep != 0 {
		return k.Size() - 2*p.oaep.Size() - 2
	}
	return k.Size() - 11
}

// fits returns an error where a value is too long for the key. It does not say
// how long the value is.
func (k publicKey) fits(name string, p padding, value credential.Secret) error {
	if room := k.room(p); len(value.Reveal()) > room {
		return fmt.Errorf("the public key has %d bits, so with the padding %s it encrypts at most %d bytes, but "+
			"the %s is longer; check that this is the bank's key and that the %s is right",
			k.N.BitLen(), p.name, max(room, 0), name, name)
	}
	return nil
}

// encrypt returns the value as the bank wants it: encrypted, in standard
// base64. The result is a secret too: whoever repeats it logs in.
//
// An error is about the attribute of that name, and of the program's own words.
func (k publicKey) encrypt(name string, p padding, value credential.Secret) (credential.Secret, error) {
	if err := k.fits(name, p, value); err != nil {
		return credential.Secret{}, err
	}
	var ciphertext []byte
	var err error
	if p.oaep != 0 {
		options := &rsa.OAEPOptions{Hash: p.oaep, MGFHash: p.mgf1}
		ciphertext, err = rsa.EncryptOAEPWithOptions(rand.Reader, k.PublicKey, []byte(value.Reveal()), options)
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

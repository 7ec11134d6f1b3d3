package pemkey

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"

	// The digests that an OAEP padding may name.
	_ "crypto/sha1"
	_ "crypto/sha256"
	_ "crypto/sha512"
)

// PaddingPKCS1 is the name of the padding of PKCS #1 version 1.5. The others are those of
// oaepDigests with oaepPrefix before them.
const (
	PaddingPKCS1 = "pkcs1v15"
	oaepPrefix   = "oaep_"
)

// oaepDigests are the digests of OAEP paddings and their masks.
var oaepDigests = []struct {
	name string
	hash crypto.Hash
}{{"sha1", crypto.SHA1}, {"sha256", crypto.SHA256}, {"sha384", crypto.SHA384}, {"sha512", crypto.SHA512}}

// DigestNames are the digests that the mask of an OAEP padding may have.
func DigestNames() (names []string) {
	for _, d := range oaepDigests {
		names = append(names, d.name)
	}
	return names
}

// PaddingNames are the paddings that PaddingOf knows.
func PaddingNames() []string {
	names := []string{PaddingPKCS1}
	for _, d := range oaepDigests {
		names = append(names, oaepPrefix+d.name)
	}
	return names
}

// Padding is how a value is filled up before it is encrypted.
type Padding struct {
	// Name is one of PaddingNames.
	Name string
	// oaep is the digest of an OAEP padding, mgf1 that of its mask. oaep is 0 for
	// the padding of PKCS #1 version 1.5, which has no mask.
	oaep, mgf1 crypto.Hash
}

// PaddingOf returns the padding of that name, which is one of PaddingNames. mgf1 is one
// of DigestNames; without it the mask has the digest of the padding.
func PaddingOf(name, mgf1 string) Padding {
	p := Padding{Name: name}
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

// Room is how many bytes the key encrypts at once with that padding; negative where it
// has no room for the padding itself. The mask takes none.
func (k RSAPublicKey) Room(p Padding) int {
	if p.oaep != 0 {
		return k.Size() - 2*p.oaep.Size() - 2
	}
	return k.Size() - 11
}

// Encrypt encrypts a value for which there is Room. The only error is ErrUnfit.
func (k RSAPublicKey) Encrypt(p Padding, value []byte) ([]byte, error) {
	var ciphertext []byte
	var err error
	if p.oaep != 0 {
		options := &rsa.OAEPOptions{Hash: p.oaep, MGFHash: p.mgf1}
		ciphertext, err = rsa.EncryptOAEPWithOptions(rand.Reader, k.PublicKey, value, options)
	} else {
		ciphertext, err = encryptPKCS1(k.PublicKey, value)
	}
	if err != nil {
		return nil, ErrUnfit
	}
	return ciphertext, nil
}

// encryptPKCS1 is apart because the standard library advises against it: what
// makes it dangerous is a server that tells good padding from bad when it
// decrypts, and which padding the upstream decrypts is not ours to choose.
func encryptPKCS1(key *rsa.PublicKey, value []byte) ([]byte, error) {
	//lint:ignore SA1019 upstreams ask for it
	return rsa.EncryptPKCS1v15(rand.Reader, key, value)
}

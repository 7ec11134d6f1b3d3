package bereke

import (
	"encoding/base64"
	"fmt"

	"github.com/credsync/credsync/credential"
	"github.com/credsync/credsync/internal/pemkey"
)

// fits returns an error where a value is too long for the key. It does not say
// how long the value is.
func fits(key pemkey.RSAPublicKey, name string, p pemkey.Padding, value credential.Secret) error {
	if room := key.Room(p); len(value.Reveal()) > room {
		return fmt.Errorf("the public key has %d bits, so with the padding %s it encrypts at most %d bytes, but "+
			"the %s is longer; check that this is the bank's key and that the %s is right",
			key.N.BitLen(), p.Name, max(room, 0), name, name)
	}
	return nil
}

// encrypt returns the value as the bank wants it: encrypted, in standard
// base64. The result is a secret too: whoever repeats it logs in.
//
// An error is about the attribute of that name, and of the program's own words.
func encrypt(
	key pemkey.RSAPublicKey,
	name string,
	p pemkey.Padding,
	value credential.Secret,
) (credential.Secret, error) {
	if err := fits(key, name, p, value); err != nil {
		return credential.Secret{}, err
	}
	ciphertext, err := key.Encrypt(p, []byte(value.Reveal()))
	if err != nil {
		return credential.Secret{}, err
	}
	return credential.NewSecret(base64.StdEncoding.EncodeToString(ciphertext)), nil
}

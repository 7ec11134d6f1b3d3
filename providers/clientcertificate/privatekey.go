package clientcertificate

import (
	"crypto"
	"crypto/x509"
	"encoding/pem"
	"errors"

	"github.com/credsync/credsync/credential"
	"github.com/credsync/credsync/internal/pemkey"
	"github.com/youmark/pkcs8"
)

var (
	errNoKey = errors.New("key_pem contains no private key; it must be PEM, which begins with -----BEGIN " +
		"PRIVATE KEY----- or similar")
	errKeyLocked   = errors.New("the key in key_pem is encrypted: set key_password")
	errKeyPassword = errors.New("the key in key_pem cannot be opened with key_password, or its encryption or type is " +
		"not supported; check the password and the type with openssl pkey -in key.pem -noout -text, or encrypt the key in a " +
		"supported way with openssl pkcs8 -topk8 -v2 aes-256-cbc")
	errKeyBroken = errors.New("the key in key_pem cannot be read; check that it was copied completely")
)

// parseKey reads the first private key of a PEM text.
func parseKey(text, password credential.Secret) (crypto.Signer, error) {
	block, err := pemkey.PrivateKeyBlock(text.Reveal())
	switch err {
	case nil:
		return readKey(block, password)
	case pemkey.ErrNoPrivateKey:
		return nil, errNoKey
	}
	return nil, errKeyBroken
}

func readKey(block *pem.Block, password credential.Secret) (crypto.Signer, error) {
	switch {
	case block.Type == "ENCRYPTED PRIVATE KEY":
		return decryptPKCS8(block.Bytes, password)
	case block.Headers["DEK-Info"] != "":
		return decryptLegacy(block, password)
	}
	if key := pemkey.PrivateKeyOf(block.Bytes); key != nil {
		return key, nil
	}
	return nil, whyUnusable(block.Bytes)
}

func signer(key any) (crypto.Signer, error) {
	s, ok := key.(crypto.Signer)
	if !ok {
		return nil, errKeyBroken
	}
	return s, nil
}

func decryptPKCS8(der []byte, password credential.Secret) (key crypto.Signer, err error) {
	if password.IsZero() {
		return nil, errKeyLocked
	}
	defer func() {
		// The library trusts the lengths in a damaged key, and panics on them.
		if recover() != nil {
			key, err = nil, errKeyBroken
		}
	}()
	plain, err := pkcs8.ParsePKCS8PrivateKey(der, []byte(password.Reveal()))
	if err != nil {
		return nil, errKeyPassword
	}
	return signer(plain)
}

// decryptLegacy reads the form that older OpenSSL versions write. It is weak,
// which is why the library calls it deprecated; whoever has such a key still
// has to be able to use it.
func decryptLegacy(block *pem.Block, password credential.Secret) (crypto.Signer, error) {
	if password.IsZero() {
		return nil, errKeyLocked
	}
	//lint:ignore SA1019 see above
	der, err := x509.DecryptPEMBlock(block, []byte(password.Reveal()))
	if err != nil {
		return nil, errKeyPassword
	}
	key := pemkey.PrivateKeyOf(der)
	if key == nil {
		if why := whyUnusable(der); !errors.Is(why, errKeyBroken) {
			return nil, why
		}
		// This form has no checksum: a wrong password can go unnoticed till here.
		return nil, errKeyPassword
	}
	return key, nil
}

package pemkey

import (
	"crypto"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"strings"

	"github.com/credsync/credsync/internal/pemtext"
)

// The errors of private keys.
var (
	ErrNoPrivateKey = errors.New("it contains no private key: use PEM, which begins with \"-----BEGIN PRIVATE " +
		"KEY-----\" or similar")
	ErrLocked = errors.New("its key is encrypted; use the key without a password, which openssl pkey -in key.pem " +
		"writes")
)

// PrivateKeyBlock finds the first private key in a text, which may be encrypted. The
// error is ErrNoPrivateKey or ErrDamaged.
func PrivateKeyBlock(text string) (*pem.Block, error) {
	normal := pemtext.Normalize(text)
	for rest := []byte(normal); ; {
		var block *pem.Block
		if block, rest = pem.Decode(rest); block == nil {
			if strings.Contains(normal, "PRIVATE KEY-----") {
				return nil, ErrDamaged
			}
			return nil, ErrNoPrivateKey
		}
		if strings.HasSuffix(block.Type, "PRIVATE KEY") {
			return block, nil
		}
	}
}

// PrivateKeyOf reads a key that is not encrypted: PKCS #8, PKCS #1 or SEC 1. It is nil for
// anything else, and for a key that signs nothing.
func PrivateKeyOf(der []byte) crypto.Signer {
	if key, err := x509.ParsePKCS8PrivateKey(der); err == nil {
		signer, _ := key.(crypto.Signer)
		return signer
	}
	if key, err := x509.ParsePKCS1PrivateKey(der); err == nil {
		return key
	}
	if key, err := x509.ParseECPrivateKey(der); err == nil {
		return key
	}
	return nil
}

// ParsePrivateKey reads the first private key in a text. The error is ErrNoPrivateKey,
// ErrLocked or ErrDamaged.
func ParsePrivateKey(text string) (crypto.Signer, error) {
	block, err := PrivateKeyBlock(text)
	switch {
	case err != nil:
		return nil, err
	case block.Type == "ENCRYPTED PRIVATE KEY", block.Headers["DEK-Info"] != "":
		return nil, ErrLocked
	}
	if key := PrivateKeyOf(block.Bytes); key != nil {
		return key, nil
	}
	return nil, ErrDamaged
}

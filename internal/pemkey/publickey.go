// Package pemkey reads keys from PEM, in whatever form it arrives, and encrypts with
// them. Its errors quote nothing of what was given.
package pemkey

import (
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"strings"
	"time"

	"github.com/credsync/credsync/internal/pemtext"
)

// RSAPublicKey is what values are encrypted with.
type RSAPublicKey struct {
	*rsa.PublicKey
	// Expires is when the certificate that it came in does; zero for a key
	// that came without one.
	Expires time.Time
}

// The errors of ParseRSAPublicKey. They quote nothing of what was given, since it may
// be a private key by mistake, and can follow the name of what it came from.
var (
	ErrNoPublicKey = errors.New("it contains no public key: use PEM, with the lines \"-----BEGIN PUBLIC " +
		"KEY-----\" and \"-----END PUBLIC KEY-----\", or the base64 between them and nothing else")
	ErrIsPrivate = errors.New("it contains a private key; use the public key")
	ErrTwoKeys   = errors.New("it contains more than one public key; keep only the one in use now")
	ErrDamaged   = errors.New("its key is damaged; check that it was copied completely")
	ErrNotRSA    = errors.New("its key is not an RSA key")
	ErrUnfit     = errors.New("its key cannot be used: a valid RSA key has at least 1024 bits")
)

// ParseRSAPublicKey finds the RSA public key in a text: PKIX, PKCS #1, or that of an
// X.509 certificate. Text around it, indentation, and line breaks of any form,
// escaped ones too, do not matter. Of a chain of certificates the first counts.
// What PEM has between its boundaries may also be there alone.
func ParseRSAPublicKey(text string) (RSAPublicKey, error) {
	if !strings.Contains(text, "-----") {
		return parseBase64(text)
	}
	var first RSAPublicKey
	rest := []byte(pemtext.Normalize(text))
	for {
		var block *pem.Block
		if block, rest = pem.Decode(rest); block == nil {
			break
		}
		key, err := parseBlock(block)
		switch {
		case err != nil:
			return RSAPublicKey{}, err
		case first.PublicKey == nil:
			first = key
		case first.Expires.IsZero() || key.Expires.IsZero():
			return RSAPublicKey{}, ErrTwoKeys
		}
	}
	switch {
	case first.PublicKey != nil:
		return first, first.Check()
	case strings.Contains(text, "-----BEGIN"):
		return RSAPublicKey{}, ErrDamaged
	}
	return RSAPublicKey{}, ErrNoPublicKey
}

// parseBase64 reads DER without the boundaries that tell what it is.
func parseBase64(text string) (RSAPublicKey, error) {
	text = strings.Join(strings.Fields(pemtext.Normalize(text)), "")
	text = strings.NewReplacer("-", "+", "_", "/").Replace(strings.TrimRight(text, "="))
	der, err := base64.RawStdEncoding.DecodeString(text)
	// Every form of a key is an ASN.1 sequence.
	if err != nil || len(der) == 0 || der[0] != 0x30 {
		return RSAPublicKey{}, ErrNoPublicKey
	}
	if isPrivate(der) {
		return RSAPublicKey{}, ErrIsPrivate
	}
	for _, label := range []string{"PUBLIC KEY", "CERTIFICATE"} {
		key, err := parseBlock(&pem.Block{Type: label, Bytes: der})
		if err == nil {
			err = key.Check()
		}
		if err != ErrDamaged {
			return key, err
		}
	}
	return RSAPublicKey{}, ErrDamaged
}

func isPrivate(der []byte) bool {
	_, pkcs8 := x509.ParsePKCS8PrivateKey(der)
	_, pkcs1 := x509.ParsePKCS1PrivateKey(der)
	_, sec1 := x509.ParseECPrivateKey(der)
	return pkcs8 == nil || pkcs1 == nil || sec1 == nil
}

func parseBlock(block *pem.Block) (RSAPublicKey, error) {
	var key any
	var expires time.Time
	var err error
	switch {
	case strings.Contains(block.Type, "PRIVATE KEY"):
		return RSAPublicKey{}, ErrIsPrivate
	case block.Type == "CERTIFICATE":
		var c *x509.Certificate
		if c, err = x509.ParseCertificate(block.Bytes); err == nil {
			key, expires = c.PublicKey, c.NotAfter
		}
	case block.Type == "PUBLIC KEY", block.Type == "RSA PUBLIC KEY":
		// Some tools put one form under the other's label.
		if key, err = x509.ParsePKIXPublicKey(block.Bytes); err != nil {
			key, err = x509.ParsePKCS1PublicKey(block.Bytes)
		}
	default:
		return RSAPublicKey{}, ErrNoPublicKey
	}
	if err != nil {
		return RSAPublicKey{}, ErrDamaged
	}
	pub, ok := key.(*rsa.PublicKey)
	if !ok {
		return RSAPublicKey{}, ErrNotRSA
	}
	return RSAPublicKey{PublicKey: pub, Expires: expires}, nil
}

// Check tries the key out on nothing, which finds whatever crypto/rsa does not
// like about it: it must not come out at the login.
func (k RSAPublicKey) Check() error {
	if _, err := encryptPKCS1(k.PublicKey, nil); err != nil {
		return ErrUnfit
	}
	return nil
}

// Same reports whether both are one key, in whatever form they came.
func (k RSAPublicKey) Same(o RSAPublicKey) bool { return k.Equal(o.PublicKey) }

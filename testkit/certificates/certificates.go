// Package certificates makes certificates with their keys, for tests of what is presented in
// TLS.
package certificates

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"testing"
	"time"

	"github.com/youmark/pkcs8"
)

// KeyPassword is the password of the keys that are encrypted here.
const KeyPassword = "key-password-0123456789"

// Quick is a derivation that is not slow on purpose.
var Quick = &pkcs8.Opts{
	Cipher:  pkcs8.AES256CBC,
	KDFOpts: pkcs8.PBKDF2Opts{SaltSize: 8, IterationCount: 16, HMACHash: crypto.SHA256},
}

// Certificate is a certificate with its key, of whoever.
type Certificate struct {
	X509 *x509.Certificate
	Key  crypto.Signer
}

// PEM is the certificate without its key.
func (c Certificate) PEM() string { return Encode("CERTIFICATE", c.X509.Raw) }

// New makes one for a year that by signs, or that signs itself.
func New(t testing.TB, name string, key crypto.Signer, by *Certificate) Certificate {
	t.Helper()
	return Until(t, name, key, by, time.Now().AddDate(1, 0, 0))
}

// Until is New with an end.
func Until(t testing.TB, name string, key crypto.Signer, by *Certificate, ends time.Time) Certificate {
	t.Helper()
	return Between(t, name, key, by, time.Now().Add(-time.Hour), ends)
}

// Between is New with a beginning and an end.
func Between(t testing.TB, name string, key crypto.Signer, by *Certificate, begins, ends time.Time) Certificate {
	t.Helper()
	template := &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: name},
		NotBefore: begins, NotAfter: ends,
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature,
	}
	issuer, issuerKey := template, key
	if by != nil {
		issuer, issuerKey = by.X509, by.Key
	}
	der, err := x509.CreateCertificate(rand.Reader, template, issuer, key.Public(), issuerKey)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return Certificate{X509: cert, Key: key}
}

// ECDSA makes a key on P-256.
func ECDSA(t testing.TB) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// PKCS8 is a key in PEM.
func PKCS8(t testing.TB, key crypto.Signer) string {
	t.Helper()
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return Encode("PRIVATE KEY", der)
}

// EncryptPKCS8 encrypts a PKCS#8 key with KeyPassword.
func EncryptPKCS8(t testing.TB, keyPEM string) string {
	t.Helper()
	block, _ := pem.Decode([]byte(keyPEM))
	key, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	der, err := pkcs8.MarshalPrivateKey(key, []byte(KeyPassword), Quick)
	if err != nil {
		t.Fatal(err)
	}
	return Encode("ENCRYPTED PRIVATE KEY", der)
}

// Encode writes PEM.
func Encode(kind string, der []byte) string {
	return string(pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}))
}

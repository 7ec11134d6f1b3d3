package pemkey_test

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"math/big"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/credsync/credsync/internal/pemkey"
)

// smallKey is as small as keys may be, which makes it quick to make.
var smallKey = sync.OnceValue(func() *rsa.PrivateKey { return mustKey(rsa.GenerateKey(rand.Reader, 1024)) })

// largerKey has room for the largest digest.
var largerKey = sync.OnceValue(func() *rsa.PrivateKey { return mustKey(rsa.GenerateKey(rand.Reader, 2048)) })

func mustKey[K any](key K, err error) K {
	if err != nil {
		panic(err)
	}
	return key
}

func pemOf(label string, der []byte) string {
	return string(pem.EncodeToMemory(&pem.Block{Type: label, Bytes: der}))
}

// pemBody is what stands between the boundaries.
func pemBody(text string) string {
	lines := strings.Split(strings.TrimSpace(text), "\n")
	return strings.Join(lines[1:len(lines)-1], "\n")
}

func pkix(t *testing.T, key any) []byte {
	t.Helper()
	return mustKey(x509.MarshalPKIXPublicKey(key))
}

func certificate(t *testing.T, expires time.Time) string {
	t.Helper()
	c := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: expires}
	return pemOf("CERTIFICATE", mustKey(x509.CreateCertificate(rand.Reader, c, c, smallKey().Public(), smallKey())))
}

func TestFormsOfKeys(t *testing.T) {
	key := &smallKey().PublicKey
	plain := pemOf("PUBLIC KEY", pkix(t, key))
	cert := certificate(t, time.Now().Add(time.Hour))
	for name, text := range map[string]string{
		"PKIX":                     plain,
		"PKCS #1":                  pemOf("RSA PUBLIC KEY", x509.MarshalPKCS1PublicKey(key)),
		"PKIX by the other label":  pemOf("RSA PUBLIC KEY", pkix(t, key)),
		"PKCS #1 by another label": pemOf("PUBLIC KEY", x509.MarshalPKCS1PublicKey(key)),
		"certificate":              cert,
		"chain of certificates":    cert + certificate(t, time.Now()),
		"text around it":           "Bag Attributes\n  friendlyName: bank\n" + plain + "\nthe end",
		"CRLF":                     strings.ReplaceAll(plain, "\n", "\r\n"),
		"CR":                       strings.ReplaceAll(plain, "\n", "\r"),
		"escaped":                  strings.ReplaceAll(plain, "\n", `\n`),
		"escaped CRLF":             strings.ReplaceAll(plain, "\n", `\r\n`),
		"indented":                 "\t" + strings.ReplaceAll(plain, "\n", "  \n\t  "),
		"in one line":              strings.ReplaceAll(plain, "\n", " "),
		"without line breaks":      strings.ReplaceAll(plain, "\n", ""),
		"no break at the end":      strings.TrimSpace(plain),
		"base64 alone":             base64.StdEncoding.EncodeToString(pkix(t, key)),
		"base64 of PKCS #1":        base64.StdEncoding.EncodeToString(x509.MarshalPKCS1PublicKey(key)),
		"base64 of a certificate":  pemBody(cert),
		"base64 in lines":          pemBody(plain),
		"base64url, not padded":    base64.RawURLEncoding.EncodeToString(pkix(t, key)),
	} {
		t.Run(name, func(t *testing.T) {
			got, err := pemkey.ParseRSAPublicKey(text)
			if err != nil {
				t.Fatal(err)
			}
			if !got.Equal(key) {
				t.Error("another key")
			}
			if got.Expires.IsZero() == (text == pemBody(cert) || strings.HasPrefix(text, "-----BEGIN CERTIFICATE")) {
				t.Errorf("expires %v", got.Expires)
			}
		})
	}
}

func TestUnusableKeys(t *testing.T) {
	plain := pemOf("PUBLIC KEY", pkix(t, &smallKey().PublicKey))
	other := pemOf("PUBLIC KEY", pkix(t, &mustKey(rsa.GenerateKey(rand.Reader, 1024)).PublicKey))
	curve := mustKey(ecdsa.GenerateKey(elliptic.P256(), rand.Reader))
	tiny := &rsa.PublicKey{N: new(big.Int).SetBit(big.NewInt(1), 511, 1), E: 65537}
	for _, c := range []struct {
		name, text string
		want       error
	}{
		{"empty", "", pemkey.ErrNoPublicKey},
		{"no PEM and no base64", "canary!", pemkey.ErrNoPublicKey},
		{"base64 of something else", "Y2FuYXJ5", pemkey.ErrNoPublicKey},
		{"base64 cut short", "MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8A", pemkey.ErrDamaged},
		{"base64 of a private key, PKCS #1", base64.StdEncoding.EncodeToString(x509.MarshalPKCS1PrivateKey(smallKey())), pemkey.ErrIsPrivate},
		{"base64 of a private key, PKCS #8", pemBody(pemOf("PRIVATE KEY", mustKey(x509.MarshalPKCS8PrivateKey(smallKey())))), pemkey.ErrIsPrivate},
		{"base64, no RSA", pemBody(pemOf("PUBLIC KEY", pkix(t, &curve.PublicKey))), pemkey.ErrNotRSA},
		{"base64, 512 bits", pemBody(pemOf("PUBLIC KEY", pkix(t, tiny))), pemkey.ErrUnfit},
		{"another kind", pemOf("EC PARAMETERS", []byte{1}), pemkey.ErrNoPublicKey},
		{"private, PKCS #1", pemOf("RSA PRIVATE KEY", x509.MarshalPKCS1PrivateKey(smallKey())), pemkey.ErrIsPrivate},
		{"private, PKCS #8", pemOf("PRIVATE KEY", mustKey(x509.MarshalPKCS8PrivateKey(smallKey()))), pemkey.ErrIsPrivate},
		{"private beside the public", plain + pemOf("ENCRYPTED PRIVATE KEY", []byte{1}), pemkey.ErrIsPrivate},
		{"two keys", plain + other, pemkey.ErrTwoKeys},
		{"a certificate and a key", certificate(t, time.Now()) + other, pemkey.ErrTwoKeys},
		{"no RSA", pemOf("PUBLIC KEY", pkix(t, &curve.PublicKey)), pemkey.ErrNotRSA},
		{"cut short", plain[:len(plain)/2], pemkey.ErrDamaged},
		{"no key in it", pemOf("PUBLIC KEY", []byte("canary")), pemkey.ErrDamaged},
		{"no certificate in it", pemOf("CERTIFICATE", []byte("canary")), pemkey.ErrDamaged},
		{"not base64", "-----BEGIN PUBLIC KEY-----\n!!!\n-----END PUBLIC KEY-----", pemkey.ErrDamaged},
		{"512 bits", pemOf("PUBLIC KEY", pkix(t, tiny)), pemkey.ErrUnfit},
	} {
		t.Run(c.name, func(t *testing.T) {
			if _, err := pemkey.ParseRSAPublicKey(c.text); err != c.want {
				t.Errorf("got %v, want %v", err, c.want)
			}
		})
	}
}

func FuzzParseRSAPublicKey(f *testing.F) {
	plain := pemOf("PUBLIC KEY", mustKey(x509.MarshalPKIXPublicKey(&smallKey().PublicKey)))
	for _, seed := range []string{"", plain, strings.ReplaceAll(plain, "\n", `\r\n`), plain + plain, plain[:60] + "-----END", "-----BEGIN CERTIFICATE-----"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		key, err := pemkey.ParseRSAPublicKey(text)
		if err != nil {
			return
		}
		if _, err := key.Encrypt(pemkey.PaddingOf(pemkey.PaddingPKCS1, ""), []byte("x")); err != nil {
			t.Errorf("a key that was accepted does not encrypt: %v", err)
		}
	})
}

func TestEncryption(t *testing.T) {
	key := pemkey.RSAPublicKey{PublicKey: &largerKey().PublicKey}
	oaep := func(hash, mask crypto.Hash) crypto.DecrypterOpts { return &rsa.OAEPOptions{Hash: hash, MGFHash: mask} }
	for _, c := range []struct {
		padding, mgf1 string
		decrypt       crypto.DecrypterOpts
	}{
		{"pkcs1v15", "", nil},
		{"oaep_sha1", "", oaep(crypto.SHA1, crypto.SHA1)},
		{"oaep_sha256", "", oaep(crypto.SHA256, crypto.SHA256)},
		{"oaep_sha384", "", oaep(crypto.SHA384, crypto.SHA384)},
		{"oaep_sha512", "", oaep(crypto.SHA512, crypto.SHA512)},
		{"oaep_sha256", "sha1", oaep(crypto.SHA256, crypto.SHA1)},
		{"oaep_sha1", "sha512", oaep(crypto.SHA1, crypto.SHA512)},
		{"oaep_sha384", "sha384", oaep(crypto.SHA384, crypto.SHA384)},
	} {
		t.Run(c.padding+" "+c.mgf1, func(t *testing.T) {
			p := pemkey.PaddingOf(c.padding, c.mgf1)
			full := strings.Repeat("я", 128)[:key.Room(p)]
			got, err := key.Encrypt(p, []byte(full))
			if err != nil {
				t.Fatal(err)
			}
			if plain, err := largerKey().Decrypt(nil, got, c.decrypt); err != nil || string(plain) != full {
				t.Errorf("it does not decrypt to what was encrypted: %v", err)
			}
			again, err := key.Encrypt(p, []byte(full))
			if err != nil || bytes.Equal(again, got) {
				t.Errorf("the same twice, or %v", err)
			}
			if _, err := key.Encrypt(p, []byte(full+"x")); err != pemkey.ErrUnfit {
				t.Errorf("one byte more: %v", err)
			}
		})
	}
}

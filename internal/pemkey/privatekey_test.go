package pemkey_test

import (
	"crypto"
	"crypto/ecdh"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"strings"
	"testing"

	"github.com/credsync/credsync/internal/pemkey"
)

func TestFormsOfPrivateKeys(t *testing.T) {
	curve := mustKey(ecdsa.GenerateKey(elliptic.P256(), rand.Reader))
	_, edwards, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	parameters := pemOf("EC PARAMETERS", []byte{6, 0})
	sec1 := pemOf("EC PRIVATE KEY", mustKey(x509.MarshalECPrivateKey(curve)))
	pkcs8 := pemOf("PRIVATE KEY", mustKey(x509.MarshalPKCS8PrivateKey(smallKey())))
	for name, c := range map[string]struct {
		text string
		want crypto.Signer
	}{
		"PKCS #8":                  {pkcs8, smallKey()},
		"PKCS #1":                  {pemOf("RSA PRIVATE KEY", x509.MarshalPKCS1PrivateKey(smallKey())), smallKey()},
		"PKCS #1 by another label": {pemOf("PRIVATE KEY", x509.MarshalPKCS1PrivateKey(smallKey())), smallKey()},
		"SEC 1":                    {parameters + sec1, curve},
		"elliptic curve, PKCS #8":  {pemOf("PRIVATE KEY", mustKey(x509.MarshalPKCS8PrivateKey(curve))), curve},
		"Ed25519":                  {pemOf("PRIVATE KEY", mustKey(x509.MarshalPKCS8PrivateKey(edwards))), edwards},
		"escaped":                  {strings.ReplaceAll(pkcs8, "\n", `\n`), smallKey()},
		"in one line":              {strings.ReplaceAll(pkcs8, "\n", " "), smallKey()},
		"after its certificate":    {pemOf("CERTIFICATE", []byte{1}) + pkcs8, smallKey()},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := pemkey.ParsePrivateKey(c.text)
			if err != nil {
				t.Fatal(err)
			}
			want, ok := c.want.Public().(interface{ Equal(crypto.PublicKey) bool })
			if !ok || !want.Equal(got.Public()) {
				t.Error("another key")
			}
		})
	}
}

func TestUnusablePrivateKeys(t *testing.T) {
	agreement := mustKey(ecdh.X25519().GenerateKey(rand.Reader))
	legacy := pem.EncodeToMemory(&pem.Block{
		Type: "RSA PRIVATE KEY", Bytes: []byte("canary"),
		Headers: map[string]string{"Proc-Type": "4,ENCRYPTED", "DEK-Info": "AES-256-CBC,0123456789ABCDEF0123456789ABCDEF"},
	})
	whole := pemOf("PRIVATE KEY", mustKey(x509.MarshalPKCS8PrivateKey(smallKey())))
	for name, c := range map[string]struct {
		text string
		want error
	}{
		"empty":             {"", pemkey.ErrNoPrivateKey},
		"no PEM":            {"canary", pemkey.ErrNoPrivateKey},
		"public":            {pemOf("PUBLIC KEY", pkix(t, &smallKey().PublicKey)), pemkey.ErrNoPrivateKey},
		"cut short":         {whole[:len(whole)/2], pemkey.ErrDamaged},
		"no key in it":      {pemOf("PRIVATE KEY", []byte("canary")), pemkey.ErrDamaged},
		"signs nothing":     {pemOf("PRIVATE KEY", mustKey(x509.MarshalPKCS8PrivateKey(agreement))), pemkey.ErrDamaged},
		"encrypted":         {pemOf("ENCRYPTED PRIVATE KEY", []byte("canary")), pemkey.ErrLocked},
		"encrypted, legacy": {string(legacy), pemkey.ErrLocked},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := pemkey.ParsePrivateKey(c.text); err != c.want {
				t.Errorf("got %v, want %v", err, c.want)
			}
		})
	}
}

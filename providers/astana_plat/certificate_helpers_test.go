package astana_plat_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/pem"
	"math/big"
	"testing"
	"time"

	"github.com/credsync/credsync/providers/astana_plat"
	"github.com/credsync/credsync/sandbox"
	"github.com/credsync/credsync/schema"
	"github.com/youmark/pkcs8"
	"github.com/zclconf/go-cty/cty"
)

// block is a certificate block with those attributes.
func block(attrs map[string]string) map[string][]schema.Values {
	values := map[string]cty.Value{}
	for name, text := range attrs {
		values[name] = cty.StringVal(text)
	}
	return map[string][]schema.Values{"certificate": {schema.NewValues(certificateTable(), "", values, nil)}}
}

func certificateTable() *schema.Block { return &astana_plat.Spec().Blocks[0].Block }

func issue(t *testing.T, s *sandbox.Sandbox, c sandbox.ClientCertificate) (certPEM, keyPEM string) {
	t.Helper()
	certPEM, keyPEM, err := s.IssueCertificate(c)
	if err != nil {
		t.Fatal(err)
	}
	return certPEM, keyPEM
}

// quick is a derivation that is not slow on purpose.
var quick = &pkcs8.Opts{
	Cipher:  pkcs8.AES256CBC,
	KDFOpts: pkcs8.PBKDF2Opts{SaltSize: 8, IterationCount: 16, HMACHash: crypto.SHA256},
}

// encryptPKCS8 encrypts a PKCS#8 key with keyPassword.
func encryptPKCS8(t *testing.T, keyPEM string) string {
	t.Helper()
	block, _ := pem.Decode([]byte(keyPEM))
	key, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	der, err := pkcs8.MarshalPrivateKey(key, []byte(keyPassword), quick)
	if err != nil {
		t.Fatal(err)
	}
	return encode("ENCRYPTED PRIVATE KEY", der)
}

func encode(kind string, der []byte) string {
	return string(pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}))
}

// authority is a certificate with its key, of whoever.
type authority struct {
	cert *x509.Certificate
	key  crypto.Signer
}

func (a authority) pem() string { return encode("CERTIFICATE", a.cert.Raw) }

// newCertificate makes one that by signs, or that signs itself.
func newCertificate(t *testing.T, name string, key crypto.Signer, by *authority) authority {
	t.Helper()
	return newCertificateUntil(t, name, key, by, time.Now().AddDate(1, 0, 0))
}

func newCertificateUntil(t *testing.T, name string, key crypto.Signer, by *authority, ends time.Time) authority {
	t.Helper()
	template := &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: name},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: ends,
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature,
	}
	issuer, issuerKey := template, key
	if by != nil {
		issuer, issuerKey = by.cert, by.key
	}
	der, err := x509.CreateCertificate(rand.Reader, template, issuer, key.Public(), issuerKey)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return authority{cert: cert, key: key}
}

func newECDSA(t *testing.T) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func newRSA(t *testing.T) *rsa.PrivateKey {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func newEd25519(t *testing.T) ed25519.PrivateKey {
	t.Helper()
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func pkcs8PEM(t *testing.T, key crypto.Signer) string {
	t.Helper()
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return encode("PRIVATE KEY", der)
}

func sec1DER(t *testing.T, key *ecdsa.PrivateKey) []byte {
	t.Helper()
	der, err := x509.MarshalECPrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return der
}

// encryptLegacy encrypts a key as older OpenSSL versions do.
func encryptLegacy(t *testing.T, kind string, der []byte) string {
	t.Helper()
	//lint:ignore SA1019 the form that is to be read
	block, err := x509.EncryptPEMBlock(rand.Reader, kind, der, []byte(keyPassword), x509.PEMCipherAES256)
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(block))
}

// kindOfKey is a PKCS#8 key that says what kind it is of, and no more.
func kindOfKey(t *testing.T, kind, parameter asn1.ObjectIdentifier) string {
	t.Helper()
	algorithm := pkix.AlgorithmIdentifier{Algorithm: kind}
	if parameter != nil {
		der, err := asn1.Marshal(parameter)
		if err != nil {
			t.Fatal(err)
		}
		algorithm.Parameters = asn1.RawValue{FullBytes: der}
	}
	der, err := asn1.Marshal(struct {
		Version   int
		Algorithm pkix.AlgorithmIdentifier
		Key       []byte
	}{Algorithm: algorithm, Key: []byte("canary")})
	if err != nil {
		t.Fatal(err)
	}
	return encode("PRIVATE KEY", der)
}

// curveOfKey is a SEC 1 key that says on which curve it is, and no more.
func curveOfKey(t *testing.T, curve asn1.ObjectIdentifier) string {
	t.Helper()
	der, err := asn1.Marshal(struct {
		Version int
		Key     []byte
		Curve   asn1.ObjectIdentifier `asn1:"explicit,tag:0"`
	}{Version: 1, Key: []byte("canary"), Curve: curve})
	if err != nil {
		t.Fatal(err)
	}
	return encode("EC PRIVATE KEY", der)
}

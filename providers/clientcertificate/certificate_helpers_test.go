package clientcertificate_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/pem"
	"testing"

	"github.com/credsync/credsync/providers/clientcertificate"
	"github.com/credsync/credsync/schema"
	"github.com/credsync/credsync/testkit/certificates"
	"github.com/zclconf/go-cty/cty"
)

const keyPassword = certificates.KeyPassword

// account has a certificate block with those attributes.
func account(attrs map[string]string) schema.Values {
	values := map[string]cty.Value{}
	for name, text := range attrs {
		values[name] = cty.StringVal(text)
	}
	table := &schema.Block{Type: "account", Blocks: []schema.Nested{{Block: *certificateTable(), Max: 1}}}
	return schema.NewValues(table, "", nil, map[string][]schema.Values{
		clientcertificate.Keyword: {schema.NewValues(certificateTable(), "", values, nil)},
	})
}

func certificateTable() *schema.Block {
	table := clientcertificate.Block("")
	return &table
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

func sec1DER(t *testing.T, key crypto.Signer) []byte {
	t.Helper()
	der, err := x509.MarshalECPrivateKey(key.(*ecdsa.PrivateKey))
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
	return certificates.Encode("PRIVATE KEY", der)
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
	return certificates.Encode("EC PRIVATE KEY", der)
}

package clientcertificate_test

import (
	"encoding/asn1"
	"encoding/pem"
	"strings"
	"testing"

	"github.com/credsync/credsync/testkit/certificates"
)

// What cannot be read is a damaged key where its kind is one that works, and an unusable
// one where it is not: the first is copied again, the second needs a new certificate.
func TestADamagedKeyIsToldFromAnUnusableOne(t *testing.T) {
	const copyAgain, askForAnother = "copied completely", "cannot use for TLS"
	elliptic := asn1.ObjectIdentifier{1, 2, 840, 10045, 2, 1}
	kinds := map[string]struct {
		key  string
		want string
	}{
		"RSA": {
			kindOfKey(t, asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 1, 1}, nil),
			copyAgain,
		},
		"Ed25519": {kindOfKey(t, asn1.ObjectIdentifier{1, 3, 101, 112}, nil), copyAgain},
		"Ed448": {
			kindOfKey(t, asn1.ObjectIdentifier{1, 3, 101, 113}, nil),
			askForAnother,
		},
		"RSA-PSS": {
			kindOfKey(t, asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 1, 10}, nil),
			askForAnother,
		},
		"an elliptic curve that is not named": {kindOfKey(t, elliptic, nil), copyAgain},
		"nothing of a key":                    {certificates.Encode("PRIVATE KEY", []byte{0x30, 0x03, 0x02, 0x01, 0x00}), copyAgain},
	}
	for name, c := range map[string]struct {
		curve asn1.ObjectIdentifier
		want  string
	}{
		"P-224":           {asn1.ObjectIdentifier{1, 3, 132, 0, 33}, copyAgain},
		"P-256":           {asn1.ObjectIdentifier{1, 2, 840, 10045, 3, 1, 7}, copyAgain},
		"P-384":           {asn1.ObjectIdentifier{1, 3, 132, 0, 34}, copyAgain},
		"P-521":           {asn1.ObjectIdentifier{1, 3, 132, 0, 35}, copyAgain},
		"P-192":           {asn1.ObjectIdentifier{1, 2, 840, 10045, 3, 1, 1}, "curve 1.2.840.10045.3.1.1, which credsync " + askForAnother},
		"secp256k1":       {asn1.ObjectIdentifier{1, 3, 132, 0, 10}, "curve secp256k1, which credsync " + askForAnother},
		"brainpoolP256r1": {asn1.ObjectIdentifier{1, 3, 36, 3, 3, 2, 8, 1, 1, 7}, askForAnother},
	} {
		kinds[name] = struct{ key, want string }{kindOfKey(t, elliptic, c.curve), c.want}
		if c.want != copyAgain { // there any bytes are a key
			kinds[name+", SEC 1"] = struct{ key, want string }{curveOfKey(t, c.curve), c.want}
		}
	}
	cert := certificates.New(t, "leaf", certificates.ECDSA(t), nil)
	for name, c := range kinds {
		t.Run(name, func(t *testing.T) {
			_, err := load(map[string]string{"cert_pem": cert.PEM(), "key_pem": c.key})
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want %q", err, c.want)
			}
		})
		t.Run(name+", encrypted as older OpenSSL does", func(t *testing.T) {
			block, _ := pem.Decode([]byte(c.key))
			key := encryptLegacy(t, "PRIVATE KEY", block.Bytes)
			want := c.want
			if want == copyAgain {
				// This form has no checksum, so that a wrong password looks the same.
				want = "cannot be opened with key_password"
			}
			_, err := load(map[string]string{"cert_pem": cert.PEM(), "key_pem": key, "key_password": keyPassword})
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("got %v, want %q", err, want)
			}
		})
	}
}

package clientcertificate

import (
	"crypto/x509/pkix"
	"encoding/asn1"
	"errors"
	"fmt"
)

// The identifiers of kinds of keys.
var (
	oidRSA       = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 1, 1}
	oidEd25519   = asn1.ObjectIdentifier{1, 3, 101, 112}
	oidRSAPSS    = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 1, 10}
	oidECKey     = asn1.ObjectIdentifier{1, 2, 840, 10045, 2, 1}
	oidSecp256k1 = asn1.ObjectIdentifier{1, 3, 132, 0, 10}
)

const otherKey = "; ask for a certificate with an RSA key (rsaEncryption) or an ECDSA key on P-256"

// whyUnusable says what a key is that could not be read: one that was not copied
// whole, or of a kind that TLS here has no use for. It tells the kind, and nothing of
// the key.
func whyUnusable(der []byte) error {
	var pkcs8Key struct {
		Version   int
		Algorithm pkix.AlgorithmIdentifier
		Key       []byte
	}
	if _, err := asn1.Unmarshal(der, &pkcs8Key); err == nil && len(pkcs8Key.Algorithm.Algorithm) > 0 {
		return whyUnusableKind(pkcs8Key.Algorithm)
	}
	var sec1Key struct {
		Version int
		Key     []byte
		Curve   asn1.ObjectIdentifier `asn1:"optional,explicit,tag:0"`
		Public  asn1.BitString        `asn1:"optional,explicit,tag:1"`
	}
	if _, err := asn1.Unmarshal(der, &sec1Key); err == nil && len(sec1Key.Curve) > 0 {
		return unusableCurve(sec1Key.Curve)
	}
	return errKeyBroken
}

func whyUnusableKind(a pkix.AlgorithmIdentifier) error {
	switch {
	case a.Algorithm.Equal(oidRSAPSS):
		return errors.New("the key in key_pem is for RSA-PSS only (id-RSASSA-PSS), which credsync cannot use for TLS" + otherKey)
	case a.Algorithm.Equal(oidECKey):
		var curve asn1.ObjectIdentifier
		if _, err := asn1.Unmarshal(a.Parameters.FullBytes, &curve); err == nil {
			return unusableCurve(curve)
		}
	case !a.Algorithm.Equal(oidRSA) && !a.Algorithm.Equal(oidEd25519):
		return fmt.Errorf("the key in key_pem is of the type %s, such as GOST, which credsync cannot use for TLS%s", a.Algorithm, otherKey)
	}
	return errKeyBroken
}

func unusableCurve(curve asn1.ObjectIdentifier) error {
	name := curve.String()
	switch {
	case curve.Equal(oidSecp256k1):
		name = "secp256k1"
	case usableCurve(curve):
		return errKeyBroken
	}
	return fmt.Errorf("the key in key_pem is on the elliptic curve %s, which credsync cannot use for TLS%s", name, otherKey)
}

// usableCurve reports whether a curve is P-224, P-256, P-384 or P-521.
func usableCurve(curve asn1.ObjectIdentifier) bool {
	for _, known := range []asn1.ObjectIdentifier{{1, 3, 132, 0, 33}, {1, 2, 840, 10045, 3, 1, 7},
		{1, 3, 132, 0, 34}, {1, 3, 132, 0, 35}} {
		if curve.Equal(known) {
			return true
		}
	}
	return false
}

package clientcertificate_test

import (
	"crypto/ed25519"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/base64"
	"encoding/pem"
	"strings"
	"testing"

	"github.com/credsync/credsync/providers/clientcertificate"
	"github.com/credsync/credsync/schema"
	"github.com/credsync/credsync/testkit/certificates"
	"github.com/youmark/pkcs8"
	"github.com/zclconf/go-cty/cty"
	pkcs12 "software.sslmate.com/src/go-pkcs12"
)

// load checks a certificate block as validate does, then reads it.
func load(attrs map[string]string) (*tls.Certificate, error) {
	a := account(attrs)
	if err := certificateTable().Check(a.Nested(clientcertificate.Keyword)[0]); err != nil {
		return nil, err
	}
	return clientcertificate.Of(a)
}

func TestKeyForms(t *testing.T) {
	ec, rsaKey, ed := certificates.ECDSA(t), newRSA(t), newEd25519(t)
	ecCert, rsaCert := certificates.New(t, "ec", ec, nil), certificates.New(t, "rsa", rsaKey, nil)
	edCert := certificates.New(t, "ed", ed, nil)
	pkcs1 := x509.MarshalPKCS1PrivateKey(rsaKey)
	for _, c := range []struct {
		name, cert, key, password string
	}{
		{"PKCS#8 ECDSA", ecCert.PEM(), certificates.PKCS8(t, ec), ""},
		{"PKCS#8 RSA", rsaCert.PEM(), certificates.PKCS8(t, rsaKey), ""},
		{"PKCS#8 Ed25519", edCert.PEM(), certificates.PKCS8(t, ed), ""},
		{"PKCS#1", rsaCert.PEM(), certificates.Encode("RSA PRIVATE KEY", pkcs1), ""},
		{"SEC 1", ecCert.PEM(), certificates.Encode("EC PRIVATE KEY", sec1DER(t, ec)), ""},
		{"SEC 1 behind its parameters", ecCert.PEM(), certificates.Encode("EC PARAMETERS", []byte{6, 0}) + certificates.Encode("EC PRIVATE KEY", sec1DER(t, ec)), ""},
		{"encrypted PKCS#8", rsaCert.PEM(), certificates.EncryptPKCS8(t, certificates.PKCS8(t, rsaKey)), keyPassword},
		{"encrypted PKCS#1", rsaCert.PEM(), encryptLegacy(t, "RSA PRIVATE KEY", pkcs1), keyPassword},
		{"encrypted SEC 1", ecCert.PEM(), encryptLegacy(t, "EC PRIVATE KEY", sec1DER(t, ec)), keyPassword},
		{"a password that is not needed", ecCert.PEM(), certificates.PKCS8(t, ec), keyPassword},
		{"both in one file", "text before\n" + ecCert.PEM() + certificates.PKCS8(t, ec), ecCert.PEM() + certificates.PKCS8(t, ec), ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			attrs := map[string]string{"cert_pem": c.cert, "key_pem": c.key}
			if c.password != "" {
				attrs["key_password"] = c.password
			}
			cert, err := load(attrs)
			if err != nil {
				t.Fatal(err)
			}
			if cert.Leaf == nil || cert.PrivateKey == nil || len(cert.Certificate) != 1 {
				t.Error("want the certificate with its key")
			}
		})
	}
}

// TestPEMIsTakenWithoutItsLineBreaks, as variables of CI services have it.
func TestPEMIsTakenWithoutItsLineBreaks(t *testing.T) {
	root := certificates.New(t, "root", certificates.ECDSA(t), nil)
	leaf := certificates.New(t, "leaf", certificates.ECDSA(t), &root)
	for _, instead := range []string{`\n`, `\r\n`, " ", "", "\r"} {
		change := func(s string) string { return strings.ReplaceAll(s, "\n", instead) }
		cert, err := load(map[string]string{
			"cert_pem": change(
				leaf.PEM() + root.PEM(),
			), "key_pem": change(encryptLegacy(t, "EC PRIVATE KEY", sec1DER(t, leaf.Key))), "key_password": keyPassword,
		})
		if err != nil || len(cert.Certificate) != 2 {
			t.Errorf("with %q: %v", instead, err)
		}
	}
}

func TestUnusableCertificates(t *testing.T) {
	root := certificates.New(t, "root", certificates.ECDSA(t), nil)
	middle := certificates.New(t, "middle", certificates.ECDSA(t), &root)
	leaf := certificates.New(t, "leaf", certificates.ECDSA(t), &middle)
	key := certificates.PKCS8(t, leaf.Key)
	locked := certificates.EncryptPKCS8(t, key)
	for _, c := range []struct {
		name  string
		attrs map[string]string
		want  string
	}{
		{"nothing", nil, "there is no certificate"},
		{"no key", map[string]string{"cert_pem": leaf.PEM()}, "belong together"},
		{"no certificate", map[string]string{"key_pem": key}, "belong together"},
		{"both forms", map[string]string{"cert_pem": leaf.PEM(), "key_pem": key, "pkcs12_base64": "AA=="}, "set twice"},
		{"password of the other form", map[string]string{"pkcs12_base64": "AA==", "key_password": "x"}, "key_password is for key_pem"},
		{"password of the other form, PEM", map[string]string{"cert_pem": leaf.PEM(), "key_pem": key, "pkcs12_password": "x"}, "pkcs12_password is for"},
		{"another's key", map[string]string{"cert_pem": leaf.PEM(), "key_pem": certificates.PKCS8(t, certificates.ECDSA(t))}, "does not match the certificate in cert_pem"},
		{"key of another kind", map[string]string{"cert_pem": leaf.PEM(), "key_pem": certificates.PKCS8(t, newEd25519(t))}, "does not match the certificate in cert_pem"},
		{"issuer first", map[string]string{"cert_pem": middle.PEM() + leaf.PEM(), "key_pem": key}, "certificate 2 of cert_pem"},
		{"issuers out of order", map[string]string{"cert_pem": leaf.PEM() + root.PEM() + middle.PEM(), "key_pem": key}, "not a chain"},
		{"a stranger in the chain", map[string]string{"cert_pem": leaf.PEM() + certificates.New(t, "middle", certificates.ECDSA(t), nil).PEM(), "key_pem": key}, "not a chain"},
		{"certificate is no PEM", map[string]string{"cert_pem": "MIIB", "key_pem": key}, "cert_pem contains no certificate"},
		{"certificate is a key", map[string]string{"cert_pem": key, "key_pem": key}, "cert_pem contains no certificate"},
		{"certificate is damaged", map[string]string{"cert_pem": certificates.Encode("CERTIFICATE", leaf.X509.Raw[:100]), "key_pem": key}, "certificate 1 of cert_pem"},
		{"key is no PEM", map[string]string{"cert_pem": leaf.PEM(), "key_pem": "MIIB"}, "key_pem contains no private key"},
		{"key is damaged", map[string]string{"cert_pem": leaf.PEM(), "key_pem": certificates.Encode("PRIVATE KEY", []byte("canary"))}, "cannot be read"},
		{"RSA-PSS", map[string]string{"cert_pem": leaf.PEM(), "key_pem": kindOfKey(t, asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 1, 10}, nil)}, "RSA-PSS only"},
		{"secp256k1", map[string]string{"cert_pem": leaf.PEM(),
			"key_pem": kindOfKey(t, asn1.ObjectIdentifier{1, 2, 840, 10045, 2, 1}, asn1.ObjectIdentifier{1, 3, 132, 0, 10})}, "curve secp256k1"},
		{"SEC 1 secp256k1", map[string]string{"cert_pem": leaf.PEM(), "key_pem": curveOfKey(t, asn1.ObjectIdentifier{1, 3, 132, 0, 10})}, "curve secp256k1"},
		{"another curve", map[string]string{"cert_pem": leaf.PEM(), "key_pem": curveOfKey(t, asn1.ObjectIdentifier{1, 3, 36, 3, 3, 2, 8, 1, 1, 7})}, "curve 1.3.36"},
		{"GOST", map[string]string{"cert_pem": leaf.PEM(), "key_pem": kindOfKey(t, asn1.ObjectIdentifier{1, 2, 643, 7, 1, 1, 1, 1}, nil)}, "GOST"},
		{"a damaged key of a known kind", map[string]string{"cert_pem": leaf.PEM(), "key_pem": kindOfKey(t, asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 1, 1}, nil)}, "copied completely"},
		{"cut off", map[string]string{"cert_pem": leaf.PEM(), "key_pem": key[:len(key)/2]}, "copied completely"},
		{"key is encrypted", map[string]string{"cert_pem": leaf.PEM(), "key_pem": locked}, "set key_password"},
		{"wrong password", map[string]string{"cert_pem": leaf.PEM(), "key_pem": locked, "key_password": "wrong"}, "cannot be opened with key_password"},
		{"encrypted key is damaged", map[string]string{"cert_pem": leaf.PEM(), "key_pem": certificates.Encode("ENCRYPTED PRIVATE KEY", []byte("canary")), "key_password": "x"}, "cannot be opened with key_password"},
		{"legacy key is encrypted", map[string]string{"cert_pem": leaf.PEM(), "key_pem": encryptLegacy(t, "EC PRIVATE KEY", []byte("der"))}, "set key_password"},
		{"legacy wrong password", map[string]string{"cert_pem": leaf.PEM(), "key_pem": encryptLegacy(t, "EC PRIVATE KEY", []byte("der")), "key_password": "wrong"}, "cannot be opened with key_password"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := load(c.attrs)
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Fatalf("got %v, want %q", err, c.want)
			}
			for _, text := range c.attrs {
				if len(text) > 20 && strings.Contains(err.Error(), text[len(text)/2:len(text)/2+10]) {
					t.Error("the error repeats what is in the attribute")
				}
			}
		})
	}
}

func TestChain(t *testing.T) {
	root := certificates.New(t, "root", newRSA(t), nil)
	middle := certificates.New(t, "middle", certificates.ECDSA(t), &root)
	leaf := certificates.New(t, "leaf", certificates.ECDSA(t), &middle)
	cert, err := load(map[string]string{"cert_pem": leaf.PEM() + middle.PEM() + root.PEM(), "key_pem": certificates.PKCS8(t, leaf.Key)})
	if err != nil {
		t.Fatal(err)
	}
	if len(cert.Certificate) != 3 || cert.Leaf.Subject.CommonName != "leaf" {
		t.Errorf("%d certificates, the first of %s", len(cert.Certificate), cert.Leaf.Subject.CommonName)
	}
}

func TestPKCS12(t *testing.T) {
	root := certificates.New(t, "root", certificates.ECDSA(t), nil)
	middle := certificates.New(t, "middle", certificates.ECDSA(t), &root)
	leaf := certificates.New(t, "leaf", certificates.ECDSA(t), &middle)
	for _, c := range []struct {
		name    string
		encoder *pkcs12.Encoder
		first   certificates.Certificate
		others  []*x509.Certificate
	}{
		{"modern", pkcs12.Modern, leaf, []*x509.Certificate{middle.X509, root.X509}},
		{"legacy", pkcs12.LegacyDES, leaf, []*x509.Certificate{middle.X509, root.X509}},
		{"in another order", pkcs12.Modern, root, []*x509.Certificate{leaf.X509, middle.X509}},
	} {
		t.Run(c.name, func(t *testing.T) {
			encoded := encodePKCS12(t, c.encoder, leaf, c.first, c.others, keyPassword)
			cert, err := load(map[string]string{"pkcs12_base64": encoded, "pkcs12_password": keyPassword})
			if err != nil {
				t.Fatal(err)
			}
			if len(cert.Certificate) != 3 || string(cert.Certificate[0]) != string(leaf.X509.Raw) ||
				string(cert.Certificate[1]) != string(middle.X509.Raw) {
				t.Error("want the leaf, its issuer and the root, in this order")
			}
			if _, err := load(map[string]string{"pkcs12_base64": encoded, "pkcs12_password": "wrong"}); err == nil || !strings.Contains(err.Error(), "cannot be opened") {
				t.Errorf("wrong password: %v", err)
			}
		})
	}
	t.Run("without a password", func(t *testing.T) {
		if _, err := load(map[string]string{"pkcs12_base64": encodePKCS12(t, pkcs12.Passwordless, leaf, leaf, nil, "")}); err != nil {
			t.Error(err)
		}
	})
	t.Run("without a MAC, and with a password", func(t *testing.T) {
		encoded := encodePKCS12(t, pkcs12.Passwordless, leaf, leaf, nil, "")
		if _, err := load(map[string]string{"pkcs12_base64": encoded, "pkcs12_password": keyPassword}); err != nil {
			t.Error(err)
		}
	})
	t.Run("in lines", func(t *testing.T) {
		encoded := encodePKCS12(t, pkcs12.Modern, leaf, leaf, nil, keyPassword)
		if _, err := load(map[string]string{"pkcs12_base64": encoded[:64] + "\n" + encoded[64:] + "\n", "pkcs12_password": keyPassword}); err != nil {
			t.Error(err)
		}
	})
	t.Run("another's key", func(t *testing.T) {
		encoded := encodePKCS12(t, pkcs12.Modern, middle, leaf, nil, keyPassword)
		if _, err := load(map[string]string{"pkcs12_base64": encoded, "pkcs12_password": keyPassword}); err == nil || !strings.Contains(err.Error(), "matches its key") {
			t.Error(err)
		}
	})
	for name, text := range map[string]string{"no base64": "@@@", "no PKCS#12": "AAAA", "empty": " "} {
		if _, err := load(map[string]string{"pkcs12_base64": text}); err == nil || !strings.Contains(err.Error(), "pkcs12_base64") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// encodePKCS12 makes a file with the key of one and the certificates of others.
func encodePKCS12(
	t *testing.T,
	e *pkcs12.Encoder,
	key, first certificates.Certificate,
	others []*x509.Certificate,
	password string,
) string {
	t.Helper()
	data, err := e.Encode(key.Key, first.X509, others, password)
	if err != nil {
		t.Fatal(err)
	}
	return base64.StdEncoding.EncodeToString(data)
}

func TestUnknownCertificateIsLeftForLater(t *testing.T) {
	values := schema.NewValues(certificateTable(), "", map[string]cty.Value{
		"cert_pem": cty.StringVal("from a file"), "key_pem": cty.UnknownVal(cty.String),
	}, nil)
	if err := certificateTable().Check(values); err != nil {
		t.Error(err)
	}
}

// brokenLength is an encrypted key whose data is no whole number of blocks.
func brokenLength(t testing.TB) []byte {
	t.Helper()
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	der, err := pkcs8.MarshalPrivateKey(key, []byte(keyPassword), certificates.Quick)
	if err != nil {
		t.Fatal(err)
	}
	var parts struct {
		Algorithm pkix.AlgorithmIdentifier
		Data      []byte
	}
	if _, err := asn1.Unmarshal(der, &parts); err != nil {
		t.Fatal(err)
	}
	parts.Data = parts.Data[1:]
	if der, err = asn1.Marshal(parts); err != nil {
		t.Fatal(err)
	}
	return der
}

func TestDamagedEncryptedKeyIsAnErrorNotAPanic(t *testing.T) {
	cert := certificates.New(t, "leaf", certificates.ECDSA(t), nil)
	_, err := load(map[string]string{"cert_pem": cert.PEM(), "key_pem": certificates.Encode("ENCRYPTED PRIVATE KEY", brokenLength(t)), "key_password": keyPassword})
	if err == nil || !strings.Contains(err.Error(), "copied completely") {
		t.Error(err)
	}
}

// FuzzCertificate shows that what is damaged is refused, and never panics.
func FuzzCertificate(f *testing.F) {
	f.Add("PRIVATE KEY", []byte("0"), "x")
	f.Add("RSA PRIVATE KEY", []byte{0x30, 0x03, 0x02, 0x01, 0x00}, "x")
	f.Add("ENCRYPTED PRIVATE KEY", brokenLength(f), keyPassword)
	f.Fuzz(func(t *testing.T, kind string, der []byte, password string) {
		if password == "" {
			return
		}
		text := string(pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}))
		if text == "" {
			return
		}
		if _, err := load(map[string]string{"cert_pem": text, "key_pem": text, "key_password": password}); err == nil && kind != "CERTIFICATE" {
			t.Error("a key without a certificate was accepted")
		}
		if _, err := load(map[string]string{"pkcs12_base64": base64.StdEncoding.EncodeToString(append(der, 0)),
			"pkcs12_password": password}); err == nil {
			t.Error("a PKCS#12 file with a byte too many was accepted")
		}
	})
}

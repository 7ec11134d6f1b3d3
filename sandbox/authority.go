package sandbox

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"time"
)

// authority is the sandbox's own certification authority: it signs the TLS
// server's certificate and the clients'.
type authority struct {
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

// newAuthority panics on what only a broken random source can cause. What it
// signs is looked at by two clocks, the sandbox's and its clients', and is good
// by both.
func newAuthority(clock time.Time) *authority {
	ca := &authority{key: newKey()}
	first, last := time.Now(), clock
	if last.Before(first) {
		first, last = last, first
	}
	template := certificateOf("credsync sandbox CA", first.Add(-time.Hour), last.AddDate(10, 0, 0))
	template.IsCA, template.BasicConstraintsValid = true, true
	template.KeyUsage = x509.KeyUsageCertSign
	der, err := x509.CreateCertificate(rand.Reader, template, template, &ca.key.PublicKey, ca.key)
	if err == nil {
		ca.cert, err = x509.ParseCertificate(der)
	}
	if err != nil {
		panic("sandbox: cannot create a certification authority: " + err.Error())
	}
	return ca
}

func newKey() *ecdsa.PrivateKey {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		panic("sandbox: cannot create a key: " + err.Error())
	}
	return key
}

func certificateOf(name string, notBefore, notAfter time.Time) *x509.Certificate {
	return &x509.Certificate{
		SerialNumber: new(big.Int).SetBytes([]byte(rand.Text())[:16]),
		Subject:      pkix.Name{CommonName: name},
		NotBefore:    notBefore, NotAfter: notAfter,
		KeyUsage: x509.KeyUsageDigitalSignature,
	}
}

func (ca *authority) issue(template *x509.Certificate) (*tls.Certificate, error) {
	key := newKey()
	der, err := x509.CreateCertificate(rand.Reader, template, ca.cert, &key.PublicKey, ca.key)
	if err != nil {
		return nil, fmt.Errorf("cannot sign a certificate: %w", err)
	}
	return &tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, nil
}

// ClientCertificate describes a certificate to issue to a client.
type ClientCertificate struct {
	CommonName string `json:"common_name"`
	// NotBefore is the sandbox's time if zero, and NotAfter a year later.
	NotBefore time.Time `json:"not_before,omitzero"`
	NotAfter  time.Time `json:"not_after,omitzero"`
}

// IssueCertificate signs a certificate for a client and returns it with its
// key, both in PEM.
func (s *Sandbox) IssueCertificate(c ClientCertificate) (certPEM, keyPEM string, err error) {
	if c.CommonName == "" {
		return "", "", errors.New("a certificate needs a common name")
	}
	if c.NotBefore.IsZero() {
		// The client's clock may be a little behind.
		c.NotBefore = s.Advance(0).Add(-time.Minute)
	}
	if c.NotAfter.IsZero() {
		c.NotAfter = c.NotBefore.AddDate(1, 0, 0)
	}
	template := certificateOf(c.CommonName, c.NotBefore, c.NotAfter)
	template.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}
	cert, err := s.authority.issue(template)
	if err != nil {
		return "", "", err
	}
	key, err := x509.MarshalPKCS8PrivateKey(cert.PrivateKey)
	if err != nil {
		return "", "", fmt.Errorf("cannot encode a key: %w", err)
	}
	return encodePEM("CERTIFICATE", cert.Certificate[0]), encodePEM("PRIVATE KEY", key), nil
}

// CAPEM returns the certificate of the sandbox's authority.
func (s *Sandbox) CAPEM() string { return encodePEM("CERTIFICATE", s.authority.cert.Raw) }

func encodePEM(kind string, der []byte) string {
	return string(pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}))
}

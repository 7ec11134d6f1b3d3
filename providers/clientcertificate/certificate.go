package clientcertificate

import (
	"bytes"
	"crypto"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/credsync/credsync/credential"
	"github.com/credsync/credsync/internal/pemtext"
	"github.com/credsync/credsync/schema"
	pkcs12 "software.sslmate.com/src/go-pkcs12"
)

// Of returns the certificate of an account; nil for an account without one. It is
// providers.Spec.ClientCertificate.
func Of(v schema.Values) (*tls.Certificate, error) {
	blocks := v.Nested(Keyword)
	if len(blocks) == 0 {
		return nil, nil
	}
	cert, err := load(blocks[0])
	if err != nil {
		return nil, fmt.Errorf("%s: %w", Keyword, err)
	}
	return cert, nil
}

// load reads a certificate block. Its errors say which attribute is
// wrong in which way, and nothing of what is in it.
func load(v schema.Values) (*tls.Certificate, error) {
	if v.IsSet("pkcs12_base64") {
		return loadPKCS12(v.Secret("pkcs12_base64"), v.Secret("pkcs12_password"))
	}
	key, err := parseKey(v.Secret("key_pem"), v.Secret("key_password"))
	if err != nil {
		return nil, err
	}
	chain, err := parseChain(v.Secret("cert_pem"))
	if err != nil {
		return nil, err
	}
	switch i := slices.IndexFunc(chain, func(c *x509.Certificate) bool { return belongs(key, c) }); {
	case i < 0:
		return nil, errors.New("the key in key_pem does not match the certificate in cert_pem: set the two that " +
			"were issued together")
	case i > 0:
		return nil, fmt.Errorf("key_pem belongs to certificate %d of cert_pem: put that certificate first, "+
			"and its issuers after it", i+1)
	}
	for i := range len(chain) - 1 {
		if chain[i].CheckSignatureFrom(chain[i+1]) != nil {
			return nil, fmt.Errorf("the certificates in cert_pem are not a chain: certificate %d is not signed by "+
				"certificate %d; put each one before its issuer, and remove the others", i+1, i+2)
		}
	}
	return assemble(key, chain), nil
}

func assemble(key crypto.Signer, chain []*x509.Certificate) *tls.Certificate {
	cert := &tls.Certificate{PrivateKey: key, Leaf: chain[0]}
	for _, c := range chain {
		cert.Certificate = append(cert.Certificate, c.Raw)
	}
	return cert
}

// belongs reports whether the key is the certificate's.
func belongs(key crypto.Signer, c *x509.Certificate) bool {
	public, ok := key.Public().(interface{ Equal(crypto.PublicKey) bool })
	return ok && public.Equal(c.PublicKey)
}

// parseChain reads the certificates of a PEM text, in which keys may stand too.
func parseChain(text credential.Secret) ([]*x509.Certificate, error) {
	var chain []*x509.Certificate
	for rest := []byte(pemtext.Normalize(text.Reveal())); ; {
		var block *pem.Block
		if block, rest = pem.Decode(rest); block == nil {
			break
		}
		if block.Type != "CERTIFICATE" {
			continue
		}
		c, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return nil, fmt.Errorf("certificate %d of cert_pem cannot be read; check that it was copied "+
				"completely", len(chain)+1)
		}
		chain = append(chain, c)
	}
	if len(chain) == 0 {
		return nil, errors.New("cert_pem contains no certificate; it must be PEM, which begins with -----BEGIN " +
			"CERTIFICATE-----")
	}
	return chain, nil
}

// loadPKCS12 reads a PKCS#12 file. Nothing says in which order such a file has
// its certificates, so they are put in order here.
func loadPKCS12(encoded, password credential.Secret) (cert *tls.Certificate, err error) {
	data, err := base64.StdEncoding.DecodeString(strings.Join(strings.Fields(encoded.Reveal()), ""))
	if err != nil {
		return nil, errors.New("the value of pkcs12_base64 is not base64; use filebase64(\"client.p12\"), or " +
			"encode the file with: base64 client.p12")
	}
	defer func() {
		// A file that is made to break the parser is a wrong file, no more.
		if recover() != nil {
			cert, err = nil, errors.New("the PKCS#12 file is damaged")
		}
	}()
	key, first, others, err := pkcs12.DecodeChain(data, password.Reveal())
	if withoutMAC(err) {
		// What is not encrypted needs neither.
		if k, f, o, plain := pkcs12.DecodeChain(data, ""); plain == nil {
			key, first, others, err = k, f, o, nil
		}
	}
	if err != nil {
		return nil, pkcs12Error(err)
	}
	signer, ok := key.(crypto.Signer)
	if !ok {
		return nil, errors.New("the key in the PKCS#12 file is of a type that TLS cannot use")
	}
	all := append([]*x509.Certificate{first}, others...)
	i := slices.IndexFunc(all, func(c *x509.Certificate) bool { return belongs(signer, c) })
	if i < 0 {
		return nil, errors.New("no certificate in the PKCS#12 file matches its key")
	}
	return assemble(signer, order(all, i)), nil
}

// order returns the chain that begins with all[leaf]: each certificate's
// issuer after it, as far as they are there.
func order(all []*x509.Certificate, leaf int) []*x509.Certificate {
	chain := []*x509.Certificate{all[leaf]}
	for len(chain) < len(all) {
		last := chain[len(chain)-1]
		i := slices.IndexFunc(all, func(c *x509.Certificate) bool {
			return !slices.Contains(chain, c) && bytes.Equal(c.RawSubject, last.RawIssuer) &&
				last.CheckSignatureFrom(c) == nil
		})
		if i < 0 {
			break
		}
		chain = append(chain, all[i])
	}
	return chain
}

// withoutMAC reports whether a file has no checksum by which a password could be
// checked, of which the library has no error of its own.
func withoutMAC(err error) bool { return err != nil && strings.Contains(err.Error(), "no MAC in data") }

func pkcs12Error(err error) error {
	var unsupported pkcs12.NotImplementedError
	switch {
	case withoutMAC(err):
		return errors.New("the PKCS#12 file has no checksum (MAC) to check pkcs12_password with; set cert_pem and key_pem " +
			"to what this prints: openssl pkcs12 -in client.p12 -nodes")
	case strings.Contains(err.Error(), "private key"):
		return errors.New("the key in the PKCS#12 file is of a type that credsync cannot use for TLS, such as RSA-PSS, GOST or " +
			"ECDSA on the curve secp256k1; ask for a certificate with an RSA key or an ECDSA key on P-256")
	case errors.Is(err, pkcs12.ErrIncorrectPassword), errors.Is(err, pkcs12.ErrDecryption):
		return errors.New("the PKCS#12 file cannot be opened with pkcs12_password")
	case errors.As(err, &unsupported):
		return errors.New("the PKCS#12 file uses an unsupported feature; export it again, or as PEM: " +
			"openssl pkcs12 -in client.p12 -nodes")
	}
	return errors.New("the value of pkcs12_base64 is not a PKCS#12 file with one key and its certificate; check " +
		"that it was copied completely")
}

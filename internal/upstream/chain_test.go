package upstream_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/credsync/credsync/failure"
	"github.com/credsync/credsync/internal/upstream"
)

// authority signs certificates.
type authority struct {
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

// issue makes a certificate: self-signed where by is nil.
func issue(t *testing.T, by *authority, template x509.Certificate) *authority {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template.NotBefore, template.NotAfter = time.Now().Add(-time.Hour), time.Now().Add(time.Hour)
	template.BasicConstraintsValid, template.SerialNumber = true, big.NewInt(time.Now().UnixNano())
	made := &authority{key: key}
	if by == nil {
		by = &authority{cert: &template, key: key}
	}
	der, err := x509.CreateCertificate(rand.Reader, &template, by.cert, key.Public(), by.key)
	if err != nil {
		t.Fatal(err)
	}
	if made.cert, err = x509.ParseCertificate(der); err != nil {
		t.Fatal(err)
	}
	return made
}

func signer(name string) x509.Certificate {
	return x509.Certificate{Subject: pkix.Name{CommonName: name}, IsCA: true, KeyUsage: x509.KeyUsageCertSign}
}

func leaf() x509.Certificate {
	return x509.Certificate{
		Subject:     pkix.Name{CommonName: "leaf"},
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		KeyUsage:    x509.KeyUsageDigitalSignature,
	}
}

func TestCertificatesOfAnUpstreamThatAreTooMuch(t *testing.T) {
	root := issue(t, nil, signer("root"))
	chain := func(n int) (last *authority, between [][]byte) {
		last = root
		for range n {
			last = issue(t, last, signer("intermediate"))
			between = append([][]byte{last.cert.Raw}, between...)
		}
		return last, between
	}
	presented := map[string]func() (*authority, [][]byte){
		"100 intermediates in one line": func() (*authority, [][]byte) {
			last, between := chain(100)
			return issue(t, last, leaf()), between
		},
		// Each could have signed each other by its name: without a bound, the
		// ways to the root are more than could ever be tried.
		"100 intermediates of one name": func() (*authority, [][]byte) {
			var between [][]byte
			for range 100 {
				between = append(between, issue(t, issue(t, nil, signer("intermediate")), signer("intermediate")).cert.Raw)
			}
			return issue(t, issue(t, nil, signer("intermediate")), leaf()), between
		},
		"a certificate of 1 MB": func() (*authority, [][]byte) {
			big := leaf()
			for range 1 << 14 {
				big.DNSNames = append(big.DNSNames, strings.Repeat("a", 60)+".example")
			}
			return issue(t, root, big), nil
		},
		"1000 intermediates": func() (*authority, [][]byte) {
			one := issue(t, root, signer("intermediate"))
			var between [][]byte
			for range 1000 {
				between = append(between, one.cert.Raw)
			}
			return issue(t, one, leaf()), between
		},
	}
	for name, present := range presented {
		t.Run(name, func(t *testing.T) {
			last, between := present()
			var hits atomic.Int32
			s := httptest.NewUnstartedServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { hits.Add(1) }))
			s.Config.ErrorLog = log.New(io.Discard, "", 0)
			s.TLS = &tls.Config{
				Certificates: []tls.Certificate{
					{Certificate: append([][]byte{last.cert.Raw}, between...), PrivateKey: last.key},
				},
			}
			s.StartTLS()
			defer s.Close()
			c, pauses := client(
				t,
				upstream.Options{BaseURL: s.URL, CAPEM: pemOf(root.cert.Raw), Timeout: 20 * time.Second},
			)
			_, err := send(t, c, "POST", s.URL, upstream.Op{Once: true})
			e := upstreamError(t, err)
			if e.Class != failure.Config || e.Attribute == "" || !strings.Contains(e.Message, "certificate") ||
				e.Advice == "" ||
				e.AnswerLost {
				t.Errorf("%+v", *e)
			}
			if len(pauses.asked) != 0 || hits.Load() != 0 {
				t.Errorf("sent again %d times, %d requests got through", len(pauses.asked), hits.Load())
			}
		})
	}
}

package upstream_test

import (
	"crypto/tls"
	"encoding/pem"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/credsync/credsync/failure"
	"github.com/credsync/credsync/internal/upstream"
)

func TestTLSFailuresAreConfigErrors(t *testing.T) {
	var hits atomic.Int32
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { hits.Add(1) }))
	s.Config.ErrorLog = log.New(io.Discard, "", 0)
	s.StartTLS()
	defer s.Close()
	plain := serve(t, func(http.ResponseWriter, *http.Request) { hits.Add(1) })
	for _, c := range []struct{ name, url, attribute string }{
		{"unknown authority", s.URL, "http.ca_pem"},
		{"certificate of another host", strings.Replace(s.URL, "127.0.0.1", "localhost", 1), "base_url"},
		{"no TLS at all", strings.Replace(plain, "http:", "https:", 1), "base_url"},
	} {
		t.Run(c.name, func(t *testing.T) {
			o := upstream.Options{BaseURL: c.url}
			if c.attribute == "base_url" {
				o.CAPEM = pemOf(s.Certificate().Raw)
			}
			cl, pauses := client(t, o)
			_, err := send(t, cl, "POST", c.url, upstream.Op{Once: true})
			e := upstreamError(t, err)
			if e.Class != failure.Config || e.Attribute != c.attribute || e.AnswerLost || e.Advice == "" {
				t.Errorf("%+v", *e)
			}
			if len(pauses.asked) != 0 {
				t.Error("it was tried again")
			}
		})
	}
	if hits.Load() != 0 {
		t.Error("a request got through")
	}
}

func TestConfiguredAuthorityIsTrustedOverHTTP2(t *testing.T) {
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprintf(w, `{"proto":%q}`, r.Proto)
	}))
	s.EnableHTTP2 = true
	s.StartTLS()
	defer s.Close()
	c, _ := client(t, upstream.Options{BaseURL: s.URL, CAPEM: pemOf(s.Certificate().Raw)})
	a, err := send(t, c, "GET", s.URL, upstream.Op{})
	if err != nil {
		t.Fatal(err)
	}
	if proto := a.Fields().Text("proto"); proto != "HTTP/2.0" {
		t.Errorf("%q", proto)
	}
}

func TestClientCertificateIsPresented(t *testing.T) {
	var presented atomic.Int32
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		presented.Add(int32(len(r.TLS.PeerCertificates)))
	}))
	s.TLS = &tls.Config{ClientAuth: tls.RequireAnyClientCert}
	s.Config.ErrorLog = log.New(io.Discard, "", 0)
	s.StartTLS()
	defer s.Close()
	// One pool: the transport of the one must not serve the other.
	pool := upstream.NewPool(upstream.PoolOptions{Pause: (&noPause{}).pause})
	defer pool.Close()
	o := upstream.Options{BaseURL: s.URL, CAPEM: pemOf(s.Certificate().Raw)}
	for _, cert := range []*tls.Certificate{&s.TLS.Certificates[0], nil} {
		o.ClientCertificate = cert
		c, err := pool.Client(o)
		if err != nil {
			t.Fatal(err)
		}
		_, err = send(t, c, "POST", s.URL, upstream.Op{Once: true})
		if cert != nil && err != nil {
			t.Error(err)
		}
		if cert == nil {
			upstreamError(t, err)
		}
	}
	if presented.Load() != 1 {
		t.Errorf("%d certificates were presented, want 1", presented.Load())
	}
}

func TestWhatIsNotHTTPIsAServerError(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	go func() {
		conn, err := l.Accept()
		if err != nil {
			return
		}
		defer conn.Close()
		// Read first, or closing resets the connection before the text is read.
		_, _ = conn.Read(make([]byte, 4096))
		_, _ = io.WriteString(conn, "220 "+canary+" ESMTP\r\n\r\n")
	}()
	base := "http://" + l.Addr().String()
	c, pauses := client(t, upstream.Options{BaseURL: base})
	_, err = send(t, c, "POST", base, upstream.Op{Once: true})
	if e := upstreamError(t, err); e.Class != failure.Server || !e.AnswerLost || len(pauses.asked) != 0 {
		t.Errorf("%+v", *e)
	}
}

func pemOf(der []byte) string {
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
}

// Two certificates of one host must not serve each other's accounts.
func TestEachAccountPresentsItsOwnCertificate(t *testing.T) {
	root := issue(t, nil, signer("root"))
	var presented []string
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		presented = append(presented, r.TLS.PeerCertificates[0].Subject.CommonName+" "+r.Proto)
	}))
	s.TLS = &tls.Config{ClientAuth: tls.RequireAnyClientCert}
	s.EnableHTTP2 = true
	s.StartTLS()
	defer s.Close()
	pool := upstream.NewPool(upstream.PoolOptions{})
	defer pool.Close()
	for _, name := range []string{"first", "second"} {
		template := leaf()
		template.Subject.CommonName = name
		own := issue(t, root, template)
		c, err := pool.Client(
			upstream.Options{BaseURL: s.URL, CAPEM: pemOf(s.Certificate().Raw), ClientCertificate: &tls.Certificate{
				Certificate: [][]byte{own.cert.Raw}, PrivateKey: own.key,
			}},
		)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := send(t, c, "POST", s.URL, upstream.Op{Once: true}); err != nil {
			t.Error(err)
		}
	}
	// Not over HTTP/2, which would lose a refusal of the certificate.
	if want := []string{"first HTTP/1.1", "second HTTP/1.1"}; !slices.Equal(presented, want) {
		t.Errorf("%q were presented, want %q", presented, want)
	}
}

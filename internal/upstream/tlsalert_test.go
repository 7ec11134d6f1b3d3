package upstream_test

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/credsync/credsync/failure"
	"github.com/credsync/credsync/internal/upstream"
)

// refusing is a server whose handshakes fail over the client's certificate. It
// keeps the connection open after that, so that its alert is not overtaken by
// a reset.
func refusing(t *testing.T, conf *tls.Config) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer conn.Close()
				if tls.Server(conn, conf).Handshake() != nil {
					_, _ = io.Copy(io.Discard, conn)
				}
			}()
		}
	}()
	return "https://" + l.Addr().String()
}

func TestRefusedClientCertificate(t *testing.T) {
	s := httptest.NewUnstartedServer(http.NotFoundHandler())
	s.StartTLS()
	defer s.Close()
	own := s.TLS.Certificates[0]
	trusting := x509.NewCertPool()
	trusting.AddCert(s.Certificate())
	for _, c := range []struct {
		name   string
		conf   *tls.Config
		cert   *tls.Certificate
		class  failure.Class
		reason failure.Reason
	}{
		{"unknown authority", &tls.Config{ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: x509.NewCertPool()}, &own,
			failure.Config, ""},
		{"none", &tls.Config{ClientAuth: tls.RequireAnyClientCert}, nil, failure.Config, ""},
		{"not acceptable", &tls.Config{ClientAuth: tls.RequireAnyClientCert,
			VerifyConnection: func(tls.ConnectionState) error { return errors.New("no") }}, &own, failure.Config, ""},
		{"expired", &tls.Config{ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: trusting,
			Time: func() time.Time { return time.Date(2200, 1, 1, 0, 0, 0, 0, time.UTC) }}, &own, failure.Human,
			failure.CertificateExpired},
	} {
		for name, version := range map[string]uint16{"TLS 1.2": tls.VersionTLS12, "TLS 1.3": tls.VersionTLS13} {
			for _, proto := range []string{"http/1.1", "h2"} {
				if proto == "h2" && c.cert == nil {
					// HTTP/2 hides the alert; see the next test.
					continue
				}
				t.Run(c.name+" "+name+" "+proto, func(t *testing.T) {
					conf := c.conf.Clone()
					conf.Certificates, conf.NextProtos = s.TLS.Certificates, []string{proto}
					conf.MinVersion, conf.MaxVersion = version, version
					base := refusing(t, conf)
					cl, pauses := client(
						t,
						upstream.Options{BaseURL: base, CAPEM: pemOf(s.Certificate().Raw), ClientCertificate: c.cert},
					)
					_, err := send(t, cl, "POST", base, upstream.Op{Once: true})
					e := upstreamError(t, err)
					if e.Class != c.class || e.Reason != c.reason || e.AnswerLost || e.Advice == "" {
						t.Errorf("got %+v, want class %q, reason %q and nothing processed", *e, c.class, c.reason)
					}
					if len(pauses.asked) != 0 {
						t.Error("it was tried again")
					}
				})
			}
		}
	}
}

func TestMissingClientCertificateOverHTTP2ProcessesNothing(t *testing.T) {
	s := httptest.NewUnstartedServer(http.NotFoundHandler())
	s.StartTLS()
	defer s.Close()
	base := refusing(
		t,
		&tls.Config{ClientAuth: tls.RequireAnyClientCert, Certificates: s.TLS.Certificates, NextProtos: []string{"h2"}},
	)
	cl, _ := client(t, upstream.Options{BaseURL: base, CAPEM: pemOf(s.Certificate().Raw)})
	_, err := send(t, cl, "POST", base, upstream.Op{Once: true})
	if e := upstreamError(t, err); e.AnswerLost || e.Advice == "" {
		t.Errorf("%+v", *e)
	}
}

// A connection that comes to nothing over versions or ciphers is not blamed on a
// certificate that the account does not have.
func TestServerWithoutACommonVersionOrCipher(t *testing.T) {
	s := httptest.NewUnstartedServer(http.NotFoundHandler())
	s.StartTLS()
	defer s.Close()
	for name, conf := range map[string]*tls.Config{
		"version": {MinVersion: tls.VersionTLS10, MaxVersion: tls.VersionTLS11},
		"cipher":  {MaxVersion: tls.VersionTLS12, CipherSuites: []uint16{tls.TLS_RSA_WITH_RC4_128_SHA}},
	} {
		t.Run(name, func(t *testing.T) {
			conf.Certificates = s.TLS.Certificates
			base := refusing(t, conf)
			cl, _ := client(t, upstream.Options{BaseURL: base, CAPEM: pemOf(s.Certificate().Raw)})
			_, err := send(t, cl, "POST", base, upstream.Op{Once: true})
			e := upstreamError(t, err)
			if e.Class != failure.Config || e.Attribute != "base_url" || e.AnswerLost ||
				!strings.Contains(e.Message, name) ||
				strings.Contains(e.Message, "over the client certificate") {
				t.Errorf("%+v", *e)
			}
		})
	}
}

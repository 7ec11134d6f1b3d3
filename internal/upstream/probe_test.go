package upstream_test

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/credsync/credsync/credential"
	"github.com/credsync/credsync/failure"
	"github.com/credsync/credsync/internal/upstream"
	"github.com/credsync/credsync/testkit/port"
)

// secretive are options with something secret in each that can have it.
func secretive(base string) upstream.Options {
	return upstream.Options{
		BaseURL: base + "/login", Headers: map[string]credential.Secret{"X-Api-Key": credential.NewSecret("canary-header")},
	}
}

func TestProbeSendsOneRequestWithNothingOfTheAccount(t *testing.T) {
	var got []*http.Request
	base := serve(t, func(w http.ResponseWriter, r *http.Request) {
		got = append(got, r)
		w.WriteHeader(http.StatusNotFound)
	})
	r, err := upstream.Probe(t.Context(), secretive(base), "credsync/1")
	if err != nil || r.Status != http.StatusNotFound || r.Date.IsZero() || r.TLS != "" {
		t.Errorf("%+v %v", r, err)
	}
	if len(got) != 1 {
		t.Fatalf("%d requests", len(got))
	}
	if q := got[0]; q.Method != "HEAD" || q.URL.Path != "/" || q.UserAgent() != "credsync/1" {
		t.Errorf("%s %s by %s", q.Method, q.URL, q.UserAgent())
	}
	text, err := json.Marshal(got[0].Header)
	if err != nil || strings.Contains(string(text), "canary") {
		t.Errorf("headers %s", text)
	}
}

// A server that insists on a client certificate has been reached, and is not
// shown the account's.
func TestProbeOfAServerThatWantsACertificate(t *testing.T) {
	for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
		t.Run(tls.VersionName(version), func(t *testing.T) {
			s := httptest.NewUnstartedServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("it let us in") }))
			s.Config.ErrorLog = log.New(io.Discard, "", 0)
			s.TLS = &tls.Config{MinVersion: version, MaxVersion: version, ClientAuth: tls.RequireAnyClientCert}
			s.StartTLS()
			defer s.Close()
			own := s.TLS.Certificates[0]
			o := upstream.Options{BaseURL: s.URL, CAPEM: pemOf(s.Certificate().Raw), ClientCertificate: &own}
			r, err := upstream.Probe(t.Context(), o, "credsync/1")
			if err != nil || !r.WantsCertificate || r.TLS != tls.VersionName(version) ||
				!r.CertificateEnds.Equal(s.Certificate().NotAfter) {
				t.Errorf("%+v %v", r, err)
			}
		})
	}
}

func TestProbeGoesThroughTheProxy(t *testing.T) {
	var asked string
	proxy := serve(t, func(w http.ResponseWriter, r *http.Request) {
		asked = r.Host
		w.WriteHeader(http.StatusProxyAuthRequired)
	})
	u, err := url.Parse(proxy)
	if err != nil {
		t.Fatal(err)
	}
	u.User = url.UserPassword("me", "canary-password")
	o := upstream.Options{BaseURL: "https://api.example.com", Proxy: credential.NewSecret(u.String())}
	r, err := upstream.Probe(t.Context(), o, "credsync/1")
	e := upstreamError(t, err)
	if asked != "api.example.com:443" || r.Host != asked || !r.Proxied || e.Attribute != "http.proxy" || strings.Contains(err.Error(), "canary") {
		t.Errorf("asked for %q: %+v, %v", asked, r, err)
	}
}

func TestProbeSaysWhatIsWrong(t *testing.T) {
	s := httptest.NewUnstartedServer(http.NotFoundHandler())
	s.Config.ErrorLog = log.New(io.Discard, "", 0)
	s.StartTLS()
	defer s.Close()
	for name, c := range map[string]struct {
		o         upstream.Options
		attribute string
		message   string
	}{
		"closed port":       {upstream.Options{BaseURL: "http://" + port.Address(t)}, "", "cannot connect"},
		"unknown authority": {upstream.Options{BaseURL: s.URL}, "http.ca_pem", "unknown authority"},
		"no URL":            {upstream.Options{BaseURL: "api"}, "base_url", "not an absolute URL"},
		"no authority":      {upstream.Options{BaseURL: s.URL, CAPEM: "x"}, "http.ca_pem", "no certificate"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := upstream.Probe(t.Context(), c.o, "credsync/1")
			if e := upstreamError(t, err); e.Attribute != c.attribute || !strings.Contains(e.Message, c.message) ||
				e.Advice == "" {
				t.Errorf("%+v", *e)
			}
		})
	}
}

// What takes the connection and says nothing does not hold a probe up.
func TestProbeEndsWithItsContext(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	for _, scheme := range []string{"http://", "https://"} {
		ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		_, err = upstream.Probe(ctx, upstream.Options{BaseURL: scheme + l.Addr().String()}, "credsync/1")
		cancel()
		var e *failure.Error
		if !errors.As(err, &e) || !strings.Contains(e.Message, "no answer in time") {
			t.Errorf("%s: %v", scheme, err)
		}
	}
}

func TestProbeKeyTellsWaysApart(t *testing.T) {
	same := upstream.ProbeKey(upstream.Options{BaseURL: "https://api.example.com/v1"})
	if k := upstream.ProbeKey(secretive("https://api.example.com:443")); k != same {
		t.Errorf("%s and %s", k, same)
	}
	for _, o := range []upstream.Options{
		{BaseURL: "http://api.example.com"}, {BaseURL: "https://api.example.com:8443"}, {BaseURL: "https://api.example.com", CAPEM: "x"},
		{BaseURL: "https://api.example.com", Proxy: credential.NewSecret("http://proxy")},
	} {
		if upstream.ProbeKey(o) == same {
			t.Errorf("%s %s is not told apart", o.BaseURL, o.CAPEM)
		}
	}
}

func TestProbeKeyKnowsTheUsualPorts(t *testing.T) {
	key := func(base string) string { return upstream.ProbeKey(upstream.Options{BaseURL: base}) }
	if key("http://h/v1") != key("http://h:80") || key("https://h") != key("https://h:443") || key("http://h") == key("http://h:443") {
		t.Errorf("%s, %s", key("http://h"), key("https://h"))
	}
	if key("https://[::1]:8443") == key("https://[::1]") {
		t.Error("the port of an address is not told apart")
	}
	if a, b := key("http://\x7f"), key("https://h"); a == b {
		t.Errorf("no URL has the key %s", a)
	}
}

// A proxy may answer in the place of an upstream that is asked without TLS.
func TestProbeTakesAProxysRefusalForWhatItIs(t *testing.T) {
	proxy := serve(t, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusProxyAuthRequired) })
	r, err := upstream.Probe(
		t.Context(),
		upstream.Options{BaseURL: "http://127.0.0.1:9", Proxy: credential.NewSecret(proxy)},
		"credsync/1",
	)
	if e := upstreamError(t, err); e.Attribute != "http.proxy" || e.URL != "http://127.0.0.1:9/" ||
		e.Op != "reach the upstream" ||
		!r.Proxied ||
		r.Status != http.StatusProxyAuthRequired {
		t.Errorf("%+v, %+v", r, *e)
	}
	r, err = upstream.Probe(t.Context(), upstream.Options{BaseURL: proxy}, "credsync/1")
	if upstreamError(t, err); r.Proxied {
		t.Errorf("%+v", r)
	}
}

// Who hangs up after its certificate was checked, without having asked for ours, cannot
// be reached.
func TestProbeOfAServerThatHangsUp(t *testing.T) {
	s := httptest.NewUnstartedServer(
		http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }),
	)
	s.StartTLS()
	defer s.Close()
	r, err := upstream.Probe(t.Context(), upstream.Options{BaseURL: s.URL, CAPEM: pemOf(s.Certificate().Raw)}, "credsync/1")
	if e := upstreamError(t, err); r.TLS == "" || r.WantsCertificate || e.Class != failure.Retryable || r.Took <= 0 {
		t.Errorf("%+v, %+v", r, *e)
	}
}

func TestProbeLeavesNoConnectionBehind(t *testing.T) {
	closed := make(chan struct{}, 1)
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	s.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateClosed {
			closed <- struct{}{}
		}
	}
	s.Start()
	defer s.Close()
	if r, err := upstream.Probe(t.Context(), upstream.Options{BaseURL: s.URL}, "credsync/1"); err != nil ||
		r.Took <= 0 ||
		r.Proxied {
		t.Fatalf("%+v, %v", r, err)
	}
	select {
	case <-closed:
	case <-time.After(10 * time.Second):
		t.Error("the connection stays open")
	}
}

package upstream_test

import (
	"encoding/base64"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/credsync/credsync/credential"
	"github.com/credsync/credsync/failure"
	"github.com/credsync/credsync/internal/upstream"
	"github.com/credsync/credsync/testkit/port"
)

func TestProxyRefusalIsAConfigError(t *testing.T) {
	proxy := serve(t, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusProxyAuthRequired) })
	for _, target := range []string{"https://upstream.invalid", "http://127.0.0.1:9"} {
		c, _ := client(
			t,
			upstream.Options{
				BaseURL: target,
				Proxy:   credential.NewSecret(strings.Replace(proxy, "//", "//user:"+canary+"@", 1)),
			},
		)
		_, err := send(t, c, "POST", target, upstream.Op{Once: true})
		if e := upstreamError(t, err); e.Class != failure.Config || e.Attribute != "http.proxy" || e.AnswerLost {
			t.Errorf("%s: %+v", target, *e)
		}
	}
	gone := "http://user:" + canary + "@" + port.Address(t)
	c, _ := client(t, upstream.Options{BaseURL: "https://upstream.invalid", Proxy: credential.NewSecret(gone)})
	_, err := send(t, c, "POST", "https://upstream.invalid", upstream.Op{Once: true})
	if e := upstreamError(t, err); e.Class != failure.Retryable || !strings.Contains(e.Message, "proxy") {
		t.Errorf("%+v", *e)
	}
}

func TestProxyCredentialsAreNotRepeated(t *testing.T) {
	// A proxy may hand on its own credentials, and what is behind it repeat them.
	proxy := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusForbidden)
		_, _ = io.WriteString(w, "{}")
	})
	c, _ := client(t, upstream.Options{BaseURL: "http://127.0.0.1:9", Proxy: credential.NewSecret(strings.Replace(proxy, "//", "//user:"+canary+"@", 1))})
	a, err := send(t, c, "POST", "http://127.0.0.1:9", upstream.Op{Once: true})
	if err != nil {
		t.Fatal(err)
	}
	for _, said := range []string{"no access for user:" + canary, "Basic " + base64.StdEncoding.EncodeToString([]byte("user:"+canary))} {
		if e := upstreamError(t, a.Refused("", said).As(upstream.Undocumented)); !strings.Contains(e.Message, "not shown") {
			t.Errorf("%+v", *e)
		}
	}
}

func TestAProxyVariableThatIsNoProxyIsAConfigError(t *testing.T) {
	t.Setenv("https_proxy", "")
	t.Setenv("HTTPS_PROXY", "http//user:"+canary+"@proxy:3128")
	c, _ := client(t, upstream.Options{BaseURL: "https://upstream.invalid"})
	_, err := send(t, c, "POST", "https://upstream.invalid", upstream.Op{Once: true})
	e := upstreamError(t, err)
	if e.Class != failure.Config || !strings.Contains(e.Message, "HTTPS_PROXY") ||
		strings.Contains(e.Message, canary) ||
		e.AnswerLost {
		t.Errorf("%+v", *e)
	}
}

// A proxy that connects has done its part: what comes then is the upstream's own.
func TestAProxyConnectsToTheUpstream(t *testing.T) {
	s := httptest.NewTLSServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	defer s.Close()
	for _, status := range []int{http.StatusOK, http.StatusForbidden, http.StatusTooManyRequests,
		http.StatusBadGateway} {
		asked := ""
		proxy := serve(t, func(w http.ResponseWriter, r *http.Request) {
			asked = r.Host
			if status != http.StatusOK {
				w.WriteHeader(status)
				return
			}
			tunnel(t, w, s.Listener.Addr().String())
		})
		c, pauses := client(
			t,
			upstream.Options{BaseURL: s.URL, Proxy: credential.NewSecret(proxy), CAPEM: pemOf(s.Certificate().Raw)},
		)
		_, err := send(t, c, "POST", s.URL, upstream.Op{Once: true})
		if asked != s.Listener.Addr().String() {
			t.Errorf("the proxy was asked for %q", asked)
		}
		if status == http.StatusOK {
			if err != nil {
				t.Error(err)
			}
			continue
		}
		again := status == http.StatusTooManyRequests || status == http.StatusBadGateway
		e := upstreamError(t, err)
		if e.AnswerLost || (e.Class == failure.Retryable) != again || (e.Attribute == "http.proxy") == again ||
			(len(pauses.asked) == 2) != again {
			t.Errorf("%d: %+v after %d pauses", status, *e, len(pauses.asked))
		}
	}
}

// tunnel carries the bytes of a connection to an address and back.
func tunnel(t *testing.T, w http.ResponseWriter, address string) {
	there, err := net.Dial("tcp", address)
	if err != nil {
		t.Error(err)
		return
	}
	w.WriteHeader(http.StatusOK)
	here, buffered, err := http.NewResponseController(w).Hijack()
	if err != nil {
		t.Error(err)
		return
	}
	defer here.Close()
	defer there.Close()
	go func() { _, _ = io.Copy(there, buffered) }()
	_, _ = io.Copy(here, there)
}

package upstream_test

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/credsync/credsync/credential"
	"github.com/credsync/credsync/failure"
	"github.com/credsync/credsync/internal/upstream"
	"github.com/credsync/credsync/testkit/port"
	"github.com/google/go-cmp/cmp"
)

const canary = "canary-5f1e2d"

// noPause keeps retries from taking time, and remembers what they would take.
type noPause struct {
	mu    sync.Mutex
	asked []time.Duration
}

func (p *noPause) pause(d time.Duration) time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.asked = append(p.asked, d)
	return 0
}

func serve(t *testing.T, h http.HandlerFunc) string {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	return s.URL
}

// attempts is how often these tests have a request sent that may be repeated.
const attempts = 3

func client(t *testing.T, o upstream.Options) (*http.Client, *noPause) {
	t.Helper()
	if o.MaxAttempts == 0 {
		o.MaxAttempts = attempts
	}
	pauses := &noPause{}
	pool := upstream.NewPool(upstream.PoolOptions{Pause: pauses.pause})
	t.Cleanup(pool.Close)
	c, err := pool.Client(o)
	if err != nil {
		t.Fatal(err)
	}
	return c, pauses
}

func send(t *testing.T, c *http.Client, method, url string, op upstream.Op) (*upstream.Answer, error) {
	t.Helper()
	req, err := http.NewRequest(method, url, strings.NewReader(`{"password":"`+canary+`"}`))
	if err != nil {
		t.Fatal(err)
	}
	if op.Name == "" {
		op.Name = "log in"
	}
	return upstream.Do(t.Context(), c, req, op)
}

func upstreamError(t *testing.T, err error) *failure.Error {
	t.Helper()
	var e *failure.Error
	if !errors.As(err, &e) {
		t.Fatalf("got %v (%T), want a *failure.Error", err, err)
	}
	if shown := fmt.Sprintf("%v %+v %#v %+v", err, err, err, *e); strings.Contains(shown, canary) {
		t.Errorf("the error shows a secret: %s", shown)
	}
	return e
}

func TestRefusedConnectionIsRetriedEvenForALogin(t *testing.T) {
	base := "http://" + port.Address(t)
	c, pauses := client(t, upstream.Options{BaseURL: base})
	_, err := send(t, c, "POST", base+"/login?password="+canary, upstream.Op{Once: true})
	e := upstreamError(t, err)
	if e.Class != failure.Retryable || e.AnswerLost || e.URL != base+"/login" || !strings.Contains(e.Message, "refused") {
		t.Errorf("%+v", *e)
	}
	if len(pauses.asked) != 2 {
		t.Errorf("%d retries, want 2", len(pauses.asked))
	}
}

func TestWrongOptionsNameTheirAttribute(t *testing.T) {
	ok := "https://api.example.com"
	for _, c := range []struct {
		name, attribute string
		o               upstream.Options
	}{
		{"relative", "base_url", upstream.Options{BaseURL: "api.example.com"}},
		{"user info", "base_url", upstream.Options{BaseURL: "https://u:" + canary + "@example.com"}},
		{"query", "base_url", upstream.Options{BaseURL: ok + "?key=" + canary}},
		{"another scheme", "base_url", upstream.Options{BaseURL: "ftp://example.com"}},
		{"unparsable", "base_url", upstream.Options{BaseURL: "https://" + canary + "\x7f"}},
		{"plain HTTP", "base_url", upstream.Options{BaseURL: "http://example.com"}},
		{"CA", "http.ca_pem", upstream.Options{BaseURL: ok, CAPEM: canary}},
		{"proxy", "http.proxy", upstream.Options{BaseURL: ok, Proxy: credential.NewSecret("http://" + canary + "\x7f")}},
		{"proxy scheme", "http.proxy", upstream.Options{BaseURL: ok, Proxy: credential.NewSecret("ftp://u:" + canary + "@h")}},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := upstream.NewPool(upstream.PoolOptions{}).Client(c.o)
			if e := upstreamError(t, err); e.Class != failure.Config || e.Attribute != c.attribute {
				t.Errorf("%+v", *e)
			}
		})
	}
}

func TestPlainHTTPIsForLoopbackOrByPermission(t *testing.T) {
	for _, base := range []string{"http://127.0.0.1:1", "http://[::1]:1", "http://localhost", "https://example.com"} {
		if _, err := upstream.NewPool(upstream.PoolOptions{}).Client(upstream.Options{BaseURL: base}); err != nil {
			t.Errorf("%s: %v", base, err)
		}
	}
	if _, err := upstream.NewPool(upstream.PoolOptions{}).Client(upstream.Options{BaseURL: "http://example.com", AllowPlainHTTP: true}); err != nil {
		t.Error(err)
	}
}

func TestProxyRefusalIsAConfigError(t *testing.T) {
	proxy := serve(t, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusProxyAuthRequired) })
	for _, target := range []string{"https://upstream.invalid", "http://127.0.0.1:9"} {
		c, _ := client(t, upstream.Options{BaseURL: target, Proxy: credential.NewSecret(strings.Replace(proxy, "//", "//user:"+canary+"@", 1))})
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

func TestConfiguredHeadersDoNotReplaceTheProviders(t *testing.T) {
	var got http.Header
	var host string
	base := serve(t, func(_ http.ResponseWriter, r *http.Request) { got, host = r.Header, r.Host })
	c, _ := client(t, upstream.Options{BaseURL: base, Headers: map[string]credential.Secret{
		"X-Key": credential.NewSecret("k"), "authorization": credential.NewSecret("theirs"), "host": credential.NewSecret("virtual.example"),
	}})
	req, err := http.NewRequest("GET", base, nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "ours")
	if _, err := upstream.Do(t.Context(), c, req, upstream.Op{Name: "x"}); err != nil {
		t.Fatal(err)
	}
	want := []string{"k", "ours", "virtual.example"}
	if diff := cmp.Diff(want, []string{got.Get("X-Key"), strings.Join(got.Values("Authorization"), ","), host}); diff != "" {
		t.Error(diff)
	}
}

func TestConfiguredHeadersAreNotRepeated(t *testing.T) {
	u := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "x/gateway-"+canary)
		w.WriteHeader(http.StatusForbidden)
		_, _ = io.WriteString(w, "{}")
	})
	// A value as short as the tenant's is no secret, and would hide innocent words.
	c, _ := client(t, upstream.Options{BaseURL: u, Headers: map[string]credential.Secret{
		"X-Gateway-Key": credential.NewSecret("key-" + canary), "X-Tenant": credential.NewSecret("kz"),
	}})
	a, err := send(t, c, "POST", u, upstream.Op{Once: true})
	if err != nil {
		t.Fatal(err)
	}
	upstreamError(t, a.Unknown("the key "+canary+" has no access"))
	upstreamError(t, a.JSON(&struct{}{}))
	if said := a.Said("there is no tenant kz"); said != "there is no tenant kz" {
		t.Errorf("said %q", said)
	}
}

func TestConnectionsAreShared(t *testing.T) {
	var opened atomic.Int32
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	s.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateNew {
			opened.Add(1)
		}
	}
	s.Start()
	defer s.Close()
	pool := upstream.NewPool(upstream.PoolOptions{})
	defer pool.Close()
	for i := range 5 {
		c, err := pool.Client(upstream.Options{BaseURL: s.URL, LimitKey: fmt.Sprint(i)})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := send(t, c, "GET", s.URL, upstream.Op{}); err != nil {
			t.Fatal(err)
		}
	}
	if n := opened.Load(); n != 1 {
		t.Errorf("%d connections for five accounts one after the other, want 1", n)
	}
}

func TestCompressedAnswers(t *testing.T) {
	for _, c := range compressions {
		t.Run(c.name, func(t *testing.T) {
			base := serve(t, func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Content-Type", "application/json")
				w.Header().Set("Content-Encoding", c.encoding)
				_, _ = w.Write(c.encode(t))
			})
			cl, _ := client(t, upstream.Options{BaseURL: base})
			req, err := http.NewRequest("GET", base, nil)
			if err != nil {
				t.Fatal(err)
			}
			req.Header.Set("Accept-Encoding", c.encoding)
			a, err := upstream.Do(t.Context(), cl, req, upstream.Op{Name: "x"})
			var body struct{ OK bool }
			if err == nil {
				err = a.JSON(&body)
			}
			if c.ok && (err != nil || !body.OK) {
				t.Errorf("%v, %v", body, err)
			}
			if !c.ok && upstreamError(t, err).Class != failure.Server {
				t.Error(err)
			}
		})
	}
}

func TestRedirectsShowNoMoreThanTheOrigin(t *testing.T) {
	for _, location := range []string{"/login?token=" + canary, "https://user:" + canary + "@example.com/" + canary, "://" + canary, ""} {
		base := serve(t, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Location", location)
			w.WriteHeader(http.StatusTemporaryRedirect)
		})
		c, _ := client(t, upstream.Options{BaseURL: base})
		_, err := send(t, c, "POST", base, upstream.Op{Once: true})
		if e := upstreamError(t, err); e.Class != failure.Server || e.Status != http.StatusTemporaryRedirect {
			t.Errorf("%+v", *e)
		}
	}
}

func TestClockSkewIsReportedOnce(t *testing.T) {
	now := time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)
	for _, c := range []struct {
		name string
		date time.Time
		want []time.Duration
	}{
		{"none", now, nil},
		{"a minute", now.Add(time.Minute), nil},
		{"ahead", now.Add(2 * time.Minute), []time.Duration{2 * time.Minute}},
		{"behind", now.Add(-time.Hour), []time.Duration{-time.Hour}},
	} {
		t.Run(c.name, func(t *testing.T) {
			base := serve(t, func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("Date", c.date.Format(http.TimeFormat)) })
			var seen []time.Duration
			pool := upstream.NewPool(upstream.PoolOptions{
				Now:    func() time.Time { return now },
				OnSkew: func(_ string, d time.Duration) { seen = append(seen, d) },
			})
			defer pool.Close()
			cl, err := pool.Client(upstream.Options{BaseURL: base})
			if err != nil {
				t.Fatal(err)
			}
			for range 2 {
				if _, err := send(t, cl, "GET", base, upstream.Op{}); err != nil {
					t.Fatal(err)
				}
			}
			if diff := cmp.Diff(c.want, seen); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestDeadlineEndsTheWaitForTheLimiter(t *testing.T) {
	base := serve(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "{}") })
	c, _ := client(t, upstream.Options{BaseURL: base, RequestsPerSecond: 0.001})
	if _, err := send(t, c, "GET", base, upstream.Op{}); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	req, err := http.NewRequest("POST", base, nil)
	if err != nil {
		t.Fatal(err)
	}
	_, err = upstream.Do(ctx, c, req, upstream.Op{Name: "log in", Once: true})
	if e := upstreamError(t, err); e.Class != failure.Retryable || e.AnswerLost {
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
		if e := upstreamError(t, a.Unknown(said)); !strings.Contains(e.Message, "not shown") {
			t.Errorf("%+v", *e)
		}
	}
}

func TestOriginOfARedirectIsNotASecret(t *testing.T) {
	u := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Location", "https://"+canary+".example/")
		w.WriteHeader(http.StatusFound)
	})
	c, _ := client(t, upstream.Options{BaseURL: u})
	_, err := send(t, c, "POST", u, upstream.Op{Once: true, Secrets: []credential.Secret{credential.NewSecret(canary)}})
	if e := upstreamError(t, err); !strings.Contains(e.Message, "redirects") {
		t.Errorf("%+v", *e)
	}
}

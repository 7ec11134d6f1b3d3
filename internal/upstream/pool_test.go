package upstream_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/credsync/credsync/credential"
	"github.com/credsync/credsync/failure"
	"github.com/credsync/credsync/internal/httpsettings"
	"github.com/credsync/credsync/internal/upstream"
	"github.com/google/go-cmp/cmp"
	"github.com/hashicorp/go-hclog"
)

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
		{"proxy without a host", "http.proxy", upstream.Options{BaseURL: ok, Proxy: credential.NewSecret("http://:3128")}},
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
			base := serve(
				t,
				func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("Date", c.date.Format(http.TimeFormat)) },
			)
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

func TestEachHostsClockSkewIsReported(t *testing.T) {
	late := func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Date", time.Now().Add(time.Hour).UTC().Format(http.TimeFormat))
	}
	var seen []string
	for _, report := range []func(string, time.Duration){nil,
		func(host string, _ time.Duration) { seen = append(seen, host) }} {
		pool := upstream.NewPool(upstream.PoolOptions{OnSkew: report})
		defer pool.Close()
		for range 2 {
			base := serve(t, late)
			c, err := pool.Client(upstream.Options{BaseURL: base})
			if err != nil {
				t.Fatal(err)
			}
			if _, err := send(t, c, "GET", base, upstream.Op{}); err != nil {
				t.Fatal(err)
			}
		}
	}
	if len(seen) != 2 || seen[0] == seen[1] {
		t.Errorf("%q", seen)
	}
}

func TestClosingAPoolClosesItsConnections(t *testing.T) {
	closed := make(chan struct{}, 1)
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	s.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateClosed {
			closed <- struct{}{}
		}
	}
	s.Start()
	defer s.Close()
	pool := upstream.NewPool(upstream.PoolOptions{})
	c, err := pool.Client(upstream.Options{BaseURL: s.URL})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := send(t, c, "GET", s.URL, upstream.Op{}); err != nil {
		t.Fatal(err)
	}
	pool.Close()
	select {
	case <-closed:
	case <-time.After(10 * time.Second):
		t.Error("the connection stays open")
	}
}

func TestHowOftenIsTriedByDefault(t *testing.T) {
	sent := 0
	base := serve(t, func(w http.ResponseWriter, _ *http.Request) { sent++; w.WriteHeader(http.StatusBadGateway) })
	for most, want := range map[int]int{0: httpsettings.DefaultMaxAttempts, -1: httpsettings.DefaultMaxAttempts,
		1: 1, 2: 2} {
		sent = 0
		pool := upstream.NewPool(upstream.PoolOptions{Pause: (&noPause{}).pause})
		c, err := pool.Client(upstream.Options{BaseURL: base, MaxAttempts: most})
		if err != nil {
			t.Fatal(err)
		}
		_, err = send(t, c, "GET", base, upstream.Op{})
		upstreamError(t, err)
		pool.Close()
		if sent != want {
			t.Errorf("%d: sent %d times, want %d", most, sent, want)
		}
	}
}

// A client can be used without Send, by what has no rules of its own: a request is then
// sent once, and a redirect is an answer.
func TestAClientWithoutSend(t *testing.T) {
	sent := 0
	base := serve(t, func(w http.ResponseWriter, r *http.Request) {
		sent++
		if r.URL.Path == "/moved" {
			http.Redirect(w, r, "/", http.StatusFound)
			return
		}
		w.WriteHeader(http.StatusBadGateway)
	})
	c, _ := client(t, upstream.Options{BaseURL: base, Headers: map[string]credential.Secret{"X-Key": secret("long enough to be a key")}})
	for path, want := range map[string]int{"/": http.StatusBadGateway, "/moved": http.StatusFound} {
		sent = 0
		resp, err := c.Get(base + path)
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
		if resp.StatusCode != want || sent != 1 {
			t.Errorf("%s: %d after %d requests", path, resp.StatusCode, sent)
		}
	}
}

// Debug lines say how each attempt ended, and show nothing of what was sent or answered.
func TestEachAttemptIsLogged(t *testing.T) {
	sent := 0
	base := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		if sent++; sent == 1 {
			panic(http.ErrAbortHandler)
		}
		w.Header().Set("X", canary)
		w.WriteHeader(http.StatusForbidden)
		_, _ = io.WriteString(w, canary)
	})
	var text bytes.Buffer
	c, _ := client(
		t,
		upstream.Options{
			BaseURL: base,
			Log:     hclog.New(&hclog.LoggerOptions{Output: &text, Level: hclog.Debug, JSONFormat: true}),
		},
	)
	if _, err := send(t, c, "PUT", base+"/token?key="+canary, upstream.Op{}); err != nil {
		t.Fatal(err)
	}
	if strings.Contains(text.String(), canary) {
		t.Errorf("a secret is logged: %s", &text)
	}
	var got []map[string]any
	for d := json.NewDecoder(&text); ; {
		var line map[string]any
		if err := d.Decode(&line); err != nil {
			break
		}
		delete(line, "@timestamp")
		delete(line, "took")
		got = append(got, line)
	}
	host := strings.TrimPrefix(base, "http://")
	want := []map[string]any{
		{"@level": "debug", "@message": "request failed", "method": "PUT", "host": host, "path": "/token", "why": "the connection broke before the answer was complete"},
		{"@level": "debug", "@message": "request answered", "method": "PUT", "host": host, "path": "/token", "status": 403.},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// The limit of what is read counts from the answer's first line.
func TestHeadersThatAreTooLongAreNoAnswer(t *testing.T) {
	for size, ok := range map[int]bool{60 << 10: true, 70 << 10: false} {
		base := serve(t, func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("X", strings.Repeat("x", size)) })
		c, _ := client(t, upstream.Options{BaseURL: base})
		if _, err := send(t, c, "GET", base, upstream.Op{}); (err == nil) != ok {
			t.Errorf("%d bytes: %v", size, err)
		}
	}
}

// An account of which no request is below a base URL needs none.
func TestClientWithoutABaseURL(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write([]byte("{}"))
	}))
	t.Cleanup(server.Close)
	pool := upstream.NewPool(upstream.PoolOptions{})
	t.Cleanup(pool.Close)
	client, err := pool.Client(upstream.Options{LimitKey: "account.static.key", Limit: upstream.Limit{Requests: 100, Per: time.Second}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := upstream.Send(t.Context(), client, upstream.Request{URL: server.URL}); err != nil {
		t.Error(err)
	}
}

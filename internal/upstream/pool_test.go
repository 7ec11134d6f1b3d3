package upstream_test

import (
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"

	"github.com/credsync/credsync/credential"
	"github.com/credsync/credsync/failure"
	"github.com/credsync/credsync/internal/upstream"
	"github.com/google/go-cmp/cmp"
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

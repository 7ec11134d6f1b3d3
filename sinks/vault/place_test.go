package vault_test

import (
	"errors"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/credsync/credsync/schema"
	"github.com/credsync/credsync/sinks"
	"github.com/credsync/credsync/sinks/vault"
	"github.com/zclconf/go-cty/cty"
)

const healthy = `{"initialized":true,"sealed":false,"version":"1.21.0","cluster_id":"c1"}`

// ofCluster answers sys/health.
func ofCluster(health string) func(w http.ResponseWriter, r *http.Request) {
	return func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/v1/sys/health" {
			fail(w, http.StatusForbidden, "permission denied")
			return
		}
		_, _ = io.WriteString(w, health)
	}
}

func (c *conn) placeOf(t *testing.T, path string) sinks.Place {
	t.Helper()
	p, err := c.open(t).Place(t.Context(), c.target(t, path, false))
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestPlaces(t *testing.T) {
	f, other := newFake(t, ofCluster(healthy)), newFake(t, ofCluster(strings.Replace(healthy, "c1", "c2", 1)))
	with := func(f *fake, a attrs) *conn {
		c := f.conn(nil)
		for k, v := range a {
			c.attrs[k] = v
		}
		return c
	}
	tests := []struct {
		name string
		a, b *conn
		same bool
	}{
		{"the same", with(f, nil), with(f, nil), true},
		{"another server", with(f, nil), with(other, nil), false},
		{"another mount", with(f, attrs{"mount": "a"}), with(f, attrs{"mount": "b"}), false},
		{"slashes around the mount", with(f, attrs{"mount": "a"}), with(f, attrs{"mount": "/a/"}), true},
		{"namespace in the mount", with(f, attrs{"namespace": "team/shop", "mount": "a"}), with(f, attrs{"mount": "team/shop/a"}), true},
		{"half of it in the mount", with(f, attrs{"namespace": "/team/", "mount": "shop/a"}), with(f, attrs{"namespace": "team/shop", "mount": "a"}), true},
		{"another namespace", with(f, attrs{"namespace": "team", "mount": "a"}), with(f, attrs{"mount": "a"}), false},
		{"the root namespace", with(f, attrs{"namespace": "root", "mount": "a"}), with(f, attrs{"mount": "a"}), true},
		{"replicas that are named alike", with(f, attrs{"cluster": "eu"}), with(other, attrs{"cluster": "eu"}), true},
		{"named and not", with(f, attrs{"cluster": "eu"}), with(f, nil), false},
	}
	for _, test := range tests {
		a, b := test.a.placeOf(t, "shop/sagi"), test.b.placeOf(t, "shop/sagi")
		if (a == b) != test.same {
			t.Errorf("%s: %q and %q", test.name, a, b)
		}
		for _, p := range []sinks.Place{a, b} {
			target, here, err := test.a.open(t).At(t.Context(), p, schema.Values{})
			if want := p == a; err != nil || here != want ||
				here &&
					(target.Path != "shop/sagi" || target.Location != test.a.target(t, "shop/sagi", false).Location) {
				t.Errorf("%s: At(%q) = %+v, %v, %v", test.name, p, target, here, err)
			}
		}
	}
	// A prefix is no place, nor is another mount with the same beginning.
	p := with(f, attrs{"mount": "a"}).placeOf(t, "b/c")
	for _, place := range []sinks.Place{sinks.Place(strings.TrimSuffix(string(p), "b/c")), p + "/", p + "/../d",
		sinks.Place(strings.Replace(string(p), "a/", "a2/", 1))} {
		if target, here, err := with(f, attrs{"mount": "a"}).open(t).At(t.Context(), place, schema.Values{}); here || err != nil {
			t.Errorf("At(%q) = %+v, %v", place, target, err)
		}
	}
}

func TestTheClusterIsAskedForOnce(t *testing.T) {
	f := newFake(t, ofCluster(healthy))
	c := f.conn(nil)
	s, target := c.open(t), c.target(t, "shop/sagi", false)
	places := make([]sinks.Place, 20)
	var all sync.WaitGroup
	for i := range places {
		all.Go(func() {
			p, err := s.Place(t.Context(), target)
			if err != nil {
				t.Error(err)
			}
			if _, here, err := s.At(t.Context(), p, schema.Values{}); err != nil || !here {
				t.Errorf("At = %v, %v", here, err)
			}
			places[i] = p
		})
	}
	all.Wait()
	if n := f.count("/v1/sys/health"); n != 1 {
		t.Errorf("asked %d times, want once", n)
	}
	if s.Address() != f.URL {
		t.Errorf("Address = %q", s.Address())
	}
	for _, place := range []sinks.Place{"", "k8ssecret c1 shop/sagi", "file /a"} {
		if _, here, err := f.conn(nil).open(t).At(t.Context(), place, schema.Values{}); here || err != nil {
			t.Errorf("At(%q) = %v, %v", place, here, err)
		}
	}
	if n := f.count("/v1/sys/health"); n != 1 {
		t.Error("the places of other sinks are asked about")
	}
}

// TestAGatewayWithoutHealth: then the address says which cluster it is. Of a Vault
// that does not answer for now nothing is said.
func TestAGatewayWithoutHealth(t *testing.T) {
	for name, c := range map[string]struct {
		answer func(w http.ResponseWriter)
		class  error
		ok     bool
	}{
		"forbidden":     {func(w http.ResponseWriter) { fail(w, 403, "permission denied") }, nil, true},
		"not there":     {func(w http.ResponseWriter) { w.WriteHeader(404); _, _ = io.WriteString(w, "<html>") }, nil, true},
		"wants a login": {func(w http.ResponseWriter) { w.WriteHeader(401) }, nil, true},
		"no id":         {func(w http.ResponseWriter) { _, _ = io.WriteString(w, `{"initialized":true,"version":"1.0"}`) }, nil, true},
		"sealed": {func(w http.ResponseWriter) {
			_, _ = io.WriteString(w, `{"initialized":true,"sealed":true,"version":"1.0"}`)
		}, sinks.ErrUnavailable, false},
		"not initialized": {func(w http.ResponseWriter) { _, _ = io.WriteString(w, `{"sealed":true,"version":"1.0"}`) }, sinks.ErrUnavailable, false},
		"starting":        {func(w http.ResponseWriter) { fail(w, 500, "failed to fetch cluster details") }, sinks.ErrUnavailable, false},
		"a load balancer's": {func(w http.ResponseWriter) { w.WriteHeader(502); _, _ = io.WriteString(w, "<html>") },
			sinks.ErrUnavailable, false},
		"a login page":         {func(w http.ResponseWriter) { _, _ = io.WriteString(w, "<html>") }, nil, false},
		"too many requests":    {func(w http.ResponseWriter) { fail(w, 429, "rate limit") }, sinks.ErrUnavailable, false},
		"the connection ended": {func(http.ResponseWriter) { panic(http.ErrAbortHandler) }, sinks.ErrUnavailable, false},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFake(t, func(w http.ResponseWriter, _ *http.Request) { c.answer(w) })
			conn := f.conn(nil)
			s, target := conn.open(t), conn.target(t, "shop/sagi", false)
			p, err := s.Place(t.Context(), target)
			if (err == nil) != c.ok || c.class != nil && !errors.Is(err, c.class) {
				t.Errorf("Place = %q, %v", p, err)
			}
			if want := "vault " + f.URL + " secret/shop/sagi"; c.ok && string(p) != want || !c.ok && p != "" {
				t.Errorf("Place = %q, want %q", p, want)
			}
			_, here, err := s.At(t.Context(), "vault c1 secret/shop/sagi", schema.Values{})
			if here || (err == nil) != c.ok {
				t.Errorf("At = %v, %v", here, err)
			}
			_, err = s.(sinks.Pinger).Ping(t.Context())
			if (err == nil) != (name == "no id") {
				t.Errorf("Ping = %v", err)
			}
		})
	}
}

// TestAFailureIsNotRemembered: what could not be told is asked again.
func TestAFailureIsNotRemembered(t *testing.T) {
	f := newFake(t, nil)
	answer := ofCluster(strings.Replace(healthy, `"sealed":false`, `"sealed":true`, 1))
	f.handle = func(w http.ResponseWriter, r *http.Request) { answer(w, r) }
	c := f.conn(nil)
	s, target := c.open(t), c.target(t, "shop/sagi", false)
	if _, err := s.Place(t.Context(), target); !errors.Is(err, sinks.ErrUnavailable) {
		t.Fatalf("Place = %v", err)
	}
	answer = ofCluster(healthy)
	if p, err := s.Place(t.Context(), target); err != nil || p != "vault c1 secret/shop/sagi" {
		t.Errorf("Place = %q, %v", p, err)
	}
}

func TestClusterIsOneWord(t *testing.T) {
	a, _ := vault.Spec().Connection.Attribute("cluster")
	for text, ok := range map[string]bool{"eu": true, "https://vault.internal": true, "": false, " ": false, "a b": false, "a\n": false} {
		if err := a.Check(cty.StringVal(text)); (err == nil) != ok {
			t.Errorf("cluster %q: %v", text, err)
		}
	}
}

package vault_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync"
	"testing"

	"github.com/credsync/credsync/sinks"
	"github.com/credsync/credsync/testkit/servers"
	"github.com/credsync/credsync/testkit/sinktest"
)

// proxy stands before a Vault, notes the requests, and lets a test act just
// after one.
type proxy struct {
	*httptest.Server
	mu       sync.Mutex
	requests []string
	after    func(method, path string)
}

func newProxy(t *testing.T, v *servers.VaultServer) *proxy {
	to, err := url.Parse(v.Address)
	if err != nil {
		t.Fatal(err)
	}
	p := &proxy{}
	forward := httputil.NewSingleHostReverseProxy(to)
	p.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		forward.ServeHTTP(w, r)
		p.mu.Lock()
		p.requests = append(p.requests, r.Method+" "+r.URL.Path)
		after := p.after
		p.mu.Unlock()
		if after != nil {
			after(r.Method, r.URL.Path)
		}
	}))
	t.Cleanup(p.Close)
	return p
}

// seen returns the requests since it was last called.
func (p *proxy) seen() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	r := p.requests
	p.requests = nil
	return r
}

func (p *proxy) setAfter(f func(method, path string)) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.after = f
}

func root(v *servers.VaultServer, mount string) *conn {
	return &conn{attrs: attrs{"address": v.Address, "mount": mount}, env: attrs{"VAULT_TOKEN": v.RootToken, "VAULT_MAX_RETRIES": "0"}}
}

// suite is for a mount of KV version 2 at a Vault.
func suite(v *servers.VaultServer, c *conn) sinktest.Suite {
	mount := c.attrs["mount"]
	return sinktest.Suite{
		New:        func(t *testing.T) sinks.Sink { return c.open(t) },
		Target:     func(t *testing.T, name string, merge bool) sinks.Target { return c.target(t, name, merge) },
		Elsewhere:  func(t *testing.T) sinks.Sink { return elsewhere(t, v, mount, "2").open(t) },
		Purge:      func(_ *testing.T, target sinks.Target) { v.MustDelete(mount + "/metadata/" + target.Path) },
		SoftDelete: func(_ *testing.T, target sinks.Target) { v.MustDelete(mount + "/data/" + target.Path) },
		Unmark: func(_ *testing.T, target sinks.Target) {
			v.MustWrite(mount+"/metadata/"+target.Path, map[string]any{"custom_metadata": map[string]any{}})
		},
	}
}

// elsewhere is a mount of that name at a Vault of its own.
func elsewhere(t *testing.T, v *servers.VaultServer, mount, version string) *conn {
	v = another(t, v)
	v.MustWrite("sys/mounts/"+mount, map[string]any{"type": "kv", "options": map[string]any{"version": version}})
	return root(v, mount)
}

func testConformanceKV2(t *testing.T, v *servers.VaultServer) {
	s := suite(v, root(v, v.KV(2)))
	denied := root(v, v.KV(2))
	v.Policy("nothing", `path "other" { capabilities = ["read"] }`)
	denied.env["VAULT_TOKEN"] = v.Token(map[string]any{"policies": []string{"nothing"}})
	gone := root(v, "secret")
	gone.attrs["address"] = "http://127.0.0.1:1"
	s.Faults = []sinktest.Fault{
		{Name: "denied", Class: sinks.ErrDenied, New: func(t *testing.T) sinks.Sink { return denied.open(t) }},
		{Name: "unreachable", Class: sinks.ErrUnavailable, New: func(t *testing.T) sinks.Sink { return gone.open(t) }},
	}
	sinktest.Run(t, s)
}

func testConformanceState(t *testing.T, v *servers.VaultServer) {
	c := root(v, v.KV(2))
	s := suite(v, c)
	// Records are not marked.
	s.Unmark = nil
	s.Target = func(t *testing.T, name string, merge bool) sinks.Target {
		r := c.record(t, "state/"+name, "")
		r.Merge = merge
		return r
	}
	sinktest.Run(t, s)
}

func testConformanceKV1(t *testing.T, v *servers.VaultServer) {
	c := root(v, v.KV(1))
	mount := c.attrs["mount"]
	s := suite(v, c)
	s.Elsewhere = func(t *testing.T) sinks.Sink { return elsewhere(t, v, mount, "1").open(t) }
	s.Purge = func(_ *testing.T, target sinks.Target) { v.MustDelete(mount + "/" + target.Path) }
	s.SoftDelete, s.Unmark, s.Digests = nil, nil, true
	// There are no marks in version 1, so nothing of Claimer to test.
	s.New = func(t *testing.T) sinks.Sink { return struct{ sinks.Sink }{c.open(t)} }
	s.NoCompareAndSet = true
	sinktest.Run(t, s)
}

// leastPrivilege is a token that may do what delivering takes.
func leastPrivilege(v *servers.VaultServer, mount string, merge bool) string {
	name := "deliver-" + mount
	data := `["create", "update"]`
	if merge {
		data = `["create", "update", "patch"]`
	}
	v.Policy(name,
		fmt.Sprintf(`path "%s/data/*" { capabilities = %s }`, mount, data),
		fmt.Sprintf(`path "%s/metadata/*" { capabilities = ["create", "read", "patch", "delete", "list"] }`, mount))
	return v.Token(map[string]any{"policies": []string{name}, "ttl": "1h"})
}

// testConformanceLeastPrivilege delivers without read on the data, which a
// second sink has in order to compare.
func testConformanceLeastPrivilege(t *testing.T, v *servers.VaultServer) {
	c := root(v, v.KV(2))
	reader := c.open(t)
	limited := root(v, c.attrs["mount"])
	limited.env["VAULT_TOKEN"] = leastPrivilege(v, c.attrs["mount"], true)
	s := suite(v, c)
	s.New = func(t *testing.T) sinks.Sink {
		l := limited.open(t)
		return readBy{l, l.(sinks.Claimer), l.(sinks.Preflighter), reader}
	}
	sinktest.Run(t, s)
}

type readBy struct {
	sinks.Sink
	sinks.Claimer
	sinks.Preflighter
	reader sinks.Sink
}

func (r readBy) Read(ctx context.Context, t sinks.Target) (sinks.Object, error) {
	return r.reader.Read(ctx, t)
}

func testPreflight(t *testing.T, v *servers.VaultServer) {
	mount := v.KV(2)
	v.Policy("partial-"+mount,
		fmt.Sprintf(`path "%s/data/good" { capabilities = ["create", "update"] }`, mount),
		fmt.Sprintf(`path "%s/metadata/good" { capabilities = ["create", "read", "patch"] }`, mount),
		fmt.Sprintf(`path "%s/data/claimed" { capabilities = ["create", "update"] }`, mount),
		fmt.Sprintf(`path "%s/metadata/claimed" { capabilities = ["read"] }`, mount),
		fmt.Sprintf(`path "%s/data/partial" { capabilities = ["create"] }`, mount))
	v.MustWrite(mount+"/metadata/claimed", map[string]any{"custom_metadata": map[string]any{"managed-by": "credsync", "credsync-owner": "p/x"}})
	p := newProxy(t, v)
	c := root(v, mount)
	c.attrs["address"] = p.URL
	c.env["VAULT_TOKEN"] = v.Token(map[string]any{"policies": []string{"partial-" + mount}})
	s := c.open(t)
	preflight := func(paths ...string) error {
		var trials []sinks.Trial
		for _, path := range paths {
			trials = append(trials, sinks.Trial{Target: c.target(t, path, false)})
		}
		return sinks.Together(s.(sinks.Preflighter).Preflight(t.Context(), trials)...)
	}
	if err := preflight("good", "claimed"); err != nil {
		t.Errorf("Preflight = %v", err)
	}
	if n := countOf(p.seen(), "PUT /v1/sys/capabilities-self"); n != 1 {
		t.Errorf("asked %d times for capabilities, want once", n)
	}
	err := preflight("good", "partial", "none")
	if !errors.Is(err, sinks.ErrDenied) {
		t.Fatalf("Preflight = %v, want a denial", err)
	}
	for _, want := range []string{
		`path "` + mount + `/data/partial" { capabilities = ["update"] }`,
		`path "` + mount + `/metadata/partial" { capabilities = ["read"] }`,
		`path "` + mount + `/data/none" { capabilities = ["update"] }`,
	} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("the error lacks %s:\n%v", want, err)
		}
	}
	if strings.Contains(err.Error(), "/good") || strings.Count(err.Error(), "the token's policy needs") != 1 {
		t.Errorf("the error names what is fine, or does not have all in one block:\n%v", err)
	}
}

func countOf(list []string, s string) (n int) {
	for _, v := range list {
		if v == s {
			n++
		}
	}
	return n
}

func testDenied(t *testing.T, v *servers.VaultServer) {
	mount := v.KV(2)
	v.Policy("read-"+mount, fmt.Sprintf(`path "%s/metadata/*" { capabilities = ["read"] }`, mount))
	c := root(v, mount)
	c.env["VAULT_TOKEN"] = v.Token(map[string]any{"policies": []string{"read-" + mount}})
	s, target := c.open(t), c.target(t, "shop/sagi", false)
	_, err := s.Write(t.Context(), target, sinks.Write{Data: secrets("k", "canary-value")})
	want := `path "` + mount + `/data/shop/sagi" { capabilities = ["create", "update"] }`
	if !errors.Is(err, sinks.ErrDenied) || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "canary") {
		t.Errorf("Write = %v, want %s", err, want)
	}
	_, err = s.(sinks.Claimer).Claim(
		t.Context(),
		target,
		sinks.Write{Data: secrets("k", "canary-value"), Owner: "p/x"},
		sinks.Info{Marks: true},
	)
	if !errors.Is(err, sinks.ErrDenied) || !strings.Contains(err.Error(), mount+"/metadata/shop/sagi") {
		t.Errorf("Claim = %v", err)
	}
}

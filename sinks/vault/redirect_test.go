package vault_test

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/credsync/credsync/sinks"
)

// TestRedirects: like the vault program, the sink follows one redirect, which a
// standby node answers with to name the active one; no second, and none that
// gives the encryption up.
func TestRedirects(t *testing.T) {
	var leaked, followed atomic.Int32
	plain := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { leaked.Add(1) }))
	defer plain.Close()
	for op, do := range operations {
		for _, status := range []int{301, 302, 303, 307, 308} {
			t.Run(op+" "+http.StatusText(status)+" in a loop", func(t *testing.T) {
				followed.Store(0)
				f := newFake(t, nil)
				f.handle = func(w http.ResponseWriter, r *http.Request) {
					followed.Add(1)
					w.Header().Set("Location", r.URL.Path)
					w.WriteHeader(status)
				}
				c := f.conn(nil)
				err := do(t.Context(), c.open(t), c.target(t, "a", false))
				if err == nil || !strings.Contains(err.Error(), "redirect") || !strings.Contains(err.Error(), f.URL) {
					t.Errorf("got %v", err)
				}
				if n := followed.Load(); n > 2 {
					t.Errorf("sent %d times, want one redirect to be followed at most", n)
				}
			})
			t.Run(op+" "+http.StatusText(status)+" without TLS", func(t *testing.T) {
				f := newTLSFake(t, func(w http.ResponseWriter, r *http.Request) {
					w.Header().Set("Location", plain.URL+r.URL.Path)
					w.WriteHeader(status)
				})
				c := f.conn(attrs{"VAULT_CACERT_BYTES": pemOf(f.Certificate())})
				err := do(t.Context(), c.open(t), c.target(t, "a", false))
				if err == nil || !strings.Contains(err.Error(), "redirect") || strings.Contains(err.Error(), "canary") {
					t.Errorf("got %v", err)
				}
			})
		}
	}
	if leaked.Load() != 0 {
		t.Errorf("%d requests went on without TLS", leaked.Load())
	}
}

func TestAnswersThatAreNotVaultsNameTheAddress(t *testing.T) {
	f := newFake(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "<html>canary-body") })
	for op, do := range operations {
		c := f.conn(nil)
		err := do(t.Context(), c.open(t), c.target(t, "a", false))
		if err == nil || !strings.Contains(err.Error(), "in Vault at "+f.URL+": ") || strings.Contains(err.Error(), "canary") {
			t.Errorf("%s: got %v", op, err)
		}
	}
}

// TestRedirectsAwayFromTheCluster: a request carries a token of Vault and what
// is to be kept there, which the page of a login in between must not get.
func TestRedirectsAwayFromTheCluster(t *testing.T) {
	var elsewhere *fake
	leader := func(address string) string {
		return fmt.Sprintf(`{"ha_enabled":true,"is_self":false,"leader_address":%q}`, address)
	}
	for name, test := range map[string]struct {
		status  int
		path    string
		leader  func() string
		follows bool
		says    string
	}{
		"to the active node":                  {307, "", func() string { return leader(elsewhere.URL) }, true, ""},
		"to a page":                           {302, "/login", func() string { return "<html>" }, false, "no Vault node reports"},
		"to a page, moved":                    {301, "/login", func() string { return "" }, false, "no Vault node reports"},
		"to what may be a node":               {307, "", func() string { return "null" }, false, "no Vault node reports"},
		"from a Vault of one node":            {307, "", func() string { return `{"ha_enabled":false,"leader_address":""}` }, false, "no Vault node reports"},
		"to another host than the active one": {307, "", func() string { return leader("http://vault-2.invalid:8200") }, false, "an election may be in progress"},
		"during an election":                  {307, "", func() string { return leader("") }, false, "an election may be in progress"},
	} {
		for op, do := range operations {
			t.Run(op+" "+name, func(t *testing.T) {
				elsewhere = newFake(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, `{"data":{"version":1}}`) })
				f := newFake(t, nil)
				f.handle = func(w http.ResponseWriter, r *http.Request) {
					if r.URL.Path == "/v1/sys/leader" {
						if r.Header.Get("X-Vault-Token") != "" || r.Header.Get("X-Vault-Namespace") != "" {
							t.Error("the question for the active node has a token or a namespace")
						}
						_, _ = io.WriteString(w, test.leader())
						return
					}
					path := test.path
					if path == "" {
						path = r.URL.Path
					}
					w.Header().Set("Location", elsewhere.URL+path)
					w.WriteHeader(test.status)
				}
				c := f.conn(attrs{"VAULT_NAMESPACE": "team"})
				err := do(t.Context(), c.open(t), c.target(t, "a", false))
				elsewhere.mu.Lock()
				defer elsewhere.mu.Unlock()
				if got := len(elsewhere.requests) > 0; got != test.follows {
					t.Errorf("the redirect was followed: %v", got)
				}
				if test.follows {
					return
				}
				if err == nil || !strings.Contains(err.Error(), "redirect to "+elsewhere.URL) ||
					!strings.Contains(err.Error(), test.says) {
					t.Errorf("got %v", err)
				}
			})
		}
	}
}

// While the nodes of a cluster elect another active one, a standby sends on to
// the one that is gone. It must be asked again.
func TestRedirectToANodeThatIsGone(t *testing.T) {
	next := newFake(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, `{"data":{"version":1}}`) })
	gone := httptest.NewServer(nil)
	gone.Close()
	var asked atomic.Int32
	electing := func(elected int32) *fake {
		f := newFake(t, nil)
		asked.Store(0)
		f.handle = func(w http.ResponseWriter, r *http.Request) {
			active := gone.URL
			if asked.Load() > elected {
				active = next.URL
			}
			if r.URL.Path == "/v1/sys/leader" {
				_, _ = fmt.Fprintf(w, `{"ha_enabled":true,"leader_address":%q}`, active)
				return
			}
			asked.Add(1)
			if asked.Load() > elected {
				active = next.URL
			}
			w.Header().Set("Location", active+r.URL.Path)
			w.WriteHeader(http.StatusTemporaryRedirect)
		}
		return f
	}
	f := electing(1)
	c := f.conn(attrs{"VAULT_MAX_RETRIES": "2"})
	if _, err := c.open(t).Write(t.Context(), c.target(t, "a", false), sinks.Write{Data: secrets("k", "v")}); err != nil {
		t.Errorf("a standby that sends on to the next active node: %v", err)
	}
	f = electing(100)
	c = f.conn(attrs{"VAULT_MAX_RETRIES": "1"})
	_, err := c.open(t).Write(t.Context(), c.target(t, "a", false), sinks.Write{Data: secrets("k", "v")})
	if !errors.Is(err, sinks.ErrUnavailable) || !strings.Contains(err.Error(), "active node, "+gone.URL) ||
		!strings.Contains(err.Error(), "another one takes over") ||
		strings.Contains(err.Error(), "check address") {
		t.Errorf("got %v", err)
	}
}

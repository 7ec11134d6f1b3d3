package vault_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/credsync/credsync/sinks"
	"github.com/credsync/credsync/testkit/slowserver"
)

// operations are one of each kind of request that the sink makes.
var operations = map[string]func(ctx context.Context, s sinks.Sink, t sinks.Target) error{
	"stat": func(ctx context.Context, s sinks.Sink, t sinks.Target) error { _, err := s.Stat(ctx, t); return err },
	"read": func(ctx context.Context, s sinks.Sink, t sinks.Target) error { _, err := s.Read(ctx, t); return err },
	"write": func(ctx context.Context, s sinks.Sink, t sinks.Target) error {
		_, err := s.Write(ctx, t, sinks.Write{Data: secrets("k", "v"), Owner: "p/account.x.y"})
		return err
	},
	"delete": func(ctx context.Context, s sinks.Sink, t sinks.Target) error {
		return s.Delete(ctx, t, sinks.Removal{If: "1"})
	},
	"list": func(ctx context.Context, s sinks.Sink, t sinks.Target) error { _, err := s.List(ctx, t); return err },
}

// Every byte comes in time; the answer does not.
func TestAnswersThatDripEndWithTheTimeout(t *testing.T) {
	for name, drip := range map[string]http.HandlerFunc{
		"headers": slowserver.SlowHeaders, "body": slowserver.SlowBody, "body of a refusal": slowserver.SlowRefusal,
	} {
		for op, do := range operations {
			t.Run(op+" "+name, func(t *testing.T) {
				f := newFake(t, drip)
				c := f.conn(attrs{"VAULT_CLIENT_TIMEOUT": "100ms"})
				ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
				defer cancel()
				err := do(ctx, c.open(t), c.target(t, "a", false))
				if !errors.Is(err, sinks.ErrUnavailable) || !strings.Contains(err.Error(), "VAULT_CLIENT_TIMEOUT") {
					t.Errorf("got %v", err)
				}
				if ctx.Err() != nil {
					t.Error("it went on until the run was stopped")
				}
			})
		}
	}
}

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

// A login's files are read at each login, by what nobody watches.
func TestPipesAndDevicesAreNoCredentials(t *testing.T) {
	pipe := filepath.Join(t.TempDir(), "pipe")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	f := newFake(t, func(http.ResponseWriter, *http.Request) { t.Error("a request was sent") })
	for _, path := range []string{pipe, "/dev/zero", filepath.Dir(pipe)} {
		for name, c := range map[string]*conn{
			"token_path":  {method: "kubernetes", auth: attrs{"role": "r", "token_path": path}},
			"client_cert": {method: "cert", auth: attrs{"client_cert": path, "client_key": path}},
		} {
			c.attrs = attrs{"address": f.URL}
			s, err := c.tryOpen()
			if err == nil {
				_, err = s.Stat(t.Context(), c.target(t, "a", false))
			}
			if err == nil || !strings.Contains(err.Error(), "not a regular file") || !strings.Contains(err.Error(), name) {
				t.Errorf("%s %s: %v", name, path, err)
			}
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
		"to a page":                           {302, "/login", func() string { return "<html>" }, false, "a page in between"},
		"to a page, moved":                    {301, "/login", func() string { return "" }, false, "a page in between"},
		"to what may be a node":               {307, "", func() string { return "null" }, false, "a page in between"},
		"from a Vault of one node":            {307, "", func() string { return `{"ha_enabled":false,"leader_address":""}` }, false, "a page in between"},
		"to another host than the active one": {307, "", func() string { return leader("http://vault-2.invalid:8200") }, false, "active node"},
		"during an election":                  {307, "", func() string { return leader("") }, false, "active node"},
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
				if err == nil || !strings.Contains(err.Error(), "redirect to "+elsewhere.URL) || !strings.Contains(err.Error(), test.says) {
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
	if !errors.Is(err, sinks.ErrUnavailable) || !strings.Contains(err.Error(), "active node, "+gone.URL) || !strings.Contains(err.Error(), "another takes its place") || strings.Contains(err.Error(), "check address") {
		t.Errorf("got %v", err)
	}
}

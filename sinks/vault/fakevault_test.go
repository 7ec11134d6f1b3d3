package vault_test

import (
	"context"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/credsync/credsync/sinks"
)

// fake is a Vault that answers as told, for what a real one does not show on
// demand. It has KV version 2 at "secret".
type fake struct {
	*httptest.Server
	mu       sync.Mutex
	requests []*http.Request
	handle   func(w http.ResponseWriter, r *http.Request)
}

func newFake(t *testing.T, handle func(w http.ResponseWriter, r *http.Request)) *fake {
	f := &fake{handle: handle}
	f.Server = httptest.NewServer(f)
	t.Cleanup(f.Close)
	return f
}

// newTLSFake is one that speaks TLS.
func newTLSFake(t *testing.T, handle func(w http.ResponseWriter, r *http.Request)) *fake {
	f := &fake{handle: handle}
	f.Server = httptest.NewTLSServer(f)
	t.Cleanup(f.Close)
	return f
}

func pemOf(c *x509.Certificate) string {
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.Raw}))
}

func (f *fake) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	f.requests = append(f.requests, r)
	f.mu.Unlock()
	switch {
	case strings.HasPrefix(r.URL.Path, "/v1/sys/internal/ui/mounts/"):
		_, _ = io.WriteString(w, `{"data":{"type":"kv","options":{"version":"2"}}}`)
	case r.URL.Path == "/v1/auth/token/lookup-self":
		_, _ = io.WriteString(w, `{"data":{"ttl":0,"creation_ttl":0,"renewable":false}}`)
	default:
		f.handle(w, r)
	}
}

func (f *fake) count(path string) (n int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, r := range f.requests {
		if r.URL.Path == path {
			n++
		}
	}
	return n
}

func fail(w http.ResponseWriter, status int, messages ...string) {
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(map[string]any{"errors": messages})
}

func (f *fake) conn(env attrs) *conn {
	c := &conn{attrs: attrs{"address": f.URL}, env: attrs{"VAULT_TOKEN": "hvs.canary-token", "VAULT_MAX_RETRIES": "0"}}
	for k, v := range env {
		c.env[k] = v
	}
	return c
}

func TestAnswersHaveAClass(t *testing.T) {
	tests := []struct {
		name   string
		answer func(w http.ResponseWriter)
		class  error
		want   string
	}{
		{"sealed", func(w http.ResponseWriter) { fail(w, 503, "Vault is sealed") }, sinks.ErrUnavailable, "unseal"},
		{"standby", func(w http.ResponseWriter) { fail(w, 500, "local node not active but active cluster node not found") }, sinks.ErrUnavailable, "not active"},
		{"standby by health", func(w http.ResponseWriter) { fail(w, 473) }, sinks.ErrUnavailable, "HTTP 473"},
		{"overloaded", func(w http.ResponseWriter) { fail(w, 429, "request path \"x\": rate limit quota exceeded") }, sinks.ErrUnavailable, "quota"},
		{"denied", func(w http.ResponseWriter) { fail(w, 403, "1 error occurred:\n\t* permission denied\n\n") }, sinks.ErrDenied, `path "secret/data/shop/sagi" { capabilities = ["create", "update"] }`},
		{"dead token", func(w http.ResponseWriter) {
			fail(w, 403, "2 errors occurred:\n\t* permission denied\n\t* invalid token\n\n")
		}, sinks.ErrDenied, "expired"},
		{"conflict", func(w http.ResponseWriter) { fail(w, 400, "check-and-set parameter did not match the current version") }, sinks.ErrConflict, "secret/shop/sagi"},
		{"no mount", func(w http.ResponseWriter) {
			fail(w, 404, `no handler for route "secret/data/x". route entry not found.`)
		}, nil, "vault secrets enable -path=secret"},
		{"bad request", func(w http.ResponseWriter) { fail(w, 400, "something else") }, nil, "something else"},
		{"a proxy's page", func(w http.ResponseWriter) { w.WriteHeader(502); _, _ = io.WriteString(w, "<html>canary-body") }, sinks.ErrUnavailable, "HTTP 502"},
		{"a login page", func(w http.ResponseWriter) { _, _ = io.WriteString(w, "<html>canary-body") }, nil, ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			f := newFake(t, func(w http.ResponseWriter, _ *http.Request) { test.answer(w) })
			c := f.conn(nil)
			_, err := c.open(t).Write(t.Context(), c.target(t, "shop/sagi", false), sinks.Write{Data: secrets("k", "canary-value")})
			if err == nil || !strings.Contains(err.Error(), test.want) || strings.Contains(err.Error(), "canary") {
				t.Fatalf("Write = %v, want %q", err, test.want)
			}
			for _, class := range []error{sinks.ErrDenied, sinks.ErrUnavailable, sinks.ErrConflict, sinks.ErrNotFound} {
				if errors.Is(err, class) != (class == test.class) {
					t.Errorf("error %v: is %q: %v", err, class, errors.Is(err, class))
				}
			}
			if strings.Contains(c.log.String(), "canary") {
				t.Error("the log holds a secret")
			}
		})
	}
}

func TestOutagesAreRetriedWithinBounds(t *testing.T) {
	f := newFake(t, nil)
	left := 2
	f.handle = func(w http.ResponseWriter, _ *http.Request) {
		f.mu.Lock()
		defer f.mu.Unlock()
		if left--; left >= 0 {
			w.Header().Set("Retry-After", "0")
			fail(w, 503, "Vault is sealed")
			return
		}
		_, _ = io.WriteString(w, `{"data":{"version":1}}`)
	}
	c := f.conn(attrs{"VAULT_MAX_RETRIES": "2"})
	s, target := c.open(t), c.target(t, "a", false)
	if _, err := s.Write(t.Context(), target, sinks.Write{Data: secrets("k", "v")}); err != nil {
		t.Errorf("Write = %v", err)
	}
	left = 100
	before := f.count("/v1/secret/data/a")
	if _, err := s.Write(t.Context(), target, sinks.Write{Data: secrets("k", "v")}); !errors.Is(err, sinks.ErrUnavailable) {
		t.Errorf("Write = %v", err)
	}
	if n := f.count("/v1/secret/data/a") - before; n != 3 {
		t.Errorf("sent %d times, want 3", n)
	}
}

func TestSlowVaultIsUnavailable(t *testing.T) {
	release := make(chan struct{})
	f := newFake(t, func(http.ResponseWriter, *http.Request) { <-release })
	defer close(release)
	c := f.conn(attrs{"VAULT_CLIENT_TIMEOUT": "50ms"})
	s := c.open(t)
	_, err := s.Stat(t.Context(), c.target(t, "a", false))
	if !errors.Is(err, sinks.ErrUnavailable) || !strings.Contains(err.Error(), "VAULT_CLIENT_TIMEOUT") {
		t.Errorf("Stat = %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := s.Stat(ctx, c.target(t, "a", false)); !errors.Is(err, context.Canceled) ||
		errors.Is(err, sinks.ErrUnavailable) {
		t.Errorf("Stat with a cancelled context = %v", err)
	}
}

// TestALostAnswerIsNotAConflict: the first attempt writes and its answer is
// lost; the second is told that the version has moved on.
func TestALostAnswerIsNotAConflict(t *testing.T) {
	for _, found := range []string{"ours", "theirs", "nobody knows"} {
		writes := 0
		f := newFake(t, nil)
		f.handle = func(w http.ResponseWriter, r *http.Request) {
			f.mu.Lock()
			defer f.mu.Unlock()
			switch {
			case r.Method == http.MethodGet && found == "nobody knows":
				fail(w, 503, "Vault is sealed")
			case r.Method == http.MethodGet && found == "theirs":
				_, _ = io.WriteString(w, `{"data":{"data":{"k":"theirs"},"metadata":{"version":4,"created_time":"2026-11-30T06:00:00.123Z"}}}`)
			case r.Method == http.MethodGet:
				_, _ = io.WriteString(w, `{"data":{"data":{"k":"v"},"metadata":{"version":4,"created_time":"2026-11-30T06:00:00.123Z"}}}`)
			default:
				if writes++; writes == 1 {
					conn, _, err := w.(http.Hijacker).Hijack()
					if err == nil {
						_ = conn.Close()
					}
					return
				}
				fail(w, 400, "check-and-set parameter did not match the current version")
			}
		}
		c := f.conn(attrs{"VAULT_MAX_RETRIES": "1"})
		version, err := c.open(t).Write(t.Context(), c.target(t, "a", false), sinks.Write{Data: secrets("k", "v"), If: "3@2026-11-30T05:00:00Z"})
		switch {
		case found == "theirs" && !errors.Is(err, sinks.ErrConflict):
			t.Errorf("Write = %v, want a conflict with someone else", err)
		case found == "ours" && (err != nil || version != "4@2026-11-30T06:00:00.123Z"):
			t.Errorf("Write = %q, %v; want version 4", version, err)
		case found == "nobody knows" && !errors.Is(err, sinks.ErrUnavailable):
			t.Errorf("Write = %v, which says more than is known", err)
		}
	}
}

func TestWaitingForALoginEndsWithTheContext(t *testing.T) {
	release, waiting := make(chan struct{}), make(chan struct{}, 8)
	f := newFake(t, func(w http.ResponseWriter, r *http.Request) {
		waiting <- struct{}{}
		<-release
	})
	defer close(release)
	c := &conn{attrs: attrs{"address": f.URL}, method: "approle", auth: attrs{"role_id": "r"}, env: attrs{"VAULT_MAX_RETRIES": "0"}}
	s, target := c.open(t), c.target(t, "a", false)
	ctx, cancel := context.WithCancel(t.Context())
	errs := make(chan error, 2)
	for range 2 {
		go func() {
			_, err := s.Stat(ctx, target)
			errs <- err
		}()
	}
	<-waiting
	cancel()
	for range 2 {
		select {
		case err := <-errs:
			if !errors.Is(err, context.Canceled) {
				t.Errorf("Stat = %v", err)
			}
		case <-time.After(10 * time.Second):
			t.Fatal("a cancelled call still waits")
		}
	}
	if n := f.count("/v1/auth/approle/login"); n != 1 {
		t.Errorf("%d logins, want one", n)
	}
}

func TestInvalidUTF8IsRefused(t *testing.T) {
	f := newFake(t, func(w http.ResponseWriter, _ *http.Request) { fail(w, 500) })
	c := f.conn(nil)
	_, err := c.open(t).Write(t.Context(), c.target(t, "a", false), sinks.Write{Data: secrets("k", "\xff")})
	if !errors.Is(err, sinks.ErrUnsupported) {
		t.Errorf("Write = %v", err)
	}
}

package k8ssecret

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
)

// No API server redirects. What does would be handed the identity's token.
func TestRedirectsAreNotFollowed(t *testing.T) {
	var followed atomic.Int32
	elsewhere := http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { followed.Add(1) })
	plain := httptest.NewServer(elsewhere)
	defer plain.Close()
	for op, do := range operations {
		for _, status := range []int{300, 301, 302, 303, 307, 308} {
			for name, location := range map[string]string{"itself": "", "a host without TLS": plain.URL} {
				t.Run(op+" "+http.StatusText(status)+" to "+name, func(t *testing.T) {
					f := newFake(t, func(n int, w http.ResponseWriter, r *http.Request) {
						w.Header().Set("Location", location+r.URL.Path)
						w.WriteHeader(status)
					})
					c := f.conn(t)
					err := do(t.Context(), c.open(t), c.deliver(t, attrs{"name": "sagi"}))
					if err == nil || !strings.Contains(err.Error(), "redirect") ||
						!strings.Contains(err.Error(), f.URL) ||
						strings.Contains(err.Error(), "canary") {
						t.Errorf("got %v", err)
					}
					if len(f.requests) != 1 {
						t.Errorf("sent %v, want one request", f.requests)
					}
				})
			}
		}
	}
	if followed.Load() != 0 {
		t.Errorf("%d requests went elsewhere", followed.Load())
	}
}

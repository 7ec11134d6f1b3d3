package upstream_test

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/credsync/credsync/failure"
	"github.com/credsync/credsync/internal/upstream"
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

package k8ssecret

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/credsync/credsync/sinks"
	"github.com/credsync/credsync/testkit/slowserver"
	"k8s.io/klog/v2"
)

// operations are one of each kind of request that the sink makes.
var operations = map[string]func(ctx context.Context, s sinks.Sink, t sinks.Target) error{
	"stat": func(ctx context.Context, s sinks.Sink, t sinks.Target) error { _, err := s.Stat(ctx, t); return err },
	"read": func(ctx context.Context, s sinks.Sink, t sinks.Target) error { _, err := s.Read(ctx, t); return err },
	"write": func(ctx context.Context, s sinks.Sink, t sinks.Target) error {
		_, err := s.Write(ctx, t, sinks.Write{Data: secrets("k", "canary-value"), Owner: "p/account.x.y"})
		return err
	},
	"delete": func(ctx context.Context, s sinks.Sink, t sinks.Target) error {
		return s.Delete(ctx, t, sinks.Removal{If: "u/1"})
	},
}

// Every byte comes in time; the answer does not.
func TestAnswersThatDripEndWithTheTimeout(t *testing.T) {
	for name, drip := range map[string]http.HandlerFunc{
		"headers": slowserver.SlowHeaders, "body": slowserver.SlowBody, "body of a refusal": slowserver.SlowRefusal,
	} {
		for op, do := range operations {
			t.Run(op+" "+name, func(t *testing.T) {
				f := newFake(t, func(_ int, w http.ResponseWriter, r *http.Request) { drip(w, r) })
				c := f.conn(t)
				c.timeout = 100 * time.Millisecond
				ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
				defer cancel()
				err := do(ctx, c.open(t), c.deliver(t, attrs{"name": "sagi"}))
				if !errors.Is(err, sinks.ErrUnavailable) || !strings.Contains(err.Error(), "did not answer in time") {
					t.Errorf("got %v", err)
				}
				if ctx.Err() != nil {
					t.Error("it went on until the run was stopped")
				}
			})
		}
	}
}

// No API server redirects. What does would be handed the identity's token.
func TestRedirectsAreNotFollowed(t *testing.T) {
	var followed atomic.Int32
	elsewhere := http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { followed.Add(1) })
	plain := httptest.NewServer(elsewhere)
	defer plain.Close()
	for op, do := range operations {
		for _, status := range []int{301, 302, 303, 307, 308} {
			for name, location := range map[string]string{"itself": "", "a host without TLS": plain.URL} {
				t.Run(op+" "+http.StatusText(status)+" to "+name, func(t *testing.T) {
					f := newFake(t, func(n int, w http.ResponseWriter, r *http.Request) {
						w.Header().Set("Location", location+r.URL.Path)
						w.WriteHeader(status)
					})
					c := f.conn(t)
					err := do(t.Context(), c.open(t), c.deliver(t, attrs{"name": "sagi"}))
					if err == nil || !strings.Contains(err.Error(), "redirect") || !strings.Contains(err.Error(), f.URL) || strings.Contains(err.Error(), "canary") {
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

// client-go logs to standard error, past the program's log, what it returns
// anyway.
func TestClientGoLogsNothingPastTheLog(t *testing.T) {
	var out bytes.Buffer
	klog.LogToStderr(false)
	klog.SetOutput(&out)
	defer func() {
		klog.LogToStderr(true)
		klog.SetOutput(io.Discard)
	}()
	for name, handle := range map[string]http.HandlerFunc{
		"cut short":   func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("Content-Length", "100") },
		"out of time": slowserver.SlowBody,
	} {
		f := newFake(t, func(_ int, w http.ResponseWriter, r *http.Request) { handle(w, r) })
		c := f.conn(t)
		c.timeout = 100 * time.Millisecond
		if _, err := c.open(t).Stat(t.Context(), c.deliver(t, attrs{"name": "sagi"})); err == nil {
			t.Errorf("%s: it went well", name)
		}
	}
	klog.Flush()
	if out.Len() > 0 {
		t.Errorf("client-go logged:\n%s", &out)
	}
}

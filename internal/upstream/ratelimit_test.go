package upstream_test

import (
	"context"
	"errors"
	"io"
	"math"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/credsync/credsync/failure"
	"github.com/credsync/credsync/internal/upstream"
)

func TestLimiterStaysBelowTheDocumentedLimit(t *testing.T) {
	for _, c := range []struct {
		name string
		o    upstream.Options
		// most is how many requests may start within the period.
		most   int
		period time.Duration
	}{
		{"documented", upstream.Options{Limit: upstream.Limit{Requests: 100, Per: 30 * time.Second}}, 100, 30 * time.Second},
		{"one", upstream.Options{Limit: upstream.Limit{Requests: 1, Per: time.Second}}, 1, time.Second},
		{"configured", upstream.Options{RequestsPerSecond: 2, Limit: upstream.Limit{Requests: 100, Per: time.Second}}, 4,
			time.Second},
	} {
		t.Run(c.name, func(t *testing.T) {
			l := upstream.NewLimiter(c.o)
			start := time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)
			allowed := 0
			const steps = 1000
			for i := range int(steps) {
				if l.AllowN(start.Add(c.period*time.Duration(i)/steps), 1) {
					allowed++
				}
			}
			if allowed == 0 || allowed > c.most {
				t.Errorf("%d requests in %v, want 1 to %d", allowed, c.period, c.most)
			}
		})
	}
	if upstream.NewLimiter(upstream.Options{}) != nil {
		t.Error("a limit where none is set")
	}
}

func TestDeadlineEndsTheWaitForTheLimiter(t *testing.T) {
	base := serve(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "{}") })
	c, _ := client(t, upstream.Options{BaseURL: base, RequestsPerSecond: 0.001})
	if _, err := send(t, c, "GET", base, upstream.Op{}); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	req, err := http.NewRequest("POST", base, nil)
	if err != nil {
		t.Fatal(err)
	}
	_, err = upstream.Do(ctx, c, req, upstream.Op{Name: "log in", Once: true})
	if e := upstreamError(t, err); e.Class != failure.Retryable || e.AnswerLost {
		t.Errorf("%+v", *e)
	}
}

func TestTheRateOfALimiter(t *testing.T) {
	for _, c := range []struct {
		name  string
		o     upstream.Options
		rate  float64
		burst int
	}{
		{"documented", upstream.Options{Limit: upstream.Limit{Requests: 100, Per: 30 * time.Second}}, 0.8 * 100 / 30, 10},
		{"documented, and small", upstream.Options{Limit: upstream.Limit{Requests: 5, Per: time.Minute}}, 0.8 * 5 / 60, 1},
		{"configured", upstream.Options{RequestsPerSecond: 2.5, Limit: upstream.Limit{Requests: 100, Per: time.Second}}, 2.5, 2},
		{"configured, and small", upstream.Options{RequestsPerSecond: 0.5}, 0.5, 1},
	} {
		l := upstream.NewLimiter(c.o)
		if math.Abs(float64(l.Limit())-c.rate) > 1e-9 || l.Burst() != c.burst {
			t.Errorf("%s: %v a second, %d at once", c.name, l.Limit(), l.Burst())
		}
	}
	for _, o := range []upstream.Options{{Limit: upstream.Limit{Requests: 1}},
		{Limit: upstream.Limit{Per: time.Second}}} {
		if upstream.NewLimiter(o) != nil {
			t.Errorf("half a limit is one: %+v", o.Limit)
		}
	}
}

// Accounts with equal keys share one limit at a host, others have their own.
func TestLimitsAreSharedByKey(t *testing.T) {
	base := serve(t, func(http.ResponseWriter, *http.Request) {})
	pool := upstream.NewPool(upstream.PoolOptions{})
	t.Cleanup(pool.Close)
	for _, c := range []struct {
		key  string
		free bool
	}{{"a", true}, {"a", false}, {"b", true}, {"a", false}, {"b", false}} {
		cl, err := pool.Client(upstream.Options{BaseURL: base, LimitKey: c.key, RequestsPerSecond: 0.001})
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		_, err = upstream.Send(ctx, cl, upstream.Request{Op: upstream.Op{Name: "x"}, URL: base})
		cancel()
		if (err == nil) != c.free || err != nil && !strings.Contains(err.Error(), "rate limit") {
			t.Errorf("%s: %v", c.key, err)
		}
	}
}

// A run that is told to stop while it waits for the limiter says that, and nothing of
// the limit.
func TestAStopEndsTheWaitForTheLimiter(t *testing.T) {
	base := serve(t, func(http.ResponseWriter, *http.Request) {})
	c, _ := client(t, upstream.Options{BaseURL: base, RequestsPerSecond: 0.001})
	if _, err := send(t, c, "GET", base, upstream.Op{}); err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	time.AfterFunc(20*time.Millisecond, stop)
	_, err := upstream.Send(ctx, c, upstream.Request{Op: upstream.Op{Name: "x"}, URL: base})
	if !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

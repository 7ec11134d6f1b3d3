package upstream_test

import (
	"context"
	"io"
	"net/http"
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
		{"configured", upstream.Options{RequestsPerSecond: 2, Limit: upstream.Limit{Requests: 100, Per: time.Second}}, 4, time.Second},
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

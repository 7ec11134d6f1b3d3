package upstream_test

import (
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"

	"github.com/credsync/credsync/failure"
	"github.com/credsync/credsync/internal/upstream"
	"github.com/credsync/credsync/testkit/slowserver"
)

// Every byte comes in time; the answer does not.
func TestAnswersThatDripEndWithTheTimeout(t *testing.T) {
	settled := slowserver.Goroutines(t)
	t.Run("all", everyDrip)
	settled()
}

func everyDrip(t *testing.T) {
	for name, drip := range slowserver.Answers {
		for _, once := range []bool{true, false} {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				var received atomic.Int32
				s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					received.Add(1)
					drip(w, r)
				}))
				pool := upstream.NewPool(upstream.PoolOptions{Pause: (&noPause{}).pause})
				c, err := pool.Client(
					upstream.Options{BaseURL: s.URL, Timeout: 500 * time.Millisecond, MaxAttempts: attempts},
				)
				if err != nil {
					t.Fatal(err)
				}
				method, want := "GET", int32(attempts)
				if once {
					method, want = "POST", 1
				}
				_, err = send(t, c, method, s.URL, upstream.Op{Once: once})
				e := upstreamError(t, err)
				if e.Class != failure.Retryable || e.AnswerLost != once || e.Advice == "" {
					t.Errorf("%+v", *e)
				}
				// A busy server may come to a request when its client has left.
				for deadline := time.Now().Add(10 * time.Second); received.Load() < want &&
					time.Now().Before(deadline); {
					time.Sleep(time.Millisecond)
				}
				if n := received.Load(); n != want {
					t.Errorf("sent %d times, want %d", n, want)
				}
				pool.Close()
				s.Close()
			})
		}
	}
}

package upstream_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/credsync/credsync/failure"
	"github.com/credsync/credsync/internal/upstream"
	"github.com/credsync/credsync/testkit/port"
)

// crowd are many accounts at one host, with a clock and pauses that take no
// time.
type crowd struct {
	t      *testing.T
	base   string
	pool   *upstream.Pool
	pauses noPause
	now    atomic.Int64
}

func newCrowd(t *testing.T, base string) *crowd {
	c := &crowd{t: t, base: base}
	c.pool = upstream.NewPool(upstream.PoolOptions{
		Pause: c.pauses.pause,
		Now:   func() time.Time { return time.Unix(c.now.Load(), 0) },
	})
	t.Cleanup(c.pool.Close)
	return c
}

// ask sends a login of an account and reports whether its error says that the
// request was held back.
func (c *crowd) ask(account int) (heldBack bool, err error) {
	c.t.Helper()
	cl, err := c.pool.Client(upstream.Options{BaseURL: c.base, LimitKey: fmt.Sprint(account), Timeout: time.Second})
	if err != nil {
		c.t.Fatal(err)
	}
	_, err = send(c.t, cl, "POST", c.base, upstream.Op{Once: true})
	return err != nil && strings.Contains(err.Error(), "nothing was sent"), err
}

// silentHost is an address that nothing listens on until listen is called.
func silentHost(t *testing.T) (base string, listen func()) {
	address := port.Address(t)
	return "http://" + address, func() {
		l, err := net.Listen("tcp", address)
		if err != nil {
			t.Fatal(err)
		}
		s := httptest.NewUnstartedServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
		s.Listener = l
		s.Start()
		t.Cleanup(s.Close)
	}
}

func TestSilentHostCostsAThousandAccountsNoMoreThanAFew(t *testing.T) {
	base, _ := silentHost(t)
	c := newCrowd(t, base)
	const accounts = 1000
	held := 0
	for i := range accounts {
		heldBack, err := c.ask(i)
		if e := upstreamError(t, err); e.Class != failure.Retryable || e.AnswerLost {
			t.Fatalf("%+v", *e)
		}
		if heldBack {
			held++
		}
	}
	if held < accounts-10 {
		t.Errorf("%d of %d were held back", held, accounts)
	}
	// Two pauses for each that was let through.
	if n := len(c.pauses.asked); n > 20 {
		t.Errorf("%d pauses, want the first few accounts' only", n)
	}
	_, err := c.ask(accounts)
	if e := upstreamError(t, err); !strings.Contains(e.Message, "has just failed to answer 5 other accounts") || e.URL == "" {
		t.Errorf("%+v", *e)
	}
}

func TestHostThatIsBackIsFoundByOneRequest(t *testing.T) {
	base, listen := silentHost(t)
	c := newCrowd(t, base)
	for i := range 10 {
		_, _ = c.ask(i)
	}
	c.now.Add(60)
	if held, err := c.ask(10); held || err == nil {
		t.Errorf("after a minute nobody looked: %v", err)
	}
	if held, _ := c.ask(11); !held {
		t.Error("the look found nothing, and the next request was let through all the same")
	}
	listen()
	if held, _ := c.ask(12); !held {
		t.Error("a second look followed the first at once")
	}
	c.now.Add(60)
	for i := range 10 {
		if _, err := c.ask(i); err != nil {
			t.Errorf("the host is back: %v", err)
		}
	}
}

func TestOnlyOneRequestLooksAtATime(t *testing.T) {
	base, _ := silentHost(t)
	c := newCrowd(t, base)
	for i := range 10 {
		_, _ = c.ask(i)
	}
	address := strings.TrimPrefix(base, "http://")
	l, err := net.Listen("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	arrived, answer := make(chan struct{}), make(chan struct{})
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		arrived <- struct{}{}
		<-answer
	}))
	s.Listener = l
	s.Start()
	t.Cleanup(s.Close)
	c.now.Add(60)
	done := make(chan error, 1)
	go func() { _, err := c.ask(100); done <- err }()
	<-arrived
	if held, _ := c.ask(101); !held {
		t.Error("a second request was let through while the first was looking")
	}
	close(answer)
	if err := <-done; err != nil {
		t.Error(err)
	}
}

func TestOneAccountsFailuresHoldBackNoOther(t *testing.T) {
	base, listen := silentHost(t)
	c := newCrowd(t, base)
	for range 20 {
		if held, _ := c.ask(1); held {
			t.Fatal("held back")
		}
	}
	listen()
	if _, err := c.ask(2); err != nil {
		t.Error(err)
	}
}

// hangUntilLeft returns when the client has left, which a server notices only
// once it has read the request.
func hangUntilLeft(r *http.Request) {
	_, _ = io.Copy(io.Discard, r.Body)
	<-r.Context().Done()
}

func TestAnswerOfAnyKindEndsTheCount(t *testing.T) {
	var answers atomic.Bool
	base := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if !answers.Load() {
			hangUntilLeft(r)
			return
		}
		w.WriteHeader(http.StatusInternalServerError)
	})
	c := newCrowd(t, base)
	hang := func(account int) (bool, error) {
		cl, err := c.pool.Client(
			upstream.Options{BaseURL: base, LimitKey: fmt.Sprint(account), Timeout: 20 * time.Millisecond},
		)
		if err != nil {
			t.Fatal(err)
		}
		_, err = send(t, cl, "POST", base, upstream.Op{Once: true})
		return strings.Contains(err.Error(), "nothing was sent"), err
	}
	for i := range 12 {
		answers.Store(i%4 == 3)
		if answers.Load() {
			if _, err := c.ask(i); err != nil {
				t.Fatal(err)
			}
		} else if held, err := hang(i); held {
			t.Fatalf("request %d: %v", i, err)
		}
	}
}

// A run that is told to stop says nothing of the host.
func TestRequestsThatWereGivenUpDoNotCount(t *testing.T) {
	base := serve(t, func(_ http.ResponseWriter, r *http.Request) { hangUntilLeft(r) })
	c := newCrowd(t, base)
	for i := range 20 {
		cl, err := c.pool.Client(upstream.Options{BaseURL: base, LimitKey: fmt.Sprint(i)})
		if err != nil {
			t.Fatal(err)
		}
		req, err := http.NewRequest("GET", base, nil)
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
		_, err = upstream.Do(ctx, cl, req, upstream.Op{Name: "check the token"})
		cancel()
		if !errors.Is(err, context.DeadlineExceeded) {
			t.Fatalf("request %d: %v", i, err)
		}
	}
}

// Five requests in a row of three accounts are what it takes, and no fewer of either.
func TestHowManyMustHaveFailedForTheOthersToBeHeldBack(t *testing.T) {
	for _, c := range []struct {
		name     string
		accounts []int // whose requests fail, one after the other
		then     int
		held     bool
		says     string
	}{
		{"four requests", []int{1, 2, 3, 4}, 5, false, ""},
		{"five requests", []int{1, 2, 3, 4, 5}, 6, true, "5 other accounts"},
		{"of two accounts", []int{1, 2, 1, 2, 1, 2, 1}, 3, false, ""},
		{"of three accounts", []int{1, 1, 1, 2, 3}, 4, true, "3 other accounts"},
		{"itself among them", []int{1, 1, 1, 2, 3}, 2, true, "2 other accounts"},
	} {
		t.Run(c.name, func(t *testing.T) {
			base, _ := silentHost(t)
			crowd := newCrowd(t, base)
			for _, account := range c.accounts {
				if held, err := crowd.ask(account); held {
					t.Fatalf("account %d: %v", account, err)
				}
			}
			held, err := crowd.ask(c.then)
			if held != c.held || !strings.Contains(err.Error(), c.says) {
				t.Errorf("held back: %t, %v", held, err)
			}
		})
	}
}

func TestASilentHostIsLookedAtEveryQuarterOfAMinute(t *testing.T) {
	base, _ := silentHost(t)
	c := newCrowd(t, base)
	for i := range 5 {
		_, _ = c.ask(i)
	}
	// The clock may be set back: that lets a request through, too, and does not wait for
	// it to catch up.
	for _, step := range []struct {
		seconds int64
		held    bool
	}{{14, true}, {1, false}, {14, true}, {1, false}, {-14, true}, {-1, false}} {
		c.now.Add(step.seconds)
		if held, err := c.ask(9); held != step.held {
			t.Errorf("after %d s: held back %t, %v", step.seconds, held, err)
		}
	}
}

// Through another proxy the host may be within reach.
func TestEachWayToAHostIsWatchedByItself(t *testing.T) {
	base, _ := silentHost(t)
	c := newCrowd(t, base)
	for i := range 10 {
		_, _ = c.ask(i)
	}
	proxy := serve(t, func(http.ResponseWriter, *http.Request) {})
	cl, err := c.pool.Client(upstream.Options{BaseURL: base, LimitKey: "1", Proxy: secret(proxy)})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := send(t, cl, "POST", base, upstream.Op{Once: true}); err != nil {
		t.Error(err)
	}
}

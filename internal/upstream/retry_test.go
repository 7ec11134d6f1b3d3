package upstream_test

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/credsync/credsync/failure"
	"github.com/credsync/credsync/internal/upstream"
	"github.com/credsync/credsync/testkit/port"
)

func TestRetryAfter(t *testing.T) {
	now := time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)
	for _, c := range []struct {
		name, value, date string
		want              time.Duration
	}{
		{"absent", "", "", 0},
		{"seconds", "120", "", 2 * time.Minute},
		{"zero", "0", "", 0},
		{"negative", "-5", "", 0},
		{"fraction", "1.5", "", 0},
		{"too large to mean anything", "99999999999999999999", "", 0},
		{"date", now.Add(time.Hour).Format(http.TimeFormat), "", time.Hour},
		{"date by the upstream's clock", now.Add(time.Hour).Format(http.TimeFormat), now.Add(30 * time.Minute).Format(http.TimeFormat), 30 * time.Minute},
		{"past date", now.Add(-time.Hour).Format(http.TimeFormat), "", 0},
		{"nonsense", "soon", "", 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			h := http.Header{}
			h.Set("Retry-After", c.value)
			h.Set("Date", c.date)
			if got := upstream.RetryAfter(h, now); got != c.want {
				t.Errorf("got %v, want %v", got, c.want)
			}
		})
	}
}

func TestPausesGrowAndHonourRetryAfter(t *testing.T) {
	retryAfter := ""
	base := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Retry-After", retryAfter)
		w.WriteHeader(http.StatusTooManyRequests)
	})
	c, pauses := client(t, upstream.Options{BaseURL: base, MaxAttempts: 7})
	_, err := send(t, c, "POST", base, upstream.Op{Once: true})
	upstreamError(t, err)
	if len(pauses.asked) != 6 {
		t.Fatalf("%d pauses, want 6", len(pauses.asked))
	}
	for i, pause := range pauses.asked {
		full := min(500*time.Millisecond<<i, 10*time.Second)
		if pause < full/2 || pause > full {
			t.Errorf("pause %d is %v, want %v to %v", i, pause, full/2, full)
		}
	}
	retryAfter = "45"
	pauses.asked = nil
	_, err = send(t, c, "POST", base, upstream.Op{Once: true})
	if e := upstreamError(t, err); e.RetryAfter != 45*time.Second {
		t.Errorf("RetryAfter %v", e.RetryAfter)
	}
	for _, pause := range pauses.asked {
		if pause != 45*time.Second {
			t.Errorf("pause %v, want what the upstream asked for", pause)
		}
	}
}

// A gateway answers a bare 503 also where the backend broke off after it had
// begun to work on the request: sent again, a login would be a second one.
func TestOnlyA503ThatSaysWhenToComeBackLetsALoginBeSentAgain(t *testing.T) {
	for _, c := range []struct {
		name, retryAfter string
		once             bool
		sent             int
		lost             bool
	}{
		{"a bare one, a login", "", true, 1, true},
		{"with Retry-After, a login", "0", true, 3, false},
		{"a bare one, a read", "", false, 3, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			sent := 0
			base := serve(t, func(w http.ResponseWriter, _ *http.Request) {
				sent++
				if c.retryAfter != "" {
					w.Header().Set("Retry-After", c.retryAfter)
				}
				w.WriteHeader(http.StatusServiceUnavailable)
			})
			cl, _ := client(t, upstream.Options{BaseURL: base})
			_, err := send(t, cl, "POST", base, upstream.Op{Once: c.once})
			if e := upstreamError(t, err); e.Class != failure.Retryable || e.AnswerLost != c.lost {
				t.Errorf("%+v", *e)
			}
			if sent != c.sent {
				t.Errorf("sent %d times, want %d", sent, c.sent)
			}
		})
	}
}

func TestRetryAfterBeyondTheDeadlineIsNotWaitedFor(t *testing.T) {
	base := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Retry-After", "50")
		w.WriteHeader(http.StatusTooManyRequests)
	})
	c, pauses := client(t, upstream.Options{BaseURL: base})
	ctx, cancel := context.WithTimeout(t.Context(), 40*time.Second)
	defer cancel()
	req, err := http.NewRequest("GET", base, nil)
	if err != nil {
		t.Fatal(err)
	}
	_, err = upstream.Do(ctx, c, req, upstream.Op{Name: "x"})
	if e := upstreamError(t, err); e.Class != failure.Retryable || e.RetryAfter != 50*time.Second {
		t.Errorf("%+v", *e)
	}
	if len(pauses.asked) != 0 {
		t.Error("it was waited for")
	}
}

func TestRefusedConnectionIsRetriedEvenForALogin(t *testing.T) {
	base := "http://" + port.Address(t)
	c, pauses := client(t, upstream.Options{BaseURL: base})
	_, err := send(t, c, "POST", base+"/login?password="+canary, upstream.Op{Once: true})
	e := upstreamError(t, err)
	if e.Class != failure.Retryable || e.AnswerLost || e.URL != base+"/login" || !strings.Contains(e.Message, "refused") {
		t.Errorf("%+v", *e)
	}
	if len(pauses.asked) != 2 {
		t.Errorf("%d retries, want 2", len(pauses.asked))
	}
}

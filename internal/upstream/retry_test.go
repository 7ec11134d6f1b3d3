package upstream_test

import (
	"context"
	"net/http"
	"strings"
	"sync/atomic"
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
		unreadable        bool
	}{
		{name: "absent"},
		{name: "seconds", value: "120", want: 2 * time.Minute},
		{name: "zero", value: "0"},
		{name: "more than anyone waits", value: "99999999999999999999", want: 24 * time.Hour},
		{name: "date", value: now.Add(time.Hour).Format(http.TimeFormat), want: time.Hour},
		{name: "date by the upstream's clock", value: now.Add(time.Hour).Format(http.TimeFormat),
			date: now.Add(30 * time.Minute).Format(http.TimeFormat), want: 30 * time.Minute},
		{name: "past date", value: now.Add(-time.Hour).Format(http.TimeFormat)},
		{name: "date far ahead", value: now.Add(9000 * time.Hour).Format(http.TimeFormat), want: 24 * time.Hour},
		{name: "obsolete date", value: now.Add(time.Hour).Format("Monday, 02-Jan-06 15:04:05 GMT"), want: time.Hour},
		{name: "negative", value: "-5", unreadable: true},
		{name: "signed", value: "+5", unreadable: true},
		{name: "fraction", value: "1.5", unreadable: true},
		{name: "unit", value: "30s", unreadable: true},
		{name: "list", value: "1, 2", unreadable: true},
		{name: "date of another zone", value: now.Add(time.Hour).Format("Mon, 02 Jan 2006 15:04:05 UTC"), unreadable: true},
		{name: "date without a zone", value: now.Add(time.Hour).Format(time.ANSIC), unreadable: true},
		{name: "date of RFC 3339", value: now.Add(time.Hour).Format(time.RFC3339), unreadable: true},
		{name: "nonsense", value: "soon", unreadable: true},
	} {
		t.Run(c.name, func(t *testing.T) {
			h := http.Header{}
			h.Set("Retry-After", c.value)
			h.Set("Date", c.date)
			if got, ok := upstream.RetryAfter(h, now); got != c.want || ok == c.unreadable {
				t.Errorf("got %v, %t; want %v, %t", got, ok, c.want, !c.unreadable)
			}
		})
	}
	if _, ok := upstream.RetryAfter(http.Header{"Retry-After": {"1", "2"}}, now); ok {
		t.Error("two that differ were read")
	}
}

// A pause was asked for, and nobody knows how long.
func TestRetryAfterThatCannotBeReadIsLeftToALaterRun(t *testing.T) {
	for _, value := range []string{"1.5", "30s", "99999999999999999999", "3600"} {
		for _, status := range []int{http.StatusTooManyRequests, http.StatusServiceUnavailable} {
			sent := 0
			base := serve(t, func(w http.ResponseWriter, _ *http.Request) {
				sent++
				w.Header().Set("Retry-After", value)
				w.WriteHeader(status)
			})
			for _, once := range []bool{true, false} {
				sent = 0
				cl, _ := client(t, upstream.Options{BaseURL: base})
				_, err := send(t, cl, "POST", base, upstream.Op{Once: once})
				if e := upstreamError(t, err); e.Class != failure.Retryable || e.AnswerLost || sent != 1 {
					t.Errorf("%s, %d: sent %d times: %+v", value, status, sent, *e)
				}
			}
		}
	}
}

func TestReadsAreSentAgainAfterWhatPasses(t *testing.T) {
	for status, want := range map[int]int{400: 1, 404: 1, 408: 3, 425: 3, 429: 3, 500: 3, 501: 3, 503: 3, 520: 3,
		599: 3} {
		for _, once := range []bool{false, true} {
			sent := 0
			base := serve(t, func(w http.ResponseWriter, _ *http.Request) { sent++; w.WriteHeader(status) })
			cl, _ := client(t, upstream.Options{BaseURL: base})
			a, err := send(t, cl, "POST", base, upstream.Op{Once: once})
			if a == nil {
				if e := upstreamError(t, err); e.AnswerLost != (once && status != 429) {
					t.Errorf("%d: %+v", status, *e)
				}
			}
			if once && status != 429 {
				want = 1
			}
			if sent != want {
				t.Errorf("%d, once %t: sent %d times, want %d", status, once, sent, want)
			}
		}
	}
}

// Some documents say to try again after an answer that does not prove that the request
// was not processed.
func TestADocumentedTryAgainIsObeyed(t *testing.T) {
	sent := 0
	base := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		sent++
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusBadRequest)
		_, _ = w.Write([]byte(`{"message":"later"}`))
	})
	for word, want := range map[string]int{"later": 3, "never": 1} {
		sent = 0
		cl, _ := client(t, upstream.Options{BaseURL: base})
		a, err := send(
			t,
			cl,
			"POST",
			base,
			upstream.Op{Once: true, Again: func(a *upstream.Answer) bool { return a.Fields().Said("message") == word }},
		)
		if err != nil || a.Fields().Said("message") != "later" || sent != want {
			t.Errorf("%s: sent %d times, want %d; %v", word, sent, want, err)
		}
	}
}

// What follows a documented "try again" says nothing of the attempt before it: the upstream
// may have processed that one.
func TestARefusalAfterADocumentedTryAgainLeavesTheFirstAttemptOpen(t *testing.T) {
	for name, tt := range map[string]struct {
		first, then int
		once, lost  bool
	}{
		"refused after it":                     {http.StatusInternalServerError, http.StatusUnauthorized, true, true},
		"turned away after it":                 {http.StatusInternalServerError, http.StatusTooManyRequests, true, true},
		"turned away before, and then refused": {http.StatusTooManyRequests, http.StatusUnauthorized, true, false},
		"a request that may be repeated":       {http.StatusInternalServerError, http.StatusUnauthorized, false, false},
	} {
		t.Run(name, func(t *testing.T) {
			var sent atomic.Int64
			base := serve(t, func(w http.ResponseWriter, _ *http.Request) {
				if sent.Add(1) == 1 {
					w.WriteHeader(tt.first)
				} else {
					w.WriteHeader(tt.then)
				}
			})
			c, _ := client(t, upstream.Options{BaseURL: base})
			again := func(a *upstream.Answer) bool { return a.Status == http.StatusInternalServerError }
			a, err := send(t, c, "POST", base, upstream.Op{Name: failure.LogIn, Once: tt.once, Again: again})
			if err == nil {
				err = a.Fail(failure.Credentials, "no", "")
			}
			if e := upstreamError(t, err); e.Status != tt.then || e.AnswerLost != tt.lost {
				t.Errorf("%+v", *e)
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

// The longest pause that is made within a run is a minute.
func TestHowLongARetryAfterIsWaitedFor(t *testing.T) {
	for seconds, want := range map[string]int{"60": 3, "61": 1} {
		sent := 0
		base := serve(t, func(w http.ResponseWriter, _ *http.Request) {
			sent++
			w.Header().Set("Retry-After", seconds)
			w.WriteHeader(http.StatusTooManyRequests)
		})
		c, _ := client(t, upstream.Options{BaseURL: base})
		_, err := send(t, c, "GET", base, upstream.Op{})
		if upstreamError(t, err); sent != want {
			t.Errorf("%s: sent %d times, want %d", seconds, sent, want)
		}
	}
}

// A person who waits for the answer decides by themselves whether to try again.
func TestAnAttendedRequestIsNotSentAgainOnceItWasAnswered(t *testing.T) {
	sent := 0
	base := serve(t, func(w http.ResponseWriter, _ *http.Request) { sent++; w.WriteHeader(http.StatusTooManyRequests) })
	c, _ := client(t, upstream.Options{BaseURL: base})
	_, err := send(t, c, "POST", base, upstream.Op{Once: true, Attended: true})
	if upstreamError(t, err); sent != 1 {
		t.Errorf("sent %d times", sent)
	}
	silent := "http://" + port.Address(t)
	c, pauses := client(t, upstream.Options{BaseURL: silent})
	_, err = send(t, c, "POST", silent, upstream.Op{Once: true, Attended: true})
	if upstreamError(t, err); len(pauses.asked) != attempts-1 {
		t.Errorf("%d pauses where there was no connection", len(pauses.asked))
	}
}

// A login is not sent again once there was a connection, whatever became of it; a read is.
func TestABrokenConnectionLeavesALoginOpen(t *testing.T) {
	for once, want := range map[bool]int64{true: 1, false: attempts} {
		var sent atomic.Int64
		base := serve(t, func(http.ResponseWriter, *http.Request) { sent.Add(1); panic(http.ErrAbortHandler) })
		c, _ := client(t, upstream.Options{BaseURL: base})
		_, err := send(t, c, "POST", base, upstream.Op{Once: once})
		if e := upstreamError(t, err); sent.Load() != want || e.AnswerLost != once || e.Class != failure.Retryable {
			t.Errorf("once %t: sent %d times, %+v", once, sent.Load(), *e)
		}
	}
}

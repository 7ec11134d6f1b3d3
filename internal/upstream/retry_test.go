package upstream_test

import (
	"bytes"
	"compress/flate"
	"compress/gzip"
	"compress/zlib"
	"context"
	"encoding/pem"
	"io"
	"net/http"
	"testing"
	"time"

	"github.com/credsync/credsync/failure"
	"github.com/credsync/credsync/internal/upstream"
)

func pemOf(der []byte) string {
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
}

var compressions = []struct {
	name, encoding string
	ok             bool
	encode         func(*testing.T) []byte
}{
	{"gzip", "gzip", true, compressed(`{"ok":true}`, func(w io.Writer) io.WriteCloser { return gzip.NewWriter(w) })},
	{"deflate", "deflate", true, compressed(`{"ok":true}`, func(w io.Writer) io.WriteCloser { return zlib.NewWriter(w) })},
	{"raw deflate", "deflate", true, compressed(`{"ok":true}`, rawDeflate)},
	{"none", "identity", true, func(*testing.T) []byte { return []byte(`{"ok":true}`) }},
	{"corrupt", "deflate", false, func(*testing.T) []byte { return []byte("not compressed") }},
	{"unknown", "br", false, func(*testing.T) []byte { return []byte("x") }},
	{"bomb", "deflate", false, compressed(string(make([]byte, 4<<20)), rawDeflate)},
}

func rawDeflate(w io.Writer) io.WriteCloser {
	f, err := flate.NewWriter(w, flate.BestCompression)
	if err != nil {
		panic(err)
	}
	return f
}

func compressed(text string, writer func(io.Writer) io.WriteCloser) func(*testing.T) []byte {
	return func(t *testing.T) []byte {
		t.Helper()
		var buf bytes.Buffer
		w := writer(&buf)
		if _, err := io.WriteString(w, text); err != nil {
			t.Fatal(err)
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		return buf.Bytes()
	}
}

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

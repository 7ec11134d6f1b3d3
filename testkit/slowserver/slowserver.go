// Package slowserver has answers that are made to wear a client out, for tests of
// what speaks HTTP.
package slowserver

import (
	"net/http"
	"runtime"
	"strings"
	"testing"
	"time"
)

const (
	// pace is the time between two bytes of a slow answer: far below any
	// timeout of a test, so that no single read of a byte ever takes too long.
	pace = 5 * time.Millisecond
	// maxBytes bounds a slow answer for a client that never gives up.
	maxBytes = 12_000
)

// Answers are all of them, by what does not end.
var Answers = map[string]http.HandlerFunc{
	"headers": SlowHeaders, "body": SlowBody, "body of a refusal": SlowRefusal,
}

// SlowHeaders sends headers that do not end, a byte at a time.
func SlowHeaders(w http.ResponseWriter, r *http.Request) {
	conn, buffered, err := http.NewResponseController(w).Hijack()
	if err != nil {
		panic(err)
	}
	defer func() { _ = conn.Close() }()
	drip(func(b byte) error {
		_ = buffered.WriteByte(b)
		return buffered.Flush()
	}, "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nX-Padding: "+strings.Repeat("a", maxBytes))
}

// SlowBody sends headers at once and a body that does not end, a byte at a
// time.
func SlowBody(w http.ResponseWriter, r *http.Request) {
	slowBody(w, http.StatusOK)
}

// SlowRefusal is SlowBody with the status of a refusal, whose body is read for
// the reason in it.
func SlowRefusal(w http.ResponseWriter, r *http.Request) {
	slowBody(w, http.StatusForbidden)
}

func slowBody(w http.ResponseWriter, status int) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	c := http.NewResponseController(w)
	drip(func(b byte) error {
		_, _ = w.Write([]byte{b})
		return c.Flush()
	}, `{"data":"`+strings.Repeat("a", maxBytes))
}

// drip sends a text until sending fails, which it does once the client has
// left.
func drip(send func(byte) error, text string) {
	ticker := time.NewTicker(pace)
	defer ticker.Stop()
	for i := range len(text) {
		if send(text[i]) != nil {
			return
		}
		<-ticker.C
	}
}

// Goroutines returns a check that no more goroutines are left than now, once
// those that are ending have ended.
func Goroutines(t *testing.T) (check func()) {
	t.Helper()
	before := runtime.NumGoroutine()
	return func() {
		t.Helper()
		deadline := time.Now().Add(10 * time.Second)
		for runtime.NumGoroutine() > before {
			if time.Now().After(deadline) {
				stacks := make([]byte, 1<<20)
				t.Fatalf("%d goroutines, %d before:\n%s", runtime.NumGoroutine(), before, stacks[:runtime.Stack(stacks, true)])
			}
			time.Sleep(pace)
		}
	}
}

package providertest

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/credsync/credsync/failure"
	"github.com/credsync/credsync/sandbox"
)

// hostile are answers that must never pass for success, nor for rejected
// credentials but where the document names the status alone.
var hostile = []struct {
	name        string
	contentType string
	body        string
}{
	{"empty", "application/json", ""},
	{"spaces only", "application/json", " \r\n\t"},
	{"HTML", "text/html", "<html><body>Unauthorized</body></html>"},
	{"HTML called JSON", "application/json", "<html><body>Unauthorized</body></html>"},
	{"text", "text/plain", "Unauthorized"},
	{"null", "application/json", "null"},
	{"an array", "application/json", "[]"},
	{"a string", "application/json", `"invalid_grant"`},
	{"cut short", "application/json", `{"access_token":"abc`},
	{"two objects", "application/json", `{"a":1}{"b":2}`},
	{"null everywhere", "application/json", `{"code":null,"message":null,"data":null,"error":null,"access_token":null,"expire":null,"organization":null,"id":null,"group_id":null}`},
	{"wrong types", "application/json", `{"code":{},"message":[],"data":7,"error":7,"access_token":7,"expire":7,"organization":7,"id":{},"group_id":[]}`},
	{"deep nesting", "application/json", `{"data":` + strings.Repeat("[", 200_000) + strings.Repeat("]", 200_000) + `}`},
	{"not UTF-8", "application/json", "{\"data\":\"\xff\xfe"},
	{"NUL bytes", "application/json", "\x00\x00\x00\x00"},
}

func testHostile(t *testing.T, target Target) {
	eachOp(t, target, func(t *testing.T, op string) {
		h := New(t, target)
		token := h.prepare(t, op)
		for _, answer := range hostile {
			for _, status := range []int{http.StatusOK, http.StatusUnauthorized} {
				if status == http.StatusUnauthorized && strings.Contains("null everywhere|wrong types", answer.name) {
					// A JSON object at a documented status is that status's answer.
					continue
				}
				if status == http.StatusOK && target.anyJSON(op) && json.Valid([]byte(answer.body)) &&
					strings.ContainsAny(answer.body[:1], "{[") &&
					answer.contentType == "application/json" {
					continue
				}
				t.Run(answer.name+" "+http.StatusText(status), func(t *testing.T) {
					h.Sandbox.ClearFaults()
					Fault(
						sandbox.Fault{
							Kind:        sandbox.Status,
							Status:      status,
							Body:        answer.body,
							ContentType: answer.contentType,
						},
					)(
						t,
						h.Sandbox,
					)
					want := failure.Server
					page := strings.HasPrefix(answer.body, "<")
					empty := strings.TrimSpace(answer.body) == ""
					if status == http.StatusUnauthorized &&
						((target.StatusDecides || target.anyJSON(op)) && !page || target.EmptyRefuses && empty) {
						want = failure.Credentials
					}
					if e := h.fail(t, op, token); e.Class != want {
						t.Errorf("class %q, want %s: %v", e.Class, want, e)
					}
				})
			}
		}
	})
}

// anyJSON reports whether an operation takes whatever JSON it gets.
func (t Target) anyJSON(op string) bool {
	return slices.ContainsFunc(t.Requests, func(r Request) bool { return r.Op == op && r.AnyJSON })
}

func testTransport(t *testing.T, target Target) {
	for _, c := range []struct {
		name    string
		fault   sandbox.Fault
		class   failure.Class
		lost    bool
		retried bool
	}{
		{"reset", sandbox.Fault{Kind: sandbox.Reset}, failure.Retryable, true, true},
		{"lost answer", sandbox.Fault{Kind: sandbox.DropAnswer}, failure.Retryable, true, true},
		{"truncated", sandbox.Fault{Kind: sandbox.Truncated}, failure.Retryable, true, true},
		{"timeout", sandbox.Fault{Kind: sandbox.Timeout}, failure.Retryable, true, true},
		{"bad gateway", sandbox.Fault{Kind: sandbox.HTML, Status: 502}, failure.Retryable, true, true},
		{"unavailable", sandbox.Fault{Kind: sandbox.HTML, Status: 503}, failure.Retryable, true, true},
		{"gateway timeout", sandbox.Fault{Kind: sandbox.HTML, Status: 504}, failure.Retryable, true, true},
		{"50 MB", sandbox.Fault{Kind: sandbox.Huge}, failure.Server, true, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			eachOp(t, target, func(t *testing.T, op string) {
				var options []Option
				if c.fault.Kind == sandbox.Timeout {
					options = append(options, withTimeout(250*time.Millisecond))
				}
				h := New(t, target, options...)
				token := h.prepare(t, op)
				before := h.received(op)
				Fault(c.fault)(t, h.Sandbox)
				e := h.fail(t, op, token)
				least, most := 1, 1
				if c.retried && !once(op) {
					// net/http by itself repeats a GET whose kept-alive
					// connection breaks.
					least, most = 3, 4
				}
				if got := h.received(op) - before; got < least || got > most {
					t.Errorf("sent %d times, want %d to %d", got, least, most)
				}
				if e.Class != c.class || e.AnswerLost != (c.lost && once(op)) {
					t.Errorf("class %q, AnswerLost %v: %v", e.Class, e.AnswerLost, e)
				}
			})
		})
	}
	t.Run("redirect", func(t *testing.T) { testRedirect(t, target) })
}

func testRedirect(t *testing.T, target Target) {
	var followed atomic.Int32
	elsewhere := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { followed.Add(1) }))
	defer elsewhere.Close()
	for _, c := range []struct {
		status int
		class  failure.Class
	}{{301, failure.Config}, {302, failure.Server}, {303, failure.Server}, {307, failure.Server}, {308,
		failure.Config}} {
		t.Run(http.StatusText(c.status), func(t *testing.T) {
			eachOp(t, target, func(t *testing.T, op string) {
				h := New(t, target)
				token := h.prepare(t, op)
				Fault(
					sandbox.Fault{
						Kind:     sandbox.Redirect,
						Status:   c.status,
						Location: elsewhere.URL + "/path?query=" + target.Secrets[0],
					},
				)(
					t,
					h.Sandbox,
				)
				e := h.fail(t, op, token)
				if e.Class != c.class || !strings.Contains(e.Message, elsewhere.URL) || strings.Contains(e.Message, "/path") {
					t.Errorf("class %q, want %q with the origin and no more: %v", e.Class, c.class, e)
				}
			})
		})
	}
	if n := followed.Load(); n != 0 {
		t.Errorf("%d redirects were followed", n)
	}
}

func testRetries(t *testing.T, target Target) {
	for _, c := range []struct {
		name  string
		fault sandbox.Fault
		want  int
		after time.Duration
	}{
		{"503 that says when to come back is sent again up to the limit", sandbox.Fault{Kind: sandbox.HTML, Status: 503, RetryAfter: "0"}, 3, 0},
		{"429 is sent again up to the limit", sandbox.Fault{Kind: sandbox.RateLimited, RetryAfter: "0"}, 3, 0},
		{"429 with a long wait is left to a later run", sandbox.Fault{Kind: sandbox.RateLimited, RetryAfter: "3600"}, 1, time.Hour},
	} {
		t.Run(c.name, func(t *testing.T) {
			eachOp(t, target, func(t *testing.T, op string) {
				h := New(t, target)
				token := h.prepare(t, op)
				before := h.received(op)
				Fault(c.fault)(t, h.Sandbox)
				e := h.fail(t, op, token)
				if e.Class != failure.Retryable || e.AnswerLost || e.RetryAfter != c.after {
					t.Errorf("class %q, AnswerLost %v, RetryAfter %v: %v", e.Class, e.AnswerLost, e.RetryAfter, e)
				}
				if got := h.received(op) - before; got != c.want {
					t.Errorf("sent %d times, want %d", got, c.want)
				}
			})
		})
	}
	t.Run("one that passes is made up for", func(t *testing.T) {
		eachOp(t, target, func(t *testing.T, op string) {
			h := New(t, target)
			token := h.prepare(t, op)
			Fault(sandbox.Fault{Kind: sandbox.HTML, Status: 503, RetryAfter: "0", Count: 2})(t, h.Sandbox)
			if _, err := h.Do(t.Context(), op, token); err != nil {
				t.Error(err)
			}
			checkNoViolations(t, h)
		})
	})
}

func testRedaction(t *testing.T, target Target) {
	eachOp(t, target, func(t *testing.T, op string) {
		for _, status := range []int{400, 401, 403, 404, 409, 422, 423, 429, 500, 503} {
			t.Run(http.StatusText(status), func(t *testing.T) {
				h := New(t, target)
				token := h.prepare(t, op)
				Fault(sandbox.Fault{Kind: sandbox.Echo, Status: status})(t, h.Sandbox)
				h.fail(t, op, token)
			})
		}
	})
}

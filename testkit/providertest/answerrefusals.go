package providertest

import (
	"fmt"
	"net/http"
	"slices"
	"testing"

	"github.com/credsync/credsync/failure"
	"github.com/credsync/credsync/sandbox"
)

// pages begin with markup, whatever they are called.
var pages = []sandbox.Fault{
	{Body: "<html><body>Unauthorized</body></html>", ContentType: "text/html"},
	{Body: "<!DOCTYPE html>\n<html></html>", ContentType: "application/json"},
	{Body: "\xef\xbb\xbf\r\n <html></html>", ContentType: "text/html; charset=utf-8"},
	{Body: "<?xml version=\"1.0\"?><error/>", ContentType: "text/xml"},
	{Body: "<html><head><title>\xc2\xf5\xee\xe4</title></head></html>", ContentType: "text/html; charset=windows-1251"},
}

// testPages: a page comes from something in between, so it says nothing of the account.
func testPages(t *testing.T, target Target) {
	eachOp(t, target, func(t *testing.T, op string) {
		h := New(t, target)
		for _, f := range pages {
			for _, status := range []int{200, 400, 401, 403, 404, 422, 423, 500, 520} {
				f.Kind, f.Status = sandbox.Status, status
				e, _ := h.failOn(t, op, f)
				if e.Class != failure.Server && !(status >= 500 && e.Class == failure.Retryable) || e.Reason != "" {
					t.Errorf("%d, %q: class %q, reason %q", status, f.Body, e.Class, e.Reason)
				}
				h.wantLost(t, op, e, true)
			}
		}
	})
}

// bodiesOfRefusals are those that no document has. Objects stand for those of others.
var bodiesOfRefusals = []struct {
	name, contentType, body string
	kind                    Bodies
}{
	{"empty", "application/json", "", ObjectOrNone},
	{"text", "text/plain; charset=utf-8", "Доступ закрыт", AnyBody},
	{"text in windows-1251", "text/plain; charset=windows-1251", "\xc4\xee\xf1\xf2\xf3\xef", AnyBody},
	{"text in an undeclared charset", "text/plain", "\xc4\xee\xf1\xf2\xf3\xef", AnyBody},
	{"cut short", "application/json", `{"mess`, AnyBody},
	{"a list", "application/json", `["no"]`, AnyBody},
	{"an object", "application/json", `{"said":"no"}`, Object},
	{"an object after a byte order mark", "application/json", "\xef\xbb\xbf{\"said\":\"no\"}", Object},
	{"an object called HTML", "text/html", `{"said":"no"}`, Object},
	{"an object called text", "text/plain", `{"said":"no"}`, Object},
}

// testRefusals: where the document names a status, that decides; any other 4xx to a
// request that carries credentials is an unclassified refusal.
func testRefusals(t *testing.T, target Target, answers Answers) {
	named := []int{400, 401, 403, 404, 422, 423}
	for _, r := range answers.ByStatus {
		named = append(named, r.Status)
	}
	eachOp(t, target, func(t *testing.T, op string) {
		h := New(t, target)
		for status := 400; status <= 499; status++ {
			if passes(status) || status == http.StatusProxyAuthRequired {
				continue
			}
			for i, b := range bodiesOfRefusals {
				if !slices.Contains(named, status) && i != status%len(bodiesOfRefusals) {
					continue
				}
				e, sent := h.failOn(
					t,
					op,
					sandbox.Fault{Kind: sandbox.Status, Status: status, Body: b.body, ContentType: b.contentType},
				)
				what := fmt.Sprintf("%d, %s", status, b.name)
				if sent != 1 {
					t.Errorf("%s: sent %d times", what, sent)
				}
				if known, ok := answers.byStatus(op, status, b.kind); ok {
					if e.Class != known.Class || e.Reason != known.Reason {
						t.Errorf("%s: class %q, reason %q, want %q, %q", what, e.Class, e.Reason, known.Class, known.Reason)
					}
					continue
				}
				checkUnclassified(t, target, op, what, e)
				h.wantLost(t, op, e, true)
			}
		}
	})
}

func checkUnclassified(t *testing.T, target Target, op, what string, e *failure.Error) {
	t.Helper()
	if e.Class != failure.Server {
		t.Errorf("%s: class %q, want %q", what, e.Class, failure.Server)
	}
	if target.carriesCredentials(op) && e.Reason != failure.UnclassifiedRefusal {
		t.Errorf("%s: reason %q, want %q", what, e.Reason, failure.UnclassifiedRefusal)
	}
}

// testFaults: what a server, or something before it, failed at says nothing of the
// account. A read is tried again; of anything else it stays open whether it was done.
func testFaults(t *testing.T, target Target, answers Answers) {
	statuses := []int{
		408,
		425,
		500,
		501,
		502,
		503,
		504,
		505,
		507,
		508,
		509,
		511,
		520,
		521,
		522,
		523,
		524,
		525,
		526,
		527,
		530,
		598,
		599,
	}
	eachOp(t, target, func(t *testing.T, op string) {
		h := New(t, target)
		for _, status := range statuses {
			for _, b := range []string{"", "failed"} {
				if documentedAgain(answers, op, status) {
					continue
				}
				e, sent := h.failOn(t, op, sandbox.Fault{Kind: sandbox.Status, Status: status, Body: b, ContentType: "text/plain"})
				if e.Class != failure.Server && e.Class != failure.Retryable || e.Reason != "" {
					t.Errorf("%d: class %q, reason %q", status, e.Class, e.Reason)
				}
				if sent != sentAgain(op) {
					t.Errorf("%d: sent %d times, want %d", status, sent, sentAgain(op))
				}
				h.wantLost(t, op, e, true)
			}
		}
	})
}

// documentedAgain reports whether the document has a request sent again after a fault of
// that status.
func documentedAgain(answers Answers, op string, status int) bool {
	return slices.ContainsFunc(answers.Again, func(a Again) bool {
		return a.Op == op && (a.AnyFault && status >= 500 || a.AnyBody && status == a.Status)
	})
}

// testAgain: a documented "try again" is done in the same call, as often as a request may
// be sent; if the last one fails too, it stays open whether it was done.
func testAgain(t *testing.T, target Target, answers Answers) {
	for _, a := range answers.Again {
		if a.AnyFault {
			a.Status = http.StatusNotImplemented
		}
		t.Run(fmt.Sprintf("%s %d %s", a.Op, a.Status, a.Body), func(t *testing.T) {
			h := New(t, target)
			f := sandbox.Fault{Kind: sandbox.Status, Status: a.Status, Body: a.Body}
			e, sent := h.failOn(t, a.Op, f)
			if sent != maxAttempts || e.Class != failure.Retryable {
				t.Errorf("sent %d times, class %q; want %d, %q: %v", sent, e.Class, maxAttempts, failure.Retryable, e)
			}
			h.wantLost(t, a.Op, e, true)
			h.Sandbox.ClearFaults()
			f.Op, f.Count = a.Op, maxAttempts-1
			Fault(f)(t, h.Sandbox)
			if _, err := h.Do(t.Context(), a.Op, h.last); err != nil {
				t.Errorf("the last attempt did not make up for the others: %v", err)
			}
		})
	}
}

// testRetryAfter: one that cannot be read, or is longer than a call waits, leaves the
// request to the next run, reads too.
func testRetryAfter(t *testing.T, target Target) {
	eachOp(t, target, func(t *testing.T, op string) {
		h := New(t, target)
		for _, status := range []int{429, 503} {
			for _, value := range []string{
				"86400", "4294967296", "99999999999999999999", "1.5", "1, 2", "5s", "-1", "+5", "soon",
				"Mon, 02 Mar 2026 11:00:00 UTC", "Mon, 02 Mar 2026 11:00:00", "2026-03-02T11:00:00Z",
			} {
				e, sent := h.failOn(t, op, sandbox.Fault{Kind: sandbox.Status, Status: status, RetryAfter: value})
				if sent != 1 || e.Class != failure.Retryable || e.Reason != "" {
					t.Errorf("%d, %q: sent %d times, class %q, reason %q", status, value, sent, e.Class, e.Reason)
				}
			}
		}
	})
}

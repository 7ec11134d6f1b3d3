package providertest

import (
	"context"
	"errors"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/credsync/credsync/credential"
	"github.com/credsync/credsync/failure"
	"github.com/credsync/credsync/sandbox"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// eachOp runs a test for every operation of the target that sends something.
func eachOp(t *testing.T, target Target, f func(t *testing.T, op string)) {
	for _, r := range target.Requests {
		t.Run(r.Op, func(t *testing.T) { f(t, r.Op) })
	}
}

func testSuccess(t *testing.T, target Target) {
	h := New(t, target)
	var received time.Time
	stop := h.Sandbox.OnReceived(func() { received = time.Now() })
	token := h.Login(t)
	stop()
	// A lifetime that is counted from the answer would be too long.
	if !received.IsZero() && token.IssuedAt.After(received) {
		t.Error("IssuedAt is later than the request's arrival")
	}
	out, err := h.Verify(t.Context(), token)
	if err != nil {
		t.Fatalf("Verify: %v", err)
	}
	if token.Access.IsZero() || token.IssuedAt.IsZero() {
		t.Error("the token has no value or no time of issue")
	}
	if target.Spec.Static != token.ExpiresAt.IsZero() {
		t.Errorf("static is %v, but the token expires at %v", target.Spec.Static, token.ExpiresAt)
	}
	if diff := cmp.Diff(target.Outputs, out, cmpopts.EquateEmpty()); diff != "" {
		t.Errorf("outputs (-want +got):\n%s", diff)
	}
	if err := out.Check(); err != nil {
		t.Error(err)
	}
	for _, name := range out.Names() {
		known := false
		for _, o := range target.Spec.Outputs {
			known = known || o.Name == name
		}
		if !known {
			t.Errorf("the output %q is not in the spec's table", name)
		}
	}
	checkNoViolations(t, h)
	h.checkHidden(t, errors.New("none"), token)
}

func checkNoViolations(t *testing.T, h *Harness) {
	t.Helper()
	if v := h.Sandbox.Violations(); len(v) > 0 {
		t.Errorf("protocol violations:\n%s", strings.Join(v, "\n"))
	}
}

func testRequests(t *testing.T, target Target) {
	eachOp(t, target, func(t *testing.T, op string) {
		h := New(t, target)
		token := h.prepare(t, op)
		h.recorder.take()
		if _, err := h.Do(t.Context(), op, token); err != nil {
			t.Fatal(err)
		}
		seen := h.recorder.take()
		if len(seen) != 1 {
			t.Fatalf("%d requests were sent, want 1", len(seen))
		}
		for _, want := range target.Requests {
			if want.Op == op {
				checkRequest(t, want, seen[0], h.base, token)
			}
		}
		checkNoViolations(t, h)
	})
}

func checkRequest(t *testing.T, want Request, got recorded, base string, token credential.Token) {
	t.Helper()
	fill := strings.NewReplacer("{token}", token.Access.Reveal(), "{refresh}", token.Refresh.Reveal()).Replace
	if got.request.Method != want.Method {
		t.Errorf("method %s, want %s", got.request.Method, want.Method)
	}
	if url := got.request.URL.String(); !matches(url, base+fill(want.Path)) {
		t.Errorf("not sent to %s", base+want.Path)
	}
	for name, value := range want.Header {
		values := got.request.Header.Values(name)
		if value == "" && len(values) > 0 {
			t.Errorf("the header %s is sent", name)
		}
		if value != "" && (len(values) != 1 || values[0] != fill(value)) {
			t.Errorf("the header %s is not %q", name, value)
		}
	}
	if got.body != fill(want.Body) {
		t.Errorf("body is not %s", want.Body)
	}
}

// matches reports whether got is want, whose every "{any}" stands for a value.
func matches(got, want string) bool {
	pattern := strings.ReplaceAll(regexp.QuoteMeta(want), regexp.QuoteMeta("{any}"), `(?:[A-Za-z0-9._~-]|%[0-9A-F]{2})+`)
	return regexp.MustCompile("^" + pattern + "$").MatchString(got)
}

func testErrors(t *testing.T, target Target) {
	for _, c := range target.Errors {
		t.Run(c.Name, func(t *testing.T) {
			h := New(t, target, WithAttributes(c.Attributes))
			token := h.prepare(t, c.Op)
			if c.Arrange != nil {
				c.Arrange(t, h.Sandbox)
			}
			if why, ok := target.NotSaid[c.Name]; ok {
				h.wantOtherwise(t, c, token, why)
			}
			e := h.fail(t, c.Op, token)
			if !c.means(e) {
				t.Errorf("got class %q, reason %q, attribute %q; want %q, %q, %q\n%v",
					e.Class, e.Reason, e.Attribute, c.Class, c.Reason, c.Attribute, e)
			}
			checkNoViolations(t, h)
		})
	}
}

func testConcurrency(t *testing.T, target Target) {
	h := New(t, target)
	token := h.Login(t)
	var wg sync.WaitGroup
	for range 16 {
		wg.Go(func() {
			if _, err := h.Verify(t.Context(), token); err != nil {
				t.Errorf("Verify: %v", err)
			}
		})
	}
	wg.Wait()
	checkNoViolations(t, h)
}

func testCancellation(t *testing.T, target Target) {
	eachOp(t, target, func(t *testing.T, op string) {
		t.Run("before", func(t *testing.T) {
			h := New(t, target)
			token := h.prepare(t, op)
			before := h.received(op)
			ctx, cancel := context.WithCancel(t.Context())
			cancel()
			if _, err := h.Do(ctx, op, token); !errors.Is(err, context.Canceled) {
				t.Errorf("got %v, want context.Canceled", err)
			}
			if h.received(op) != before {
				t.Error("a request was sent")
			}
		})
		t.Run("during", func(t *testing.T) {
			h := New(t, target)
			token := h.prepare(t, op)
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			release := h.Sandbox.OnReceived(cancel)
			defer release()
			Fault(sandbox.Fault{Kind: sandbox.Timeout, Op: op})(t, h.Sandbox)
			_, err := h.Do(ctx, op, token)
			if !errors.Is(err, context.Canceled) {
				t.Errorf("got %v, want context.Canceled", err)
			}
			var e *failure.Error
			lost := errors.As(err, &e) && e.AnswerLost
			if lost != once(op) {
				t.Errorf("AnswerLost is %v, want %v", lost, once(op))
			}
		})
	})
}

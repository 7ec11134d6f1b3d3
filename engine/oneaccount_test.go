package engine_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/credsync/credsync/engine"
	"github.com/credsync/credsync/failure"
	"github.com/credsync/credsync/plan"
	"github.com/credsync/credsync/sinks"
	"github.com/credsync/credsync/testkit/memorysink"
)

const addressA = "account.fake.a"

// tend looks and tends, as a daemon does.
func (w *world) tend() engine.AccountResult {
	w.t.Helper()
	e := w.engine()
	return e.ApplyAccount(context.Background(), e.PlanAccount(context.Background(), addressA, false))
}

func TestTendDoesTheWorkAndSaysWhatIsNext(t *testing.T) {
	w := newWorld(t, oneAccount)
	got := w.tend()
	if o := got.Outcome; o == nil || o.Result != engine.Done || o.Action != plan.Issue || o.Logins != 1 ||
		o.Refreshes != 0 {
		t.Fatalf("outcome %+v", o)
	}
	if p := got.Plan; p.Action != plan.None || p.RotateAt.IsZero() || p.Targets[0].Reason != plan.Current ||
		p.Unread() {
		t.Errorf("left is %+v", p.Decision)
	}
	if again := w.tend(); again.Outcome != nil || again.Plan.Reason != plan.Current {
		t.Errorf("a second time: %+v", again)
	}
	w.advance(29 * 24 * time.Hour)
	if o := w.tend().Outcome; o.Action != plan.Refresh || o.Logins != 0 || o.Refreshes != 1 {
		t.Errorf("when it is due: %+v", o)
	}
}

func TestLookOfflineAsksNoUpstream(t *testing.T) {
	w := newWorld(t, oneAccount)
	w.mustApply()
	before := w.up.verifies
	if p := w.engine().PlanAccount(t.Context(), addressA, true); p.Reason != plan.Current || w.up.verifies != before {
		t.Errorf("%s, after %d verifications", p.Reason, w.up.verifies-before)
	}
	if w.engine().PlanAccount(t.Context(), "account.fake.b", true) != nil {
		t.Error("there is a plan for an account that there is not")
	}
}

func TestTendLeavesAnAccountToTheRunThatHasIt(t *testing.T) {
	w := newWorld(t, oneAccount)
	var other engine.AccountResult
	w.up.loginContext = func(context.Context) {
		w.up.loginContext = nil
		w.holder = "runner-2"
		slept := false
		w.sleeping = func() { slept = true }
		// The upstream is asked under a lock of its own.
		w.up.mu.Unlock()
		other = w.tend()
		w.up.mu.Lock()
		if slept {
			t.Error("it waited")
		}
	}
	w.mustApply()
	if other.Outcome != nil || other.HeldUntil.IsZero() || other.HeldUntil.Sub(w.Now()) > 2*time.Minute {
		t.Errorf("%+v until %s", other.Outcome, other.HeldUntil)
	}
	if got := w.up.counts(); got != "logins=1 refreshes=0" {
		t.Error(got)
	}
}

func TestOutcomesNameTheClassOfTheFailure(t *testing.T) {
	late := refuse(failure.Retryable, "log in")
	late.RetryAfter = time.Hour
	for _, tt := range []struct {
		name  string
		spoil func(*world)
		want  failure.Class
	}{
		{"the upstream is busy", func(w *world) { w.up.onLogin = only(1, late) }, "retryable"},
		{"nonsense from the upstream", func(w *world) { w.up.onLogin = only(1, refuse(failure.Server, "log in")) }, "server"},
		{"rejected", func(w *world) { w.up.onLogin = only(1, refuse(failure.Credentials, "log in")) }, "credentials"},
		{"the state is out of reach", func(w *world) { w.sinks["state"].Fail = failing(memorysink.Read, 1, sinks.ErrUnavailable) }, failure.Unavailable},
		{"the state refuses", func(w *world) { w.sinks["state"].Fail = failing(memorysink.Write, 1, sinks.ErrDenied) }, failure.Denied},
		{"a target refuses", func(w *world) { w.sinks["main"].Fail = failing(memorysink.Write, 1, sinks.ErrDenied) }, failure.Denied},
		{"a target is out of reach", func(w *world) { w.sinks["main"].Fail = failing(memorysink.Stat, 1, sinks.ErrUnavailable) }, failure.Unavailable},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t, oneAccount)
			tt.spoil(w)
			got := w.tend()
			if got.Outcome == nil || got.Outcome.Result == engine.Done || got.Outcome.Class != tt.want {
				t.Errorf("outcome %+v", got.Outcome)
			}
			if tt.want == "retryable" && got.Outcome.RetryAfter != time.Hour {
				t.Errorf("asked for an hour, it says %s", got.Outcome.RetryAfter)
			}
			if unread := tt.name == "the state is out of reach"; got.Plan.Unread() != unread {
				t.Errorf("unread is %t", !unread)
			}
		})
	}
}

func TestRemovedTellsAStateOutOfReachFromADamagedRecord(t *testing.T) {
	w := newWorld(t, oneAccount)
	w.mustApply()
	w.hcl = strings.Replace(oneAccount, `account "fake" "a"`, `account "fake" "b"`, 1)
	p, err := w.engine().PlanRemoved(t.Context(), nil)
	if err != nil || len(p.Accounts) != 1 || p.Accounts[0].Address != addressA {
		t.Fatalf("%v, %v", p.Accounts, err)
	}
	for _, path := range w.sinks["state"].Paths() {
		data, _ := w.sinks["state"].Get(path)
		for key := range data {
			delete(data, key)
		}
		w.sinks["state"].Put(path, data)
	}
	if _, err := w.engine().PlanRemoved(t.Context(), nil); err != nil {
		t.Errorf("a damaged record: %v", err)
	}
	w.sinks["state"].Fail = failing(memorysink.List, 1, sinks.ErrUnavailable)
	if _, err := w.engine().PlanRemoved(t.Context(), nil); err == nil {
		t.Error("a state out of reach is no error")
	}
}

func TestAPlanThatWasKeptCannotBeCarriedOut(t *testing.T) {
	w := newWorld(t, oneAccount)
	kept := w.tend().Plan
	defer func() {
		if recover() == nil {
			t.Error("it was carried out")
		}
	}()
	w.engine().ApplyAccount(t.Context(), kept)
}

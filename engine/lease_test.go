package engine_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/credsync/credsync/credential"
	"github.com/credsync/credsync/engine"
	"github.com/credsync/credsync/sinks"
	"github.com/credsync/credsync/testkit/memorysink"
)

// atCall makes a memory sink's hook that runs f at the nth call of an operation.
func atCall(op string, n int, f func()) func(string, sinks.Target) error {
	return func(got string, _ sinks.Target) error {
		if got == op {
			if n--; n == 0 {
				f()
			}
		}
		return nil
	}
}

func TestRecordThatIsDeletedDuringALoginIsWrittenAgain(t *testing.T) {
	w := newWorld(t, oneAccount)
	w.up.loginDone = func() {
		for _, path := range w.sinks["state"].Paths() {
			w.sinks["state"].Remove(path)
		}
	}
	w.mustApply()
	if got := w.delivered("a"); got != "token-1" {
		t.Errorf("delivered %q", got)
	}
	w.expect("a none current")
	if got := w.up.counts(); got != "logins=1 refreshes=0" {
		t.Error(got)
	}
}

// What comes before the login takes time of the lease too; after it another
// run may log in.
func TestLoginEndsBeforeTheLeaseDoes(t *testing.T) {
	w := newWorld(t, oneAccount)
	w.up.revokes = true
	w.sinks["main"].Fail = atCall(memorysink.Preflight, 1, func() { w.advance(time.Minute) })
	var left time.Duration
	w.up.loginContext = func(ctx context.Context) {
		deadline, _ := ctx.Deadline()
		left = time.Until(deadline)
	}
	w.mustApply()
	if left <= 0 || left > time.Minute {
		t.Errorf("the login had %s, with a minute of the lease left", left)
	}
}

func TestNoLoginOnceTheLeaseHasRunOut(t *testing.T) {
	w := newWorld(t, oneAccount)
	w.up.revokes = true
	w.sinks["main"].Fail = atCall(memorysink.Preflight, 1, func() { w.advance(5 * time.Minute) })
	if s := w.apply(); s.Count(engine.Failed) != 1 || w.up.counts() != "logins=0 refreshes=0" {
		t.Errorf("%s %+v", w.up.counts(), s.Outcomes)
	}
	w.mustApply()
}

// A state that was out of reach for long must not leave the rest of the work
// without a lease.
func TestJournalRenewsTheLease(t *testing.T) {
	w := newWorld(t, oneAccount)
	w.up.loginDone = func() { w.sinks["state"].Fail = failing(memorysink.Write, 30, sinks.ErrUnavailable) }
	var other *engine.Summary
	w.sinks["main"].Fail = atCall(memorysink.Write, 1, func() {
		w.holder = "runner-2"
		e := w.engine()
		ctx, cancel := context.WithCancel(context.Background())
		w.sleeping = cancel
		other = e.Apply(ctx, e.Plan(ctx, engine.Request{}), ignore{})
		w.sleeping = nil
	})
	w.mustApply()
	if other == nil || other.Count(engine.Done) != 0 {
		t.Errorf("another run went to work at the same time: %+v", other)
	}
}

// A run that slept through its lease must not put its token over that of the
// run that came after it.
func TestHeldUpRunLeavesTheTargetToItsSuccessor(t *testing.T) {
	w := newWorld(t, oneAccount)
	w.mustApply()
	w.advance(29 * 24 * time.Hour)
	w.sinks["main"].Fail = atCall(memorysink.Write, 1, func() {
		w.advance(5 * time.Minute)
		w.sinks["main"].Put("a", map[string]credential.Secret{"access_token": credential.NewSecret("newer")})
	})
	if s := w.apply(); s.Count(engine.Failed) != 1 {
		t.Errorf("%+v", s.Outcomes)
	}
	if got := w.delivered("a"); got != "newer" {
		t.Errorf("the target holds %q", got)
	}
}

// A run with nothing to do writes nothing while another holds the lease.
func TestNotesDoNotCostAnotherRunItsLease(t *testing.T) {
	hcl := `
sink "memory" "main" {}
sink "memory" "state" { name = "state" }
state "memory" "state" { path = "state" }
account "fake" "a" {
  password     = "pw"
  verify_every = "1h"
  deliver "memory" "main" { path = "a" }
}
`
	w := newWorld(t, hcl)
	w.mustApply()
	w.advance(2 * time.Hour)
	// The second write is the journal's.
	w.sinks["state"].Fail = atCall(memorysink.Write, 2, func() {
		w.holder = "runner-2"
		w.mustApply()
	})
	s := w.applyWith(context.Background(), engine.Request{Replace: []string{"fake.a"}})
	if s.Count(engine.Done) != 1 {
		t.Fatalf("%+v", s.Outcomes)
	}
	if got := w.delivered("a"); got != "token-2" {
		t.Errorf("the target holds %q", got)
	}
}

// A first token rests on the record alone, which the lease's write compares, and
// a target is looked at again where it is claimed.
func TestFirstTokenNeedsNoSecondLookAfterAPause(t *testing.T) {
	w := newWorld(t, oneAccount)
	e := w.engine()
	p := e.Plan(t.Context(), engine.Request{})
	w.advance(10 * time.Minute)
	reads := 0
	w.sinks["state"].Fail = func(op string, _ sinks.Target) error {
		if op == memorysink.Read {
			reads++
		}
		return nil
	}
	if s := e.Apply(t.Context(), p, ignore{}); s.Diagnostics.HasErrors() || len(s.Outcomes) != 1 ||
		s.Outcomes[0].Result != engine.Done {
		t.Fatalf("%+v", s)
	}
	if reads != 0 {
		t.Errorf("the record was read %d more times", reads)
	}
	w.expect("a none current")
}

func TestRotationIsPlannedAnewAfterAPause(t *testing.T) {
	w := newWorld(t, oneAccount)
	w.mustApply()
	e := w.engine()
	p := e.Plan(t.Context(), engine.Request{Replace: []string{w.config().Accounts[0].Address}})
	w.advance(time.Minute)
	reads := 0
	w.sinks["state"].Fail = func(op string, _ sinks.Target) error {
		if op == memorysink.Read {
			reads++
		}
		return nil
	}
	e.Apply(t.Context(), p, ignore{})
	if reads == 0 {
		t.Error("the record was not read again")
	}
}

// A person, or a CI system that stops the run, must not be left to guess what it waits for.
func TestWaitingForAnotherRunSaysWhoseLeaseAndUntilWhen(t *testing.T) {
	w := newWorld(t, oneAccount)
	var said []string
	var other *engine.Summary
	w.up.loginDone = func() {
		w.up.loginDone = nil
		w.holder = "runner-2"
		e := w.engine()
		e.Waiting = func(address, held string) { said = append(said, address+": "+held) }
		ctx, stop := context.WithCancel(context.Background())
		p := e.Plan(ctx, engine.Request{})
		w.sleeping = stop
		other = e.Apply(ctx, p, ignore{})
		w.sleeping = nil
	}
	w.mustApply()
	const held = "runner-1 has held its lease since 12:00:00 UTC, until 12:02:00 UTC"
	if len(said) != 1 || said[0] != "account.fake.a: "+held {
		t.Errorf("said %q", said)
	}
	if other == nil || other.Count(engine.Failed) != 1 {
		t.Fatalf("the other run: %+v", other)
	}
	if got := other.Outcomes[0].Message; !strings.Contains(got, held) ||
		!strings.Contains(got, "told to stop while it waited") ||
		strings.Contains(got, "anceled") {
		t.Errorf("it says %q", got)
	}
}

// No login is begun by a run that was told to stop: it may not have the time for the answer.
func TestNoTokenIsAskedForAfterTheStop(t *testing.T) {
	w := newWorld(t, oneAccount)
	w.up.revokes = true
	ctx, stop := context.WithCancel(context.Background())
	w.sinks["main"].Fail = atCall(memorysink.Preflight, 1, stop)
	s := w.applyWith(ctx, engine.Request{})
	if s.Count(engine.Failed) != 1 || w.up.counts() != "logins=0 refreshes=0" || !strings.Contains(s.Outcomes[0].Message, "told to stop") {
		t.Errorf("%s %+v", w.up.counts(), s.Outcomes)
	}
	w.mustApply()
}

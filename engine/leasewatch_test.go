package engine_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/credsync/credsync/engine"
	"github.com/credsync/credsync/plan"
	"github.com/credsync/credsync/state"
	"github.com/credsync/credsync/testkit/memorysink"
)

// edit changes the record of account.fake.a as another machine would.
func (w *world) edit(change func(*state.Record)) {
	w.t.Helper()
	store := w.engine().Store
	snap, err := store.Load(context.Background(), addressA)
	if err != nil {
		w.t.Fatal(err)
	}
	if snap.Record == nil {
		snap.Record = state.New("default", addressA, "fake")
	}
	change(snap.Record)
	if _, err := store.Save(context.Background(), snap.Record, snap.Version); err != nil {
		w.t.Fatal(err)
	}
}

// stored is the record of account.fake.a.
func (w *world) stored() *state.Record {
	w.t.Helper()
	snap, err := w.engine().Store.Load(context.Background(), addressA)
	if err != nil || snap.Record == nil {
		w.t.Fatalf("there is no record: %v", err)
	}
	return snap.Record
}

// lease has another machine take the account's lease; its clock is ahead by that.
func (w *world) lease(ahead time.Duration) {
	w.t.Helper()
	w.edit(func(r *state.Record) {
		r.Lease = &state.Lease{Holder: "runner-2", ExpiresAt: w.Now().Add(ahead + state.LeaseLife)}
	})
}

// took wants what f does to take that long, by the clock that nobody sets; what
// observing and polling take comes on top.
func (w *world) took(least, most time.Duration, f func()) {
	w.t.Helper()
	began := w.Elapsed()
	f()
	if got := w.Elapsed() - began; got < least || got > most {
		w.t.Errorf("it took %s, want %s to %s", got, least, most)
	}
}

// One look more than a life: the one that finds it unchanged for so long.
const leaseLifeSeen = state.LeaseLife + time.Second

var verifiedHourly = strings.Replace(oneAccount, `user     = "u"`, `verify_every = "1h"`, 1)

func (w *world) mustReplace() {
	w.t.Helper()
	if s := w.applyWith(context.Background(), engine.Request{Replace: []string{"fake.a"}}); s.Count(engine.Done) != 1 {
		w.t.Fatalf("%+v", s.Outcomes)
	}
}

func TestLeaseIsOverOnceItWasSeenUnchangedForOneLife(t *testing.T) {
	for _, ahead := range []time.Duration{time.Second, 6 * time.Hour, 20 * 365 * 24 * time.Hour} {
		t.Run(ahead.String(), func(t *testing.T) {
			w := newWorld(t, oneAccount)
			w.mustApply()
			w.advance(time.Hour)
			w.lease(ahead)
			w.took(state.LeaseLife, leaseLifeSeen, w.mustReplace)
			if got := w.delivered("a"); got != "token-2" {
				t.Errorf("delivered %q", got)
			}
		})
	}
}

// The daemon does not wait, and remembers what it has seen.
func TestDaemonLooksAgainOnceALeaseOfAWrongClockIsOver(t *testing.T) {
	w := newWorld(t, oneAccount)
	w.lease(6 * time.Hour)
	e := w.engine()
	look := func() engine.AccountResult {
		return e.ApplyAccount(t.Context(), e.PlanAccount(t.Context(), addressA, false))
	}
	first := look()
	if left := first.HeldUntil.Sub(w.Now()); first.Outcome != nil || left != state.LeaseLife {
		t.Fatalf("held for %s, %+v", left, first.Outcome)
	}
	w.advance(state.LeaseLife - time.Second)
	if left := look().HeldUntil.Sub(w.Now()); left != time.Second {
		t.Errorf("held for %s", left)
	}
	w.advance(time.Second)
	if o := look().Outcome; o == nil || o.Result != engine.Done {
		t.Errorf("%+v", o)
	}
}

func TestLeaseThatIsWrittenAgainBeginsAnew(t *testing.T) {
	w := newWorld(t, oneAccount)
	w.mustApply()
	w.lease(6 * time.Hour)
	looks := 0
	w.sleeping = func() {
		if looks++; looks == 200 {
			w.lease(6 * time.Hour)
		}
	}
	w.took(state.LeaseLife+100*time.Second, leaseLifeSeen+100*time.Second, w.mustReplace)
}

func TestLeaseIsMeasuredByAClockThatNobodySets(t *testing.T) {
	for _, set := range []time.Duration{-6 * time.Hour, 6 * time.Hour} {
		t.Run(set.String(), func(t *testing.T) {
			w := newWorld(t, oneAccount)
			w.mustApply()
			w.lease(0)
			looks := 0
			w.sleeping = func() {
				if looks++; looks == 1 {
					w.setClock(set)
				}
			}
			w.took(state.LeaseLife, leaseLifeSeen, w.mustReplace)
		})
	}
}

// The clock of the run that is at work is six hours behind, so that its lease looks over.
// What this process knows shows that it is not.
func TestLeaseOfAClockThatIsBehindIsLeftToItsHolder(t *testing.T) {
	const behind = -6 * time.Hour
	t.Run("this process has seen the record without it", func(t *testing.T) {
		w := newWorld(t, oneAccount)
		w.mustApply()
		w.advance(24 * time.Hour)
		e := w.engine()
		p := e.Plan(t.Context(), engine.Request{Replace: []string{"fake.a"}})
		w.lease(behind)
		w.took(state.LeaseLife, leaseLifeSeen, func() {
			if s := e.Apply(t.Context(), p, ignore{}); s.Count(engine.Done) != 1 {
				t.Errorf("%+v", s.Outcomes)
			}
		})
	})
	t.Run("the record has something later", func(t *testing.T) {
		w := newWorld(t, oneAccount)
		w.mustApply()
		w.advance(time.Hour)
		w.lease(behind)
		w.took(state.LeaseLife, leaseLifeSeen, w.mustReplace)
	})
	t.Run("the daemon was there an hour ago", func(t *testing.T) {
		w := newWorld(t, oneAccount)
		w.mustApply()
		w.advance(29 * 24 * time.Hour)
		e := w.engine()
		look := func() *engine.AccountPlan { return e.PlanAccount(t.Context(), addressA, true) }
		look()
		w.advance(time.Hour)
		w.lease(behind)
		look()
		w.advance(state.LeaseLife - time.Second)
		if held := e.ApplyAccount(t.Context(), look()); held.HeldUntil.Sub(w.Now()) != time.Second {
			t.Errorf("%+v", held.Outcome)
		}
		w.advance(time.Second)
		if o := e.ApplyAccount(t.Context(), look()).Outcome; o == nil || o.Result != engine.Done {
			t.Errorf("%+v", o)
		}
	})
}

// A run that was killed long ago costs nobody a wait.
func TestLeaseThatIsOverIsTakenAtOnce(t *testing.T) {
	w := newWorld(t, oneAccount)
	w.mustApply()
	w.lease(0)
	w.advance(time.Hour)
	w.took(0, 0, w.mustReplace)
}

// There is nothing to do but to verify the token and to say so. What is written then is
// later than the lease, which must not look like that of a clock that is behind.
func TestNotesTakeALeaseOutThatIsOver(t *testing.T) {
	w := newWorld(t, verifiedHourly)
	w.mustApply()
	w.lease(0)
	w.advance(2 * time.Hour)
	w.took(0, 0, func() { w.mustApply() })
	if r := w.stored(); r.Lease != nil || !r.Current.VerifiedAt.Equal(w.Now()) {
		t.Errorf("lease %+v, verified at %s", r.Lease, r.Current.VerifiedAt)
	}
	w.took(0, 0, w.mustReplace)
}

// Where there is nothing else to do, the lease of a wrong clock would keep notes and
// notifications of each process back for as long as its clock is ahead.
func TestApplyWithNothingToDoEndsTheLeaseOfAWrongClock(t *testing.T) {
	w, h := newNotifiedWorld(t, wrongPassword+oncall)
	h.fail = fmt.Errorf("the webhook is away")
	w.apply()
	h.fail = nil
	w.advance(time.Hour)
	w.lease(6 * time.Hour)
	w.took(state.LeaseLife, leaseLifeSeen, func() { w.apply() })
	h.want(t, "blocked credentials_rejected")
	if l := w.stored().Lease; l != nil {
		t.Errorf("the lease is still there: %+v", l)
	}
	w.took(0, 0, func() { w.apply() })
}

// Where the clocks agree, a run with nothing to do has no reason to wait.
func TestApplyWithNothingToDoDoesNotWaitForARunAtWork(t *testing.T) {
	for _, ahead := range []time.Duration{0, 10 * time.Second} {
		w := newWorld(t, oneAccount)
		w.mustApply()
		w.lease(ahead)
		w.took(0, 0, func() { w.mustApply() })
		if w.stored().Lease == nil {
			t.Error("the lease was taken out")
		}
	}
}

// An account that goes leaves what it knows of rejections to one that a run was killed at.
func TestRejectionIsBequeathedOnceALeaseIsOver(t *testing.T) {
	w := newWorld(t, wrongPassword)
	w.apply()
	w.hcl = strings.NewReplacer(`"fake" "a"`, `"fake" "b"`, `path = "a"`, `path = "b"`).Replace(wrongPassword)
	store := w.engine().Store
	b := state.New("default", "account.fake.b", "fake")
	b.Lease = &state.Lease{Holder: "runner-2", ExpiresAt: w.Now().Add(state.LeaseLife)}
	if _, err := store.Save(t.Context(), b, ""); err != nil {
		t.Fatal(err)
	}
	for _, o := range w.apply().Outcomes {
		if o.Result == engine.Failed {
			t.Errorf("%+v", o)
		}
	}
	snap, err := store.Load(t.Context(), b.Address)
	if err != nil || len(snap.Record.Rejections) != 1 {
		t.Errorf("%+v, %v", snap.Record, err)
	}
}

// The clock is set back while the run is at work: its lease does not last longer for it.
func TestNoLoginOnceTheLeaseHasRunOutByAClockThatNobodySets(t *testing.T) {
	w := newWorld(t, oneAccount)
	w.up.revokes = true
	w.sinks["main"].Fail = atCall(memorysink.Preflight, 1, func() {
		w.advance(5 * time.Minute)
		w.setClock(-6 * time.Hour)
	})
	if s := w.apply(); s.Count(engine.Failed) != 1 || w.up.counts() != "logins=0 refreshes=0" {
		t.Errorf("%s %+v", w.up.counts(), s.Outcomes)
	}
}

// A machine that sleeps lets its other clock stand still.
func TestNoLoginOnceTheLeaseHasRunOutBesideASleepingMachine(t *testing.T) {
	w := newWorld(t, oneAccount)
	w.up.revokes = true
	w.sinks["main"].Fail = atCall(memorysink.Preflight, 1, func() { w.setClock(5 * time.Minute) })
	if s := w.apply(); s.Count(engine.Failed) != 1 || w.up.counts() != "logins=0 refreshes=0" {
		t.Errorf("%s %+v", w.up.counts(), s.Outcomes)
	}
}

// A token is waiting in an emergency file behind the lease of a wrong clock.
func TestEmergencyFileIsUsedOnceTheLeaseOfAWrongClockIsOver(t *testing.T) {
	w, _ := rescued(t)
	w.alive = nil
	w.edit(func(r *state.Record) { r.Lease.ExpiresAt = r.Lease.ExpiresAt.Add(6 * time.Hour) })
	w.took(state.LeaseLife, leaseLifeSeen, func() { w.mustApply() })
	if got := w.delivered("a"); got != "token-1" || w.up.counts() != "logins=1 refreshes=0" {
		t.Errorf("%s, delivered %q", w.up.counts(), got)
	}
	wantNoFiles(t, w)
}

func TestMovedRecordIsTakenPastTheLeaseOfAWrongClock(t *testing.T) {
	w := newWorld(t, oneAccount)
	w.mustApply()
	w.lease(6 * time.Hour)
	w.hcl = strings.Replace(oneAccount, `account "fake" "a"`, `account "fake" "b"`, 1) + movedBlock("a", "b")
	w.took(state.LeaseLife, 2*leaseLifeSeen, func() { w.mustApply() })
	if p := w.plan(engine.Request{}); p.Accounts[0].Reason != plan.Current || w.up.counts() != "logins=1 refreshes=0" {
		t.Errorf("%s, %+v", w.up.counts(), p.Accounts[0].Decision)
	}
}

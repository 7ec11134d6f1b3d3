package engine_test

import (
	"testing"
	"time"

	"github.com/credsync/credsync/engine"
	"github.com/credsync/credsync/sinks"
	"github.com/credsync/credsync/testkit/memorysink"
)

const twoSinks = `
sink "memory" "main" {}
sink "memory" "other" { name = "other" }
sink "memory" "state" { name = "state" }
state "memory" "state" { path = "state" }
account "fake" "a" {
  password = "pw"
  deliver "memory" "main" { path = "a" }
  deliver "memory" "other" { path = "a" }
}
`

// A sink that is out of reach keeps the token from its own targets only.
func TestSinkThatIsDownHoldsBackNoOther(t *testing.T) {
	for _, firstDelivered := range []bool{false, true} {
		w := newWorld(t, twoSinks)
		if firstDelivered {
			w.mustApply()
			w.advance(29 * 24 * time.Hour)
		}
		w.sinks["other"].Fail = failing(memorysink.Stat, 1000, sinks.ErrUnavailable)
		p := w.plan(engine.Request{})
		if !p.Diagnostics.HasErrors() {
			t.Error("plan says nothing of the sink that is down")
		}
		s := w.apply()
		if s.Count(engine.Failed) != 1 {
			t.Errorf("the apply did not fail: %+v", s.Outcomes)
		}
		token := w.delivered("a")
		if want := map[bool]string{false: "token-1", true: "token-2"}[firstDelivered]; token != want {
			t.Errorf("the sink that works holds %q, want %q", token, want)
		}
		w.expect("a none unreadable")
		if s := w.apply(); s.Count(engine.Failed) != 1 {
			t.Errorf("an apply that cannot look at a target did not fail: %+v", s.Outcomes)
		}
		counts := w.up.counts()
		w.sinks["other"].Fail = nil
		w.mustApply()
		data, _ := w.sinks["other"].Get("a")
		if got := data["access_token"].Reveal(); got != token {
			t.Errorf("the sink that is back holds %q, want %q", got, token)
		}
		if got := w.up.counts(); got != counts {
			t.Errorf("%s, before %s", got, counts)
		}
		w.expect("a none current")
	}
}

func TestNothingIsSpentWhileATargetCannotBeLookedAt(t *testing.T) {
	w := newWorld(t, twoSinks)
	w.up.revokes = true
	w.unmarked["other"] = true
	w.sinks["other"].Fail = failing(memorysink.Stat, 1000, sinks.ErrUnavailable)
	if s := w.apply(); s.Count(engine.Failed) != 1 || w.up.counts() != "logins=0 refreshes=0" {
		t.Errorf("%s %+v", w.up.counts(), s.Outcomes)
	}
}

func TestTargetThatCannotBeRenderedHoldsBackNoOther(t *testing.T) {
	w := newWorld(t, twoSinks[:len(twoSinks)-2]+`
  deliver "memory" "main" {
    path = "b"
    data = { N = tostring(tonumber(token.access_token)) }
  }
}`)
	if s := w.apply(); s.Count(engine.Failed) != 1 {
		t.Errorf("%+v", s.Outcomes)
	}
	if got := w.delivered("a"); got != "token-1" {
		t.Errorf("the good target holds %q", got)
	}
}

// The journal's write arrived and its answer did not; then the state could not
// be read for a moment, which says nothing of who wrote there.
func TestJournalSurvivesALostAnswerAndAFailedLook(t *testing.T) {
	w := newWorld(t, oneAccount)
	w.up.loginDone = func() {
		w.sinks["state"].Lose = failing(memorysink.Write, 1, sinks.ErrUnavailable)
		w.sinks["state"].Fail = failing(memorysink.Read, 2, sinks.ErrUnavailable)
	}
	w.mustApply()
	if got := w.delivered("a"); got != "token-1" || w.up.counts() != "logins=1 refreshes=0" {
		t.Errorf("%s, delivered %q", w.up.counts(), got)
	}
	if left := emergencyFiles(t, w); len(left) > 0 {
		t.Errorf("emergency files are left: %v", left)
	}
}

// A sink that repeats a write whose answer was lost finds a conflict with
// itself, and may be unable to tell.
func TestJournalThatConflictsWithItselfIsNoLostLease(t *testing.T) {
	for name, failReads := range map[string]int{"the state can be read": 0, "the state cannot be read for a moment": 2} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, oneAccount)
			w.up.loginDone = func() {
				w.sinks["state"].Lose = failing(memorysink.Write, 1, sinks.ErrConflict)
				w.sinks["state"].Fail = failing(memorysink.Read, failReads, sinks.ErrUnavailable)
			}
			w.mustApply()
			if got := w.delivered("a"); got != "token-1" || w.up.counts() != "logins=1 refreshes=0" {
				t.Errorf("%s, delivered %q", w.up.counts(), got)
			}
			if left := emergencyFiles(t, w); len(left) > 0 {
				t.Errorf("emergency files are left: %v", left)
			}
		})
	}
}

// The same at the end of a run: what was committed is no failure.
func TestCommitThatConflictsWithItselfIsNoFailure(t *testing.T) {
	w := newWorld(t, oneAccount)
	w.sinks["main"].Lose = atCall(memorysink.Write, 1, func() {
		w.sinks["state"].Lose = failing(memorysink.Write, 1, sinks.ErrConflict)
	})
	w.mustApply()
	w.expect("a none current")
}

// The commit's answer was lost. Before it is tried again, another run delivers
// what this one could not, with the same token; what that run recorded stays.
func TestCommitThatIsRepeatedLeavesWhatAnotherRunHasAdded(t *testing.T) {
	w := newWorld(t, twoSinks)
	w.unmarked["other"] = true
	w.sinks["other"].Fail = failing(memorysink.Write, 1, sinks.ErrUnavailable)
	w.sinks["main"].Lose = atCall(memorysink.Write, 1, func() {
		w.sinks["state"].Lose = failing(memorysink.Write, 1, sinks.ErrUnavailable)
	})
	w.sleeping = func() {
		w.sleeping = nil
		w.holder = "runner-2"
		w.mustApply()
		w.holder = "runner-1"
	}
	w.apply()
	w.expect("a none current")
	w.mustApply()
}

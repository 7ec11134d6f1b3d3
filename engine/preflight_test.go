package engine_test

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/credsync/credsync/credential"
	"github.com/credsync/credsync/engine"
	"github.com/credsync/credsync/plan"
	"github.com/credsync/credsync/sinks"
	"github.com/credsync/credsync/testkit/memorysink"
)

// twoPlaces is oneAccount with a second deliver block.
var twoPlaces = strings.Replace(oneAccount, `deliver "memory" "main" { path = "a" }`, `deliver "memory" "main" { path = "a" }
  deliver "memory" "main" { path = "b" }`, 1)

var errNoNamespace = errors.New("no such namespace")

// refusing is a sink where a write of that path would fail.
func refusing(path string, err error) func(string, sinks.Target) error {
	return func(op string, t sinks.Target) error {
		if t.Path == path && (op == memorysink.Preflight || op == memorysink.Claim || op == memorysink.Write) {
			return err
		}
		return nil
	}
}

var tried = engine.Request{Preflight: true, LookOnly: true}

// What a write would meet is found out before a login: at plan, and by apply.
func TestNoLoginIsMadeForATargetThatCannotBeWritten(t *testing.T) {
	for name, revokes := range map[string]bool{"a login that revokes": true, "any other": false} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, oneAccount)
			w.up.revokes = revokes
			w.sinks["main"].Fail = refusing("a", errNoNamespace)
			w.expectOf(tried, "a none unwritable")
			p := w.plan(tried)
			if target := p.Accounts[0].Targets[0]; target.Action != plan.None || target.Reason != plan.Unwritable ||
				!strings.Contains(target.Message, "no such namespace") {
				t.Errorf("%+v", target)
			}
			if !p.Diagnostics.HasErrors() || len(p.Diagnostics) != 1 || p.Diagnostics[0].Summary != "A target cannot be written" {
				t.Errorf("%+v", p.Diagnostics)
			}
			for _, req := range []engine.Request{{}, {Preflight: true}} {
				s := w.applyWith(t.Context(), req)
				if s.Count(engine.Failed) != 1 || w.up.counts() != "logins=0 refreshes=0" || !strings.Contains(s.Outcomes[0].Message, "no such namespace") {
					t.Fatalf("%s %+v", w.up.counts(), s.Outcomes)
				}
			}
			w.sinks["main"].Fail = nil
			w.expectOf(tried, "a issue no_token")
			w.mustApply()
		})
	}
}

func TestOneTargetThatCannotBeWrittenHoldsBackOnlyWhatSpends(t *testing.T) {
	w := newWorld(t, twoPlaces)
	w.sinks["main"].Fail = refusing("b", errNoNamespace)
	w.expectOf(tried, "a issue no_token")
	targets := w.plan(tried).Accounts[0].Targets
	if targets[0].Action != plan.Deliver || targets[1].Reason != plan.Unwritable {
		t.Errorf("%+v", targets)
	}
	if s := w.apply(); s.Count(engine.Failed) != 1 || w.delivered("a") != "token-1" || w.up.counts() != "logins=1 refreshes=0" {
		t.Errorf("%s %+v", w.up.counts(), s.Outcomes)
	}

	w = newWorld(t, twoPlaces)
	w.up.revokes = true
	w.sinks["main"].Fail = refusing("b", errNoNamespace)
	w.expectOf(tried, "a none unwritable")
	if s := w.apply(); s.Count(engine.Failed) != 1 || w.up.counts() != "logins=0 refreshes=0" {
		t.Errorf("%s %+v", w.up.counts(), s.Outcomes)
	}
}

// Whoever plans is often allowed less than who applies.
func TestAPermissionThatThePlanLacksIsOnlySaid(t *testing.T) {
	w := newWorld(t, oneAccount)
	w.sinks["main"].Fail = refusing("a", sinks.ErrDenied)
	w.expectOf(tried, "a issue no_token")
	p := w.plan(tried)
	if p.Diagnostics.HasErrors() || !strings.Contains(p.Accounts[0].Targets[0].Message, "has no permission to write it") {
		t.Errorf("%+v %+v", p.Accounts[0].Targets, p.Diagnostics)
	}
	if s := w.apply(); s.Count(engine.Failed) != 1 || w.up.counts() != "logins=0 refreshes=0" {
		t.Errorf("%s %+v", w.up.counts(), s.Outcomes)
	}
	// To authenticate writes no target, so that it needs no permission to.
	w.engine().Authenticate(t.Context(), w.plan(engine.Request{}), ignore{})
	if w.up.counts() != "logins=1 refreshes=0" {
		t.Error(w.up.counts())
	}
}

// A place where a token was delivered is known to be writable; looking again costs
// requests, and nothing is lost where it has changed. An outage is waited for likewise.
func TestWhatIsTriedBeforeALoginThatSpendsNothing(t *testing.T) {
	w := newWorld(t, oneAccount)
	w.sinks["main"].Fail = failing(memorysink.Preflight, 1, sinks.ErrUnavailable)
	w.mustApply()
	before := w.sinks["main"].Calls(memorysink.Preflight)
	w.applyWith(context.Background(), engine.Request{Replace: []string{"fake.a"}})
	if n := w.sinks["main"].Calls(memorysink.Preflight) - before; n != 0 || w.up.counts() != "logins=2 refreshes=0" {
		t.Errorf("tried %d times, %s", n, w.up.counts())
	}
	w.up.revokes = true
	w.applyWith(context.Background(), engine.Request{Replace: []string{"fake.a"}})
	if n := w.sinks["main"].Calls(memorysink.Preflight) - before; n != 1 {
		t.Errorf("tried %d times before a login that revokes", n)
	}
	w.expectOf(tried, "a none current")
	if n := w.sinks["main"].Calls(memorysink.Preflight) - before; n != 1 {
		t.Errorf("tried %d times for a token that is current", n)
	}
}

// What the plan has tried just before is not tried again, unless the login spends something
// or the plan has become old.
func TestWhatThePlanHasTriedIsNotTriedAgain(t *testing.T) {
	for name, tc := range map[string]struct {
		revokes bool
		since   time.Duration
		trials  int
	}{
		"just now":                {trials: 1},
		"long ago":                {since: time.Hour, trials: 2},
		"before one that revokes": {revokes: true, trials: 2},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, oneAccount)
			w.up.revokes = tc.revokes
			e := w.engine()
			p := e.Plan(t.Context(), engine.Request{Preflight: true})
			w.advance(tc.since)
			e.Apply(t.Context(), p, ignore{})
			if n := w.sinks["main"].Calls(memorysink.Preflight); n != tc.trials || w.delivered("a") != "token-1" {
				t.Errorf("tried %d times, delivered %q", n, w.delivered("a"))
			}
		})
	}
}

// A target that was to be deleted and that someone has changed is left: plan says it,
// and a plan saved before the change is still good, since less is done.
func TestAChangedTargetIsPlannedToBeLeft(t *testing.T) {
	for name, hcl := range map[string]string{"the account has gone": strings.Split(oneAccount, "account")[0], "the deliver block has moved": movedTo("new")} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, strings.Replace(oneAccount, `user     = "u"`, "user = \"u\"\n  on_remove = \"delete\"", 1))
			w.mustApply()
			w.hcl = hcl
			if name != "the account has gone" {
				// The new place has to hold the token first.
				w.sinks["main"].Fail = failing(memorysink.Delete, 100, sinks.ErrUnavailable)
				w.apply()
				w.sinks["main"].Fail = nil
			}
			e := w.engine()
			var file bytes.Buffer
			if err := e.Save(&file, e.Plan(t.Context(), engine.Request{})); err != nil {
				t.Fatal(err)
			}
			w.sinks["main"].Put("a", map[string]credential.Secret{"x": credential.NewSecret("someone else's")})
			p := w.plan(engine.Request{LookOnly: true})
			targets := engine.Document(p).Accounts[0].Targets
			target := targets[len(targets)-1]
			if target.Action != plan.Forget || target.Reason != plan.TargetDrifted ||
				!strings.Contains(target.Message, "was changed by someone else") {
				t.Fatalf("%+v", targets)
			}
			saved, err := engine.LoadSaved(file.Bytes())
			if err != nil {
				t.Fatal(err)
			}
			e = w.engine()
			p = e.PlanSaved(t.Context(), saved)
			if p.Diagnostics.HasErrors() {
				t.Fatalf("%+v", p.Diagnostics)
			}
			s := e.Apply(t.Context(), p, ignore{})
			if len(s.Outcomes) != 1 || len(s.Outcomes[0].Diagnostics) != 1 || s.Outcomes[0].Diagnostics[0].Summary != "A target was left alone" {
				t.Errorf("%+v", s.Outcomes)
			}
			if _, ok := w.sinks["main"].Get("a"); !ok {
				t.Error("it was deleted")
			}
		})
	}
}

package engine_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/credsync/credsync/credential"
	"github.com/credsync/credsync/engine"
	"github.com/credsync/credsync/failure"
	"github.com/credsync/credsync/plan"
	"github.com/credsync/credsync/providers"
	"github.com/credsync/credsync/schema"
	"github.com/credsync/credsync/state"
)

// rotating makes the upstream one whose refresh tokens work once, and again within the
// grace.
func rotating(t *testing.T, grace time.Duration, revokes bool) *world {
	w := newWorld(t, oneAccount)
	w.up.rotates, w.up.grace, w.up.refreshRevokes = true, grace, revokes
	w.up.spec = func(s *providers.Spec) {
		s.LoginShape, s.RefreshSpends = []byte("POST /token"), true
		s.ReuseGrace = func(schema.Values) time.Duration { return grace }
		s.RefreshRevokes = func(schema.Values) bool { return revokes }
	}
	w.mustApply()
	w.advance(29 * 24 * time.Hour)
	return w
}

func lostRefresh() error {
	return &failure.Error{Class: failure.Retryable, Op: "refresh the token", AnswerLost: true, Message: "timeout"}
}

// killedAtRefresh applies as a process that is killed once the upstream has refreshed: the
// record is as the lease left it.
func (w *world) killedAtRefresh(processed bool) {
	w.t.Helper()
	path := "state/" + state.RecordName("default", "account.fake.a")
	var left map[string]credential.Secret
	kill := func() error {
		left, _ = w.sinks["state"].Get(path)
		return errors.New("killed")
	}
	if processed {
		w.up.refreshDone = kill
	} else {
		w.up.onRefresh = kill
	}
	w.apply()
	w.up.refreshDone, w.up.onRefresh = nil, nil
	w.sinks["state"].Put(path, left)
	w.advance(3 * time.Minute) // the lease has ended
}

func TestLostRefreshIsAskedForAgainWithinTheGrace(t *testing.T) {
	for _, revokes := range []bool{false, true} {
		w := rotating(t, 30*time.Minute, revokes)
		w.up.refreshDone = only(1, lostRefresh())
		w.mustApply()
		if got := w.up.counts(); got != "logins=1 refreshes=2" || w.delivered("a") != "token-3" {
			t.Errorf("revokes %t: %s, delivered %q", revokes, got, w.delivered("a"))
		}
		w.expectAllCurrent()
	}
}

func TestRefreshThatAKillHasCutOffIsAskedForAgainWithinTheGrace(t *testing.T) {
	for _, processed := range []bool{false, true} {
		w := rotating(t, 30*time.Minute, true)
		w.killedAtRefresh(processed)
		if p := w.plan(engine.Request{}); !hasWarning(p.Diagnostics, "It is not known whether the token was refreshed") {
			t.Errorf("the plan does not tell: %+v", p.Diagnostics)
		}
		w.mustApply()
		w.expectAllCurrent()
		if w.up.logins != 1 {
			t.Errorf("%s", w.up.counts())
		}
	}
}

// To present the refresh token again would end the token that targets use.
func TestWithoutAGraceALostRefreshWaitsForTheEndOfTheToken(t *testing.T) {
	lose := map[string]func(*world){
		"answer lost": func(w *world) {
			w.up.refreshDone = only(1, lostRefresh())
			s := w.apply()
			if s.Count(engine.Failed) != 1 || !strings.Contains(s.Outcomes[0].Message, "not known whether the token was refreshed") {
				t.Errorf("people are not told: %+v", s.Outcomes)
			}
		},
		"killed":          func(w *world) { w.killedAtRefresh(true) },
		"after the grace": func(w *world) { w.killedAtRefresh(true); w.advance(time.Hour) },
	}
	for name, losing := range lose {
		t.Run(name, func(t *testing.T) {
			grace := time.Duration(0)
			if name == "after the grace" {
				grace = 30 * time.Minute
			}
			w := rotating(t, grace, false)
			losing(w)
			for range 20 {
				w.apply()
				w.advance(time.Hour)
			}
			w.expect("a none refresh_unknown")
			if !w.up.live["token-1"] || w.delivered("a") != "token-1" || w.up.refreshes != 1 || w.up.logins != 1 {
				t.Fatalf("%s, delivered %q, live %v", w.up.counts(), w.delivered("a"), w.up.live)
			}
			d := w.plan(engine.Request{}).Accounts[0].Decision
			if d.Health != plan.Warn {
				t.Errorf("health is %s: %s", d.Health, d.HealthMessage)
			}
			// What targets hold is repaired meanwhile.
			w.sinks["main"].Remove("a")
			w.mustApply()
			if w.delivered("a") != "token-1" {
				t.Errorf("delivered %q", w.delivered("a"))
			}
			// The token has ended: once more, then a login.
			w.advance(3 * 24 * time.Hour)
			w.mustApply()
			if got := w.up.counts(); got != "logins=2 refreshes=2" {
				t.Errorf("%s", got)
			}
			w.expectAllCurrent()
		})
	}
}

// The request may not have arrived at all.
func TestTheLastRefreshMayWork(t *testing.T) {
	w := rotating(t, 0, false)
	w.killedAtRefresh(false)
	w.advance(3 * 24 * time.Hour)
	w.mustApply()
	if got := w.up.counts(); got != "logins=1 refreshes=2" {
		t.Errorf("%s", got)
	}
	w.expectAllCurrent()
}

// There is nothing to wait for, but the run whose answer was lost does not ask again.
func TestWhereARefreshRevokesTheNextRunAsksOneLastTime(t *testing.T) {
	w := rotating(t, 0, true)
	w.up.onRefresh = only(1, lostRefresh())
	if s := w.apply(); s.Count(engine.Failed) != 1 || w.up.refreshes != 1 || w.up.logins != 1 {
		t.Fatalf("%s: %+v", w.up.counts(), s.Outcomes)
	}
	w.mustApply()
	if got := w.up.counts(); got != "logins=1 refreshes=2" {
		t.Errorf("%s", got)
	}
	w.expectAllCurrent()
}

func TestMaterialThatWasPresentedForTheLastTimeIsNotPresentedAgain(t *testing.T) {
	for name, last := range map[string]func(*world){
		"lost":   func(w *world) { w.up.refreshDone = lostRefresh; w.apply(); w.up.refreshDone = nil },
		"killed": func(w *world) { w.killedAtRefresh(true) },
	} {
		t.Run(name, func(t *testing.T) {
			w := rotating(t, 0, false)
			w.up.onLogin = func() error { return &failure.Error{Class: failure.Server, Op: failure.LogIn, Status: 500} }
			w.killedAtRefresh(false)
			w.advance(3 * 24 * time.Hour)
			last(w)
			for range 3 {
				w.apply()
			}
			if w.up.refreshes != 2 {
				t.Errorf("%s", w.up.counts())
			}
			w.up.onLogin = nil
			w.mustApply()
			w.expectAllCurrent()
		})
	}
}

// Where nobody but a person can log in, the account waits for one.
func TestAfterTheLastRefreshALoginThatWorksOnceNeedsApproval(t *testing.T) {
	w := rotating(t, 0, false)
	old := w.up.spec
	w.up.spec = func(s *providers.Spec) {
		old(s)
		s.LoginSpends = func(schema.Values) bool { return true }
	}
	w.hcl = strings.Replace(w.hcl, `"u"`, `"seed"`, 1)
	w.mustApply()
	w.advance(29 * 24 * time.Hour)
	w.killedAtRefresh(true)
	w.advance(3 * 24 * time.Hour)
	s := w.apply()
	if s.Count(engine.Blocked) != 1 || s.Outcomes[0].Reason != "needs_approval" || !strings.Contains(s.Outcomes[0].Message, "never came") {
		t.Errorf("%+v", s.Outcomes)
	}
	w.neverLogsInAgain()
}

func TestARefreshTokenThatSomethingElseUsedIsSaidToBe(t *testing.T) {
	w := rotating(t, 0, false)
	w.up.used["refresh-1"] = w.Now()
	s := w.mustApply()
	told := ""
	for _, d := range s.Outcomes[0].Diagnostics {
		told += d.Detail
	}
	if !strings.Contains(told, "omething else used this refresh token: another state, cluster or program shares it") {
		t.Errorf("%+v", s.Outcomes[0].Diagnostics)
	}
	w.expectAllCurrent()
}

// Nothing was sent, so nothing is unknown.
func TestARefreshThatWasNotSentLeavesNoIntent(t *testing.T) {
	w := rotating(t, 0, true)
	w.up.onRefresh = only(1, &failure.Error{Class: failure.Retryable, Op: "refresh the token", Message: "connection refused"})
	w.apply()
	if rec := w.record("a"); rec.RefreshAsked != nil || rec.Newest().Rejected {
		t.Errorf("%+v", rec.RefreshAsked)
	}
	w.mustApply()
	if got := w.up.counts(); got != "logins=1 refreshes=2" {
		t.Errorf("%s", got)
	}
}

// The second request, of which it is known that it was not sent, says nothing of the first.
func TestAnOutageAfterALostRefreshLeavesItUnknown(t *testing.T) {
	w := rotating(t, 30*time.Minute, false)
	calls := 0
	w.up.onRequest = func(what string) error {
		if what != "refresh" {
			return nil
		}
		if calls++; calls == 1 {
			w.up.mu.Lock()
			defer w.up.mu.Unlock()
			w.up.used["refresh-1"] = w.now
			return lostRefresh()
		}
		return &failure.Error{Class: failure.Retryable, Op: "refresh the token", Message: "connection refused"}
	}
	w.apply()
	if i := w.record("a").RefreshAsked; i == nil || i.Last {
		t.Fatalf("%+v", i)
	}
	w.up.onRequest = nil
	w.mustApply()
	w.expectAllCurrent()
	if w.up.logins != 1 {
		t.Errorf("%s", w.up.counts())
	}
}

// A time that has yet to come says nothing about how long ago it was.
func TestAnIntentFromAnotherClockIsNotWithinTheGrace(t *testing.T) {
	w := rotating(t, 30*time.Minute, false)
	w.setClock(6 * time.Hour)
	w.killedAtRefresh(true)
	w.setClock(-6 * time.Hour)
	w.apply()
	if w.up.refreshes != 1 || !w.up.live["token-1"] {
		t.Errorf("%s", w.up.counts())
	}
}

func TestPlanAuthenticateLeavesARefreshThatRevokesToApply(t *testing.T) {
	w := rotating(t, 0, true)
	e := w.engine()
	s := e.Authenticate(context.Background(), e.Plan(context.Background(), engine.Request{}), ignore{})
	if w.up.refreshes != 0 || !hasWarning(s.Outcomes[0].Diagnostics, "The account was not authenticated") {
		t.Errorf("%s: %+v", w.up.counts(), s.Outcomes)
	}
}

// What a token that replaces itself presents to be refreshed is the token. If it is rejected,
// something else has replaced it, and to present it once more could end what came of that.
func TestTokenThatReplacesItselfIsNotPresentedOnceItIsRejected(t *testing.T) {
	for spends, want := range map[bool]string{true: "logins=3 refreshes=0", false: "logins=3 refreshes=1"} {
		w := newWorld(t, oneAccount)
		w.up.spec = func(s *providers.Spec) { s.RefreshSpends = spends }
		w.mustApply()
		w.up.revokeAll()
		w.up.onRefresh = func() error { return refuse(failure.Credentials, "refresh the token") }
		// The first login fails, and that the token was rejected is remembered.
		w.up.onLogin = only(1, &failure.Error{Class: failure.Retryable, Op: failure.LogIn, Message: "timeout"})
		w.apply()
		w.mustApply()
		if got := w.up.counts(); got != want {
			t.Errorf("spends %t: %s, want %s", spends, got, want)
		}
		w.expectAllCurrent()
	}
}

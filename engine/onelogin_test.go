package engine_test

import (
	"context"
	"strings"
	"testing"

	"github.com/credsync/credsync/engine"
	"github.com/credsync/credsync/failure"
)

// manyAlike are twenty accounts that log in as one user.
const manyAlike = `
sink "memory" "main" {}
sink "memory" "state" { name = "state" }
state "memory" "state" { path = "state" }
account "fake" "a" {
  for_each = toset([for i in range(20) : tostring(i)])
  user     = "u"
  password = "pw"
  branch   = each.key
  deliver "memory" "main" { path = "a${each.key}" }
}
`

// A --replace that names twenty accounts of one login tries it once.
func TestReplaceLiftsABlockOncePerLogin(t *testing.T) {
	w := newWorld(t, manyAlike)
	w.up.onLogin = func() error { return refuse(failure.Credentials, "log in") }
	w.apply()
	w.wantLogins(1)
	for want := 2; want < 5; want++ {
		s := w.applyWith(context.Background(), engine.Request{Replace: []string{"fake.a*"}})
		if s.Count(engine.Blocked) != 20 {
			t.Errorf("%d of 20 are blocked", s.Count(engine.Blocked))
		}
		w.wantLogins(want)
	}
	// What lifts it is that the login works, and then all may.
	w.up.onLogin = nil
	w.applyWith(context.Background(), engine.Request{Replace: []string{"fake.a*"}})
	w.expectAllCurrent()
}

func (w *world) expectAllCurrent() {
	w.t.Helper()
	for _, a := range w.plan(engine.Request{}).Accounts {
		if a.Action != "none" || a.Reason != "current" {
			w.t.Errorf("%s: %s %s: %s", a.Address, a.Action, a.Reason, a.Message)
		}
	}
}

// A login that is answered by 403 is answered so for all that log in so.
func TestMissingAccessIsSharedWhereTheLoginItselfIsRefused(t *testing.T) {
	for op, want := range map[string]int{failure.LogIn: 1, "look up the branch": 20} {
		w := newWorld(t, manyAlike)
		w.up.onLogin = func() error {
			return &failure.Error{Class: failure.Human, Reason: failure.NoAccess, Op: op, URL: "https://upstream.test", Status: 403, Message: "no"}
		}
		for range 3 {
			w.apply()
		}
		w.wantLogins(want)
		w.up.onLogin = nil
		w.applyWith(context.Background(), engine.Request{Replace: []string{"fake.a*"}})
		w.expectAllCurrent()
	}
}

// The check of a token that is configured is its login.
func TestWrongConfiguredTokenIsTriedOnce(t *testing.T) {
	w := newWorld(t, manyAlike)
	w.up.static = true
	w.up.onVerify = func() error { return refuse(failure.Credentials, "verify the token") }
	for range 3 {
		if s := w.apply(); s.Count(engine.Blocked) != 20 {
			t.Fatalf("%d of 20 are blocked", s.Count(engine.Blocked))
		}
	}
	if w.up.verifies != 1 {
		t.Errorf("%d verifications, want 1", w.up.verifies)
	}
	w.applyWith(context.Background(), engine.Request{Replace: []string{"fake.a*"}})
	if w.up.verifies != 2 {
		t.Errorf("%d verifications after --replace, want 2", w.up.verifies)
	}
}

func TestTwoAccountsWithOneLoginThatRevokesAreRefused(t *testing.T) {
	w := newWorld(t, mainSink+accountAt("a", "a", "")+accountAt("b", "b", "")+strings.Replace(accountAt("c", "c", ""), `"u"`, `"v"`, 1))
	w.up.revokes = true
	list := engine.RevokingLogins(w.config())
	if len(list) != 1 || list[0].Address != "account.fake.b" || !strings.Contains(list[0].Detail, "account.fake.a, at ") {
		t.Errorf("%+v", list)
	}
	w.up.revokes = false
	if list := engine.RevokingLogins(w.config()); len(list) > 0 {
		t.Errorf("%+v", list)
	}
}

// Whatever is in a target may be the live token of a script.
func TestPlanDoesNotAuthenticateWhereThatKillsWhatATargetHolds(t *testing.T) {
	w := newWorld(t, strings.Replace(mainSink+accountAt("a", "a", ""), `{ path = "a" }`, "{\n    path = \"a\"\n    adopt = true\n  }", 1))
	w.up.revokes = true
	w.up.live["script"] = true
	w.sinks["main"].Put("a", secrets("access_token", "script"))
	e := w.engine()
	s := e.Authenticate(context.Background(), e.Plan(context.Background(), engine.Request{}), ignore{})
	w.wantLogins(0)
	if len(s.Outcomes) != 1 || len(s.Outcomes[0].Diagnostics) == 0 {
		t.Errorf("%+v", s.Outcomes)
	}
}

package engine_test

import (
	"strings"
	"testing"
	"time"

	"github.com/credsync/credsync/credential"
	"github.com/credsync/credsync/engine"
	"github.com/credsync/credsync/failure"
)

// The password is changed at the upstream, which also ends the tokens: the
// login is tried once, though there is a token that has not expired.
func TestPasswordThatIsChangedUpstreamIsTriedOnceInAHundredApplies(t *testing.T) {
	w := newWorld(t, oneAccount)
	w.mustApply()
	w.up.revokeAll()
	w.up.onLogin = func() error { return refuse(failure.Credentials, "log in") }
	for i := range 100 {
		s := w.apply()
		if s.Count(engine.Blocked) != 1 || s.Count(engine.Failed) != 0 {
			t.Fatalf("apply %d: %+v", i, s.Outcomes)
		}
	}
	if got := w.up.counts(); got != "logins=2 refreshes=1" {
		t.Error(got)
	}
	w.expect("a blocked credentials_rejected")
	w.expectOf(engine.Request{Offline: true}, "a blocked credentials_rejected")

	w.up.onLogin = nil
	if s := w.applyWith(t.Context(), engine.Request{Replace: []string{"fake.a"}}); s.Count(engine.Done) != 1 {
		t.Fatalf("%+v", s.Outcomes)
	}
	w.expect("a none current")
}

// A rejection is about the credentials, not about the token: a token that is
// still good, a target that is repaired and a refresh do not lift it.
func TestRejectionStandsWhileTheTokenIsGood(t *testing.T) {
	w := newWorld(t, oneAccount)
	w.mustApply()
	w.up.onLogin = func() error { return refuse(failure.Credentials, "log in") }
	w.applyWith(t.Context(), engine.Request{Replace: []string{"fake.a"}})
	if got := w.up.counts(); got != "logins=2 refreshes=0" {
		t.Fatal(got)
	}
	stands := func(after string) {
		t.Helper()
		p := w.plan(engine.Request{})
		if b := p.Accounts[0].Blocker; b == nil || b.Reason != "credentials_rejected" || b.Since.IsZero() {
			t.Fatalf("after %s: blocker %+v", after, b)
		}
	}
	stands("the rejection")
	w.apply()
	stands("an apply with nothing to do")
	w.sinks["main"].Put("a", map[string]credential.Secret{"access_token": credential.NewSecret("drifted")})
	w.expect("a deliver target_drifted")
	w.apply()
	stands("a repair")
	w.advance(29 * 24 * time.Hour)
	w.expect("a refresh expiring")
	w.apply()
	stands("a refresh")
	w.up.revokeAll()
	w.apply()
	if got := w.up.counts(); got != "logins=2 refreshes=2" {
		t.Errorf("rejected credentials were tried again: %s", got)
	}
}

// A block that is over is dropped, also where another target needs a human.
func TestLoginLiftsTheBlockThoughATargetIsSomeoneElses(t *testing.T) {
	w := newWorld(t, strings.Replace(oneAccount, `path = "a" }`, `path = "a" }
  deliver "memory" "main" { path = "foreign" }`, 1))
	w.sinks["main"].Put("foreign", map[string]credential.Secret{"k": credential.NewSecret("v")})
	w.up.onLogin = only(1, refuse(failure.Credentials, "log in"))
	w.apply()
	w.applyWith(t.Context(), engine.Request{Replace: []string{"fake.a"}})
	if b := w.plan(engine.Request{}).Accounts[0].Blocker; b == nil || b.Reason != "target_not_owned" {
		t.Errorf("blocker %+v", b)
	}
}

func TestRefreshMaterialThatWasRejectedIsNotTriedAgain(t *testing.T) {
	w := newWorld(t, oneAccount)
	w.mustApply()
	w.up.revokeAll()
	w.up.onLogin = func() error {
		return &failure.Error{Class: failure.Retryable, Op: "log in", Message: "overloaded"}
	}
	for range 3 {
		w.apply()
	}
	if got := w.up.counts(); got != "logins=4 refreshes=1" {
		t.Error(got)
	}
	w.expect("a reissue refresh_unavailable")
}

func TestMissingAccessDoesNotHideARejection(t *testing.T) {
	w := newWorld(t, oneAccount)
	w.mustApply()
	w.up.onLogin = func() error { return refuse(failure.Credentials, "log in") }
	w.applyWith(t.Context(), engine.Request{Replace: []string{"fake.a"}})
	w.up.onVerify = func() error {
		return &failure.Error{Class: failure.Human, Reason: failure.NoAccess, Op: "verify", Message: "no branch"}
	}
	w.expect("a blocked no_access")
	w.apply()
	w.up.onVerify = nil
	w.apply()
	w.up.revokeAll()
	w.apply()
	w.apply()
	if got := w.up.counts(); got != "logins=2 refreshes=1" {
		t.Errorf("rejected credentials were tried again: %s", got)
	}
	w.expect("a blocked credentials_rejected")
}

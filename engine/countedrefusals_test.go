package engine_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/credsync/credsync/engine"
	"github.com/credsync/credsync/failure"
	"github.com/credsync/credsync/plan"
	"github.com/credsync/credsync/schema/diag"
)

// undocumented is a refusal of a login that may be one of a wrong password.
func undocumented() error {
	return &failure.Error{
		Class:   failure.Server,
		Reason:  failure.UnclassifiedRefusal,
		Op:      failure.LogIn,
		URL:     "https://upstream.test",
		Status:  422,
		Message: "this answer is not documented",
	}
}

// Nothing says that the password is wrong, and nothing says that it is not counted.
func TestLoginThatIsRefusedTwiceForNoDocumentedReasonIsNotTriedAgain(t *testing.T) {
	for name, err := range map[string]error{
		"undocumented answer": undocumented(),
		"wrong client":        &failure.Error{Class: failure.Config, Op: failure.LogIn, Status: 401, Message: "unknown client", Advice: "Correct client_id."},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, oneAccount)
			w.up.onLogin = func() error { return err }
			if s := w.apply(); s.Count(engine.Failed) != 1 || !strings.Contains(s.Outcomes[0].Message, "second refusal in a row blocks") {
				t.Fatalf("the first refusal: %+v", s.Outcomes)
			}
			if p := w.plan(engine.Request{}); !hasWarning(p.Diagnostics, "The upstream refused the last login") {
				t.Errorf("the plan does not warn: %+v", p.Diagnostics)
			}
			if s := w.apply(); s.Count(engine.Blocked) != 1 || s.Outcomes[0].Reason != "unclassified_refusal" {
				t.Fatalf("the second refusal: %+v", s.Outcomes)
			}
			for range 3 {
				w.advance(time.Hour)
				w.apply()
			}
			w.wantLogins(2)
			// Once for each time that somebody says so.
			w.applyWith(context.Background(), engine.Request{Replace: []string{"fake.a"}})
			w.apply()
			w.wantLogins(3)
			w.up.onLogin = nil
			w.applyWith(context.Background(), engine.Request{Replace: []string{"fake.a"}})
			w.expectAllCurrent()
		})
	}
}

func hasWarning(list diag.List, summary string) bool {
	for _, d := range list {
		if d.Severity == diag.Warning && d.Summary == summary {
			return true
		}
	}
	return false
}

func TestRefusalsInARowAreCountedFromTheLastLoginThatWorked(t *testing.T) {
	w := newWorld(t, oneAccount)
	for range 3 {
		w.up.onLogin = undocumented
		if s := w.apply(); s.Count(engine.Failed) != 1 {
			t.Fatalf("%+v", s.Outcomes)
		}
		w.up.onLogin = nil
		w.mustApply()
		w.up.revokeAll()
		w.up.onRefresh = func() error { return refuse(failure.Credentials, "refresh the token") }
		w.advance(time.Hour)
	}
	w.wantLogins(6)
}

// Other credentials are another login.
func TestRefusalsAreCountedPerLogin(t *testing.T) {
	w := newWorld(t, oneAccount)
	w.up.onLogin = undocumented
	w.apply()
	w.hcl = strings.Replace(w.hcl, `"u"`, `"v"`, 1)
	if s := w.apply(); s.Count(engine.Failed) != 1 {
		t.Errorf("%+v", s.Outcomes)
	}
	w.wantLogins(2)
}

// To the upstream they are one user.
func TestAccountsOfOneLoginAreCountedTogether(t *testing.T) {
	w := newWorld(t, manyAlike)
	w.up.onLogin = undocumented
	if s := w.apply(); s.Count(engine.Failed) != 1 || s.Count(engine.Blocked) != 19 {
		t.Errorf("%d failed, %d blocked", s.Count(engine.Failed), s.Count(engine.Blocked))
	}
	w.wantLogins(1)
	for range 3 {
		if s := w.apply(); s.Count(engine.Blocked) != 20 {
			t.Errorf("%d of 20 are blocked", s.Count(engine.Blocked))
		}
		w.wantLogins(2)
	}
	w.applyWith(context.Background(), engine.Request{Replace: []string{"fake.a*"}})
	w.wantLogins(3)
}

func TestRenamedAccountGoesOnCountingRefusals(t *testing.T) {
	w := newWorld(t, oneAccount)
	w.up.onLogin = undocumented
	w.apply()
	w.hcl = strings.Replace(w.hcl, `"fake" "a"`, `"fake" "b"`, 1)
	w.apply()
	w.apply()
	w.wantLogins(2)
}

// At an upstream where a login revokes, the token before it may be dead.
func TestUndocumentedRefusalLeavesNoTokenThatCountsAsGood(t *testing.T) {
	w := newWorld(t, oneAccount)
	w.up.revokes = true
	w.mustApply()
	err := undocumented().(*failure.Error)
	err.AnswerLost = true
	w.up.onLogin = only(1, err)
	w.applyWith(context.Background(), engine.Request{Replace: []string{"fake.a"}})
	w.expect("a refresh rejected")
}

// The login that was refused may have been sent again, after an attempt that the upstream
// may have processed.
func TestARefusalAfterALostLoginLeavesNoTokenThatCountsAsGood(t *testing.T) {
	for _, refusal := range []failure.Error{
		{Class: failure.Credentials},
		{Class: failure.Human, Reason: failure.AccountLocked},
		{Class: failure.Human, Reason: failure.NeedsCode},
		{Class: failure.Config},
	} {
		t.Run(string(refusal.Class)+" "+string(refusal.Reason), func(t *testing.T) {
			w := newWorld(t, oneAccount)
			w.up.revokes = true
			w.mustApply()
			refusal.Op, refusal.Message, refusal.Status, refusal.AnswerLost = failure.LogIn, "no", 422, true
			w.up.onLogin = only(1, &refusal)
			w.applyWith(context.Background(), engine.Request{Replace: []string{"fake.a"}})
			if d := w.plan(engine.Request{Offline: true}).Accounts[0].Decision; d.Action == plan.None {
				t.Errorf("%s %s: %s", d.Action, d.Reason, d.Message)
			}
		})
	}
}

// A token is of no use that is over when it comes, and asking for others changes
// nothing.
func TestTokenThatIsOverWhenItComesIsNotDelivered(t *testing.T) {
	w := newWorld(t, oneAccount)
	w.up.lifetime = -time.Minute
	s := w.apply()
	if s.Count(engine.Failed) != 1 || s.Outcomes[0].Reason != "expired_at_issue" {
		t.Fatalf("%+v", s.Outcomes)
	}
	if s = w.apply(); s.Count(engine.Blocked) != 1 || s.Outcomes[0].Reason != "expired_at_issue" {
		t.Fatalf("%+v", s.Outcomes)
	}
	for range 3 {
		w.advance(time.Hour)
		w.apply()
	}
	if got := w.up.counts(); got != "logins=2 refreshes=0" {
		t.Errorf("%s", got)
	}
	if paths := w.sinks["main"].Paths(); len(paths) > 0 {
		t.Errorf("it was delivered: %v", paths)
	}
	w.up.lifetime = time.Hour
	w.applyWith(context.Background(), engine.Request{Replace: []string{"fake.a"}})
	w.expectAllCurrent()
}

// It ends by itself, with the token that came.
func TestWrongClockOfThisMachineBlocksNobodyForLong(t *testing.T) {
	for _, ahead := range []time.Duration{2 * time.Hour, 26 * time.Hour} {
		t.Run(fmt.Sprint(ahead), func(t *testing.T) {
			w := newWorld(t, oneAccount)
			w.up.lifetime = time.Hour
			w.up.clockAhead = -ahead
			s := w.apply()
			if s.Count(engine.Blocked) != 1 || s.Outcomes[0].Reason != "clock_wrong" || !strings.Contains(s.Outcomes[0].Message, "Set the clock") {
				t.Fatalf("%+v", s.Outcomes)
			}
			// The clock is set.
			w.advance(-ahead)
			w.up.clockAhead = 0
			w.mustApply()
			w.wantLogins(1)
			if got := w.delivered("a"); got != "token-1" {
				t.Errorf("delivered %q", got)
			}
		})
	}
}

// Some upstreams accept a token only a moment after they have issued it.
func TestNewTokenThatIsRejectedIsCheckedAgain(t *testing.T) {
	w := newWorld(t, oneAccount)
	w.up.onVerify = only(2, refuse(failure.Credentials, "verify the token"))
	w.mustApply()
	w.expectAllCurrent()
	w.wantLogins(1)
}

func TestNewTokenThatBecomesGoodLaterIsDelivered(t *testing.T) {
	for runs := range 4 {
		t.Run(fmt.Sprint(runs), func(t *testing.T) {
			w := newWorld(t, oneAccount)
			w.up.onVerify = func() error { return refuse(failure.Credentials, "verify the token") }
			for range runs {
				w.apply()
				w.advance(10 * time.Minute)
			}
			if w.up.logins > 2 {
				t.Errorf("%d logins", w.up.logins)
			}
			w.up.onVerify = nil
			w.mustApply()
			w.expectAllCurrent()
			if w.up.logins > max(1, min(runs, 2)) {
				t.Errorf("%d logins after %d runs", w.up.logins, runs)
			}
		})
	}
}

func TestPartOfAnAnswerThatWasLeftOutIsWarnedOf(t *testing.T) {
	w := newWorld(t, oneAccount)
	w.up.warnings = []string{"The answer has \"role\" in an odd form."}
	s := w.apply()
	if s.Count(engine.Done) != 1 || !hasWarning(s.Outcomes[0].Diagnostics, "Part of the upstream's answer was ignored") {
		t.Errorf("%+v", s.Outcomes)
	}
}

package engine_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/credsync/credsync/engine"
	"github.com/credsync/credsync/failure"
	"github.com/credsync/credsync/schema/diag"
)

func TestTwoConfigurationsThatDisagreeDoNotRepeatTheRejectedLogin(t *testing.T) {
	w := newWorld(t, oneAccount)
	right, wrong := oneAccount, strings.Replace(oneAccount, `"pw"`, `"stale"`, 1)
	for range 10 {
		w.hcl = wrong
		w.apply()
		w.hcl = right
		w.apply()
		w.advance(time.Hour)
	}
	if got := w.up.counts(); got != "logins=2 refreshes=0" {
		t.Errorf("%s, want one login with each password", got)
	}
	if w.delivered("a") == "" {
		t.Error("the right password was held back")
	}
}

func TestUpstreamThatRejectsItsOwnTokensIsNotAskedForEver(t *testing.T) {
	w := newWorld(t, oneAccount)
	w.up.onVerify = func() error { return refuse(failure.Credentials, "verify the token") }
	for range 10 {
		w.apply()
	}
	if w.up.logins > 2 {
		t.Errorf("%d logins", w.up.logins)
	}
	w.expect("a blocked no_access")
	w.up.onVerify = nil
	w.applyWith(context.Background(), engine.Request{Replace: []string{"fake.a"}})
	w.expect("a none current")
}

func TestOneBadMomentOfAVerificationIsForgiven(t *testing.T) {
	w := newWorld(t, oneAccount)
	w.up.onVerify = only(1, refuse(failure.Credentials, "verify the token"))
	w.apply()
	w.mustApply()
	w.expect("a none current")
}

func TestAccessOfAStaticTokenComesBackByItself(t *testing.T) {
	w := newWorld(t, oneAccount)
	w.up.static = true
	w.up.live["pw"] = true
	w.up.onVerify = only(2, &failure.Error{Class: failure.Human, Reason: failure.NoAccess, Op: "verify the token", Message: "forbidden"})
	w.apply()
	w.expect("a blocked no_access")
	w.mustApply()
	w.expect("a none current")
}

// The first check of a static token is its login. Nobody else makes it beside
// the run that has the lease.
func TestStaticTokenIsNotCheckedBesideItsFirstCheck(t *testing.T) {
	w := newWorld(t, oneAccount)
	w.up.static = true
	w.up.onVerify = func() error {
		if w.up.verifies == 1 {
			w.up.mu.Unlock()
			w.holder = "runner-2"
			w.plan(engine.Request{})
			w.up.mu.Lock()
		}
		return refuse(failure.Credentials, "verify the token")
	}
	w.apply()
	for range 5 {
		w.apply()
	}
	if w.up.verifies != 1 {
		t.Errorf("a token that the upstream rejects was checked %d times, want once", w.up.verifies)
	}
	w.expect("a blocked credentials_rejected")
}

func TestOneFileOfSeveralLeavesTheOthersAccountsAlone(t *testing.T) {
	w := newWorld(t, strings.Replace(oneAccount, `user     = "u"`, `on_remove = "delete"`, 1))
	w.mustApply()
	w.hcl = strings.Split(oneAccount, "account")[0]
	w.partial = true
	p := w.plan(engine.Request{})
	if len(p.Accounts) != 0 || len(p.Diagnostics) != 1 || !strings.Contains(p.Diagnostics[0].Detail, "account.fake.a") {
		t.Fatalf("%d accounts, %+v", len(p.Accounts), p.Diagnostics)
	}
	w.mustApply()
	if w.delivered("a") == "" {
		t.Error("the target of another file's account was deleted")
	}
	w.partial = false
	w.expect("a delete removed")
}

func TestRejectionIsRememberedThoughTheRecordWasDeletedMeanwhile(t *testing.T) {
	w := newWorld(t, strings.Replace(oneAccount, `"pw"`, `"wrong"`, 1))
	w.up.onLogin = func() error {
		for _, path := range w.sinks["state"].Paths() {
			w.sinks["state"].Remove(path)
		}
		return nil
	}
	for range 5 {
		w.apply()
	}
	if got := w.up.counts(); got != "logins=1 refreshes=0" {
		t.Error(got)
	}
	w.expect("a blocked credentials_rejected")
}

// refusals are the answers to a login that say that the same login would be
// answered the same way.
var refusals = map[string]*failure.Error{
	"wrong password":           {Class: failure.Credentials},
	"wrong password, reason":   {Class: failure.Credentials, Reason: failure.CredentialsRejected},
	"locked account":           {Class: failure.Human, Reason: failure.AccountLocked},
	"expired certificate":      {Class: failure.Human, Reason: failure.CertificateExpired},
	"password has to change":   {Class: failure.Human, Reason: failure.PasswordChangeRequired},
	"unknown second factor":    {Class: failure.Human, Reason: failure.SecondFactorUnsupported},
	"no access":                {Class: failure.Human, Reason: failure.NoAccess},
	"a code is wanted":         {Class: failure.Human, Reason: failure.NeedsCode},
	"rejected with other word": {Class: failure.Credentials, Reason: failure.AccountLocked},
}

// eachRefusal runs a test in a world whose upstream answers every login so.
func eachRefusal(t *testing.T, test func(t *testing.T, w *world)) {
	for name, refusal := range refusals {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, oneAccount)
			w.up.onLogin = func() error {
				e := *refusal
				e.Op, e.URL, e.Status, e.Message = "log in", "https://upstream.test", 401, "no"
				return &e
			}
			test(t, w)
		})
	}
}

func (w *world) wantLogins(want int) {
	w.t.Helper()
	w.up.mu.Lock()
	defer w.up.mu.Unlock()
	if w.up.logins != want {
		w.t.Errorf("the upstream counted %d logins, want %d", w.up.logins, want)
	}
}

// What the upstream sees of a login lifts it, once each.
func TestEveryPartOfTheLoginLiftsARefusalOnce(t *testing.T) {
	eachRefusal(t, func(t *testing.T, w *world) {
		w.apply()
		for i, hcl := range []string{
			strings.Replace(oneAccount, `"pw"`, `"pw "`, 1),
			strings.Replace(oneAccount, `"u"`, `"v"`, 1),
		} {
			w.hcl = hcl
			w.apply()
			w.apply()
			w.wantLogins(i + 2)
		}
	})
}

// A header that differs from run to run, such as the number of the run, does not.
func TestAHeaderDoesNotLiftARefusal(t *testing.T) {
	eachRefusal(t, func(t *testing.T, w *world) {
		for i := range 5 {
			w.hcl = strings.Replace(oneAccount, `user     =`, fmt.Sprintf("http {\n headers = { X-Request-Id = \"%d\" }\n }\n  user =", i), 1)
			w.apply()
		}
		w.wantLogins(1)
	})
}

func TestALoginThatDiffersFromRunToRunIsAWarning(t *testing.T) {
	w := newWorld(t, oneAccount)
	w.up.onLogin = func() error {
		return &failure.Error{Class: failure.Credentials, Reason: failure.CredentialsRejected, Op: "log in", Message: "wrong"}
	}
	warned := func() bool {
		return slices.ContainsFunc(
			w.plan(engine.Request{}).Diagnostics,
			func(d diag.Diagnostic) bool { return d.Summary == "The login differs from run to run" },
		)
	}
	for i := range 6 {
		w.hcl = strings.Replace(oneAccount, `"u"`, fmt.Sprintf(`"user-of-run-%d"`, i), 1)
		if got := warned(); got != (i >= 3) {
			t.Errorf("run %d: warned %v", i, got)
		}
		w.apply()
		if warned() {
			t.Errorf("after run %d: there is no other login to warn of", i)
		}
		w.advance(time.Hour)
	}
	w.up.onLogin = nil
	w.hcl = strings.Replace(oneAccount, `"u"`, `"user-of-run-9"`, 1)
	w.apply()
	w.hcl = strings.Replace(oneAccount, `"u"`, `"user-of-run-10"`, 1)
	if warned() {
		t.Error("a login has worked since")
	}
}

func TestALoginThatWorksAndDiffersFromRunToRunIsAWarning(t *testing.T) {
	for name, tc := range map[string]struct {
		apart time.Duration
		want  int
	}{"runs of an hour": {time.Hour, 4}, "changes of months": {90 * 24 * time.Hour, 0}} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, oneAccount)
			for i := 1; i <= 6; i++ {
				w.hcl = strings.Replace(oneAccount, `"u"`, fmt.Sprintf(`"user-of-run-%d"`, i), 1)
				warned := slices.ContainsFunc(
					w.plan(engine.Request{}).Diagnostics,
					func(d diag.Diagnostic) bool { return d.Summary == "The login differs from run to run" },
				)
				if warned != (tc.want > 0 && i > tc.want) {
					t.Errorf("run %d: warned %v", i, warned)
				}
				w.mustApply()
				w.advance(tc.apart)
			}
		})
	}
}

// Two pipelines that have two versions of the configuration write one record
// in turn. Neither may take the other's refusal for the end of its own.
func TestTwoConfigurationsThatDisagreeDoNotRepeatARefusedLogin(t *testing.T) {
	eachRefusal(t, func(t *testing.T, w *world) {
		for range 20 {
			w.hcl = oneAccount
			w.apply()
			w.hcl = strings.Replace(oneAccount, `"pw"`, `"another"`, 1)
			w.apply()
			w.advance(time.Hour)
		}
		w.wantLogins(2)
	})
}

// A login that was refused for want of access is remembered beside a later
// rejection too, until a verification shows that the access is there again.
func TestAccessThatIsThereAgainForgetsTheRefusedLogin(t *testing.T) {
	w := newWorld(t, oneAccount)
	w.mustApply()
	w.up.onLogin = func() error {
		return &failure.Error{Class: failure.Human, Reason: failure.NoAccess, Op: "log in", Message: "forbidden"}
	}
	w.applyWith(context.Background(), engine.Request{Replace: []string{"fake.a"}})
	w.up.onLogin = nil
	w.hcl = strings.Replace(oneAccount, `"pw"`, `"another"`, 1)
	w.apply()
	w.wantLogins(3)
	w.hcl = oneAccount
	w.apply()
	w.up.revokeAll()
	w.apply()
	w.apply()
	w.wantLogins(4)
	w.expect("a none current")
}

// A refresh that the upstream refuses for want of a human is not asked for
// again at each run, and the token stays where it is while it is good.
func TestRefreshThatNeedsAHumanIsAskedForOnce(t *testing.T) {
	for name, c := range map[string]struct {
		wait   time.Duration
		logins int
	}{
		"while the token is good":    {29 * 24 * time.Hour, 1},
		"once the token has expired": {31 * 24 * time.Hour, 2},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, oneAccount)
			w.mustApply()
			w.advance(c.wait)
			forbidden := func() error {
				return &failure.Error{Class: failure.Human, Reason: failure.NoAccess, Op: "refresh the token", Message: "forbidden"}
			}
			w.up.onRefresh, w.up.onLogin = forbidden, forbidden
			for range 10 {
				if s := w.apply(); s.Count(engine.Blocked) != 1 {
					t.Fatalf("%+v", s.Outcomes)
				}
			}
			w.expect("a blocked no_access")
			// Another run has looked at its clock before the refusal, or has a slower one.
			w.advance(-time.Minute)
			w.apply()
			w.expect("a blocked no_access")
			// Nor does the token's end make it ask.
			w.advance(5 * 24 * time.Hour)
			w.apply()
			if got, want := w.up.counts(), fmt.Sprintf("logins=%d refreshes=1", c.logins); got != want {
				t.Errorf("%s, want %s", got, want)
			}
			if w.delivered("a") != "token-1" {
				t.Error("the token was taken away")
			}
			w.up.onLogin = nil
			w.applyWith(context.Background(), engine.Request{Replace: []string{"fake.a"}})
			w.expect("a none current")
		})
	}
}

// A refresh that works says nothing about the password, and must not make the
// next run try a rejected one.
func TestRefreshDoesNotForgetThatThePasswordWasRejected(t *testing.T) {
	w := newWorld(t, oneAccount)
	w.mustApply()
	w.up.onLogin = func() error { return refuse(failure.Credentials, "log in") }
	w.applyWith(context.Background(), engine.Request{Replace: []string{"fake.a"}})
	w.advance(29 * 24 * time.Hour)
	w.mustRefresh()
	// Another pipeline has another password, which is just as wrong, and
	// leaves its own block in the record.
	w.hcl = strings.Replace(oneAccount, `"pw"`, `"another"`, 1)
	w.apply()
	w.wantLogins(3)
	w.hcl = oneAccount
	w.up.revokeAll()
	for range 5 {
		w.apply()
	}
	w.wantLogins(3)
}

func (w *world) mustRefresh() {
	w.t.Helper()
	before := w.up.refreshes
	w.apply()
	if w.up.refreshes != before+1 {
		w.t.Fatalf("%d refreshes, want %d", w.up.refreshes, before+1)
	}
}

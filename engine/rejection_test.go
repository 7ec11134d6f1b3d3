package engine_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/credsync/credsync/engine"
	"github.com/credsync/credsync/providers"
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
	w.up.onVerify = func() error { return refuse(providers.Credentials, "verify the token") }
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
	w.up.onVerify = only(1, refuse(providers.Credentials, "verify the token"))
	w.apply()
	w.mustApply()
	w.expect("a none current")
}

func TestAccessOfAStaticTokenComesBackByItself(t *testing.T) {
	w := newWorld(t, oneAccount)
	w.up.static = true
	w.up.live["pw"] = true
	w.up.onVerify = only(2, &providers.Error{Class: providers.Human, Reason: providers.NoAccess, Op: "verify the token", Message: "forbidden"})
	w.apply()
	w.expect("a blocked no_access")
	w.mustApply()
	w.expect("a none current")
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

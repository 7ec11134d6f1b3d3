package engine_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/credsync/credsync/engine"
	"github.com/credsync/credsync/failure"
	"github.com/credsync/credsync/sinks"
	"github.com/credsync/credsync/testkit/memorysink"
)

// found is what a check of the one account of w finds, and for what a human is
// needed.
func found(w *world) string {
	w.t.Helper()
	checks, diags := w.engine().Check(context.Background(), nil, nil)
	if len(checks) != 1 || diags.HasErrors() {
		w.t.Fatalf("%d checks, %+v", len(checks), diags)
	}
	what := string(checks[0].Finding)
	if b := checks[0].Blocker; b != nil {
		what += " " + string(b.Reason)
	}
	return what
}

func TestCheckTellsWhatATokenIsWorth(t *testing.T) {
	tests := map[string]struct {
		static bool
		then   func(*world)
		want   string
		asked  int
	}{
		"good":         {then: func(*world) {}, want: "valid", asked: 1},
		"revoked":      {then: func(w *world) { w.up.revokeAll() }, want: "rejected", asked: 1},
		"expired":      {then: func(w *world) { w.advance(31 * 24 * time.Hour) }, want: "expired"},
		"other branch": {then: func(w *world) { w.hcl = strings.Replace(w.hcl, `"pw"`, "\"pw\"\nbranch = \"b\"", 1) }, want: "config_changed"},
		"disabled":     {then: func(w *world) { w.hcl = strings.Replace(w.hcl, `"pw"`, "\"pw\"\nenabled = false", 1) }, want: "disabled"},
		"outage": {then: func(w *world) { w.up.onVerify = only(1, refuse(failure.Server, "verify the token")) }, want: "unclear",
			asked: 1},
		"no access": {then: func(w *world) {
			w.up.onVerify = only(1, &failure.Error{Class: failure.Human, Reason: failure.NoAccess, Op: "verify the token", Message: "no"})
		}, want: "blocked no_access", asked: 1},
		"state out of reach": {then: func(w *world) { w.sinks["state"].Fail = failing(memorysink.Read, 1, sinks.ErrUnavailable) }, want: "unreadable"},
		"static":             {static: true, then: func(*world) {}, want: "valid", asked: 1},
		"static revoked":     {static: true, then: func(w *world) { w.up.revokeAll() }, want: "rejected credentials_rejected", asked: 1},
		"static and known to be rejected": {static: true, then: func(w *world) {
			w.up.revokeAll()
			w.apply()
			w.up.verifies = 0
		}, want: "rejected credentials_rejected"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, oneAccount)
			w.up.static, w.up.live["pw"] = tt.static, tt.static
			w.mustApply()
			w.up.verifies = 0
			tt.then(w)
			before, logins := w.sinks["state"].Paths(), w.up.logins
			if got := found(w); got != tt.want {
				t.Errorf("found %q, want %q", got, tt.want)
			}
			if w.up.verifies != tt.asked || w.up.logins != logins || len(w.sinks["state"].Paths()) != len(before) {
				t.Errorf("the upstream was asked %d times and logged in to %d times, want %d and none", w.up.verifies, w.up.logins-logins, tt.asked)
			}
		})
	}
}

func TestCheckWithoutAToken(t *testing.T) {
	w := newWorld(t, strings.Replace(oneAccount, `"pw"`, `"stale"`, 1))
	if got := found(w); got != "no_token" {
		t.Errorf("found %q", got)
	}
	w.apply()
	if got := found(w); got != "no_token credentials_rejected" {
		t.Errorf("after a rejected login: found %q", got)
	}
	if got := w.up.counts(); got != "logins=1 refreshes=0" {
		t.Error(got)
	}
}

// Targets hold the current token; one that is only journaled says nothing of
// what services read.
func TestCheckIsAboutTheTokenThatTargetsHold(t *testing.T) {
	w := newWorld(t, oneAccount)
	w.mustApply()
	w.up.onVerify = failingVerifications(errors.New("no answer"))
	w.applyWith(context.Background(), engine.Request{Replace: []string{"fake.a"}})
	w.up.onVerify = nil
	w.up.live = map[string]bool{"token-2": true}
	if got := found(w); got != "rejected" {
		t.Errorf("found %q, though targets hold token-1, which is dead", got)
	}
}

func failingVerifications(err error) func() error { return func() error { return err } }

func TestCheckNamesWhatItCannotFind(t *testing.T) {
	w := newWorld(t, oneAccount)
	checks, diags := w.engine().Check(context.Background(), []string{"fake.b*"}, nil)
	if len(checks) > 0 || !diags.HasErrors() || !strings.Contains(diags[0].Detail, "verify fake.b*") {
		t.Errorf("%d checks, %+v", len(checks), diags)
	}
}

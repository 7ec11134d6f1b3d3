package engine_test

import (
	"context"
	"testing"
	"time"

	"github.com/credsync/credsync/engine"
)

// deliversALiveToken applies once more, on another machine and after every
// lease has run out, and wants the target to hold a token that works.
func (w *world) deliversALiveToken() {
	w.t.Helper()
	w.up.loginBegins, w.up.loginDone, w.holder = nil, nil, "runner-9"
	w.sinks["main"].Fail, w.sinks["state"].Fail, w.sleeping = nil, nil, nil
	w.advance(5 * time.Minute)
	w.mustApply()
	if got := w.delivered("a"); !w.up.live[got] {
		w.t.Errorf("the target holds %q, which the upstream has revoked", got)
	}
}

// A token that a login was about to revoke when the program was killed is not
// taken for a good one.
func TestCrashDuringALoginThatRevokesIsRepaired(t *testing.T) {
	w := newWorld(t, oneAccount)
	w.up.revokes, w.up.unverifiable = true, true
	w.mustApply()
	ctx, kill := context.WithCancel(context.Background())
	w.sleeping = kill
	w.up.loginDone = func() { crashAt(w, 1) }
	w.emergency = "/dev/null/none"
	w.applyWith(ctx, engine.Request{Replace: []string{"fake.a"}})
	if len(w.up.live) != 1 || w.up.live[w.delivered("a")] {
		t.Fatalf("the login is to have revoked the token: %v", w.up.live)
	}
	w.deliversALiveToken()
}

// A login that did not come about has revoked nothing.
func TestFailedLoginLeavesTheTokenGood(t *testing.T) {
	w := newWorld(t, oneAccount)
	w.up.revokes, w.up.unverifiable = true, true
	w.mustApply()
	w.up.onLogin = only(1, refuse("server", "log in"))
	w.applyWith(context.Background(), engine.Request{Replace: []string{"fake.a"}})
	w.expect("a none current")
}

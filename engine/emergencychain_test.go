package engine_test

import (
	"context"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/credsync/credsync/engine"
	"github.com/credsync/credsync/state"
)

// replacedIntoAFile has the state not take the token of a replacement, so that it is in an
// emergency file, and returns that.
func replacedIntoAFile(t *testing.T, w *world) (file string, content []byte) {
	t.Helper()
	stopAfter(w, 3, func(ctx context.Context) { w.applyWith(ctx, engine.Request{Replace: []string{"fake.a"}}) })
	files := emergencyFiles(t, w)
	if len(files) != 1 {
		t.Fatalf("emergency files: %v", files)
	}
	content, err := os.ReadFile(files[0])
	if err != nil {
		t.Fatal(err)
	}
	w.alive = func(string) bool { return false }
	return files[0], content
}

// elsewhere applies as another machine does, which has none of the emergency files and
// whose clock is ahead by that.
func (w *world) elsewhere(ahead time.Duration, apply func()) {
	here, holder := w.emergency, w.holder
	w.emergency, w.holder = w.t.TempDir(), "runner-2"
	w.setClock(ahead)
	apply()
	w.setClock(-ahead)
	w.emergency, w.holder = here, holder
}

// The token in the state was got by a machine whose clock was ahead; that in the file has
// replaced it.
func TestTokenOfAnEmergencyFileIsNotDroppedForOneThatItHasReplaced(t *testing.T) {
	for _, revokes := range []bool{false, true} {
		for _, ahead := range []time.Duration{4 * time.Minute, 6 * time.Hour} {
			w := newWorld(t, oneAccount)
			w.up.revokes = revokes
			w.elsewhere(ahead, func() { w.mustApply() })
			file, _ := replacedIntoAFile(t, w)
			warned(t, w, engine.TokenInEmergencyFile, "It is in "+file+". Apply recovers it without a login")
			w.expect("a deliver journaled")
			w.mustApply()
			if got := w.delivered("a"); got != "token-2" || w.up.counts() != "logins=2 refreshes=0" {
				t.Errorf("%s, revokes %t: %s, delivered %q", ahead, revokes, w.up.counts(), got)
			}
			wantNoFiles(t, w)
		}
	}
}

func TestRecoverTakesATokenThatHasReplacedTheOneInTheState(t *testing.T) {
	w := newWorld(t, oneAccount)
	w.elsewhere(6*time.Hour, func() { w.mustApply() })
	_, content := replacedIntoAFile(t, w)
	if err := w.recover(content); err != nil {
		t.Fatal(err)
	}
	if got := w.stored().Pending.Token.Access.Reveal(); got != "token-2" {
		t.Errorf("pending is %q", got)
	}
}

// Another machine, whose clock is behind, has gone on from the token that the one in the
// file has replaced.
func TestTokenOfAnEmergencyFileIsNotPutOverOneThatCameLater(t *testing.T) {
	w := newWorld(t, oneAccount)
	w.mustApply()
	w.advance(24 * time.Hour)
	_, content := replacedIntoAFile(t, w)
	w.elsewhere(-6*time.Hour, w.mustReplace)
	wantError(t, w.recover(content), "newer token")
	w.expect("a none current")
	w.mustApply()
	if got := w.delivered("a"); got != "token-3" {
		t.Errorf("delivered %q", got)
	}
	wantNoFiles(t, w)
}

// Where a login kills the token before it, one of the two is dead, and no clock says which.
func TestAnotherLoginFollowsWhereTwoHaveReplacedTheSameTokenAndOneIsDead(t *testing.T) {
	for _, ahead := range []time.Duration{-6 * time.Hour, 0, 6 * time.Hour} {
		w := newWorld(t, oneAccount)
		w.up.revokes, w.up.unverifiable = true, true
		w.mustApply()
		w.advance(24 * time.Hour)
		replacedIntoAFile(t, w)
		w.elsewhere(ahead, w.mustReplace)
		// The one in the file was the later one, after all.
		w.up.mu.Lock()
		clear(w.up.live)
		w.up.live["token-2"] = true
		w.up.mu.Unlock()
		w.mustApply()
		if got := w.delivered("a"); !w.up.live[got] || w.up.counts() != "logins=4 refreshes=0" {
			t.Errorf("%s: %s, delivered %q, which is dead", ahead, w.up.counts(), got)
		}
		wantNoFiles(t, w)
		w.expect("a none current")
	}
}

// A token that has become part of the chain is known to be older, however its times are.
func TestEmergencyFileOfATokenThatWasReplacedSinceGoes(t *testing.T) {
	for _, revokes := range []bool{false, true} {
		w := newWorld(t, oneAccount)
		w.up.revokes = revokes
		w.mustApply()
		w.advance(24 * time.Hour)
		file, content := replacedIntoAFile(t, w)
		w.mustApply()
		w.elsewhere(-6*time.Hour, w.mustReplace)
		logins := w.up.logins
		if err := os.WriteFile(file, content, 0o600); err != nil {
			t.Fatal(err)
		}
		wantError(t, w.recover(content), "newer token")
		if p := w.plan(engine.Request{}); len(p.Diagnostics) != 0 {
			t.Errorf("%+v", p.Diagnostics)
		}
		w.mustApply()
		wantNoFiles(t, w)
		if got := w.delivered("a"); got != "token-3" || w.up.logins != logins {
			t.Errorf("%s, delivered %q", w.up.counts(), got)
		}
	}
}

// The state was restored from a copy that is two rotations old.
func TestTokenOfAnEmergencyFileIsBroughtBackIntoAnOlderState(t *testing.T) {
	w := newWorld(t, oneAccount)
	w.mustApply()
	paths := w.sinks["state"].Paths()
	old, _ := w.sinks["state"].Get(paths[0])
	w.setClock(-6 * time.Hour)
	w.mustReplace()
	replacedIntoAFile(t, w)
	w.sinks["state"].Put(paths[0], old)
	w.setClock(6 * time.Hour)
	w.mustApply()
	if got := w.delivered("a"); got != "token-3" || w.up.counts() != "logins=3 refreshes=0" {
		t.Errorf("%s, delivered %q", w.up.counts(), got)
	}
}

// Both have replaced the same token, and the upstream has since turned down the one in the
// state: that in the file may be good.
func TestTokenOfAnEmergencyFileIsTriedWhereTheOtherIsNoGood(t *testing.T) {
	w := newWorld(t, oneAccount)
	w.mustApply()
	w.advance(24 * time.Hour)
	replacedIntoAFile(t, w)
	w.elsewhere(time.Hour, w.mustReplace)
	w.edit(func(r *state.Record) { r.Current.Rejected = true })
	w.mustApply()
	if got := w.delivered("a"); got != "token-2" || w.up.counts() != "logins=3 refreshes=0" {
		t.Errorf("%s, delivered %q", w.up.counts(), got)
	}
}

// What is in a file that cannot be read here follows its name.
func TestUnreadableEmergencyFileIsToldUnlessTheStateHasGoneOn(t *testing.T) {
	for name, spoil := range map[string]func([]byte) []byte{
		"encrypted": func(b []byte) []byte { return encrypted(t, newIdentity(t), b) },
		"cut short": func(b []byte) []byte { return b[:len(b)/2] },
	} {
		for _, first := range []bool{true, false} {
			w := newWorld(t, oneAccount)
			if !first {
				w.elsewhere(6*time.Hour, func() { w.mustApply() })
			}
			file, content := replacedIntoAFile(t, w)
			if err := os.WriteFile(file, spoil(content), 0o600); err != nil {
				t.Fatal(err)
			}
			told := func() bool {
				return strings.Contains(strings.Join(details(w.plan(engine.Request{})), "\n"), file)
			}
			if !told() {
				t.Errorf("%s, first token %t: nothing is told", name, first)
			}
			w.elsewhere(-6*time.Hour, w.mustReplace)
			if told() {
				t.Errorf("%s, first token %t: told though the state has gone on", name, first)
			}
			w.applyWith(context.Background(), engine.Request{Replace: []string{"fake.a"}})
			if left := len(emergencyFiles(t, w)) > 0; left != (name == "encrypted") {
				t.Errorf("%s, first token %t: left %t", name, first, left)
			}
		}
	}
}

func details(p *engine.Plan) []string {
	var list []string
	for _, d := range p.Diagnostics {
		list = append(list, d.Detail)
	}
	return list
}

// A run that was held up finds that another has gone on from the token that it has
// replaced too. Whose clock is where makes no difference.
func TestTokenOfAHeldUpRunIsNotPutOverThatOfItsSuccessor(t *testing.T) {
	for _, ahead := range []time.Duration{-6 * time.Hour, 0, 6 * time.Hour} {
		w := newWorld(t, oneAccount)
		w.mustApply()
		w.advance(24 * time.Hour)
		w.up.loginBegins = func() {
			w.up.loginBegins = nil
			w.advance(5 * time.Minute)
			w.elsewhere(ahead, w.mustReplace)
		}
		if s := w.applyWith(context.Background(), engine.Request{Replace: []string{"fake.a"}}); s.Count(engine.Failed) != 1 {
			t.Errorf("%s: %+v", ahead, s.Outcomes)
		}
		r := w.stored()
		if r.Pending != nil || r.Current.Token.Access.Reveal() != "token-2" || w.delivered("a") != "token-2" {
			t.Errorf("%s: pending %t, delivered %q", ahead, r.Pending != nil, w.delivered("a"))
		}
	}
}

// The successor has got no token yet: that of the run that was held up is the newest.
func TestTokenOfAHeldUpRunIsJournaledWhereItsSuccessorHasNone(t *testing.T) {
	w := newWorld(t, oneAccount)
	w.elsewhere(6*time.Hour, func() { w.mustApply() })
	w.up.loginBegins = func() {
		w.up.loginBegins = nil
		w.advance(5 * time.Minute)
		w.lease(0)
	}
	w.applyWith(context.Background(), engine.Request{Replace: []string{"fake.a"}})
	if r := w.stored(); r.Pending == nil || r.Pending.Token.Access.Reveal() != "token-2" {
		t.Errorf("pending %+v", r.Pending)
	}
}

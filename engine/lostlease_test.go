package engine_test

import (
	"testing"
	"time"

	"github.com/credsync/credsync/engine"
)

// otherRun applies as a run on another machine would, five minutes later.
func (w *world) otherRun() *engine.Summary {
	holder := w.holder
	w.up.loginBegins, w.up.loginDone = nil, nil
	w.advance(5 * time.Minute)
	w.holder = "runner-2"
	s := w.apply()
	w.holder = holder
	return s
}

// The request of a run that is held up can reach the upstream last, and revoke
// the token of the run that came after it.
func TestLoginThatReachesTheUpstreamLastIsNotForgotten(t *testing.T) {
	w := newWorld(t, oneAccount)
	w.up.revokes, w.up.unverifiable = true, true
	w.up.loginBegins = func() {
		if s := w.otherRun(); s.Count(engine.Done) != 1 {
			t.Fatalf("%+v", s.Outcomes)
		}
	}
	w.apply()
	w.deliversALiveToken()
}

// The same, where the run that came after it has not journaled yet when the
// held-up run writes, and then finds that run's token in the state.
func TestTwoLoginsThatRevokeEachOtherEndWithALiveToken(t *testing.T) {
	w := newWorld(t, oneAccount)
	w.up.revokes, w.up.unverifiable = true, true
	resume, ended, done := make(chan struct{}), make(chan struct{}), make(chan struct{})
	w.up.loginBegins = func() {
		w.up.loginDone = func() {
			// The other run has its token, and is overtaken before it journals.
			w.up.mu.Unlock()
			defer w.up.mu.Lock()
			w.up.loginDone = nil
			close(resume)
			<-ended
		}
		w.up.loginBegins = nil
		w.advance(5 * time.Minute)
		go func() {
			defer close(done)
			w.holder = "runner-2"
			w.apply()
		}()
		<-resume
		w.holder = "runner-1"
	}
	w.apply()
	close(ended)
	<-done
	w.deliversALiveToken()
}

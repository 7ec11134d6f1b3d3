package engine_test

import (
	"testing"
	"time"

	"github.com/credsync/credsync/engine"
	"github.com/credsync/credsync/failure"
)

func TestRefreshThatFails(t *testing.T) {
	broken := &failure.Error{Class: failure.Server, Op: "refresh the token", Status: 500, Message: "odd answer"}
	lost := &failure.Error{Class: failure.Retryable, Op: "refresh the token", AnswerLost: true, Message: "timeout"}
	tests := map[string]struct {
		err     error
		spends  bool
		after   time.Duration
		result  engine.Result
		counts  string
		current string
	}{
		"while the token is good it is tried again later": {broken, false, 29 * 24 * time.Hour, engine.Failed, "logins=1 refreshes=1", "token-1"},
		"once the token has expired one login follows":    {broken, false, 31 * 24 * time.Hour, engine.Done, "logins=2 refreshes=1", "token-2"},
		"a lost answer spends nothing where tokens can be refreshed twice": {
			lost, false, 29 * 24 * time.Hour, engine.Failed, "logins=1 refreshes=1", "token-1",
		},
		"a lost answer may have spent a single-use token": {lost, true, 29 * 24 * time.Hour, engine.Done, "logins=2 refreshes=1", "token-2"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, oneAccount)
			w.up.spends = tt.spends
			w.mustApply()
			w.up.onRefresh = func() error { return tt.err }
			w.advance(tt.after)
			s := w.apply()
			if s.Count(tt.result) != 1 || w.up.counts() != tt.counts || w.delivered("a") != tt.current {
				t.Errorf("%s, delivered %q: %+v", w.up.counts(), w.delivered("a"), s.Outcomes)
			}
		})
	}
}

// The upstream was out of reach for a moment. Without this an account whose
// login takes a code would need its human for each such moment.
func TestLostRefreshIsAskedForAgainWhereTheLoginBroughtNothing(t *testing.T) {
	w := newWorld(t, oneAccount)
	w.up.spends = true
	w.mustApply()
	w.up.onRefresh = only(1, &failure.Error{Class: failure.Retryable, Op: "refresh the token", AnswerLost: true, Message: "timeout"})
	w.up.onLogin = func() error { return wantsCode("the upstream wants a code") }
	w.advance(29 * 24 * time.Hour)
	if s := w.apply(); s.Count(engine.Blocked) != 1 || w.up.counts() != "logins=2 refreshes=1" {
		t.Fatalf("%s: %+v", w.up.counts(), s.Outcomes)
	}
	w.apply()
	if got := w.delivered("a"); got != "token-2" || w.up.counts() != "logins=2 refreshes=2" {
		t.Errorf("%s, delivered %q", w.up.counts(), got)
	}
}

package lockout

import (
	"context"
	"sync"
	"testing"

	"github.com/credsync/credsync/engine"
)

const runners = 4

// eachRow runs a test for each row of a table.
func eachRow(t *testing.T, rows []refusalRow, test func(t *testing.T, w *world)) {
	for _, r := range rows {
		t.Run(r.upstream+" "+r.name, func(t *testing.T) {
			t.Parallel()
			test(t, newWorld(t, r))
		})
	}
}

// applies runs n applies of a secret, by several runners at once, and hands over
// how each account ended.
func (w *world) applies(n int, secret string, ended func(engine.Outcome)) {
	w.t.Helper()
	cfg := w.config(secret)
	var mu sync.Mutex
	var work sync.WaitGroup
	for range runners {
		work.Go(func() {
			for range n / runners {
				s := w.applyConfig(cfg, engine.Request{})
				mu.Lock()
				for _, o := range s.Outcomes {
					ended(o)
				}
				mu.Unlock()
			}
		})
	}
	work.Wait()
}

// blocked applies so often, and wants each apply to end blocked for the row's
// reason.
func (w *world) blocked(n int, secret string) {
	w.t.Helper()
	var blocked int
	var odd *engine.Outcome
	w.applies(n, secret, func(o engine.Outcome) {
		if o.Result == engine.Blocked && (secret != w.r.use() || o.Reason == w.r.reason) {
			blocked++
		} else if odd == nil {
			odd = &o
		}
	})
	if odd != nil {
		w.t.Errorf("an apply ended %s %s %s: %s", odd.Result, odd.Action, odd.Reason, odd.Message)
	}
	if blocked != n {
		w.t.Errorf("%d of %d applies ended blocked", blocked, n)
	}
}

// wantAsked wants the upstream to have been asked so often.
func (w *world) wantAsked(want int, after string) {
	w.t.Helper()
	if got := w.asked(); got != want {
		w.t.Fatalf("after %s the upstream counted %d attempts, want %d", after, got, want)
	}
}

// everyRefusal is the promised number of attempts, for each documented refusal.
func everyRefusal(t *testing.T, applies int) {
	eachRow(t, rememberedRefusals(), func(t *testing.T, w *world) {
		before := w.asked()
		w.blocked(applies, w.r.use())
		w.wantAsked(before+w.r.first, "all applies")
		if w.codes() != 0 {
			t.Errorf("applies had %d codes sent", w.codes())
		}
	})
}

func TestEveryDocumentedRefusalIsMadeOnceByHundredsOfApplies(t *testing.T) {
	everyRefusal(t, appliesPerRow)
}

// Each lift allows one attempt, and what was tried before is not tried again
// when it comes back.
func TestRefusalIsLiftedOnceByEachThing(t *testing.T) {
	const applies = runners
	eachRow(t, rememberedRefusals(), func(t *testing.T, w *world) {
		w.blocked(applies, w.r.use())
		attempts := w.asked()
		lifted := func(after string) {
			t.Helper()
			attempts += w.r.again
			w.wantAsked(attempts, after)
		}
		w.blocked(applies, other)
		lifted("another secret")
		for range 3 {
			w.blocked(applies, w.r.use())
			w.blocked(applies, other)
		}
		w.blocked(applies, w.r.use())
		w.wantAsked(attempts, "going to and fro between the two")
		for range 2 {
			w.apply(w.r.use(), engine.Request{Replace: []string{w.r.upstream + ".a"}})
			lifted("--replace")
			w.blocked(applies, w.r.use())
			w.wantAsked(attempts, "applies behind --replace")
		}
		w.login()
		if w.r.reason == "needs_code" {
			// The upstream is known to want one; a login would only say so again.
			attempts -= w.r.again
			if w.codes() != 1 {
				t.Errorf("login had %d codes sent", w.codes())
			}
		}
		lifted("login")
		w.blocked(applies, w.r.use())
		w.wantAsked(attempts, "applies behind login")
	})
}

// login does what credsync login does up to the question for the code.
func (w *world) login() {
	e, end := w.engine(w.config(w.r.use()))
	defer end()
	e.BeginLogin(context.Background(), w.r.upstream+".a")
}

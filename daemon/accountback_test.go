package daemon

import (
	"testing"
	"time"
)

// loopAt is a loop that knows accounts, with a clock that stands still.
func loopAt(addresses ...string) *timerLoop {
	l := newTimerLoop(&Daemon{Options: Options{Now: func() time.Time { return t0 }, CheckEvery: time.Hour}})
	for _, a := range addresses {
		l.accounts[a] = &accountState{running: true}
	}
	return l
}

// An account can go from the configuration and come back while a worker is at it: what
// the worker found is of the account that was.
func TestAWorkersResultIsOfTheAccountItWasStartedFor(t *testing.T) {
	for _, gone := range []bool{false, true} {
		l := loopAt("a", "b")
		l.busy[urgent] = 1
		was, back := l.accounts["a"], &accountState{running: true}
		if gone {
			delete(l.accounts, "a")
		} else {
			l.accounts["a"] = back
		}
		l.takeResult(jobResult{job: job{address: "a", account: was, priority: urgent}, gone: true})
		if !back.running || back.looked || l.queue.entries["a"] != nil || !l.accounts["b"].running {
			t.Errorf("gone %t: the old result was booked: %+v, due %+v", gone, back, l.queue.entries["a"])
		}
		if l.busy[urgent] != 0 || l.working() != 0 {
			t.Errorf("gone %t: %d workers are said to be at work", gone, l.working())
		}
	}
}

func TestWhatWasGoneIsLookedAtAgain(t *testing.T) {
	l := loopAt("a")
	l.busy[canWait] = 1
	l.takeResult(jobResult{job: job{address: "a", account: l.accounts["a"], priority: canWait}, gone: true})
	e := l.queue.entries["a"]
	if l.accounts["a"].running || l.accounts["a"].looked || e == nil || !e.at[canWait].Equal(t0.Add(sweepAgain)) {
		t.Errorf("%+v, due %+v", l.accounts["a"], e)
	}
}

// A worker who has the account looks again when it is done, and one who has not looks by
// then, or sooner where that was due already.
func TestAnAccountIsLookedAtByThen(t *testing.T) {
	l := loopAt("busy", "free")
	l.accounts["free"].running = false
	l.queue.set("free", dueTimes{look: at(100)})
	for _, a := range []string{"busy", "free"} {
		l.lookBy(a, at(10))
	}
	if !l.accounts["busy"].again || l.queue.entries["busy"] != nil {
		t.Errorf("%+v", l.accounts["busy"])
	}
	if l.accounts["free"].again || !l.queue.entries["free"].at[canWait].Equal(at(10)) {
		t.Errorf("%+v", l.queue.entries["free"])
	}
	l.lookBy("free", at(50))
	if !l.queue.entries["free"].at[canWait].Equal(at(10)) {
		t.Error("a look that was due sooner is put off")
	}
	l.forgetOthers(map[string]bool{"busy": true})
	if l.accounts["free"] != nil || l.queue.entries["free"] != nil || l.accounts["busy"] == nil {
		t.Errorf("left are %v and %v", l.accounts, l.queue.entries)
	}
}

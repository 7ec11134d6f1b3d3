package daemon

import (
	"context"
	"maps"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/credsync/credsync/engine"
	"github.com/credsync/credsync/plan"
	"github.com/credsync/credsync/schema/diag"
	"github.com/credsync/credsync/sinks"
)

// started gives workers what is due and returns their jobs, by address.
func started(l *timerLoop) map[string]job {
	before := l.working()
	l.startDue(context.Background())
	jobs := map[string]job{}
	for range l.working() - before {
		f := <-l.done
		jobs[f.address] = f.job
	}
	return jobs
}

func TestWhatWorkersAreGiven(t *testing.T) {
	d, _ := still(8)
	d.uses()
	d.current.Engine = &scripted{
		apply:   done,
		removed: &engine.Plan{},
		plan:    func(context.Context) *engine.AccountPlan { return planned("a", plan.None) },
	}
	for settled, act := range map[time.Time]bool{t0.Add(1): false, t0: true} {
		l := newTimerLoop(d)
		l.settled = settled
		l.queue.set(sweepEntry, dueTimes{look: t0})
		jobs := started(l)
		if j, ok := jobs[sweepEntry]; !ok || j.act != act || !l.sweeping || j.account != nil {
			t.Errorf("settled at %s: %+v", settled, j)
		}
		if l.busy != [2]int{0, 1} {
			t.Errorf("%v are busy", l.busy)
		}
	}
	l := newTimerLoop(d)
	l.accounts = map[string]*accountState{"first": {again: true}, "known": {looked: true}, "later": {looked: true}}
	l.queue.set("first", dueTimes{look: at(-1)})
	l.queue.set("known", dueTimes{rotate: at(-2), look: at(5)})
	l.queue.set("later", dueTimes{rotate: at(2), look: at(1)})
	jobs := started(l)
	first, known := jobs["first"], jobs["known"]
	if len(jobs) != 2 || l.busy != [2]int{1, 1} {
		t.Errorf("%d jobs, busy %v", len(jobs), l.busy)
	}
	if !first.offline || first.priority != canWait || !first.due.Equal(at(-1)) ||
		first.account != l.accounts["first"] ||
		first.act {
		t.Errorf("the first look: %+v", first)
	}
	if known.offline || known.priority != urgent || !known.due.Equal(at(-2)) {
		t.Errorf("a rotation: %+v", known)
	}
	for name, running := range map[string]bool{"first": true, "known": true, "later": false} {
		if a := l.accounts[name]; a.running != running || a.again {
			t.Errorf("%s: %+v", name, a)
		}
	}
}

// An account is not looked at again before the time that follows from how it stands, but
// where there was a reason for it in the meantime.
func TestWhenAnAccountIsLookedAtAgain(t *testing.T) {
	for name, c := range map[string]struct {
		offline, again bool
		result         engine.AccountResult
		look           func(at time.Duration) bool
	}{
		"in order": {false, false, tended(plan.None, nil),
			func(d time.Duration) bool { return d >= 15*time.Minute }},
		"at the first look": {true, false, tended(plan.None, nil), func(d time.Duration) bool { return d >= 15*time.Minute }},
		"a failure": {false, false, tended(plan.Refresh, failed("retryable")),
			func(d time.Duration) bool { return d > 3*time.Second && d <= 5*time.Second }},
		"a failure at the first look": {true, false, tended(plan.Refresh, failed("retryable")),
			func(d time.Duration) bool { return d > 3*time.Second && d <= 5*time.Second }},
		"something left to do, offline": {true, false, tended(plan.Deliver, nil), func(d time.Duration) bool { return d >= 15*time.Minute }},
		"held, at the first look": {true, false, engine.AccountResult{Plan: tended(plan.None, nil).Plan,
			HeldUntil: t0.Add(time.Minute)}, func(d time.Duration) bool { return d > 0 && d <= time.Second }},
		"it has changed meanwhile": {false, true, tended(plan.None, nil), func(d time.Duration) bool { return d == 0 }},
	} {
		d, _ := still(4)
		l := newTimerLoop(d)
		address := c.result.Plan.Address
		a := &accountState{running: true, again: c.again}
		l.accounts[address] = a
		l.busy[canWait] = 1
		l.takeResult(
			jobResult{job: job{address: address, account: a, priority: canWait, offline: c.offline}, tended: c.result},
		)
		e := l.queue.entries[address]
		if e == nil || !c.look(e.at[canWait].Sub(t0)) || a.running || !a.looked || a.unread || l.working() != 0 {
			t.Errorf("%s: due %+v, %+v", name, e, a)
		}
		if l.queue.entries[sweepEntry] != nil || d.status.plans[address] == nil {
			t.Errorf("%s: a sweep is due, or the view lacks it", name)
		}
	}
}

// An account whose record cannot be read is a reason to try the whole state, but not all
// the time.
func TestASweepFollowsAnAccountThatCannotBeRead(t *testing.T) {
	for name, c := range map[string]struct {
		failing   int
		lastSweep time.Time
		want      time.Time
	}{
		"long after the last":     {0, at(-100), at(1)},
		"right after the last":    {0, at(-2), at(8)},
		"when the state is known": {2, at(-100), at(1000)},
	} {
		inWorld(t, head+account("a", ""), func(t *testing.T, w *world) {
			w.apply()
			_, e, _ := w.load(t.Context(), "runner")
			w.sinks["state"].Fail = func(string, sinks.Target) error { return sinks.ErrUnavailable }
			p := e.PlanAccount(t.Context(), "account.fake.a", false)
			if !p.Unread() {
				t.Fatalf("it was read: %+v", p.Decision)
			}
			d, _ := still(4)
			l := newTimerLoop(d)
			a := &accountState{running: true}
			l.accounts[p.Address], l.sweeps, l.lastSweep = a, c.failing, c.lastSweep
			l.queue.set(sweepEntry, dueTimes{look: at(1000)})
			l.takeResult(jobResult{job: job{address: p.Address, account: a}, tended: engine.AccountResult{Plan: p}})
			if due := l.queue.entries[sweepEntry].at[canWait]; !a.unread || !due.Equal(c.want) {
				t.Errorf("%s: the sweep is due at %s, want %s", name, due, c.want)
			}
		})
	}
}

// The loop says that it is alive and what it is at, and that it is stopping.
func TestTheLoopShowsThatItIsAlive(t *testing.T) {
	inWorld(t, head+account("a", `lifetime = "100h"`), func(t *testing.T, w *world) {
		closed := 0
		d := w.start("runner", func(o *Options) {
			load := o.Load
			o.Load = func(ctx context.Context, inputs bool) (*Loaded, diag.List) {
				l, diags := load(ctx, inputs)
				l.Close = func() { closed++ }
				return l, diags
			}
		})
		w.up.slow(0)
		for range 10 {
			wait(10 * time.Second)
			d.mu.Lock()
			age := time.Since(d.status.heartbeat)
			d.mu.Unlock()
			if age > 10*time.Second {
				t.Fatalf("the loop has not come round for %s", age)
			}
		}
		w.up.slow(5 * time.Second)
		w.write(head + account("a", `lifetime = "99h"`))
		wait(4 * time.Second)
		if n := gauge(t, d.Daemon, "credsync_working"); n != 1 {
			t.Errorf("%v are at work", n)
		}
		d.stop()
		synctest.Wait()
		if err := d.Ready(); err == nil || err.Error() != "stopping" {
			t.Errorf("ready says %v", err)
		}
		<-d.ended
		if n := gauge(t, d.Daemon, "credsync_working"); n != 0 || closed != w.readings() {
			t.Errorf("%v are at work, %d of %d configurations are closed", n, closed, w.readings())
		}
		lines := w.lines.String()
		if !strings.Contains(lines, "stopping; finishing the work in progress first: working=1") || !strings.HasSuffix(strings.TrimSpace(lines), "stopped") {
			t.Error("the log does not say that it stops, or has stopped")
		}
	})
}

func TestAllAccountsHaveTheirPlaceInTheOrder(t *testing.T) {
	d, _ := still(2)
	d.uses()
	d.current.Engine = &scripted{
		apply: done,
		plan:  func(context.Context) *engine.AccountPlan { return planned("a", plan.None) },
	}
	l := newTimerLoop(d)
	for i, name := range []string{"c", "b", "a"} {
		l.accounts[name] = &accountState{looked: true}
		l.queue.set(name, dueTimes{rotate: at(-i)})
	}
	jobs := started(l)
	if names := slices.Sorted(maps.Keys(jobs)); !slices.Equal(names, []string{"a", "b"}) {
		t.Errorf("two workers have %q, which are not those that are due for longest", names)
	}
}

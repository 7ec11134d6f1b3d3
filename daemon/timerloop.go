package daemon

import (
	"context"
	"slices"
	"time"

	"github.com/credsync/credsync/engine"
)

// sweepEntry is the schedule's entry for what the state has and the configuration
// does not. It reads the whole state, and so tells whether that is in reach.
const sweepEntry = ""

const (
	// sweepAgain is the first pause after a sweep that could not read the
	// state, sweepLongest the longest.
	sweepAgain, sweepLongest = time.Second, 30 * time.Second
	// recoverySpread is over how long the accounts that could not be read are
	// looked at once the state is back.
	recoverySpread = 5 * time.Second
	// sweepPace is the least time between two sweeps that single accounts give
	// rise to.
	sweepPace = 10 * time.Second
)

// timerLoop has the timer, and the queue of what is due. Only its own goroutine
// touches it.
type timerLoop struct {
	d        *Daemon
	queue    *dueQueue
	accounts map[string]*accountState
	// done is where workers hand in what they did.
	done chan jobResult
	// busy counts workers by the priority of their work.
	busy [2]int
	// settled is when the configuration has stayed as it is for long enough.
	settled time.Time
	// sweeping says that a worker is at a sweep.
	sweeping bool
	// sweeps counts sweeps in a row that could not read the state; lastSweep is
	// when the last one ended.
	sweeps    int
	lastSweep time.Time
}

// accountState is what the loop knows of an account.
type accountState struct {
	history history
	// running accounts are with a worker; again says that there is a reason to
	// look at them once more when it is done.
	running, again bool
	// looked says that the account was looked at before.
	looked bool
	// unread says that it could not be.
	unread bool
}

// job is one piece of work.
type job struct {
	address  string
	priority priority
	// due is when it was to begin.
	due time.Time
	// offline looks at the account without asking its upstream.
	offline bool
	// account is what the loop knows of it; nil for a sweep.
	account *accountState
	// act allows removing what is no longer in the configuration.
	act bool
}

// jobResult is a job that was done.
type jobResult struct {
	job
	tended engine.AccountResult
	// gone says that there was nothing to tend.
	gone bool
	// unreachable is why the state could not be read, held that another run
	// was at work, in a sweep.
	unreachable error
	held        bool
}

func newTimerLoop(d *Daemon) *timerLoop {
	return &timerLoop{
		d: d, queue: newDueQueue(), accounts: map[string]*accountState{}, done: make(chan jobResult, d.Concurrency),
	}
}

// run goes round until ctx ends and every worker is done.
func (l *timerLoop) run(ctx context.Context) {
	timer := time.NewTimer(0)
	defer timer.Stop()
	stop := ctx.Done()
	for stop != nil || l.working() > 0 {
		select {
		case <-stop:
			stop = nil
			l.d.Log.Info("stopping; finishing the work in progress first", "working", l.working())
			l.d.publish(func(v *publishedStatus) { v.stopping = true })
		case c := <-l.d.reloaded:
			l.takeConfiguration(c)
		case f := <-l.done:
			l.takeResult(f)
		case <-timer.C:
		}
		wait := longestSleep
		if stop != nil {
			l.startDue(ctx)
			wait = l.untilNext()
		}
		l.d.publish(func(v *publishedStatus) { v.heartbeat, v.working = l.d.Now(), l.working() })
		timer.Reset(wait)
	}
	l.d.Log.Info("stopped")
}

func (l *timerLoop) working() int { return l.busy[urgent] + l.busy[canWait] }

// mayStart reports whether work of a priority may have another worker. What can
// wait gets half of them at most, and at least one.
func (l *timerLoop) mayStart(in priority) bool {
	if l.working() >= l.d.Concurrency {
		return false
	}
	return in == urgent || l.busy[canWait] < max(1, l.d.Concurrency/2)
}

// startDue gives workers what is due.
func (l *timerLoop) startDue(ctx context.Context) {
	now := l.d.Now()
	for in := urgent; in <= canWait; in++ {
		for l.mayStart(in) {
			address, due, ok := l.queue.popDue(in, now)
			if !ok {
				break
			}
			j := job{address: address, priority: in, due: due}
			if address == sweepEntry {
				l.sweeping = true
				j.act = !now.Before(l.settled)
			} else {
				a := l.accounts[address]
				j.account, j.offline, a.running, a.again = a, !a.looked, true, false
			}
			l.busy[in]++
			go func() { l.done <- l.d.runJob(ctx, j) }()
		}
	}
}

// untilNext is how long there is nothing to begin.
func (l *timerLoop) untilNext() time.Duration {
	wait := longestSleep
	now := l.d.Now()
	for in := urgent; in <= canWait; in++ {
		if at, ok := l.queue.next(in); ok && l.mayStart(in) {
			wait = min(wait, at.Sub(now))
		}
	}
	return max(wait, 0)
}

// takeConfiguration takes a new configuration over.
func (l *timerLoop) takeConfiguration(c change) {
	now := l.d.Now()
	g, done := l.d.useCurrent()
	defer done()
	if g == nil {
		return
	}
	addresses := g.Engine.Addresses(l.d.Shard)
	kept := make(map[string]bool, len(addresses))
	for _, address := range addresses {
		kept[address] = true
		switch a := l.accounts[address]; {
		case a == nil:
			l.accounts[address] = &accountState{}
			l.queue.set(address, dueTimes{look: firstLook(address, now, len(addresses))})
		case c.files:
			l.lookBy(address, now.Add(fractionOf(min(changeSpread, l.d.CheckEvery), placeInSpread(address))))
		}
	}
	// What was away for a moment may have come back another.
	for _, address := range slices.Concat(c.Added, c.Changed) {
		if a := l.accounts[address]; a != nil && kept[address] && (a.looked || a.running) {
			a.history = history{}
			l.lookBy(address, now)
		}
	}
	l.forgetOthers(kept)
	l.d.Metrics.Keep(addresses)
	l.d.publish(func(v *publishedStatus) {
		for address := range v.plans {
			if !kept[address] {
				delete(v.plans, address)
			}
		}
	})
	if c.files || !c.Empty() {
		l.settled = now.Add(l.d.Settle)
	}
	switch {
	case l.sweeping:
		// Its end puts the next one into the schedule.
	case l.queue.entries[sweepEntry] == nil:
		l.queue.set(sweepEntry, dueTimes{look: now})
	default:
		l.queue.dueBy(sweepEntry, l.settled)
	}
}

// forgetOthers drops what is no longer in the configuration.
func (l *timerLoop) forgetOthers(kept map[string]bool) {
	for address := range l.accounts {
		if !kept[address] {
			delete(l.accounts, address)
			l.queue.remove(address)
		}
	}
}

// lookBy has an account looked at by then, even if a worker has it now.
func (l *timerLoop) lookBy(address string, at time.Time) {
	a := l.accounts[address]
	if a.running {
		a.again = true
		return
	}
	l.queue.dueBy(address, at)
}

// takeResult takes in what a worker did.
func (l *timerLoop) takeResult(f jobResult) {
	l.busy[f.priority]--
	now := l.d.Now()
	if f.address == sweepEntry {
		l.takeSweepResult(f, now)
		return
	}
	a := l.accounts[f.address]
	if a == nil || a != f.account {
		// It has gone from the configuration meanwhile, and may be back.
		return
	}
	a.running = false
	if f.gone {
		l.queue.set(f.address, dueTimes{look: now.Add(sweepAgain)})
		return
	}
	a.looked, a.unread = true, f.tended.Plan.Unread()
	var next dueTimes
	next, a.history = a.history.nextTimes(f.tended, now, l.d.CheckEvery, l.d.seed)
	if f.offline && f.tended.Outcome == nil && f.tended.HeldUntil.IsZero() {
		// The first look asked nobody. Whether the token is good is found out
		// at the account's own moment.
		next.look = nextCheck(f.address, now, l.d.CheckEvery)
	}
	if a.again {
		next.look = now
	}
	l.queue.set(f.address, next)
	l.d.report(f, next, now)
	if a.unread && l.sweeps == 0 {
		// It may be this record alone, or the whole state.
		l.queue.dueBy(sweepEntry, later(now.Add(sweepAgain), l.lastSweep.Add(sweepPace)))
	}
}

// takeSweepResult takes in what a sweep found.
func (l *timerLoop) takeSweepResult(f jobResult, now time.Time) {
	l.sweeping = false
	next := now.Add(l.d.CheckEvery)
	switch {
	case f.unreachable != nil:
		l.sweeps++
		next = now.Add(min(sweepLongest, sweepAgain<<min(l.sweeps-1, 10)))
	case f.held:
		next = now.Add(sweepLongest)
	}
	if !f.act || l.settled.After(now) {
		next = earlier(next, later(l.settled, now))
	}
	l.lastSweep = now
	if l.d.stateKnown(f.unreachable, now) && f.unreachable == nil {
		for address, a := range l.accounts {
			if a.unread && !a.running {
				l.queue.dueBy(address, now.Add(fractionOf(recoverySpread, placeInSpread(address))))
			}
		}
	}
	if f.unreachable == nil {
		l.sweeps = 0
	}
	l.queue.set(sweepEntry, dueTimes{look: next})
}

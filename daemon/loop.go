package daemon

import (
	"context"
	"slices"
	"time"

	"github.com/credsync/credsync/engine"
)

// sweep is the schedule's entry for what the state has and the configuration
// does not. It reads the whole state, and so tells whether that is in reach.
const sweep = ""

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

// loop holds the schedule. Only its own goroutine touches it.
type loop struct {
	d        *Daemon
	schedule *schedule
	accounts map[string]*standing
	// done is where workers hand in what they did.
	done chan finished
	// busy counts workers by lane.
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

// standing is what the loop knows of an account.
type standing struct {
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
	address string
	lane    lane
	// due is when it was to begin.
	due time.Time
	// offline looks at the account without asking its upstream.
	offline bool
	// account is what the loop knows of it; nil for a sweep.
	account *standing
	// act allows removing what is no longer in the configuration.
	act bool
}

// finished is a job that was done.
type finished struct {
	job
	tended engine.AccountResult
	// gone says that there was nothing to tend.
	gone bool
	// unreachable is why the state could not be read, held that another run
	// was at work, in a sweep.
	unreachable error
	held        bool
}

func newLoop(d *Daemon) *loop {
	return &loop{d: d, schedule: newSchedule(), accounts: map[string]*standing{}, done: make(chan finished, d.Concurrency)}
}

// run goes round until ctx ends and every worker is done.
func (l *loop) run(ctx context.Context) {
	timer := time.NewTimer(0)
	defer timer.Stop()
	stop := ctx.Done()
	for stop != nil || l.working() > 0 {
		select {
		case <-stop:
			stop = nil
			l.d.Log.Info("stopping; what is under way is finished first", "working", l.working())
			l.d.publish(func(v *view) { v.stopping = true })
		case c := <-l.d.reloaded:
			l.adopt(c)
		case f := <-l.done:
			l.finish(f)
		case <-timer.C:
		}
		wait := idle
		if stop != nil {
			l.start(ctx)
			wait = l.untilNext()
		}
		l.d.publish(func(v *view) { v.heartbeat, v.working = l.d.Now(), l.working() })
		timer.Reset(wait)
	}
	l.d.Log.Info("stopped")
}

func (l *loop) working() int { return l.busy[pressing] + l.busy[patient] }

// room reports whether a lane may have another worker. Patient work gets half
// of them at most, and at least one.
func (l *loop) room(in lane) bool {
	if l.working() >= l.d.Concurrency {
		return false
	}
	return in == pressing || l.busy[patient] < max(1, l.d.Concurrency/2)
}

// start gives workers what is due.
func (l *loop) start(ctx context.Context) {
	now := l.d.Now()
	for in := pressing; in <= patient; in++ {
		for l.room(in) {
			address, due, ok := l.schedule.take(in, now)
			if !ok {
				break
			}
			j := job{address: address, lane: in, due: due}
			if address == sweep {
				l.sweeping = true
				j.act = !now.Before(l.settled)
			} else {
				a := l.accounts[address]
				j.account, j.offline, a.running, a.again = a, !a.looked, true, false
			}
			l.busy[in]++
			go func() { l.done <- l.d.do(ctx, j) }()
		}
	}
}

// untilNext is how long there is nothing to begin.
func (l *loop) untilNext() time.Duration {
	wait := idle
	now := l.d.Now()
	for in := pressing; in <= patient; in++ {
		if at, ok := l.schedule.next(in); ok && l.room(in) {
			wait = min(wait, at.Sub(now))
		}
	}
	return max(wait, 0)
}

// adopt takes a new configuration over.
func (l *loop) adopt(c change) {
	now := l.d.Now()
	g, done := l.d.use()
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
			l.accounts[address] = &standing{}
			l.schedule.put(address, times{look: firstLook(address, now, len(addresses))})
		case c.files:
			l.lookBy(address, now.Add(part(min(changeSpread, l.d.CheckEvery), spreadOf(address))))
		}
	}
	// What was away for a moment may have come back another.
	for _, address := range slices.Concat(c.Added, c.Changed) {
		if a := l.accounts[address]; a != nil && kept[address] && (a.looked || a.running) {
			a.history = history{}
			l.lookBy(address, now)
		}
	}
	l.forget(kept)
	l.d.Metrics.Keep(addresses)
	l.d.publish(func(v *view) {
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
	case l.schedule.entries[sweep] == nil:
		l.schedule.put(sweep, times{look: now})
	default:
		l.schedule.sooner(sweep, l.settled)
	}
}

// forget drops what is no longer in the configuration.
func (l *loop) forget(kept map[string]bool) {
	for address := range l.accounts {
		if !kept[address] {
			delete(l.accounts, address)
			l.schedule.drop(address)
		}
	}
}

// lookBy has an account looked at by then, also where a worker has it now.
func (l *loop) lookBy(address string, at time.Time) {
	a := l.accounts[address]
	if a.running {
		a.again = true
		return
	}
	l.schedule.sooner(address, at)
}

// finish takes in what a worker did.
func (l *loop) finish(f finished) {
	l.busy[f.lane]--
	now := l.d.Now()
	if f.address == sweep {
		l.swept(f, now)
		return
	}
	a := l.accounts[f.address]
	if a == nil || a != f.account {
		// It has gone from the configuration meanwhile, and may be back.
		return
	}
	a.running = false
	if f.gone {
		l.schedule.put(f.address, times{look: now.Add(sweepAgain)})
		return
	}
	a.looked, a.unread = true, f.tended.Plan.Unread()
	var next times
	next, a.history = a.history.next(f.tended, now, l.d.CheckEvery, l.d.seed)
	if f.offline && f.tended.Outcome == nil && f.tended.HeldUntil.IsZero() {
		// The first look asked nobody. Whether the token is good is found out
		// at the account's own moment.
		next.look = nextCheck(f.address, now, l.d.CheckEvery)
	}
	if a.again {
		next.look = now
	}
	l.schedule.put(f.address, next)
	l.d.report(f, next, now)
	if a.unread && l.sweeps == 0 {
		// It may be this record alone, or the whole state.
		l.schedule.sooner(sweep, later(now.Add(sweepAgain), l.lastSweep.Add(sweepPace)))
	}
}

// swept takes in what a sweep found.
func (l *loop) swept(f finished, now time.Time) {
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
				l.schedule.sooner(address, now.Add(part(recoverySpread, spreadOf(address))))
			}
		}
	}
	if f.unreachable == nil {
		l.sweeps = 0
	}
	l.schedule.put(sweep, times{look: next})
}

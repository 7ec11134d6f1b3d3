package daemon

import (
	"context"
	"fmt"
	"time"

	"github.com/credsync/credsync/engine"
	"github.com/credsync/credsync/plan"
	"github.com/hashicorp/go-hclog"
)

// lookWithin bounds the looking at one account, so that a sink or an upstream
// which never answers does not hold a worker for ever.
const lookWithin = 2 * time.Minute

// runJob is one worker's job.
func (d *Daemon) runJob(ctx context.Context, j job) jobResult {
	if j.address == sweepEntry {
		return d.sweep(ctx, j)
	}
	g, done := d.useCurrent()
	ap := d.look(ctx, g, j)
	if ap != nil && ap.Action.Contacts() {
		done()
		again, doneAgain := d.withInputs(ctx)
		if again != g {
			g = again
			ap = d.look(ctx, g, j)
		}
		done = doneAgain
	}
	defer done()
	if ap == nil || ctx.Err() != nil {
		return jobResult{job: j, gone: true}
	}
	if j.priority == urgent {
		d.Metrics.Began(d.Now().Sub(j.due))
	}
	t := g.Engine.ApplyAccount(ctx, ap)
	if o := t.Outcome; ctx.Err() != nil && o != nil && o.Result == engine.Failed && o.Logins+o.Refreshes == 0 {
		// It was told to stop before it had begun, which is no failure.
		return jobResult{job: j, gone: true}
	}
	return jobResult{job: j, tended: t}
}

func (d *Daemon) look(ctx context.Context, g *generation, j job) *engine.AccountPlan {
	if g == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, lookWithin)
	defer cancel()
	return g.Engine.PlanAccount(ctx, j.address, j.offline)
}

// sweep reads the whole state, and removes what has gone from the
// configuration where that is allowed yet.
func (d *Daemon) sweep(ctx context.Context, j job) jobResult {
	f := jobResult{job: j}
	g, done := d.useCurrent()
	defer done()
	if g == nil {
		f.gone = true
		return f
	}
	reading, cancel := context.WithTimeout(ctx, lookWithin)
	defer cancel()
	p, err := g.Engine.PlanRemoved(reading, d.Shard)
	if f.unreachable = err; err != nil {
		return f
	}
	if text := fmt.Sprint(p.Diagnostics); text != d.sweepTold {
		d.sweepTold = text
		d.logDiagnostics(p.Diagnostics)
	}
	if p.RemovesMany() {
		// Nobody looks here.
		return f
	}
	for _, ap := range p.Accounts {
		if !j.act || ctx.Err() != nil || !d.isCurrent(g) {
			break
		}
		t := g.Engine.ApplyAccount(ctx, ap)
		f.held = f.held || !t.HeldUntil.IsZero()
		if t.Outcome != nil {
			d.logOutcome(t, time.Time{}, false)
		}
	}
	return f
}

// isCurrent reports whether the configuration is still the one at work. What
// one of an earlier day does not have, the present one may have.
func (d *Daemon) isCurrent(g *generation) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.current == g
}

// report tells the log, the metrics and the view what became of a job.
func (d *Daemon) report(f jobResult, next dueTimes, now time.Time) {
	p := f.tended.Plan
	d.Metrics.Planned(p)
	o := f.tended.Outcome
	switch {
	case o != nil:
		d.Metrics.Ended(p.Provider, *o)
		at := next.look
		if !next.rotate.IsZero() {
			at = earlier(at, next.rotate)
		}
		d.logOutcome(f.tended, at, d.knownBlocked(o))
	case !f.tended.HeldUntil.IsZero():
		d.Log.Debug("another run is working on the account", "address", p.Address, "until", f.tended.HeldUntil)
	case p.Reason == plan.Current || p.Reason == plan.Disabled:
		d.Metrics.Settled(p.Address, p.Provider, now)
		d.Log.Debug("nothing to do", "address", p.Address, "reason", p.Reason, "rotate_at", p.RotateAt)
	}
	d.publish(func(v *publishedStatus) { v.plans[p.Address] = p })
}

// stateKnown takes in whether the state can be read, and reports whether that
// is news.
func (d *Daemon) stateKnown(err error, now time.Time) bool {
	news := false
	d.publish(func(v *publishedStatus) {
		news = !v.stateTried || (v.stateErr == nil) != (err == nil)
		v.stateErr, v.stateTried = err, true
		if err == nil {
			v.stateRead = now
		}
	})
	switch {
	case news && err != nil:
		d.Log.Error("the state cannot be read; trying again", "error", err)
	case news:
		d.Log.Info("the state can be read")
	}
	return news
}

// knownBlocked reports whether the account already needed a human for the same reason at
// the last look already.
func (d *Daemon) knownBlocked(o *engine.Outcome) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	before := d.status.plans[o.Address]
	return o.Result == engine.Blocked && before != nil && before.Blocker != nil &&
		before.Blocker.Reason == o.Blocker.Reason && before.Action == o.Action
}

// logOutcome says in one line what became of an account; what is known already
// only to those who want to hear everything.
func (d *Daemon) logOutcome(t engine.AccountResult, next time.Time, known bool) {
	o := t.Outcome
	args := []any{"address", o.Address, "action", o.Action, "reason", o.Reason}
	if p := t.Plan; o.Action.Contacts() && !p.ExpiresAt.IsZero() {
		args = append(args, "expires_at", timestamp(p.ExpiresAt), "rotate_at", timestamp(p.RotateAt))
	}
	if !next.IsZero() && o.Result == engine.Failed {
		args = append(args, "next_try", timestamp(next))
	}
	switch {
	case o.Result == engine.Failed:
		d.Log.Error("failed", append(args, "class", o.Class, "message", o.Message)...)
	case o.Result == engine.Blocked:
		level := hclog.Warn
		if known {
			level = hclog.Debug
		}
		d.Log.Log(level, "needs a human", append(args, "blocked", o.Blocker.Reason, "message", o.Message)...)
	case o.Action == plan.None:
		d.Log.Debug("nothing left to do", args...)
	default:
		d.Log.Info(pastTense[o.Action], args...)
	}
}

// pastTense says what was done.
var pastTense = map[plan.Action]string{
	plan.Issue: "token issued", plan.Refresh: "token refreshed", plan.Reissue: "token reissued", plan.Deliver: "token delivered",
	plan.Forget: "forgotten", plan.Delete: "deleted",
}

func timestamp(t time.Time) string { return t.UTC().Format(time.RFC3339) }

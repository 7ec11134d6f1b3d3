package engine

import (
	"context"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/credsync/credsync/plan"
	"github.com/credsync/credsync/schema/diag"
)

// Apply does what the plan says, several accounts at a time. The failure of one
// stops no other. When ctx ends, no further account is begun, and those at work
// are brought to a point from which the next apply goes on. A plan can be
// applied once.
func (e *Engine) Apply(ctx context.Context, p *Plan, obs Observer) *Summary {
	return e.each(ctx, p, p.Accounts, obs, false)
}

// Authenticate gets and verifies the tokens that are due, and leaves them in
// the journal, so that the apply that follows only delivers them. No target is
// written. Accounts are left out whose login would kill a token that targets
// still hold, or works once; a warning says so.
func (e *Engine) Authenticate(ctx context.Context, p *Plan, obs Observer) *Summary {
	var due, left []*AccountPlan
	for _, ap := range p.Accounts {
		switch {
		case !ap.Action.Contacts():
		case e.revokesHeld(ctx, ap), ap.Action != plan.Refresh && loginSpends(ap.seen.account.cfg):
			left = append(left, ap)
		default:
			due = append(due, ap)
		}
	}
	s := e.each(ctx, p, due, obs, true)
	for _, ap := range left {
		message := "a login would revoke the token that the targets still have"
		detail := "A login revokes the previous token, which the targets still have. Run apply, which logs in and delivers at once."
		if loginSpends(ap.seen.account.cfg) {
			message, detail = "the login works once", "Its login works once. Run apply, which logs in and delivers at once."
		}
		d := diag.Warningf("The account was not authenticated", "%s", detail).About(ap.Address, ap.Range)
		s.Outcomes = append(s.Outcomes, Outcome{
			Address: ap.Address, Action: ap.Action, Reason: ap.Reason, Result: Done, At: e.Now(),
			Message:     "not authenticated: " + message,
			Diagnostics: diag.List{d},
		})
	}
	s.sort()
	return s
}

// revokesHeld reports whether a login would kill a token that is in use: one that
// targets are known to hold, or whatever is in them that credsync did not write, as
// where a script delivered before it.
func (e *Engine) revokesHeld(ctx context.Context, p *AccountPlan) bool {
	a := p.seen.account
	revokes := a != nil && (a.loginRevokes() || p.Action == plan.Refresh && a.refreshRevokes())
	if !revokes || p.Action == plan.Refresh && !a.refreshRevokes() {
		return false
	}
	if p.seen.record.Current != nil {
		return true
	}
	for i, t := range p.seen.input.Targets {
		merged := i < len(a.targets) && a.targets[i].Target.Merge
		if t.Unseen || t.Unreadable != "" || t.Exists && !(merged && e.hasNoKeyOf(ctx, a.targets[i])) {
			return true
		}
	}
	return false
}

// each works on accounts of a plan.
func (e *Engine) each(ctx context.Context, p *Plan, accounts []*AccountPlan, obs Observer, authenticate bool) *Summary {
	s := &Summary{}
	var mu sync.Mutex
	add := func(o Outcome) {
		mu.Lock()
		defer mu.Unlock()
		s.Outcomes = append(s.Outcomes, o)
	}
	// What has gone is removed last: another account may have to take it over first.
	declared, gone := partition(accounts, func(ap *AccountPlan) bool { return ap.seen.account != nil })
	work := func(ap *AccountPlan) {
		if ctx.Err() != nil && ap.Action != plan.None {
			add(e.notBegun(ap))
			return
		}
		if o, worth := e.workOn(ctx, p, ap, obs, authenticate); worth {
			add(o)
		}
	}
	e.forEach(len(declared), func(i int) { work(declared[i]) })
	e.forEach(len(gone), func(i int) { work(gone[i]) })
	s.sort()
	// Only now, so that it holds up no rotation.
	s.Diagnostics = e.sendNotices(ctx)
	return s
}

// partition splits a list by what is said of each.
func partition[T any](list []T, is func(T) bool) (those, others []T) {
	for _, x := range list {
		if is(x) {
			those = append(those, x)
		} else {
			others = append(others, x)
		}
	}
	return those, others
}

// workOn does one account. Accounts with nothing to do are not reported. What
// the plan holds of the account's record is let go of.
func (e *Engine) workOn(
	ctx context.Context,
	p *Plan,
	ap *AccountPlan,
	obs Observer,
	authenticate bool,
) (Outcome, bool) {
	quiet := ap.idle()
	if quiet && ap.seen.settled && ap.Blocker == nil {
		return Outcome{}, false
	}
	r := e.newRun(ap)
	defer func() { ap.seen = ap.withoutRecord().seen }()
	r.authenticate, r.options.offline = authenticate, p.Request.Offline
	if ap.seen.settled {
		// What became known of other accounts after it changes what to do.
		r.observeAgain(ctx)
	}
	if !quiet {
		obs.AccountStarted(ap)
	}
	o := r.carryOut(ctx)
	r.queueNotices(ctx, o)
	if quiet && o.Result == Done {
		return o, false
	}
	obs.AccountDone(o)
	return o, true
}

// newRun is the work that a plan asks for.
func (e *Engine) newRun(ap *AccountPlan) *run {
	if ap.seen.viewOnly && !ap.seen.settled {
		panic("engine: the plan of " + ap.Address + " is for viewing only, or was already carried out")
	}
	return &run{
		e: e, plan: ap.copy(), seen: ap.seen, passed: ap.passed,
		options: observeOptions{replace: ap.seen.input.Replace, runsEvery: ap.seen.input.RunsEvery},
	}
}

func (e *Engine) notBegun(ap *AccountPlan) Outcome {
	return Outcome{
		Address: ap.Address, Action: ap.Action, Reason: ap.Reason, Result: Failed, At: e.Now(), NotBegun: true,
		Message:     "not started: the run was told to stop",
		Diagnostics: diag.List{diag.Errorf("The account was not processed", "The run was told to stop. Run apply again.").About(ap.Address, ap.Range)},
	}
}

func (s *Summary) sort() {
	slices.SortFunc(s.Outcomes, func(a, b Outcome) int { return strings.Compare(a.Address, b.Address) })
}

// AccountResult is how an account stands after it was looked after.
type AccountResult struct {
	// Plan is what there is to do about it now, after the work.
	Plan *AccountPlan
	// Outcome of the work; nil where there was nothing to do or to report.
	Outcome *Outcome
	// HeldUntil is set where another run is working on the account, so that
	// nothing was done: it is when that run's lease ends.
	HeldUntil time.Time
}

// ApplyAccount does what was planned for one account, as Apply would, but does not wait
// for another run that is working on it. What is left is in the plan that it
// returns, for which no upstream is asked, and which can only be looked at.
func (e *Engine) ApplyAccount(ctx context.Context, ap *AccountPlan) AccountResult {
	if ctx.Err() != nil {
		o := e.notBegun(ap)
		return AccountResult{Plan: ap, Outcome: &o}
	}
	r := e.newRun(ap)
	r.impatient = true
	o := r.carryOut(ctx)
	if r.heldUntil.IsZero() {
		r.queueNotices(ctx, o)
		e.sendNoticesInBackground(ctx)
	}
	switch {
	case !r.heldUntil.IsZero():
		return AccountResult{Plan: r.plan.withoutRecord(), HeldUntil: r.heldUntil}
	case r.seen.account == nil, r.plan.unreachable(), ctx.Err() != nil:
		return AccountResult{Plan: r.plan.withoutRecord(), Outcome: &o}
	case ap.idle() && o.Result == Done:
		return AccountResult{Plan: r.plan.withoutRecord()}
	}
	// The state and the targets are as this run has left them, unless
	// something went wrong; they say so best themselves.
	after := decide(e.observe(ctx, r.seen.account, observeOptions{offline: true}))
	return AccountResult{Plan: after.withoutRecord(), Outcome: &o}
}

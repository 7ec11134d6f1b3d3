package engine

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/credsync/credsync/plan"
	"github.com/credsync/credsync/schema/address"
	"github.com/credsync/credsync/schema/diag"
	"github.com/credsync/credsync/state"
)

// Tended is how an account stands after it was looked after.
type Tended struct {
	// Plan is what there is to do about it now, after the work.
	Plan *AccountPlan
	// Outcome of the work; nil where there was nothing to do or to report.
	Outcome *Outcome
	// HeldUntil is set where another run is at work on the account, so that
	// nothing was done: it is when that run's lease ends.
	HeldUntil time.Time
}

// Addresses are those of the configuration's accounts that belong to a shard
// (nil for all), in order.
func (e *Engine) Addresses(shard *address.Shard) []string {
	var all []string
	for _, a := range e.accounts {
		if shard.Has(a.cfg.Address) {
			all = append(all, a.cfg.Address)
		}
	}
	return all
}

// Look plans one account of the configuration, named by its whole address. Like
// Plan it writes nothing, and offline it asks no upstream anything. It returns
// nil for an address that the configuration does not have.
func (e *Engine) Look(ctx context.Context, address string, offline bool) *AccountPlan {
	a := e.byAddress[address]
	if a == nil {
		return nil
	}
	return decide(e.observe(ctx, a, observeOptions{offline: offline}))
}

// Removed plans the accounts that only the state knows. The errors are of
// records that could not be read; where unreachable is set, the state as a
// whole could not.
func (e *Engine) Removed(ctx context.Context, shard *address.Shard) (p *Plan, unreachable error) {
	p = &Plan{Request: Request{Shard: shard}, Project: e.Config.Project, CreatedAt: e.Now()}
	gone, errs := e.findRemoved(ctx, p, e.Store.View(ctx))
	for _, o := range gone {
		p.Accounts = append(p.Accounts, decide(o))
	}
	for _, err := range errs {
		if !errors.Is(err, state.ErrCorrupt) && !errors.Is(err, state.ErrTooNew) {
			unreachable = err
		}
	}
	slices.SortFunc(p.Accounts, func(a, b *AccountPlan) int { return strings.Compare(a.Address, b.Address) })
	return p, unreachable
}

// Tend does what was planned for one account, as Apply would, but does not wait
// for another run that is at work on it. What is left is in the plan that it
// returns, for which no upstream is asked, and which can only be looked at.
func (e *Engine) Tend(ctx context.Context, ap *AccountPlan) Tended {
	if ctx.Err() != nil {
		o := e.notBegun(ap)
		return Tended{Plan: ap, Outcome: &o}
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
		return Tended{Plan: r.plan.withoutRecord(), HeldUntil: r.heldUntil}
	case r.seen.account == nil, r.plan.Reason == plan.Unreadable, ctx.Err() != nil:
		return Tended{Plan: r.plan.withoutRecord(), Outcome: &o}
	case ap.idle() && o.Result == Done:
		return Tended{Plan: r.plan.withoutRecord()}
	}
	// The state and the targets are as this run has left them, unless
	// something went wrong; they say so best themselves.
	after := decide(e.observe(ctx, r.seen.account, observeOptions{offline: true}))
	return Tended{Plan: after.withoutRecord(), Outcome: &o}
}

// withoutRecord is the plan without the record and the contents that it was made of. It
// can be viewOnly for long: it holds no secret, and little memory.
func (p *AccountPlan) withoutRecord() *AccountPlan {
	c := *p
	c.seen = &observation{diagnostics: p.seen.diagnostics, observeErr: p.seen.observeErr, viewOnly: true}
	return &c
}

// Diagnostics are what was found on the way to the plan: targets that cannot be
// looked at, and warnings.
func (p *AccountPlan) Diagnostics() diag.List { return p.diagnostics() }

// Unread reports whether the account's record in the state could not be read.
func (p *AccountPlan) Unread() bool { return p.seen != nil && p.seen.observeErr != nil }

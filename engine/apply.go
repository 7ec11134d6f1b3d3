package engine

import (
	"context"
	"slices"
	"strings"
	"sync"

	"github.com/credsync/credsync/plan"
	"github.com/credsync/credsync/schema/diag"
)

// Apply does what the plan says, several accounts at a time. The failure of one
// stops no other. When ctx ends, no further account is begun, and those at work
// are brought to a point from which the next apply goes on.
func (e *Engine) Apply(ctx context.Context, p *Plan, obs Observer) *Summary {
	return e.each(ctx, p, obs, false, func(*AccountPlan) bool { return true })
}

// Authenticate gets and verifies the tokens that are due, and leaves them in
// the journal, so that the apply that follows only delivers them. No target is
// written. Accounts are left out whose login would kill a token that targets
// still hold; a warning says so.
func (e *Engine) Authenticate(ctx context.Context, p *Plan, obs Observer) *Summary {
	s := e.each(ctx, p, obs, true, func(ap *AccountPlan) bool {
		return ap.Action.Contacts() && !ap.revokesHeld()
	})
	for _, ap := range p.Accounts {
		if ap.Action.Contacts() && ap.revokesHeld() {
			s.Outcomes = append(s.Outcomes, Outcome{
				Address: ap.Address, Action: ap.Action, Reason: ap.Reason, Result: Done, At: e.Now(),
				Message: "not authenticated: a login would kill the token that targets still hold",
				Diagnostics: diag.List{diag.Warningf("The account was not authenticated",
					"A login kills the token before it, and targets still hold that one. Only apply, which delivers at once, logs in.").About(ap.Address, ap.Range)},
			})
		}
	}
	s.sort()
	return s
}

// revokesHeld reports whether a login would kill a token that is in use.
func (p *AccountPlan) revokesHeld() bool {
	if p.seen.account == nil || p.seen.record.Current == nil {
		return false
	}
	return p.Action != plan.Refresh && p.seen.account.loginRevokes()
}

func (e *Engine) each(ctx context.Context, p *Plan, obs Observer, authenticate bool, include func(*AccountPlan) bool) *Summary {
	s := &Summary{}
	var mu sync.Mutex
	add := func(o Outcome) {
		mu.Lock()
		defer mu.Unlock()
		s.Outcomes = append(s.Outcomes, o)
	}
	included := slices.DeleteFunc(slices.Clone(p.Accounts), func(ap *AccountPlan) bool { return !include(ap) })
	e.severalAtOnce(len(included), func(i int) {
		ap := included[i]
		if ctx.Err() != nil && ap.Action != plan.None {
			add(e.notBegun(ap))
			return
		}
		if o, worth := e.workOn(ctx, p, ap, obs, authenticate); worth {
			add(o)
		}
	})
	s.sort()
	// Only now, so that it holds up no rotation.
	s.Diagnostics = e.tell(ctx)
	return s
}

// workOn does one account. Accounts with nothing to do are not reported.
func (e *Engine) workOn(ctx context.Context, p *Plan, ap *AccountPlan, obs Observer, authenticate bool) (Outcome, bool) {
	quiet := ap.idle()
	r := e.newRun(ap)
	r.authenticate, r.look.offline = authenticate, p.Request.Offline
	if !quiet {
		obs.AccountStarted(ap)
	}
	o := r.do(ctx)
	r.tellLater(ctx, o)
	if quiet && o.Result == Done {
		return o, false
	}
	obs.AccountDone(o)
	return o, true
}

// idle reports whether the plan has nothing to do and nothing to say.
func (p *AccountPlan) idle() bool { return p.Action == plan.None && p.Reason != plan.Unreadable }

// newRun is the work that a plan asks for.
func (e *Engine) newRun(ap *AccountPlan) *run {
	if ap.seen.kept {
		panic("engine: the plan of " + ap.Address + " was kept to be looked at, and cannot be carried out")
	}
	return &run{
		e: e, p: ap.copy(), o: ap.seen,
		look: look{replace: ap.seen.input.Replace, gap: ap.seen.input.RunsEvery},
	}
}

func (p *AccountPlan) copy() *AccountPlan {
	c := *p
	c.Targets = slices.Clone(p.Targets)
	return &c
}

func (e *Engine) notBegun(ap *AccountPlan) Outcome {
	return Outcome{
		Address: ap.Address, Action: ap.Action, Reason: ap.Reason, Result: Failed, At: e.Now(), NotBegun: true,
		Message:     "not begun: the run was told to stop",
		Diagnostics: diag.List{diag.Errorf("The account was not begun", "The run was told to stop. Run apply again.").About(ap.Address, ap.Range)},
	}
}

func (s *Summary) sort() {
	slices.SortFunc(s.Outcomes, func(a, b Outcome) int { return strings.Compare(a.Address, b.Address) })
}

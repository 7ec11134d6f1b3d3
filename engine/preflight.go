package engine

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/credsync/credsync/plan"
	"github.com/credsync/credsync/sinks"
)

// preflightBatch is how many targets of a sink are asked about in one go.
const preflightBatch = 100

// trialBelieved is for how long the plan's trial of a target is believed by the apply of it,
// where the login spends nothing.
const trialBelieved = 5 * time.Minute

// passedTrials are the targets, by index, that a plan has tried and found nothing in the
// way of, and when.
type passedTrials struct {
	at      time.Time
	targets []int
}

// unwritable marks the error of a target that can be looked at, and not written.
type unwritable struct{ error }

func (u unwritable) Unwrap() error { return u.error }

func isUnwritable(err error) bool {
	var u unwritable
	return errors.As(err, &u)
}

// spends reports whether getting a token the way that is planned costs what cannot be
// had again: the token before it, or refresh material that works once.
func (a *account) spends(action plan.Action) bool {
	return a.loginRevokes() || action == plan.Refresh && (a.cfg.Spec.RefreshSpends || a.refreshRevokes())
}

// tried are the targets whose writing is tried before a token is asked for. Where that
// spends something, it is every one. Otherwise a token that could not be delivered
// waits in the journal and nothing is lost; but a place where nothing was delivered yet
// is often misspelt, missing or closed, and then no login is made for it.
func (o *observation) tried(p *AccountPlan) (chosen []int) {
	if o.account == nil || !p.Action.Contacts() {
		return nil
	}
	all := o.account.spends(p.Action)
	for i := range o.account.targets {
		if p.Targets[i].Action != plan.Deliver || o.targetErrs[i] != nil {
			continue
		}
		if all || !o.input.Targets[i].Recorded {
			chosen = append(chosen, i)
		}
	}
	return chosen
}

// trial is what is known of a target's write before there is a token.
func (o *observation) trial(i int) sinks.Trial {
	t := o.account.targets[i]
	keys, known := t.Keys()
	if !known {
		keys = nil
	}
	seen := o.input.Targets[i]
	return sinks.Trial{
		Target: t.Target,
		Absent: !seen.Exists && !seen.Unseen,
		Keys:   keys,
		Owner:  o.account.owner,
		Adopt:  t.Adopt,
	}
}

// try tries writes to one sink. A sink that cannot tell lets all through.
func (e *Engine) try(ctx context.Context, t *target, trials []sinks.Trial) []error {
	errs := make([]error, len(trials))
	s, err := e.Sink(t.Sink)
	if err != nil {
		for i := range errs {
			errs[i] = unwritable{err}
		}
		return errs
	}
	p, ok := s.(sinks.Preflighter)
	if !ok {
		return errs
	}
	for i, err := range p.Preflight(ctx, trials) {
		if err != nil {
			errs[i] = unwritable{fmt.Errorf("%s: %w", t.Sink.Name, err)}
		}
	}
	return errs
}

// preflight finds out whether the targets can be written, before a token is asked
// for. Where getting one spends something, one target that cannot be holds it back;
// otherwise the others are served. It reports false, having said why, where no token
// is to be asked for.
func (r *run) preflight(ctx context.Context) bool {
	o := r.seen
	chosen, spends := o.tried(r.plan), o.account.spends(r.plan.Action)
	if !spends && r.e.Now().Sub(r.passed.at) < trialBelieved {
		chosen = slices.DeleteFunc(chosen, func(i int) bool { return slices.Contains(r.passed.targets, i) })
	}
	var sinksOf []string
	bySink := map[string][]int{}
	for _, i := range chosen {
		name := o.account.targets[i].Sink.Name
		if bySink[name] == nil {
			sinksOf = append(sinksOf, name)
		}
		bySink[name] = append(bySink[name], i)
	}
	for _, name := range sinksOf {
		var trials []sinks.Trial
		for _, i := range bySink[name] {
			trials = append(trials, o.trial(i))
		}
		for n, err := range r.e.try(ctx, o.account.targets[bySink[name][0]], trials) {
			if !r.mayPass(err, spends) {
				o.targetErrs[bySink[name][n]] = err
			}
		}
	}
	left := 0
	for i := range o.account.targets {
		if r.writable(i) {
			left++
		}
	}
	if err := sinks.Together(o.targetErrs...); err != nil && (spends || left == 0) {
		r.fail(r.failure("A target cannot be written, so no token was requested", err))
		return false
	}
	return true
}

// mayPass reports whether a token may be asked for in spite of an error, since it is
// kept in the journal: an outage ends by itself, and who only authenticates writes no
// target.
func (r *run) mayPass(err error, spends bool) bool {
	return !spends && (errors.Is(err, sinks.ErrUnavailable) || r.authenticate && errors.Is(err, sinks.ErrDenied))
}

// planTrials tries the writes that are planned, and decides again where one would fail.
func (e *Engine) planTrials(ctx context.Context, seen []*observation, plans []*AccountPlan) {
	type one struct{ account, target int }
	bySink := map[string][]one{}
	var order []string
	for n, o := range seen {
		for _, i := range o.tried(plans[n]) {
			name := o.account.targets[i].Sink.Name
			if bySink[name] == nil {
				order = append(order, name)
			}
			bySink[name] = append(bySink[name], one{n, i})
		}
	}
	var batches [][]one
	for _, name := range order {
		batches = append(batches, slices.Collect(slices.Chunk(bySink[name], preflightBatch))...)
	}
	failed := make([][]error, len(batches))
	e.forEach(len(batches), func(b int) {
		var trials []sinks.Trial
		for _, x := range batches[b] {
			trials = append(trials, seen[x.account].trial(x.target))
		}
		first := batches[b][0]
		failed[b] = e.try(ctx, seen[first.account].account.targets[first.target], trials)
	})
	passed := make([]passedTrials, len(seen))
	for b, batch := range batches {
		for n, x := range batch {
			if failed[b][n] != nil {
				seen[x.account].noteUnwritable(x.target, failed[b][n])
				plans[x.account] = nil
			} else {
				passed[x.account] = passedTrials{e.Now(), append(passed[x.account].targets, x.target)}
			}
		}
	}
	for n, o := range seen {
		if plans[n] == nil {
			o.diagnostics = append(o.diagnostics, o.targetFailures(isUnwritable)...)
			plans[n] = decide(o)
		}
		plans[n].passed = passed[n]
	}
}

// noteUnwritable notes that a target cannot be written. A permission is another matter:
// who plans is often allowed less than who applies, so that it is only said.
func (o *observation) noteUnwritable(i int, err error) {
	t := &o.input.Targets[i]
	if errors.Is(err, sinks.ErrDenied) {
		t.Denied = "this run has no permission to write it; credsync doctor lists the missing permissions"
		return
	}
	o.targetErrs[i] = err
	t.Unwritable = firstLine(err)
}

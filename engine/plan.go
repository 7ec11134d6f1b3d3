package engine

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/credsync/credsync/config"
	"github.com/credsync/credsync/plan"
	"github.com/credsync/credsync/schema/address"
	"github.com/credsync/credsync/schema/diag"
	"github.com/credsync/credsync/state"
)

// Request says what a plan is to cover.
type Request struct {
	// Targets are patterns of the addresses to look at; empty for all. Replace
	// are those to get a new token for. See MatchAddress.
	Targets []string
	Replace []string
	// Offline asks no upstream anything.
	Offline bool
	// Shard limits the plan to a part of the accounts; nil for all.
	Shard *address.Shard
	// Preflight tries the writes to targets for which tokens are to be asked, with no
	// effect, and looks whether the state lasts where it is.
	Preflight bool
	// LookOnly makes a plan that can be looked at and saved, but not carried
	// out. It holds no record of the state, and so less than half the memory.
	LookOnly bool
}

// StateUnreadable is the summary of the errors about records that cannot be
// read.
const StateUnreadable = "The state cannot be read"

// Plan is what there is to do.
type Plan struct {
	Request   Request
	Project   string
	CreatedAt time.Time
	// State is where the records are, Sinks where the sinks lead.
	State *plan.DocumentState
	Sinks []plan.DocumentSink
	// removals are the accounts that have gone and that nobody takes over, of as
	// many as the state has records of.
	removals, records int
	// Accounts are ordered by address.
	Accounts []*AccountPlan
	// Schedule is the configuration's, NextRuns the next times that it names;
	// empty where there is none.
	Schedule string
	NextRuns []time.Time
	// Diagnostics are those of the configuration as a whole and of accounts,
	// errors and warnings.
	Diagnostics diag.List
}

// AccountPlan is what there is to do about one account.
type AccountPlan struct {
	plan.Decision
	IssuedAt   time.Time
	ExpiresAt  time.Time
	VerifiedAt time.Time
	// Range of the account block; nil for one that is gone.
	Range *diag.Range
	// Description and Contact are those of the block; either may be empty.
	Description, Contact string
	// SecretHosts are the hosts that get secrets of the account; nil where nobody knows.
	SecretHosts []string
	// UpstreamChanged says whether the upstream's description is another one than the
	// token was got by; nil where nobody knows.
	UpstreamChanged *bool

	passed passedTrials
	seen   *observation
}

// Plan looks at the accounts and decides about each. It writes nothing, and
// asks an upstream only for read-only verifications.
func (e *Engine) Plan(ctx context.Context, req Request) *Plan {
	p := &Plan{Request: req, Project: e.Config.Project, Schedule: e.Config.Schedule, CreatedAt: e.Now()}
	p.State, p.Sinks = e.planHeader()
	chosen, diags := e.accountsMatching(req.Targets, "--target")
	replaced, more := e.accountsMatching(req.Replace, "--replace")
	p.Diagnostics = append(diags, more...)
	if p.Diagnostics.HasErrors() {
		return p
	}
	gap, err := plan.LongestGap(e.Config.Schedule, p.CreatedAt)
	if err != nil {
		p.Diagnostics = append(p.Diagnostics, diag.FromError("Invalid schedule", err))
	}
	p.NextRuns, _ = plan.NextRuns(e.Config.Schedule, p.CreatedAt, nextRuns)
	var seen []*observation
	var ahead *readAhead
	if len(req.Targets) == 0 {
		ahead = &readAhead{
			views:       e.viewAll(ctx),
			places:      e.places(ctx, nil),
			emergencies: EmergencyFiles(e.EmergencyDir),
		}
		var errs []error
		ahead.gone, errs = e.goneRecords(ctx, ahead.views)
		chosen = e.accounts
		for _, err := range errs {
			p.Diagnostics = append(p.Diagnostics, diag.FromError(StateUnreadable, err))
		}
	}
	chosen = slices.DeleteFunc(slices.Clone(chosen), func(a *account) bool { return !req.Shard.Has(a.cfg.Address) })
	if ahead != nil {
		ahead.infos = e.statInBulk(ctx, chosen)
	}
	seen = e.observeAll(ctx, chosen, func(a *account) observeOptions {
		return observeOptions{
			offline:   req.Offline,
			replace:   slices.Contains(replaced, a),
			runsEvery: gap,
			ahead:     ahead,
			planOnly:  req.LookOnly,
		}
	})
	if ahead != nil && req.Shard == nil {
		e.noteAllSeen()
	}
	var lost []error
	coming := map[arrival]bool{}
	var plans []*AccountPlan
	for _, o := range seen {
		lost = append(lost, o.auditErr)
		e.applySharedBlock(o)
		plans = append(plans, decide(o))
	}
	if req.Preflight {
		e.planTrials(ctx, seen, plans)
		p.Diagnostics = append(p.Diagnostics, e.stateLasts(ctx, seen)...)
	}
	for _, ap := range plans {
		ap.notePlaces(coming)
		p.add(ap)
	}
	if ahead != nil {
		gone := e.findRemoved(ctx, p, ahead)
		p.Diagnostics = append(p.Diagnostics, e.suggestMoves(seen, ahead.gone)...)
		for _, o := range gone {
			o.noteComing(coming)
			p.add(decide(o))
		}
		p.countRemovals(e, ahead)
	}
	p.Diagnostics = append(append(p.Diagnostics, changedDescriptions(plans)...), e.emergencyWarnings(seen)...)
	p.Diagnostics = foldInstances(append(p.Diagnostics, unrecorded(lost)...))
	slices.SortFunc(p.Accounts, func(a, b *AccountPlan) int { return strings.Compare(a.Address, b.Address) })
	return p
}

// PlanAccount plans one account of the configuration, named by its whole address. Like
// Plan it writes nothing, and offline it asks no upstream anything. It returns
// nil for an address that the configuration does not have.
func (e *Engine) PlanAccount(ctx context.Context, address string, offline bool) *AccountPlan {
	a := e.byAddress[address]
	if a == nil {
		return nil
	}
	return decide(e.observe(ctx, a, observeOptions{offline: offline}))
}

// add adds an account's plan, with what it has to say.
func (p *Plan) add(ap *AccountPlan) {
	p.Accounts = append(p.Accounts, ap)
	p.Diagnostics = append(p.Diagnostics, ap.diagnostics()...)
}

// arrival is a place that is going to hold an account's token.
type arrival struct{ place, address string }

// notePlaces notes the places that are going to hold the account's token.
func (p *AccountPlan) notePlaces(coming map[arrival]bool) {
	for _, t := range p.Targets {
		if t.Action == plan.Deliver {
			coming[arrival{t.Place, p.Address}] = true
		}
	}
}

// noteComing takes the places for held that are going to be, once the account that
// takes them over has been worked on: before this one, which is removed last.
func (o *observation) noteComing(coming map[arrival]bool) {
	for i := range o.input.Targets {
		if t := &o.input.Targets[i]; t.Awaited && coming[arrival{t.Place, t.TakenBy}] {
			t.Awaited = false
		}
	}
}

// PlanRemoved plans the accounts that only the state knows. The errors are of
// records that could not be read; where unreachable is set, the state as a
// whole could not.
func (e *Engine) PlanRemoved(ctx context.Context, shard *address.Shard) (p *Plan, unreachable error) {
	p = &Plan{Request: Request{Shard: shard}, Project: e.Config.Project, CreatedAt: e.Now()}
	ahead := &readAhead{views: e.viewAll(ctx), places: e.places(ctx, nil)}
	var errs []error
	ahead.gone, errs = e.goneRecords(ctx, ahead.views)
	gone := e.findRemoved(ctx, p, ahead)
	for _, o := range gone {
		p.Accounts = append(p.Accounts, decide(o))
	}
	p.countRemovals(e, ahead)
	for _, err := range errs {
		if !errors.Is(err, state.ErrCorrupt) && !errors.Is(err, state.ErrTooNew) {
			unreachable = err
		}
	}
	slices.SortFunc(p.Accounts, func(a, b *AccountPlan) int { return strings.Compare(a.Address, b.Address) })
	return p, unreachable
}

func (e *Engine) observeAll(
	ctx context.Context,
	accounts []*account,
	how func(*account) observeOptions,
) []*observation {
	seen := make([]*observation, len(accounts))
	e.forEach(len(accounts), func(i int) {
		opts := how(accounts[i])
		o := e.observe(ctx, accounts[i], opts)
		if !opts.planOnly {
			o.settled = e.nothingToDo(o)
		}
		if opts.planOnly || o.settled {
			o.dropRecord()
		}
		seen[i] = o
	})
	return seen
}

// nothingToDo reports whether work on an account would neither ask for anything
// nor write anything. Who is notified about accounts may be notified about this one.
func (e *Engine) nothingToDo(o *observation) bool {
	if o.observeErr != nil || len(o.emergencyFiles) > 0 || len(e.Config.Notify) > 0 {
		return false
	}
	r := e.newRun(decide(o))
	if !r.plan.idle() || r.plan.Reason != plan.Current {
		return false
	}
	if o.record.Lease != nil && (!e.held(o.record) || e.outlasts(o.record)) {
		return false
	}
	_, dirty := r.idleRecord()
	return !dirty
}

// findRemoved returns what the state knows and the configuration does not, except for
// records that an account is about to continue with. Those of other projects that
// share the place are none of our business.
func (e *Engine) findRemoved(ctx context.Context, p *Plan, ahead *readAhead) []*observation {
	read := e.reader(ahead)
	var seen []*observation
	unmatched := 0
	for _, g := range ahead.gone {
		if !p.Request.Shard.Has(g.of.address) {
			continue
		}
		if e.mayBeDeclared(g.of.address) {
			unmatched++
			continue
		}
		to, err := e.movedTo(ctx, g.of, read)
		if err != nil || to != nil {
			continue // its error is that account's
		}
		o := e.observeRemoved(ctx, g.snap, ahead.places, read)
		o.of = g.of
		if heir := e.heirOf(ctx, g.snap.Record, read); heir != "" {
			o.leaveTo(heir)
		}
		seen = append(seen, o)
	}
	if unmatched > 0 {
		p.Diagnostics = append(p.Diagnostics, diag.Warningf("Accounts in the state were left out",
			"The state has %d accounts of blocks whose for_each depends on inputs that were not read. credsync state list shows them.", unmatched))
	}
	if e.Config.Partial && len(seen) > 0 {
		// What is not in this file may be in another one.
		p.Diagnostics = append(p.Diagnostics, diag.Warningf("Accounts in the state were left alone",
			"The state also has %s, which other files in the directory of the given file may declare. Give the directory to forget or delete accounts that no file declares.",
			named(seen)))
		return nil
	}
	return seen
}

// mayBeDeclared reports whether an account may be an instance of a block of which it is
// not known which it has.
func (e *Engine) mayBeDeclared(address string) bool {
	block, _ := splitKey(address)
	return e.Incomplete &&
		slices.ContainsFunc(e.Config.Unknown, func(u config.Unknown) bool { return u.Address == block })
}

// named is an account of several, and how many others there are.
func named(seen []*observation) string {
	first := seen[0].record.Address
	if len(seen) == 1 {
		return first
	}
	return fmt.Sprintf("%d accounts, %s among them", len(seen), first)
}

// decide makes the plan of one account from what was seen of it.
func decide(o *observation) *AccountPlan {
	ap := &AccountPlan{Decision: plan.Decide(o.input), seen: o}
	if t := o.input.Token; t != nil {
		ap.IssuedAt, ap.ExpiresAt, ap.VerifiedAt = t.IssuedAt, t.ExpiresAt, t.VerifiedAt
	}
	if o.account != nil {
		ap.Range = o.account.cfg.Range
		ap.Description, ap.Contact = o.account.cfg.Description, o.account.cfg.Contact
		ap.SecretHosts, ap.UpstreamChanged = secretHosts(o.account.cfg), o.upstreamChanged
	}
	return ap
}

// secretHosts are the hosts that get secrets of an account; nil where a value decides that
// was not read.
func secretHosts(a *config.Account) []string {
	hosts, known := a.Spec.SecretHosts(a.Values)
	if !known {
		return nil
	}
	return append([]string{}, hosts...)
}

// idle reports whether the plan has nothing to do and nothing to say.
func (p *AccountPlan) idle() bool { return p.Action == plan.None && !p.unreachable() }

// unreachable reports whether the account, or a target without which nothing is done
// about it, cannot be looked at or written.
func (p *AccountPlan) unreachable() bool {
	return p.Reason == plan.Unreadable || p.Reason == plan.Unwritable
}

func (p *AccountPlan) diagnostics() diag.List {
	list := slices.Clone(p.seen.diagnostics)
	for _, w := range p.Warnings {
		list = append(list, diag.Warningf(w.Summary, "%s", w.Detail).About(p.Address, p.Range))
	}
	return list
}

// Diagnostics are what was found on the way to the plan: targets that cannot be
// looked at, and warnings.
func (p *AccountPlan) Diagnostics() diag.List { return p.diagnostics() }

// Unread reports whether the account's record in the state could not be read.
func (p *AccountPlan) Unread() bool { return p.seen != nil && p.seen.observeErr != nil }

func (p *AccountPlan) copy() *AccountPlan {
	c := *p
	c.Targets = slices.Clone(p.Targets)
	return &c
}

// withoutRecord is the plan without the record and the contents that it was made of. It
// can be viewOnly for long: it holds no secret, and little memory.
func (p *AccountPlan) withoutRecord() *AccountPlan {
	c := *p
	c.seen = &observation{diagnostics: p.seen.diagnostics, observeErr: p.seen.observeErr, viewOnly: true}
	return &c
}

// unrecorded warns where verifications are missing from the audit trail. It says
// so once, since the reason is the same for all.
func unrecorded(lost []error) diag.List {
	for _, err := range lost {
		if err != nil {
			return diag.List{diag.Warningf("The audit trail is not complete",
				"%s Until this is fixed, apply will not log in or delete anything.", diag.Sentence(err.Error()))}
		}
	}
	return nil
}

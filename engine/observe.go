package engine

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/credsync/credsync/credential"
	"github.com/credsync/credsync/failure"
	"github.com/credsync/credsync/plan"
	"github.com/credsync/credsync/providers"
	"github.com/credsync/credsync/schema/address"
	"github.com/credsync/credsync/schema/diag"
	"github.com/credsync/credsync/sinks"
	"github.com/credsync/credsync/state"
)

// observation is what was seen of an account at one moment.
type observation struct {
	// account is nil for one that has gone from the configuration.
	account *account
	// of is whose record it is, for one that has gone.
	of owner
	// heir is the account that continues with that record, which was left behind by a move;
	// "" for none.
	heir string
	// record is the state's, or a new one where there is none; version is
	// what a write of it must find.
	record  *state.Record
	version string
	// recordEnds is when its sink deletes the record by itself; zero for never.
	recordEnds time.Time
	// known says that the state has a record. moving is where it has yet to be moved
	// from; nil where it is at its address.
	known  bool
	moving *move
	// inherited says that the record has rejections of records of accounts that have gone
	// which the state does not have in it yet.
	inherited bool
	// imported says that the newest token is from an import block.
	imported bool
	// places are what the configuration's targets are; ahead what was read of all
	// accounts, nil for nothing.
	places *places
	ahead  *readAhead
	// predecessors are the accounts whose targets this one takes over.
	predecessors []owner
	// emergencyFiles are the account's emergency files; what the newest has to bring is
	// in record already.
	emergencyFiles []*emergencyFile
	at             time.Time
	fingerprints   fingerprints
	// infos are by deliver block: what the sink says of the target.
	infos []sinks.Info
	// observeErr is why the account could not be looked at; nil if it was.
	observeErr error
	// targetErrs are the errors of the targets that could not be looked at.
	targetErrs []error
	// auditErr is why the audit trail lacks the verification; nil if it does
	// not.
	auditErr error
	// outputs are what the verification said, where it passed.
	outputs      credential.Outputs
	verification plan.Verification

	input       plan.Account
	diagnostics diag.List
	// upstreamChanged is AccountPlan's, kept for a plan without the record.
	upstreamChanged *bool
	// viewOnly observations are only good for looking at their plan. Of those that
	// are at rest nothing was to be done.
	viewOnly, settled bool
}

// observeOptions say how to observe.
type observeOptions struct {
	offline bool
	replace bool
	// runsEvery is the longest time between two runs.
	runsEvery time.Duration
	// ahead is what is known of all accounts already; nil for nothing.
	ahead *readAhead
	// planOnly says that nothing is going to be done about what is seen.
	planOnly bool
}

// observe looks at one account. It only reads. What it cannot read ends in the
// diagnostics and makes the account unreadable, not the run.
func (e *Engine) observe(ctx context.Context, a *account, opts observeOptions) *observation {
	o := &observation{account: a, at: e.Now()}
	o.input = plan.Account{
		Now: o.at, Address: a.cfg.Address, Provider: a.cfg.Spec.Name,
		Enabled: a.cfg.Enabled, Replace: opts.replace, Static: a.cfg.Spec.Static,
		RotateBefore: a.cfg.RotateBefore, RunsEvery: opts.runsEvery, DeleteOnRemove: a.cfg.DeleteOnRemove,
		Lifetime: documentedLifetime(a.cfg), LoginSpends: a.spends(plan.Reissue), RefreshSpends: a.spends(plan.Refresh),
	}
	o.ahead = opts.ahead
	l, err := e.load(ctx, a, e.reader(opts.ahead))
	if err != nil {
		o.unreadable(StateUnreadable, err)
		return o
	}
	o.emergencyFiles = e.emergencyFilesOf(a, e.allEmergencyFiles(opts.ahead))
	o.version, o.record, o.known, o.moving = l.Version, e.withEmergencyToken(o, l.Record), l.Record != nil, l.moving
	o.recordEnds = l.Ends
	if o.record == nil {
		o.record = e.newRecord(a)
	}
	if l.moving != nil {
		o.input.MovedFrom = l.moving.from.of(e.Config.Project)
	}
	if l.ignored != nil {
		o.warn("A moved block had no effect", fmt.Sprintf("The account has its own token, so the record of %s was not moved here. Remove the block, or forget the account's own record with: credsync state rm %s", l.ignored.of(e.Config.Project), address.ShellWord(a.cfg.Address)))
	}
	o.fingerprints, o.upstreamChanged = a.fingerprints(o.record), o.descriptionChanged()
	if o.known && !a.unknown {
		e.strays.note(o.record, o.fingerprints)
	}
	if o.known {
		// Of what was asked for before and what is asked for now, the more
		// careful counts: who changes both in one edit has seen neither at work.
		o.input.DeleteOnRemove = o.input.DeleteOnRemove && o.record.DeleteOnRemove
	}
	if !a.cfg.Enabled {
		return o
	}
	if !a.unknown {
		o.warnOfChangingLogin()
	}
	switch g := o.record.Newest(); {
	case a.unknown:
	case g == nil:
		e.inheritRejections(ctx, o)
		e.takeImport(o)
	case changed(g, o.fingerprints):
		// It is about to log in otherwise than before, as another may have.
		e.inheritRejections(ctx, o)
	}
	if o.places = opts.places(); o.places == nil {
		o.places = e.places(ctx, a)
	}
	e.examine(ctx, o, opts)
	return o
}

// places are those that were read ahead; nil where none were.
func (o observeOptions) places() *places {
	if o.ahead == nil {
		return nil
	}
	return o.ahead.places
}

// examine asks the sinks and the upstream, at the same time.
func (e *Engine) examine(ctx context.Context, o *observation, opts observeOptions) {
	var provider *auditedProvider
	if !o.account.unknown {
		var err error
		if provider, err = e.provider(o.account, o.record); err != nil {
			o.unreadable("The account cannot be set up", err)
			return
		}
	}
	g := o.record.Newest()
	if provider != nil {
		o.input.CanRefresh = provider.canRefresh()
	} else {
		o.input.CanRefresh = g != nil && !g.Token.Refresh.IsZero()
	}
	if f := o.record.LastFailure; f != nil {
		o.input.LastFailure = &plan.Failure{At: f.At, Message: f.Message}
	}
	o.input.Block = rememberedBlock(o.record, o.fingerprints, o.account.cfg)
	if !o.account.unknown {
		o.input.LoginSpent = e.loginSpentBlock(o)
		e.noteLogin(o)
		e.noteSecret(o)
	}
	if provider != nil {
		e.inspect(o, provider.provider, g)
	}

	o.infos = make([]sinks.Info, len(o.account.targets))
	o.targetErrs = make([]error, len(o.account.targets))
	var looks sync.WaitGroup
	if o.verificationDue(opts, g) {
		looks.Go(func() { e.verifyObserved(ctx, o, provider, g.Token) })
	}
	for i, t := range o.account.targets {
		if o.targetErrs[i] = o.places.errs[t.Delivery]; o.targetErrs[i] != nil {
			continue
		}
		if info, ok := opts.ahead.info(t); ok {
			o.infos[i] = info
			continue
		}
		looks.Go(func() { o.infos[i], o.targetErrs[i] = e.stat(ctx, t) })
	}
	looks.Wait()
	if provider != nil {
		o.auditErr = provider.trail.takeErr()
	}
	o.diagnostics = append(o.diagnostics, o.targetFailures(func(error) bool { return true })...)
	if len(o.targetErrs) > 0 && !slices.Contains(o.targetErrs, nil) {
		o.input.Unreadable = firstLine(o.targetErrs[0])
		return
	}
	if o.imported && !e.importGood(o) {
		g = nil
	}
	e.describe(ctx, o, g)
}

// inspect takes what the provider finds in its credentials without a request.
func (e *Engine) inspect(o *observation, p providers.Provider, g *state.Grant) {
	seen := providers.Seen{FirstAt: o.record.FirstSeen(o.at)}
	if g != nil {
		seen.Outputs = g.Token.Outputs
	}
	if keeper, ok := p.(providers.Timekeeper); ok {
		for _, c := range keeper.Clocks(seen) {
			o.input.Clocks = append(
				o.input.Clocks,
				plan.Clock{Name: plan.ClockName(c.Name), Since: c.Since, At: c.At, Human: c.Human},
			)
		}
	}
	inspector, ok := p.(providers.Inspector)
	if !ok {
		return
	}
	for _, f := range inspector.Inspect(o.at, seen) {
		if f.Blocked == "" {
			o.warn(f.Summary, f.Detail)
		} else if o.input.Block == nil {
			o.input.Block = &plan.Block{Reason: plan.Reason(f.Blocked), Message: joinSentences(f.Summary, f.Detail)}
		}
	}
}

// verificationDue reports whether to ask the upstream about the token. It is
// not asked about a token that is going to be replaced in any case, nor about
// one that it has rejected, nor about a static one while a block is
// remembered: that would be trying rejected credentials again. The first check
// of a static one is its login, which only the run that has the lease makes.
func (o *observation) verificationDue(opts observeOptions, g *state.Grant) bool {
	if opts.offline || o.account.unknown || opts.replace || g == nil || g.Rejected || changed(g, o.fingerprints) {
		return false
	}
	switch b := o.input.Block; {
	case !o.input.Static:
	case b == nil && g.VerifiedAt.IsZero(), b != nil && b.Reason != plan.NoAccess:
		return false
	}
	due := plan.RotationOf(o.input.Address, g.Token.IssuedAt, g.Token.ExpiresAt, o.input.RotateBefore).At
	if !due.IsZero() && !o.at.Before(due) && o.record.Pending == nil && o.record.AskedToRefresh() == nil {
		return false
	}
	if !g.Token.ExpiresAt.IsZero() && !o.at.Before(g.Token.ExpiresAt) ||
		plan.IssuedAhead(g.Token.IssuedAt, g.Token.ExpiresAt, o.at, o.input.RotateBefore) {
		return false
	}
	every, verified := o.account.cfg.VerifyEvery, g.Verified(o.at)
	return verified.IsZero() || every == 0 || o.at.Sub(verified) >= every
}

// changed reports whether a grant was got with other attributes.
func changed(g *state.Grant, p fingerprints) bool {
	return g.LoginPrint != p.login || g.ShapePrint != p.shape
}

func (e *Engine) verifyObserved(ctx context.Context, o *observation, p *auditedProvider, t credential.Token) {
	if !p.canVerify() {
		return
	}
	outputs, _, err := p.Verify(ctx, t)
	if o.imported && foundWithoutAsking(err) {
		o.input.Import = &plan.Block{Reason: plan.Imported, Message: o.cannotCheckImport(err)}
		return
	}
	if failure.ClassOf(err) == failure.Config {
		o.diagnostics = append(o.diagnostics, o.account.failure("The token cannot be verified as configured", err))
		return
	}
	o.outputs, o.verification = outputs, verificationOf(err)
}

// verificationOf turns what a Verifier returned into what a plan needs.
func verificationOf(err error) plan.Verification {
	if err == nil {
		return plan.Verification{Outcome: plan.Confirmed}
	}
	v := plan.Verification{Outcome: plan.Unclear, Message: describeError(err)}
	var upstream *failure.Error
	if !errors.As(err, &upstream) {
		return v
	}
	switch upstream.Class {
	case failure.Credentials:
		v.Outcome = plan.Refused
	case failure.Human:
		v.Outcome, v.Reason = plan.NeedsHuman, plan.Reason(upstream.Reason)
	}
	return v
}

// describe turns what was seen into what a decision needs.
func (e *Engine) describe(ctx context.Context, o *observation, g *state.Grant) {
	in := &o.input
	in.Verification = o.verification
	if g != nil {
		t := g.Token
		in.Token = &plan.Token{
			IssuedAt: t.IssuedAt, ExpiresAt: t.ExpiresAt, VerifiedAt: g.Verified(o.at),
			RefreshableUntil: t.RefreshableUntil, Refreshable: in.CanRefresh,
			RefreshRefused: g.RefreshRefused || o.refreshesByRejected(g),
			Journaled:      o.record.Pending != nil, Imported: o.imported, Rejected: g.Rejected,
			ConfigChanged: !o.account.unknown && changed(g, o.fingerprints),
		}
		o.describeRefreshIntent()
		if o.verification.Outcome == plan.Confirmed {
			in.Token.VerifiedAt = o.at
		}
	}
	for i, t := range o.account.targets {
		// What should be in the target; empty without a token.
		wanted := ""
		if g != nil {
			token := g.Token
			token.Outputs = token.Outputs.Merge(o.outputs)
			wanted = e.render(o, t, token)
		}
		in.Targets = append(in.Targets, e.describeTarget(ctx, o, i, g, wanted))
	}
	in.Targets = append(in.Targets, e.goneTargets(ctx, o)...)
	if g != nil && e.killedByPredecessor(ctx, o, g) {
		in.Token.Rejected = true
	}
}

// observeRemoved describes an account that only the state knows.
func (e *Engine) observeRemoved(ctx context.Context, snap state.Snapshot, p *places, read recordReader) *observation {
	r := snap.Record
	o := &observation{record: r, version: snap.Version, at: e.Now(), places: p}
	o.input = plan.Account{
		Now: o.at, Address: r.Address, Provider: r.Provider, Enabled: true,
		Removed: true, DeleteOnRemove: r.DeleteOnRemove, Revokes: e.revokesRemoved(r),
	}
	for i := range r.Targets {
		o.input.Targets = append(o.input.Targets, e.removedPlace(ctx, o, &r.Targets[i], read))
	}
	return o
}

// dropRecord lets go of what only work on the account needs, and sending of an
// emergency file.
func (o *observation) dropRecord() {
	if len(o.emergencyFiles) > 0 {
		return
	}
	o.record, o.infos, o.outputs, o.viewOnly = nil, nil, nil, true
}

// failed is the first thing that went wrong while looking; nil if nothing did.
func (o *observation) failed() error {
	return errors.Join(o.observeErr, errors.Join(o.targetErrs...))
}

func (o *observation) unreadable(summary string, err error) {
	o.observeErr = err
	o.input.Unreadable = firstLine(err)
	d := diag.Errorf(summary, "%s", diag.Sentence(describeError(err))).About(o.input.Address, nil)
	if o.account != nil {
		d.Range = o.account.cfg.Range
	}
	o.diagnostics = append(o.diagnostics, d)
}

func (o *observation) warn(summary, detail string) {
	o.diagnostics = append(o.diagnostics, diag.Warningf(summary, "%s", detail).About(o.input.Address, o.account.cfg.Range))
}

package engine

import (
	"context"
	"errors"
	"time"

	"github.com/credsync/credsync/credential"
	"github.com/credsync/credsync/failure"
	"github.com/credsync/credsync/plan"
	"github.com/credsync/credsync/schema/diag"
	"github.com/credsync/credsync/sinks"
	"github.com/credsync/credsync/state"
)

// gracePeriod is how long work that must not be left half done goes on after
// the run was told to stop. It fits into the 30 seconds that Kubernetes gives.
const gracePeriod = 20 * time.Second

// run is the work on one account, under its lease.
type run struct {
	e *Engine
	// plan begins as what was planned, and becomes what is done in the end.
	plan    *AccountPlan
	seen    *observation
	options observeOptions
	// authenticate stops before any target is written.
	authenticate bool
	// impatient leaves an account alone that another run is at work on;
	// heldUntil is then when that run's lease ends.
	impatient bool
	heldUntil time.Time

	provider *auditedProvider
	// trail is nil until something is recorded.
	trail  *trail
	leased bool
	// unconfirmed are the records, encoded, whose writes ended with an error and may
	// have arrived all the same.
	unconfirmed []credential.Secret
	// before is the token that there was before this run's; nil for none.
	before *state.Grant
	// stop ends when the run is told to stop; the work itself goes on a
	// little longer.
	stop        context.Context
	diagnostics diag.List
	// tokenDenied says that the upstream turned down a login or a refresh, not
	// a token that it had issued.
	tokenDenied bool
	// result is the part of the outcome that grows with the work: what was asked
	// of the upstream, and why it failed.
	result Outcome
}

func (r *run) fail(d diag.Diagnostic) { r.diagnostics = append(r.diagnostics, d) }

// carryOut carries the plan out and says how it ended.
func (r *run) carryOut(ctx context.Context) Outcome {
	if err := r.takeLease(ctx); err != nil {
		r.fail(r.failure("The account could not be worked on", err))
		return r.outcome()
	}
	// From here on the result of what is sent must reach the state and the
	// targets, also when the run is told to stop meanwhile.
	r.stop = ctx
	ctx, done := withGracePeriod(ctx, gracePeriod)
	defer done()
	if r.plan.Reason == plan.Unreadable {
		r.diagnostics = append(r.diagnostics, r.plan.seen.diagnostics...)
		if err := r.plan.seen.failed(); err != nil {
			r.result.noteClass(err)
		}
		return r.outcome()
	}
	switch r.plan.Action {
	case plan.Issue, plan.Refresh, plan.Reissue:
		r.rotate(ctx, r.acquire)
	case plan.Deliver:
		r.redeliver(ctx)
	case plan.Forget, plan.Delete:
		r.remove(ctx)
	case plan.BlockedAction:
		r.rememberBlock(ctx)
	default:
		r.updateIdleRecord(ctx)
	}
	r.release(ctx)
	r.removeObsoleteEmergencyFiles(ctx)
	return r.outcome()
}

// reportTargetErrs tells of the targets that are left out because they could not be
// looked at.
func (r *run) reportTargetErrs() {
	for i, err := range r.seen.targetErrs {
		if err != nil {
			r.result.noteClass(err)
			r.fail(r.seen.targetFailure(i))
		}
	}
}

func (r *run) outcome() Outcome {
	r.closeTrail()
	o := r.result
	o.Address, o.Action, o.Reason = r.plan.Address, r.plan.Action, r.plan.Reason
	o.Message, o.Blocker, o.Result = r.plan.Message, r.plan.Blocker, Done
	o.Diagnostics, o.At = r.diagnostics, r.e.Now()
	switch {
	case r.diagnostics.HasErrors():
		o.Result = Failed
		o.Message = firstError(r.diagnostics)
		if o.Class == "" {
			o.Class = failure.Other
		}
	case r.plan.Blocker != nil:
		o.Result = Blocked
		o.Message = r.plan.Blocker.Message
	}
	return o
}

func firstError(l diag.List) string {
	for _, d := range l {
		if d.Severity == diag.Error {
			return joinSentences(d.Summary, d.Detail)
		}
	}
	return ""
}

func (r *run) failure(summary string, err error) diag.Diagnostic {
	r.result.noteClass(err)
	if r.seen.account != nil {
		return r.seen.account.failure(summary, err)
	}
	return diag.Errorf(summary, "%s", diag.Sentence(describeError(err))).About(r.plan.Address, nil)
}

// rotate gets a new token from acquire, which returns nil where there is none,
// and brings it where it belongs.
func (r *run) rotate(ctx context.Context, acquire func(context.Context) *state.Grant) {
	if r.seen.verification.Outcome == plan.Refused {
		// Whatever becomes of this run, the next need not ask again, and must
		// not take the token for a good one.
		r.seen.record.Newest().Rejected = true
	}
	if !r.makeProvider() || !r.preflight(ctx) {
		return
	}
	grant := r.underLease(ctx, acquire)
	if grant == nil {
		return
	}
	r.before = r.seen.record.Newest()
	journaled := r.journal(ctx, grant)
	r.trail.flush()
	if !journaled || !r.verify(ctx) || r.authenticate {
		return
	}
	r.deliver(ctx, false)
	r.restart(ctx)
	r.removeTargets(ctx)
	r.commit(ctx)
}

// underLease ends the work at the upstream before the lease does.
func (r *run) underLease(ctx context.Context, acquire func(context.Context) *state.Grant) *state.Grant {
	ctx, cancel := context.WithTimeout(ctx, r.leaseLeft())
	defer cancel()
	if ctx.Err() != nil {
		r.fail(r.failure("No token was asked for", errors.New("this run was held up for too long before it; run apply again")))
		return nil
	}
	return acquire(ctx)
}

// redeliver brings the token that there is to the targets that lack it.
func (r *run) redeliver(ctx context.Context) {
	if !r.makeProvider() {
		return
	}
	g := r.seen.record.Newest()
	if r.seen.verification.Outcome == plan.Confirmed {
		g.Token.Outputs = g.Token.Outputs.Merge(r.seen.outputs)
		g.VerifiedAt = r.seen.at
	} else if g.VerifiedAt.IsZero() && !r.verify(ctx) {
		return
	}
	if r.authenticate {
		return
	}
	r.deliver(ctx, true)
	r.restart(ctx)
	r.removeTargets(ctx)
	r.commit(ctx)
}

func (r *run) makeProvider() bool {
	p, err := r.e.provider(r.seen.account, r.seen.record)
	if err != nil {
		r.fail(r.failure("The account cannot be set up", err))
		return false
	}
	p.onSend = r.result.countSent
	r.provider, r.trail = p, p.trail
	return true
}

// commit makes the newest token the current one and ends the lease, in one
// write.
func (r *run) commit(ctx context.Context) {
	rec := r.seen.record
	rec.Current, rec.Pending, rec.Challenge = rec.Newest(), nil, nil
	r.liftBlock(rec)
	rec.DeleteOnRemove = r.seen.account.cfg.DeleteOnRemove
	r.saveAndRelease(ctx)
}

// blockStands reports whether what the record remembers still stands in the
// way of a login. A token that is good, or was refreshed, says nothing about
// credentials that were rejected; only a login does.
func (r *run) blockStands() bool {
	b := r.plan.Blocker
	return b != nil && b.Reason != plan.TargetNotOwned
}

// liftBlock forgets what no longer stands in the way, and reports whether there was
// anything. A missing access ends when a verification shows that it is there.
func (r *run) liftBlock(rec *state.Record) bool {
	if r.blockStands() {
		return false
	}
	lifted := rec.Block != nil
	rec.Block = nil
	if j := rec.Rejected(r.seen.fingerprints.shape); j != nil && j.Reason == failure.NoAccess {
		rec.Accept(r.seen.fingerprints.shape)
		lifted = true
	}
	return lifted
}

// saveAndRelease writes the record for the last time, which also ends the lease. If
// the state does not take it, the lease runs out.
func (r *run) saveAndRelease(ctx context.Context) {
	r.seen.record.Lease, r.leased = nil, false
	if err := r.persist(ctx); err != nil {
		r.fail(r.failure("The state could not be written", err))
	}
}

// updateIdleRecord records what an account with nothing to do has to say: what is to
// become of its targets, when it was verified, that it is no longer blocked.
// It is a single compare-and-set write, and mostly none. If another run writes
// at the same time, that run notes it.
func (r *run) updateIdleRecord(ctx context.Context) {
	if r.seen.account == nil || r.plan.Reason != plan.Current {
		return
	}
	if l := r.seen.record.Lease; l != nil && r.e.held(l) {
		// Writing now would make the holder believe that it lost its lease.
		return
	}
	rec, dirty := r.idleRecord()
	if !dirty {
		return
	}
	if _, err := r.e.Store.Save(ctx, rec, r.seen.version); err != nil {
		r.e.Log.Warn("the state could not be brought up to date", "address", r.plan.Address, "error", err)
	}
}

// idleRecord is the record as an account with nothing to do leaves it; dirty says
// that this is not how it was found.
func (r *run) idleRecord() (rec *state.Record, dirty bool) {
	rec = r.seen.record.Clone()
	dirty = rec.DeleteOnRemove != r.seen.account.cfg.DeleteOnRemove
	rec.DeleteOnRemove = r.seen.account.cfg.DeleteOnRemove
	dirty = r.liftBlock(rec) || dirty
	if r.seen.account.cfg.VerifyEvery > 0 && r.seen.verification.Outcome == plan.Confirmed {
		rec.Newest().VerifiedAt, dirty = r.seen.at, true
	}
	return rec, dirty
}

// newBlock returns the block that is to be remembered and is not yet, or nil.
func (r *run) newBlock() *state.Block {
	b := r.plan.Blocker
	if b == nil || !b.Since.IsZero() || b.Reason == plan.TargetNotOwned || r.seen.account == nil {
		return nil
	}
	if r.seen.verification.Outcome != plan.NeedsHuman && r.seen.verification.Outcome != plan.Refused {
		// Found with no request, and found again the next time.
		return nil
	}
	return r.block(failure.Reason(b.Reason), b.Message)
}

func (r *run) block(reason failure.Reason, message string) *state.Block {
	return &state.Block{
		Reason: reason, Message: message, Since: r.e.Now(),
		LoginPrint: r.seen.fingerprints.login, ShapePrint: r.seen.fingerprints.shape,
	}
}

func (r *run) rememberBlock(ctx context.Context) {
	b := r.newBlock()
	if b == nil {
		return
	}
	if g := r.seen.record.Newest(); g != nil && r.seen.verification.Outcome == plan.Refused {
		g.Rejected = true
	}
	r.saveBlock(ctx, b)
}

// saveBlock writes a block to the state. Promise P4 rests on it, so it is
// tried as hard as the journal.
//
// A verification that finds access missing does not take the place of a
// rejected login: once access is back, that would be tried again.
func (r *run) saveBlock(ctx context.Context, b *state.Block) {
	old, loggedIn := r.seen.input.Block, r.plan.Action == plan.Issue || r.plan.Action == plan.Reissue
	if loggedIn || b.Reason != failure.NoAccess || old == nil || old.Since.IsZero() {
		r.seen.record.Block = b
		r.rememberRejection(r.seen.record, b, r.seen.fingerprints)
	}
	r.plan.Blocker = &plan.Block{Reason: plan.Reason(b.Reason), Message: b.Message, Since: b.Since}
	r.e.sharedLoginOf(r.seen.account).note(r.plan.Address, r.e.Now(), r.plan.Blocker)
	r.plan.Action, r.plan.Reason, r.plan.Message = plan.BlockedAction, plan.Reason(b.Reason), b.Message
	r.seen.record.Lease, r.leased = nil, false
	err := r.persist(ctx)
	if errors.Is(err, sinks.ErrConflict) {
		err = r.addBlockToTheirs(ctx, b)
	}
	if err != nil {
		r.fail(r.failure("The state could not be written", err))
	}
}

// rememberRejection remembers a block beside the record's own, which another
// configuration may replace.
//
// An access that is missing may be there for another branch, so it is remembered
// of what the token is for; and only where no token came: one that did is asked
// about again anyway, since access can come back by itself.
func (r *run) rememberRejection(rec *state.Record, b *state.Block, p fingerprints) {
	switch {
	case b.Reason != failure.NoAccess:
		rec.Reject(state.Rejection{LoginPrint: p.login, Reason: b.Reason, At: b.Since})
	case r.tokenDenied:
		rec.Reject(state.Rejection{LoginPrint: p.shape, Reason: b.Reason, At: b.Since})
	}
}

// forgetRejections forgets the rejections of a login that has worked.
func (r *run) forgetRejections(g *state.Grant) {
	r.seen.record.Accept(g.LoginPrint)
	r.seen.record.Accept(g.ShapePrint)
}

// addBlockToTheirs is for a record that someone else has written though this run held
// the lease. Theirs stands; that the upstream rejected our credentials is added
// to it, whatever else has become of the account.
func (r *run) addBlockToTheirs(ctx context.Context, b *state.Block) error {
	var err error
	for range writeTries {
		var snap state.Snapshot
		if snap, err = r.e.Store.Load(ctx, r.plan.Address); err != nil {
			return err
		}
		rec := snap.Record
		if rec == nil {
			rec = state.New(r.e.Config.Project, r.plan.Address, r.seen.account.cfg.Spec.Name)
		}
		// A record that was made anew has another key.
		p := fingerprintsOf(rec.Key, r.seen.account.cfg)
		r.rememberRejection(rec, b, p)
		if rec.Block == nil {
			rec.Block = &state.Block{Reason: b.Reason, Message: b.Message, Since: b.Since, LoginPrint: p.login, ShapePrint: p.shape}
		}
		if _, err = r.e.Store.Save(ctx, rec, snap.Version); !errors.Is(err, sinks.ErrConflict) {
			return err
		}
	}
	return err
}

// withGracePeriod returns a context that ends some time after its parent.
func withGracePeriod(parent context.Context, after time.Duration) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancelCause(context.WithoutCancel(parent))
	stop := context.AfterFunc(parent, func() {
		timer := time.AfterFunc(after, func() { cancel(context.Cause(parent)) })
		context.AfterFunc(ctx, func() { timer.Stop() })
	})
	return ctx, func() { stop(); cancel(context.Canceled) }
}

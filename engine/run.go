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

// finishWithin is how long work that must not be left half done goes on after
// the run was told to stop. It fits into the 30 seconds that Kubernetes gives.
const finishWithin = 20 * time.Second

// run is the work on one account, under its lease.
type run struct {
	e *Engine
	// p begins as what was planned, and becomes what is done in the end.
	p    *AccountPlan
	o    *observation
	look look
	// authenticate stops before any target is written.
	authenticate bool
	// impatient leaves an account alone that another run is at work on;
	// heldUntil is then when that run's lease ends.
	impatient bool
	heldUntil time.Time

	provider *asked
	// trail is nil until something is recorded.
	trail  *trail
	leased bool
	// sent are the records, encoded, whose writes ended with an error and may
	// have arrived all the same.
	sent []credential.Secret
	// before is the token that there was before this run's; nil for none.
	before *state.Grant
	// stop ends when the run is told to stop; the work itself goes on a
	// little longer.
	stop        context.Context
	diagnostics diag.List
	// tokenDenied says that the upstream turned down a login or a refresh, not
	// a token that it had issued.
	tokenDenied bool
	// told is the part of the outcome that grows with the work: what was asked
	// of the upstream, and why it failed.
	told Outcome
}

func (r *run) fail(d diag.Diagnostic) { r.diagnostics = append(r.diagnostics, d) }

// do carries the plan out and says how it ended.
func (r *run) do(ctx context.Context) Outcome {
	if err := r.take(ctx); err != nil {
		r.fail(r.failure("The account could not be worked on", err))
		return r.outcome()
	}
	// From here on the result of what is sent must reach the state and the
	// targets, also when the run is told to stop meanwhile.
	r.stop = ctx
	ctx, done := lingering(ctx, finishWithin)
	defer done()
	if r.p.Reason == plan.Unreadable {
		r.diagnostics = append(r.diagnostics, r.p.seen.diagnostics...)
		if err := r.p.seen.failed(); err != nil {
			r.told.noteClass(err)
		}
		return r.outcome()
	}
	switch r.p.Action {
	case plan.Issue, plan.Refresh, plan.Reissue:
		r.rotate(ctx, r.acquire)
	case plan.Deliver:
		r.redeliver(ctx)
	case plan.Forget, plan.Delete:
		r.remove(ctx)
	case plan.BlockedAction:
		r.rememberBlock(ctx)
	default:
		r.note(ctx)
	}
	r.release(ctx)
	r.dropRescued(ctx)
	return r.outcome()
}

// reportUnseen tells of the targets that are left out because they could not be
// looked at.
func (r *run) reportUnseen() {
	for i, err := range r.o.unseen {
		if err != nil {
			r.told.noteClass(err)
			r.fail(r.o.unseenTarget(i))
		}
	}
}

func (r *run) outcome() Outcome {
	r.closeTrail()
	o := r.told
	o.Address, o.Action, o.Reason = r.p.Address, r.p.Action, r.p.Reason
	o.Message, o.Blocker, o.Result = r.p.Message, r.p.Blocker, Done
	o.Diagnostics, o.At = r.diagnostics, r.e.Now()
	switch {
	case r.diagnostics.HasErrors():
		o.Result = Failed
		o.Message = firstError(r.diagnostics)
		if o.Class == "" {
			o.Class = failure.Other
		}
	case r.p.Blocker != nil:
		o.Result = Blocked
		o.Message = r.p.Blocker.Message
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
	r.told.noteClass(err)
	if r.o.account != nil {
		return r.o.account.failure(summary, err)
	}
	return diag.Errorf(summary, "%s", diag.Sentence(describeError(err))).About(r.p.Address, nil)
}

// rotate gets a new token from acquire, which returns nil where there is none,
// and brings it where it belongs.
func (r *run) rotate(ctx context.Context, acquire func(context.Context) *state.Grant) {
	if r.o.verification.Outcome == plan.Refused {
		// Whatever becomes of this run, the next need not ask again, and must
		// not take the token for a good one.
		r.o.record.Newest().Rejected = true
	}
	if !r.setUp() || !r.preflight(ctx) {
		return
	}
	grant := r.underLease(ctx, acquire)
	if grant == nil {
		return
	}
	r.before = r.o.record.Newest()
	journaled := r.journal(ctx, grant)
	r.trail.write()
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
	if !r.setUp() {
		return
	}
	g := r.o.record.Newest()
	if r.o.verification.Outcome == plan.Confirmed {
		g.Token.Outputs = g.Token.Outputs.Merge(r.o.outputs)
		g.VerifiedAt = r.o.at
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

func (r *run) setUp() bool {
	p, err := r.e.provider(r.o.account, r.o.record)
	if err != nil {
		r.fail(r.failure("The account cannot be set up", err))
		return false
	}
	p.sent = r.told.countSent
	r.provider, r.trail = p, p.trail
	return true
}

// commit makes the newest token the current one and ends the lease, in one
// write.
func (r *run) commit(ctx context.Context) {
	rec := r.o.record
	rec.Current, rec.Pending, rec.Challenge = rec.Newest(), nil, nil
	r.lift(rec)
	rec.DeleteOnRemove = r.o.account.cfg.DeleteOnRemove
	r.finish(ctx)
}

// blockStands reports whether what the record remembers still stands in the
// way of a login. A token that is good, or was refreshed, says nothing about
// credentials that were rejected; only a login does.
func (r *run) blockStands() bool {
	b := r.p.Blocker
	return b != nil && b.Reason != plan.TargetNotOwned
}

// lift forgets what no longer stands in the way, and reports whether there was
// anything. A missing access ends when a verification shows that it is there.
func (r *run) lift(rec *state.Record) bool {
	if r.blockStands() {
		return false
	}
	lifted := rec.Block != nil
	rec.Block = nil
	if j := rec.Rejected(r.o.prints.shape); j != nil && j.Reason == failure.NoAccess {
		rec.Accept(r.o.prints.shape)
		lifted = true
	}
	return lifted
}

// finish writes the record for the last time, which also ends the lease. If
// the state does not take it, the lease runs out.
func (r *run) finish(ctx context.Context) {
	r.o.record.Lease, r.leased = nil, false
	if err := r.persist(ctx); err != nil {
		r.fail(r.failure("The state could not be written", err))
	}
}

// note records what an account with nothing to do has to say: what is to
// become of its targets, when it was verified, that it is no longer blocked.
// It is a single compare-and-set write, and mostly none. If another run writes
// at the same time, that run notes it.
func (r *run) note(ctx context.Context) {
	if r.o.account == nil || r.p.Reason != plan.Current {
		return
	}
	if l := r.o.record.Lease; l != nil && r.e.held(l) {
		// Writing now would make the holder believe that it lost its lease.
		return
	}
	rec, dirty := r.noted()
	if !dirty {
		return
	}
	if _, err := r.e.Store.Save(ctx, rec, r.o.version); err != nil {
		r.e.Log.Warn("the state could not be brought up to date", "address", r.p.Address, "error", err)
	}
}

// noted is the record as an account with nothing to do leaves it; dirty says
// that this is not how it was found.
func (r *run) noted() (rec *state.Record, dirty bool) {
	rec = r.o.record.Clone()
	dirty = rec.DeleteOnRemove != r.o.account.cfg.DeleteOnRemove
	rec.DeleteOnRemove = r.o.account.cfg.DeleteOnRemove
	dirty = r.lift(rec) || dirty
	if r.o.account.cfg.VerifyEvery > 0 && r.o.verification.Outcome == plan.Confirmed {
		rec.Newest().VerifiedAt, dirty = r.o.at, true
	}
	return rec, dirty
}

// newBlock returns the block that is to be remembered and is not yet, or nil.
func (r *run) newBlock() *state.Block {
	b := r.p.Blocker
	if b == nil || !b.Since.IsZero() || b.Reason == plan.TargetNotOwned || r.o.account == nil {
		return nil
	}
	if r.o.verification.Outcome != plan.NeedsHuman && r.o.verification.Outcome != plan.Refused {
		// Found with no request, and found again the next time.
		return nil
	}
	return r.block(failure.Reason(b.Reason), b.Message)
}

func (r *run) block(reason failure.Reason, message string) *state.Block {
	return &state.Block{
		Reason: reason, Message: message, Since: r.e.Now(),
		LoginPrint: r.o.prints.login, ShapePrint: r.o.prints.shape,
	}
}

func (r *run) rememberBlock(ctx context.Context) {
	b := r.newBlock()
	if b == nil {
		return
	}
	if g := r.o.record.Newest(); g != nil && r.o.verification.Outcome == plan.Refused {
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
	old, loggedIn := r.o.input.Block, r.p.Action == plan.Issue || r.p.Action == plan.Reissue
	if loggedIn || b.Reason != failure.NoAccess || old == nil || old.Since.IsZero() {
		r.o.record.Block = b
		r.reject(r.o.record, b, r.o.prints)
	}
	r.p.Blocker = &plan.Block{Reason: plan.Reason(b.Reason), Message: b.Message, Since: b.Since}
	r.e.sharers(r.o.account).note(r.p.Address, r.e.Now(), r.p.Blocker)
	r.p.Action, r.p.Reason, r.p.Message = plan.BlockedAction, plan.Reason(b.Reason), b.Message
	r.o.record.Lease, r.leased = nil, false
	err := r.persist(ctx)
	if errors.Is(err, sinks.ErrConflict) {
		err = r.blockOver(ctx, b)
	}
	if err != nil {
		r.fail(r.failure("The state could not be written", err))
	}
}

// reject remembers a block beside the record's own, which another
// configuration may replace.
//
// An access that is missing may be there for another branch, so it is remembered
// of what the token is for; and only where no token came: one that did is asked
// about again anyway, since access can come back by itself.
func (r *run) reject(rec *state.Record, b *state.Block, p prints) {
	switch {
	case b.Reason != failure.NoAccess:
		rec.Reject(state.Rejection{LoginPrint: p.login, Reason: b.Reason, At: b.Since})
	case r.tokenDenied:
		rec.Reject(state.Rejection{LoginPrint: p.shape, Reason: b.Reason, At: b.Since})
	}
}

// accept forgets the rejections of a login that has worked.
func (r *run) accept(g *state.Grant) {
	r.o.record.Accept(g.LoginPrint)
	r.o.record.Accept(g.ShapePrint)
}

// blockOver is for a record that someone else has written though this run held
// the lease. Theirs stands; that the upstream rejected our credentials is added
// to it, whatever else has become of the account.
func (r *run) blockOver(ctx context.Context, b *state.Block) error {
	var err error
	for range writeTries {
		var snap state.Snapshot
		if snap, err = r.e.Store.Load(ctx, r.p.Address); err != nil {
			return err
		}
		rec := snap.Record
		if rec == nil {
			rec = state.New(r.e.Config.Project, r.p.Address, r.o.account.cfg.Spec.Name)
		}
		// A record that was made anew has another key.
		p := fingerprints(rec.Key, r.o.account.cfg)
		r.reject(rec, b, p)
		if rec.Block == nil {
			rec.Block = &state.Block{Reason: b.Reason, Message: b.Message, Since: b.Since, LoginPrint: p.login, ShapePrint: p.shape}
		}
		if _, err = r.e.Store.Save(ctx, rec, snap.Version); !errors.Is(err, sinks.ErrConflict) {
			return err
		}
	}
	return err
}

// lingering returns a context that ends some time after its parent.
func lingering(parent context.Context, after time.Duration) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancelCause(context.WithoutCancel(parent))
	stop := context.AfterFunc(parent, func() {
		timer := time.AfterFunc(after, func() { cancel(context.Cause(parent)) })
		context.AfterFunc(ctx, func() { timer.Stop() })
	})
	return ctx, func() { stop(); cancel(context.Canceled) }
}

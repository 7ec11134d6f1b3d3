package engine

import (
	"context"
	"errors"
	"time"

	"github.com/credsync/credsync/credential"
	"github.com/credsync/credsync/failure"
	"github.com/credsync/credsync/plan"
	"github.com/credsync/credsync/schema/diag"
	"github.com/credsync/credsync/state"
)

// DefaultGracePeriod is how long work that must not be left half done goes on after
// the run was told to stop. It fits into the 30 seconds that Kubernetes gives.
const DefaultGracePeriod = 20 * time.Second

// run is the work on one account, under its lease.
type run struct {
	e *Engine
	// plan begins as what was planned, and becomes what is done in the end.
	plan    *AccountPlan
	seen    *observation
	options observeOptions
	// passed are the targets that the plan has tried already.
	passed passedTrials
	// takenOver are the versions of the targets, by index, that were another account's;
	// "" for others.
	takenOver []string
	// authenticate stops before any target is written.
	authenticate bool
	// impatient leaves an account alone that another run is working on;
	// heldUntil is then when that run's lease ends.
	impatient bool
	heldUntil time.Time

	// moved is from where the record was moved here by this run; "" if it was not.
	moved string

	provider *auditedProvider
	// trail is nil until something is recorded.
	trail  *trail
	leased bool
	// leaseEnds is when the lease was last known to end, as Options.Elapsed counts.
	leaseEnds time.Duration
	// unconfirmed are the records, encoded, whose writes ended with an error and may
	// have arrived all the same.
	unconfirmed []credential.Secret
	// stop ends when the run is told to stop; the work itself goes on a
	// little longer.
	stop        context.Context
	diagnostics diag.List
	// tokenDenied says that the upstream rejected a login or a refresh, not
	// a token that it had issued.
	tokenDenied bool
	// loginRefused says that it was the login itself that it rejected, and not
	// what the account asked for afterwards.
	loginRefused bool
	// asked is the refresh that the stored record says is being asked for; nil for none.
	// refreshLost says that the answer to it was lost once.
	asked       *state.RefreshIntent
	refreshLost bool
	// refreshOver is why the refresh token is of no more use; "" where nothing is to be said.
	refreshOver string
	// spendRecorded says that the stored record has the login as one that was sent, which
	// works once.
	spendRecorded bool
	// refusedAtRefresh says that a refresh was refused for the sake of the login.
	refusedAtRefresh bool
	// secretRefusedAt is when it was that a login with the account's secrets was refused;
	// zero where none was, and where nobody counts that.
	secretRefusedAt time.Time
	// result is the part of the outcome that grows with the work: what was asked
	// of the upstream, and why it failed.
	result Outcome
}

// carryOut carries the plan out and says how it ended.
func (r *run) carryOut(ctx context.Context) Outcome {
	if err := r.takeLease(ctx); err != nil {
		r.fail(r.failure("The account could not be processed", err))
		return r.outcome()
	}
	// From here on the result of what is sent must reach the state and the
	// targets, also when the run is told to stop meanwhile.
	r.stop = ctx
	ctx, done := withGracePeriod(ctx, r.gracePeriod())
	defer done()
	if r.plan.unreachable() {
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
		r.updateHeldBackRecord(ctx)
	default:
		if r.plan.Reason == plan.Disabled {
			r.updateHeldBackRecord(ctx)
		} else {
			r.updateIdleRecord(ctx)
		}
	}
	r.release(ctx)
	r.removeObsoleteEmergencyFiles(ctx)
	return r.outcome()
}

// acquisition gets a new token from the upstream, in place of the one that there
// is (nil for none). It returns nil where there is no new one, having said or
// remembered why.
type acquisition func(ctx context.Context, old *state.Grant) *state.Grant

// rotate gets a new token and brings it where it belongs.
func (r *run) rotate(ctx context.Context, acquire acquisition) {
	old := r.seen.record.Newest()
	if r.seen.verification.Outcome == plan.Refused {
		// Whatever becomes of this run, the next need not ask again, and must
		// not take the token for a good one.
		old.Rejected = true
	}
	if !r.makeProvider() || !r.preflight(ctx) {
		return
	}
	r.seeTakenOver(ctx)
	expiredBefore := r.seen.record.Refusals(r.seen.fingerprints.login, failure.ExpiredAtIssue)
	grant := r.underLease(ctx, acquire, old)
	if grant == nil {
		return
	}
	grant.Replace(old)
	r.reportOddities(grant)
	if !r.authenticate {
		r.claimWithToken(grant)
	}
	journaled := r.journal(ctx, grant, old)
	r.trail.flush()
	if !journaled || r.expiredAtIssue(ctx, grant, expiredBefore) || !r.verify(ctx, grant, old) || r.authenticate {
		return
	}
	r.deliver(ctx, grant, false)
	r.restart(ctx, grant)
	r.removeTargets(ctx)
	left := r.leaseLeft()
	r.commit(ctx, grant)
	r.revokeReplaced(ctx, old, left)
}

// underLease ends the work at the upstream before the lease does.
func (r *run) underLease(ctx context.Context, acquire acquisition, old *state.Grant) *state.Grant {
	ctx, cancel := context.WithTimeout(ctx, r.leaseLeft())
	defer cancel()
	if ctx.Err() != nil {
		r.fail(r.failure("No token was requested", errors.New("this run was delayed for too long; run apply again")))
		return nil
	}
	if r.stopped() {
		return nil
	}
	return acquire(ctx, old)
}

// stopped reports whether the run was told to stop, having said what was not begun then. A
// request for a token that is begun now may not have the time that it needs.
func (r *run) stopped() bool {
	if r.stop.Err() == nil {
		return false
	}
	r.fail(r.failure("No token was requested", errors.New("the run was told to stop; run apply again")))
	return true
}

// gracePeriod is how long the work goes on after the run was told to stop: never less than
// a request to the upstream may take, since its answer can be a token.
func (r *run) gracePeriod() time.Duration {
	period := r.e.GracePeriod
	if a := r.seen.account; a != nil && a.cfg.HTTP.Has("timeout") {
		period = max(period, a.cfg.HTTP.Duration("timeout"))
	}
	return period
}

// redeliver brings the token that there is to the targets that lack it.
func (r *run) redeliver(ctx context.Context) {
	if !r.makeProvider() {
		return
	}
	grant := r.seen.record.Newest()
	if r.seen.verification.Outcome == plan.Confirmed {
		grant.Token.Outputs = grant.Token.Outputs.Merge(r.seen.outputs)
		grant.Token.Answers, grant.VerifiedAt = credential.Secret{}, r.seen.at
	} else if grant.Verified(r.e.Now()).IsZero() && !r.verify(ctx, grant, nil) {
		return
	}
	if r.authenticate {
		return
	}
	r.seeTakenOver(ctx)
	r.deliver(ctx, grant, true)
	r.restart(ctx, grant)
	r.removeTargets(ctx)
	r.commit(ctx, grant)
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

// commit makes the token that was delivered the current one and ends the lease,
// in one write.
func (r *run) commit(ctx context.Context, grant *state.Grant) {
	rec := r.seen.record
	rec.Current, rec.Pending, rec.Challenge = grant, nil, nil
	r.liftBlock(rec)
	rememberRemoval(rec, r.seen.account.cfg)
	rec.Moved = r.e.standing(r.seen.account, rec.Moved)
	r.forgetOldestUnreachable(rec)
	r.saveAndRelease(ctx)
}

func (r *run) fail(d diag.Diagnostic) { r.diagnostics = append(r.diagnostics, d) }

func (r *run) failure(summary string, err error) diag.Diagnostic {
	r.result.noteClass(err)
	if r.seen.account != nil {
		return r.seen.account.failure(summary, err)
	}
	return diag.Errorf(summary, "%s", diag.Sentence(describeError(err))).About(r.plan.Address, nil)
}

func (r *run) outcome() Outcome {
	r.closeTrail()
	o := r.result
	o.Address, o.Action, o.Reason = r.plan.Address, r.plan.Action, r.plan.Reason
	o.Message, o.Blocker, o.Result = r.plan.Message, r.plan.Blocker, Done
	o.Diagnostics, o.At = r.diagnostics, r.e.Now()
	if r.moved != "" && o.Action == plan.None {
		o.Action, o.Reason, o.Message = plan.Deliver, plan.Moved, "it continues with the record of "+r.moved
	}
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

// withGracePeriod returns a context that ends some time after its parent.
func withGracePeriod(parent context.Context, after time.Duration) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancelCause(context.WithoutCancel(parent))
	stop := context.AfterFunc(parent, func() {
		timer := time.AfterFunc(after, func() { cancel(context.Cause(parent)) })
		context.AfterFunc(ctx, func() { timer.Stop() })
	})
	return ctx, func() { stop(); cancel(context.Canceled) }
}

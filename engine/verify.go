package engine

import (
	"context"
	"errors"
	"time"

	"github.com/credsync/credsync/credential"
	"github.com/credsync/credsync/failure"
	"github.com/credsync/credsync/plan"
	"github.com/credsync/credsync/schema/address"
	"github.com/credsync/credsync/state"
)

// checkPauses are before a new token that was rejected is checked again: some services
// accept a token only a moment after they have issued it.
var checkPauses = []time.Duration{time.Second, 3 * time.Second}

// check asks the upstream about a token, of a new one that it rejects more than once.
func (r *run) check(ctx context.Context, g *state.Grant) (credential.Outputs, time.Time, error) {
	outputs, ends, err := r.provider.Verify(ctx, g.Token)
	for _, pause := range checkPauses {
		if r.seen.account.cfg.Spec.Static || failure.ClassOf(err) != failure.Credentials ||
			r.e.Sleep(ctx, pause) != nil {
			break
		}
		outputs, ends, err = r.provider.Verify(ctx, g.Token)
	}
	return outputs, ends, err
}

// verify asks the upstream about a journaled token, which no target gets before
// (P2). It reports false where the token must not be delivered, having said or
// remembered why; the token before it, nil for none, stays where it is.
func (r *run) verify(ctx context.Context, g, before *state.Grant) bool {
	ctx, cancel := context.WithTimeout(ctx, r.leaseLeft())
	defer cancel()
	if r.seen.account.cfg.Spec.Static {
		// Here it is the login: one of those with the same token asks first.
		done, err := r.loginTurn(ctx)
		if err != nil {
			r.fail(r.failure("The token was not verified", err))
			return false
		}
		defer done()
		if r.loginPointless() {
			return false
		}
	}
	outputs, ends, err := r.check(ctx, g)
	if err == nil {
		g.Token.Outputs = g.Token.Outputs.Merge(outputs)
		if is := g.Token.ExpiresAt; !r.seen.account.cfg.Spec.Static && !ends.IsZero() &&
			(is.IsZero() || ends.Before(is)) {
			g.Token.ExpiresAt = ends
		}
		g.Token.Answers, g.VerifiedAt = credential.Secret{}, r.e.Now()
		if r.seen.account.cfg.Spec.Static {
			// Here it is the login. Of a token that was refreshed it says
			// nothing about the password.
			r.forgetRejections(g)
		}
		if b := r.plan.Blocker; b != nil && b.Reason == plan.NoAccess {
			r.plan.Blocker = nil
		}
		return true
	}
	var refusal *failure.Error
	errors.As(err, &refusal)
	r.result.noteClass(err)
	if r.seen.account.cfg.Spec.Static {
		r.refuseSecret(refusal)
	}
	switch {
	case refusal != nil && refusal.Class == failure.Credentials && r.seen.account.cfg.Spec.Static:
		g.Rejected = true
		r.saveBlock(ctx, r.block(failure.CredentialsRejected, rejectionMessage(refusal)))
	case refusal != nil && refusal.Class == failure.Credentials:
		if before != nil && before.Rejected && before.VerifiedAt.IsZero() {
			// The one before was no better. Asking for another at each run
			// would go on for ever; whether this one has become good, each plan asks.
			r.saveBlock(ctx, r.block(failure.NoAccess, "the upstream rejected the token that it had just issued, twice in a row; ask the upstream, then try once more with: credsync apply --replace "+address.ShellWord(r.plan.Address)))
			return false
		}
		d := r.failure("The upstream rejects the token that it has just issued", err)
		d.Detail = joinSentences(d.Detail, "The token may need a while to become valid. The next run checks it again before it gets another.")
		r.fail(d)
		r.persistOrFail(ctx)
	case refusal != nil && refusal.IsCounted():
		r.markSuspect(before, refusal)
		r.countRefusal(ctx, refusal)
	case refusal != nil && refusal.Class == failure.Human && refusal.Reason != "":
		r.saveBlock(ctx, r.block(refusal.Reason, describeError(refusal)))
	default:
		r.fail(r.failure("The new token could not be verified, so it was not delivered", err))
	}
	return false
}

package engine

import (
	"context"
	"errors"
	"fmt"

	"github.com/credsync/credsync/config"
	"github.com/credsync/credsync/failure"
	"github.com/credsync/credsync/plan"
	"github.com/credsync/credsync/sinks"
	"github.com/credsync/credsync/state"
)

// rememberedBlock returns the record's block while what it was about has not
// changed, with the code that was sent for it.
func rememberedBlock(r *state.Record, p fingerprints, cfg *config.Account) *plan.Block {
	b := recordedBlock(r, p, cfg)
	c := r.Challenge
	if b == nil || !isAttended(failure.Reason(b.Reason)) || c == nil || c.ID.IsZero() || c.LoginPrint != p.login {
		return b
	}
	b.CodeSentAt, b.Message = c.SentAt, challengeSentMessage(b.Reason, r.Address, c.SentAt)
	return b
}

// recordedBlock is the block as it was recorded. Rejected credentials are still
// the same ones when only the branch or customer has changed; a missing access
// may be there for another branch.
func recordedBlock(r *state.Record, p fingerprints, cfg *config.Account) *plan.Block {
	if b := r.Block; b != nil && b.LoginPrint == p.login && (b.Reason != failure.NoAccess || b.ShapePrint == p.shape) {
		return &plan.Block{
			Reason:  plan.Reason(b.Reason),
			Message: b.Message,
			Since:   b.Since,
			OfLogin: r.Rejected(p.login) != nil, AtRefresh: b.AtRefresh,
		}
	}
	for _, print := range []string{p.login, p.shape} {
		if j := r.Rejected(print); j != nil {
			return &plan.Block{
				Reason:  plan.Reason(j.Reason),
				Message: rejectedBefore(r.Address, j.Reason),
				Since:   j.At,
				OfLogin: print == p.login, AtRefresh: j.AtRefresh,
			}
		}
	}
	return inheritedBlock(r, cfg)
}

// rejectedBefore is what is still known of a rejection when another
// configuration's has taken the place of its message.
func rejectedBefore(address string, reason failure.Reason) string {
	switch reason {
	case failure.CredentialsRejected:
		return "the upstream rejected these credentials before; correct them in the configuration"
	case failure.NeedsCode:
		return needsCodeMessage(address)
	case failure.NeedsApproval:
		return needsApprovalMessage(address)
	}
	return fmt.Sprintf("the upstream rejected these credentials before (%s)", reason)
}

// newBlock returns the block that is to be remembered and is not yet, or nil.
func (r *run) newBlock() *state.Block {
	b := r.plan.Blocker
	if b == nil || b == r.seen.input.LoginSpent || !b.Since.IsZero() || isFoundAgain(b.Reason) ||
		r.seen.account == nil {
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
		LoginPrint: r.seen.fingerprints.login, ShapePrint: r.seen.fingerprints.shape, AtRefresh: r.refusedAtRefresh,
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
	r.plan.Blocker = &plan.Block{
		Reason:  plan.Reason(b.Reason),
		Message: b.Message,
		Since:   b.Since,
		OfLogin: r.loginRefused, AtRefresh: b.AtRefresh,
	}
	r.e.sharedLoginOf(r.seen.account).refused(r.plan.Address, r.e.Now(), r.plan.Blocker)
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

// addBlockToTheirs is for a record that someone else has written though this run held
// the lease. Theirs stands; that the upstream rejected our credentials is added
// to it, whatever else has become of the account.
func (r *run) addBlockToTheirs(ctx context.Context, b *state.Block) error {
	return r.e.updateRecord(ctx, r.plan.Address, writeTries, func(theirs *state.Record) (*state.Record, error) {
		if theirs == nil {
			theirs = r.e.newRecord(r.seen.account)
		}
		// A record that was made again has another key.
		p := fingerprintsOf(theirs.Key, r.seen.account.cfg)
		r.rememberRejection(theirs, b, p)
		if theirs.Block == nil {
			theirs.Block = &state.Block{
				Reason:     b.Reason,
				Message:    b.Message,
				Since:      b.Since,
				LoginPrint: p.login,
				ShapePrint: p.shape,
				AtRefresh:  b.AtRefresh,
			}
		}
		return theirs, nil
	})
}

// rememberRejection remembers a block beside the record's own, which another
// configuration may replace.
//
// An access that is missing may be there for another branch, so it is remembered
// of what the token is for; and only where no token came: one that did is asked
// about again anyway, since access can come back by itself.
func (r *run) rememberRejection(rec *state.Record, b *state.Block, p fingerprints) {
	r.noteSecretIn(rec)
	switch {
	case b.Reason != failure.NoAccess, r.loginRefused:
		rec.Reject(state.Rejection{LoginPrint: p.login, Reason: b.Reason, At: b.Since, AtRefresh: b.AtRefresh})
	case r.tokenDenied:
		rec.Reject(state.Rejection{LoginPrint: p.shape, Reason: b.Reason, At: b.Since})
	}
}

// forgetRejections forgets the rejections of a login that has worked.
func (r *run) forgetRejections(g *state.Grant) {
	r.seen.record.Accept(g.LoginPrint)
	r.seen.record.Accept(g.ShapePrint)
	r.forgetSecret()
	r.seen.record.AcceptInherited(func(j state.Rejection) bool { return isOfLogin(j, r.seen.account.cfg) })
}

// unblock forgets what stood in the way of a login that has worked, with the
// code that it took: the journal has that at once, should the run end there.
// Whether access is missing only verification tells.
func (r *run) unblock(loginPrint string) {
	if b := r.seen.record.Block; b != nil && b.LoginPrint == loginPrint && b.Reason != failure.NoAccess {
		r.seen.record.Block = nil
	}
	if c := r.seen.record.Challenge; c != nil && c.LoginPrint == loginPrint {
		r.seen.record.Challenge = nil
	}
}

// blockStands reports whether what the record remembers still stands in the
// way of a login. A token that is good, or was refreshed, says nothing about
// credentials that were rejected; only a login does.
func (r *run) blockStands() bool {
	b := r.plan.Blocker
	return b != nil && !isFoundAgain(b.Reason)
}

// isFoundAgain reports whether a block is found with no request at each plan, and so
// is not remembered.
func isFoundAgain(reason plan.Reason) bool {
	return reason == plan.TargetNotOwned || reason == plan.UnreachableHere || reason == plan.Imported
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

package engine

import (
	"cmp"
	"context"
	"errors"
	"strings"

	"github.com/credsync/credsync/credential"
	"github.com/credsync/credsync/failure"
	"github.com/credsync/credsync/plan"
	"github.com/credsync/credsync/state"
)

// writable reports whether a target is to be written at all: one that belongs
// to someone else, or cannot be looked at, is left out, and does not hold back
// the others.
func (r *run) writable(i int) bool {
	return r.plan.Targets[i].Action != plan.BlockedAction && r.seen.targetErrs[i] == nil
}

// acquire refreshes or logs in; see acquisition.
func (r *run) acquire(ctx context.Context, old *state.Grant) *state.Grant {
	if r.plan.Action == plan.Refresh {
		grant, again := r.refresh(ctx, old)
		if !again {
			return grant
		}
	}
	return r.login(ctx, old)
}

// refresh trades the old token for a new one. again asks for a login instead:
// the refresh material was rejected, or may have been spent by a request whose
// answer was lost, or there is no good token left to wait with.
func (r *run) refresh(ctx context.Context, old *state.Grant) (grant *state.Grant, again bool) {
	done, err := r.refreshTurn(ctx)
	if err != nil {
		r.fail(r.failure("The token was not refreshed", err))
		return nil, false
	}
	defer done()
	if r.refreshPointless() {
		return nil, false
	}
	token, err := r.presentRefresh(ctx, old)
	if err == nil {
		return r.seen.grant(token), false
	}
	if r.refreshUnknown(err) {
		return nil, r.refreshUnanswered(old, err)
	}
	var upstream *failure.Error
	if !errors.As(err, &upstream) || ctx.Err() != nil {
		r.fail(r.failure("The token could not be refreshed", err))
		return nil, false
	}
	lost := upstream.AnswerLost && r.seen.account.cfg.Spec.RefreshSpends
	if upstream.Class == failure.Credentials && upstream.About == failure.AboutLogin {
		r.blockLoginOf(ctx, upstream)
		return nil, false
	}
	forbidden := upstream.Class == failure.Human && upstream.Reason != ""
	rejected := upstream.Class == failure.Credentials
	if rejected || forbidden {
		// The material is worth nothing now, whatever the login brings; where a
		// human has to act first, what follows is a login too. Where only the
		// answer was lost, it may be good: should the login bring nothing
		// either, as where it takes a code, the next run asks again.
		r.explainRefusedRefresh(old, upstream)
		old.RefuseRefresh(r.e.Now())
		r.seen.record.RefreshAsked = nil
	}
	if forbidden && !r.tokenDead() {
		// There is time for the human, and no use in a login before.
		r.blockUntilHumanActs(ctx, upstream)
		return nil, false
	}
	// While the token is good there is time to try the refresh again. Once it
	// is not, nothing is lost by a login.
	if !rejected && !lost && !r.tokenDead() {
		r.fail(r.failure("The token could not be refreshed", err))
		return nil, false
	}
	r.e.Log.Info("the token could not be refreshed; logging in", "address", r.plan.Address, "error", err)
	r.plan.Action, r.plan.Reason = plan.Reissue, plan.RefreshUnavailable
	r.plan.Message = "the upstream did not refresh the token, so credsync logged in again"
	return nil, true
}

// refreshTurn waits until no other account of a described login logs in or refreshes: what
// is refused for the sake of a client's secret is sent once, by whichever of them is first.
func (r *run) refreshTurn(ctx context.Context) (done func(), err error) {
	s := r.e.sharedLoginOf(r.seen.account)
	if s == nil || !describedByUser(r.seen.account.cfg.Spec) {
		return func() {}, nil
	}
	select {
	case s.turn <- struct{}{}:
		return func() { <-s.turn }, nil
	case <-ctx.Done():
		return nil, errors.New("other accounts with the same login took too long; run apply again")
	}
}

// refreshPointless reports whether another account has been told in this run that the
// login is refused at a refresh too, and blocks the account if so.
func (r *run) refreshPointless() bool {
	b := r.e.sharedLoginOf(r.seen.account).refusedNow(r.plan.Address)
	if b == nil || !b.AtRefresh {
		return false
	}
	r.plan.Action, r.plan.Reason, r.plan.Message, r.plan.Blocker = plan.BlockedAction, b.Reason, b.Message, b
	return true
}

// blockLoginOf remembers that a refresh was refused for the sake of what a login sends too.
func (r *run) blockLoginOf(ctx context.Context, err *failure.Error) {
	r.result.noteClass(err)
	r.refuseSecret(err)
	r.tokenDenied, r.loginRefused, r.refusedAtRefresh = true, true, true
	r.saveBlock(ctx, r.block(cmp.Or(err.Reason, failure.CredentialsRejected), rejectionMessage(err)))
}

// tokenDead reports whether no consumer can use the present token.
func (r *run) tokenDead() bool {
	t := r.seen.input.Token
	return t.Dead(r.seen.at) || r.seen.verification.Outcome == plan.Refused
}

// login logs in, unless that is known to be pointless. A rejection is
// remembered, so that the same credentials are never tried again.
func (r *run) login(ctx context.Context, old *state.Grant) *state.Grant {
	done, err := r.loginTurn(ctx)
	if err != nil {
		r.fail(r.failure("The login was not attempted", err))
		return nil
	}
	defer done()
	secretDone, err := r.secretTurn(ctx)
	if err != nil {
		r.fail(r.failure("The login was not attempted", err))
		return nil
	}
	defer secretDone()
	if r.loginPointless() || r.rejectedElsewhere(ctx) || r.secretSpent() || r.stopped() {
		return nil
	}
	if !r.spendLogin(ctx) {
		return nil
	}
	token, err := r.provider.Login(ctx)
	if err == nil {
		return r.newGrant(token, old)
	}
	r.unspendLogin(err)
	return r.loginFailed(ctx, old, err)
}

// loginPointless reports whether a login is known to be rejected, and blocks the
// account if so. --replace lifts what was known before the command, once for a login:
// not what another account of it has been told since.
func (r *run) loginPointless() bool {
	b := r.seen.input.Block
	if b != nil && r.options.replace && !b.Since.IsZero() {
		b = nil
	}
	if now := r.e.sharedLoginOf(r.seen.account).refusedNow(r.plan.Address); b == nil {
		b = now
	}
	if b == nil {
		return false
	}
	r.plan.Action, r.plan.Reason, r.plan.Message, r.plan.Blocker = plan.BlockedAction, b.Reason, b.Message, b
	return true
}

// loginFailed remembers what must not be tried again, and says the rest. It
// returns no grant.
func (r *run) loginFailed(ctx context.Context, old *state.Grant, err error) *state.Grant {
	var upstream *failure.Error
	errors.As(err, &upstream)
	r.result.noteClass(err)
	r.refuseSecret(upstream)
	suspected := r.markSuspect(old, upstream)
	switch {
	case upstream != nil && upstream.Class == failure.Credentials:
		reason := upstream.Reason
		if reason == "" {
			reason = failure.CredentialsRejected
		}
		r.saveBlock(ctx, r.block(reason, rejectionMessage(upstream)))
	case needsCode(err):
		r.saveBlock(ctx, r.block(upstream.Reason, attendedMessage(upstream.Reason, r.plan.Address)))
	case upstream != nil && upstream.Class == failure.Human && upstream.Reason != "":
		r.blockUntilHumanActs(ctx, upstream)
	case upstream != nil && upstream.IsCounted():
		r.countRefusal(ctx, upstream)
	default:
		if suspected {
			r.persistOrFail(ctx)
		}
		r.fail(r.failure("The login failed", err))
	}
	return nil
}

// blockUntilHumanActs remembers that the upstream gives no token before a human has acted.
func (r *run) blockUntilHumanActs(ctx context.Context, err *failure.Error) {
	r.tokenDenied, r.loginRefused = true, err.RefusesLogin()
	r.result.noteClass(err)
	r.saveBlock(ctx, r.block(err.Reason, describeError(err)))
}

// newGrant makes a grant of what a login gave. A login says all that there is
// to say, so nothing of the grant before it is carried over.
func (r *run) newGrant(token credential.Token, old *state.Grant) *state.Grant {
	g := r.seen.grant(token)
	h := loginHistoryOf(r.seen.record, r.seen.fingerprints, r.seen.account.cfg)
	if !r.seen.account.cfg.Spec.Static {
		// That a static token was taken from the configuration says nothing.
		r.forgetRejections(g)
		r.unblock(g.LoginPrint)
		h = loginHistory{worked: token.IssuedAt, spent: h.spent}
	}
	if old == nil || old.LoginPrint != g.LoginPrint || r.seen.record.FirstSeenAt.IsZero() {
		r.seen.record.FirstSeenAt = r.e.Now()
	}
	if old != nil && r.plan.Reason == plan.ConfigChanged && r.e.Now().Sub(old.Token.IssuedAt) < quickChange {
		g.ConfigChanges = old.ConfigChanges + 1
	}
	r.e.sharedLoginOf(r.seen.account).note(r.plan.Address, r.e.Now(), nil, h)
	return g
}

// markSuspect marks the old token as dead in the record where a login may have killed it
// though its answer never arrived, or that of an attempt before. It reports whether
// there was anything to mark.
func (r *run) markSuspect(old *state.Grant, err *failure.Error) bool {
	if err == nil || !err.AnswerLost || old == nil || !r.seen.account.loginRevokes() {
		return false
	}
	old.Rejected = true
	return true
}

func rejectionMessage(err *failure.Error) string {
	s := describeError(err)
	if err.Advice == "" {
		s = joinSentences(s, "Correct the credentials in the configuration")
	}
	return strings.TrimRight(s, ". ")
}

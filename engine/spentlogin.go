package engine

import (
	"context"
	"errors"

	"github.com/credsync/credsync/audit"
	"github.com/credsync/credsync/config"
	"github.com/credsync/credsync/failure"
	"github.com/credsync/credsync/plan"
	"github.com/credsync/credsync/state"
)

// This file is about logins that work once: a refresh token that was got elsewhere, a
// code. To send one again brings nothing, and where the upstream detects that, it ends
// what the first time brought. So the record says that it was sent before it is, and
// nothing takes that back: not time, not --replace.

// loginSpends reports whether an account's login works once.
func loginSpends(cfg *config.Account) bool {
	f := cfg.Spec.LoginSpends
	return f != nil && wholly(cfg) && f(cfg.Values)
}

// isSpentLogin reports whether a login that was sent, under its own key, is the account's.
func isSpentLogin(s state.SpentLogin, cfg *config.Account) bool {
	return loginSpends(cfg) && fingerprintsOf(s.Key, cfg).login == s.LoginPrint
}

// loginSpentIn reports whether a record knows that the account's login was sent.
func loginSpentIn(r *state.Record, cfg *config.Account) bool {
	for _, s := range r.SpentLogins {
		s.Key = r.KeyOf(s.Key)
		if isSpentLogin(s, cfg) {
			return true
		}
	}
	return false
}

// loginSpentBlock is why no login can be made; nil if one can be.
func (e *Engine) loginSpentBlock(o *observation) *plan.Block {
	if !loginSpentIn(o.record, o.account.cfg) {
		return nil
	}
	return &plan.Block{Reason: plan.NeedsApproval, Message: spentLoginMessage}
}

const spentLoginMessage = "the login of this account works once and was sent before, so it is not sent again; a person has to get a new one at the upstream and put it into the configuration"

// spendLogin has the record say that the login is being sent, before it is, where it works
// once. It reports false, having said why, where it was sent before.
func (r *run) spendLogin(ctx context.Context) bool {
	cfg, login := r.seen.account.cfg, r.seen.fingerprints.login
	if !loginSpends(cfg) {
		return true
	}
	if r.loginSpentAnywhere(ctx) {
		b := &plan.Block{Reason: plan.NeedsApproval, Message: joinSentences(r.refreshOver, spentLoginMessage)}
		r.plan.Action, r.plan.Reason, r.plan.Message, r.plan.Blocker = plan.BlockedAction, b.Reason, b.Message, b
		return false
	}
	r.seen.record.SpendLogin(login)
	if !r.spendRecorded && !r.persistOrFail(ctx) {
		return false
	}
	r.e.sharedLoginOf(r.seen.account).spend(r.plan.Address, true)
	return true
}

// loginSpentAnywhere reports whether the login was sent, by this account or by another that
// had or has the same one.
func (r *run) loginSpentAnywhere(ctx context.Context) bool {
	own := loginHistoryOf(r.seen.record, r.seen.fingerprints, r.seen.account.cfg)
	if r.e.sharedLoginOf(r.seen.account).together(own).spent {
		return true
	}
	r.e.seeAll(ctx)
	for _, rec := range r.e.strays.others(r.seen.record) {
		if loginSpentIn(rec, r.seen.account.cfg) {
			return true
		}
	}
	return false
}

// unspendLogin takes back that the login was sent, where it certainly was not, or was
// turned away unread.
func (r *run) unspendLogin(err error) {
	if loginSpends(r.seen.account.cfg) && notPresented(err) {
		r.seen.record.UnspendLogin(r.seen.fingerprints.login)
		r.e.sharedLoginOf(r.seen.account).spend(r.plan.Address, false)
	}
}

// notPresented reports whether nothing was sent to the upstream, or only what it has not
// processed.
func notPresented(err error) bool {
	if errors.Is(err, audit.ErrNotTried) {
		return true
	}
	var upstream *failure.Error
	return errors.As(err, &upstream) && !upstream.AnswerLost &&
		(upstream.Status == 0 || upstream.Class == failure.Retryable)
}

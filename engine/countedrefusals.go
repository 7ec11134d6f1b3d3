package engine

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/credsync/credsync/config"
	"github.com/credsync/credsync/failure"
	"github.com/credsync/credsync/plan"
	"github.com/credsync/credsync/sinks"
	"github.com/credsync/credsync/state"
)

// loginHistory is what a record knows of refusals of a login that prove nothing the
// first time, and of when it last worked.
type loginHistory struct {
	refusals  int
	refusedAt time.Time
	worked    time.Time
}

func loginHistoryOf(r *state.Record, p fingerprints, cfg *config.Account) loginHistory {
	var h loginHistory
	for _, j := range r.Rejections {
		ofLogin := len(j.Key) == 0 && j.LoginPrint == p.login || len(j.Key) > 0 && isOfLogin(j, cfg)
		if j.Reason == failure.UnclassifiedRefusal && ofLogin && (h.refusals == 0 || j.At.After(h.refusedAt)) {
			h.refusals, h.refusedAt = max(j.Count, 1), j.At
		}
	}
	for _, g := range []*state.Grant{r.Current, r.Pending} {
		if g != nil && g.LoginPrint == p.login && g.Token.IssuedAt.After(h.worked) {
			h.worked = g.Token.IssuedAt
		}
	}
	return h
}

// noteLogin tells the accounts of the same login what this one's record has of it, and
// warns of a login that is tried once more only.
func (e *Engine) noteLogin(o *observation) {
	h := loginHistoryOf(o.record, o.fingerprints, o.account.cfg)
	e.sharedLoginOf(o.account).note(o.input.Address, o.at, o.input.Block, h)
	if o.input.Block == nil && h.refusals > 0 && !h.worked.After(h.refusedAt) {
		o.warn("The upstream refused the last login", fmt.Sprintf("It refused the login on %s without a clear reason. The login is tried once more; a second refusal in a row blocks the account. If the credentials are wrong, correct them first.", h.refusedAt.UTC().Format("2006-01-02 15:04 MST")))
	}
}

// countRefusal is for a refusal of a login of which nothing says for certain that the
// credentials are wrong. It may count there as a wrong password all the same: the
// second one in a row blocks the account. Accounts of one login are counted together.
func (r *run) countRefusal(ctx context.Context, err *failure.Error) {
	const reason = failure.UnclassifiedRefusal
	r.loginRefused = true
	if r.refusedBefore() {
		r.saveBlock(ctx, r.block(reason, "the upstream has refused the login twice in a row without a clear reason; it may count as a wrong password, so it is not sent again: "+rejectionMessage(err)))
		return
	}
	now := r.e.Now()
	d := r.failure("The login was refused", err)
	d.Detail = joinSentences(d.Detail, "It may count as a wrong password. The next run sends it once more; a second refusal in a row blocks the account.")
	r.fail(d)
	r.e.sharedLoginOf(r.seen.account).refused(r.plan.Address, now, &plan.Block{
		Reason: plan.UnclassifiedRefusal, Message: "the login was refused in this run: " + describeError(err), Since: now, OfLogin: true,
	})
	count := func(rec *state.Record) {
		print := fingerprintsOf(rec.Key, r.seen.account.cfg).login
		rec.CountRefusal(state.Rejection{LoginPrint: print, Reason: reason, At: now}, rec.Refusals(print, reason))
	}
	count(r.seen.record)
	saveErr := r.persist(ctx)
	if errors.Is(saveErr, sinks.ErrConflict) {
		saveErr = r.e.updateRecord(ctx, r.plan.Address, writeTries, func(theirs *state.Record) (*state.Record, error) {
			if theirs == nil {
				theirs = r.e.newRecord(r.seen.account)
			}
			count(theirs)
			return theirs, nil
		})
	}
	if saveErr != nil {
		r.fail(r.failure("The state could not be written", saveErr))
	}
}

// refusedBefore reports whether the login, this account's or another's, was
// refused the last time that it was tried.
func (r *run) refusedBefore() bool {
	own := loginHistoryOf(r.seen.record, r.seen.fingerprints, r.seen.account.cfg)
	return r.e.sharedLoginOf(r.seen.account).together(own).refusals > 0
}

package engine

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/credsync/credsync/config"
	"github.com/credsync/credsync/failure"
	"github.com/credsync/credsync/plan"
	"github.com/credsync/credsync/providers"
	"github.com/credsync/credsync/schema/address"
	"github.com/credsync/credsync/sinks"
	"github.com/credsync/credsync/state"
)

// loginHistory is what a record knows of refusals of a login that prove nothing the
// first time, and of when it last worked.
type loginHistory struct {
	refusals  int
	refusedAt time.Time
	worked    time.Time
	// spent says that the login works once, and was sent.
	spent bool
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
	h.spent = loginSpentIn(r, cfg)
	return h
}

// noteLogin tells the accounts of the same login what this one's record has of it, and
// warns of a login that is tried once more only.
func (e *Engine) noteLogin(o *observation) {
	h := loginHistoryOf(o.record, o.fingerprints, o.account.cfg)
	e.sharedLoginOf(o.account).note(o.input.Address, o.at, o.input.Block, h)
	if o.input.Block == nil && h.refusals > 0 && !h.worked.After(h.refusedAt) {
		o.warn("The upstream refused the last login", fmt.Sprintf("It refused the login on %s without a clear reason. The login is tried %s. If the credentials are wrong, correct them first.",
			h.refusedAt.UTC().Format("2006-01-02 15:04 MST"), triesLeft(o.account.cfg.Spec, h.refusals)))
	}
}

// enoughRefusals is how many refusals in a row block an account of which nothing says
// for certain what they mean.
func enoughRefusals(s *providers.Spec) int { return cmp.Or(s.UnknownRefusals, state.DefaultEnough) }

// triesLeft says what follows after that many refusals in a row.
func triesLeft(s *providers.Spec, refusals int) string {
	switch enough := enoughRefusals(s); {
	case enough == 2:
		return "once more; a second refusal in a row blocks the account"
	case refusals+1 >= enough:
		return fmt.Sprintf("once more; refusal number %d in a row blocks the account", enough)
	default:
		return fmt.Sprintf("again; refusal number %d in a row blocks the account", enough)
	}
}

// describedByUser reports whether a user describes the upstream, so that the meaning of an
// answer can be added.
func describedByUser(s *providers.Spec) bool { return s.LoginShape != nil }

// countRefusal is for a refusal of a login of which nothing says for certain that the
// credentials are wrong. It may count there as a wrong password all the same: so many in
// a row block the account. Accounts of one login are counted together.
func (r *run) countRefusal(ctx context.Context, err *failure.Error) {
	const reason = failure.UnclassifiedRefusal
	r.loginRefused = true
	spec, before := r.seen.account.cfg.Spec, r.refusalsBefore()
	if before+1 >= enoughRefusals(spec) {
		r.saveBlock(ctx, r.block(reason, r.unclassifiedMessage(before+1, err)))
		return
	}
	now := r.e.Now()
	d := r.failure("The login was refused", err)
	d.Detail = joinSentences(d.Detail, "It may count as a wrong password. The next run sends it "+triesLeft(spec, before+1)+".")
	r.fail(d)
	r.e.sharedLoginOf(r.seen.account).refused(r.plan.Address, now, &plan.Block{
		Reason: plan.UnclassifiedRefusal, Message: "the login was refused in this run: " + describeError(err), Since: now, OfLogin: true,
	})
	count := func(rec *state.Record, before int) {
		print := fingerprintsOf(rec.Key, r.seen.account.cfg).login
		j := state.Rejection{LoginPrint: print, Reason: reason, At: now, Enough: spec.UnknownRefusals}
		rec.CountRefusal(j, before)
		r.noteSecretIn(rec)
	}
	count(r.seen.record, before)
	saveErr := r.persist(ctx)
	if errors.Is(saveErr, sinks.ErrConflict) {
		saveErr = r.e.updateRecord(ctx, r.plan.Address, writeTries, func(theirs *state.Record) (*state.Record, error) {
			if theirs == nil {
				theirs = r.e.newRecord(r.seen.account)
			}
			own := fingerprintsOf(theirs.Key, r.seen.account.cfg).login
			count(theirs, max(before, theirs.Refusals(own, reason)))
			return theirs, nil
		})
	}
	if saveErr != nil {
		r.fail(r.failure("The state could not be written", saveErr))
	}
}

// unclassifiedMessage says why the login is not sent again after that many refusals, and
// what to do.
func (r *run) unclassifiedMessage(refusals int, err *failure.Error) string {
	often := fmt.Sprintf("%d times in a row", refusals)
	switch refusals {
	case 1:
		often = "once"
	case 2:
		often = "twice in a row"
	}
	said := rejectionMessage(err)
	if describedByUser(r.seen.account.cfg.Spec) {
		said = joinSentences(describeError(err), "Add an error block that says what this answer means, or send the same login once more with: credsync apply --replace "+address.ShellWord(r.plan.Address))
	}
	return "the upstream has refused the login " + often + " without a clear reason; it may count as a wrong password, so it is not sent again: " + said
}

// refusalsBefore is how often in a row the login, this account's or another's, was
// refused without a clear reason until now.
func (r *run) refusalsBefore() int {
	own := loginHistoryOf(r.seen.record, r.seen.fingerprints, r.seen.account.cfg)
	return r.e.sharedLoginOf(r.seen.account).together(own).refusals
}

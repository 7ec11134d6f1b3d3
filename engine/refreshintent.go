package engine

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/credsync/credsync/audit"
	"github.com/credsync/credsync/credential"
	"github.com/credsync/credsync/failure"
	"github.com/credsync/credsync/plan"
	"github.com/credsync/credsync/schema/diag"
	"github.com/credsync/credsync/state"
)

// This file is about refresh material that works once. Where the answer to a refresh never
// came, nobody knows whether the material was used. Some upstreams take it again for a
// while, for just that case. At others that is what a thief would do, and they end
// everything that ever came of it, the token that targets use included. So the record says
// that a refresh is asked for before it is (with the lease: that costs no write), and the
// journal's write takes that back. docs/protocol.md has what follows from it.

// refreshPause is before a refresh whose answer was lost is asked for again.
const refreshPause = time.Second

// tracksRefresh reports whether the account's refreshes are recorded before they are asked
// for.
func (a *account) tracksRefresh() bool {
	return !a.unknown && a.cfg.Spec.RefreshSpends && a.cfg.Spec.ReuseGrace != nil
}

// reuseGrace is for how long the upstream takes refresh material again.
func (a *account) reuseGrace() time.Duration {
	if !a.tracksRefresh() {
		return 0
	}
	return a.cfg.Spec.ReuseGrace(a.cfg.Values)
}

// refreshRevokes reports whether a refresh ends the access token before it.
func (a *account) refreshRevokes() bool {
	f := a.cfg.Spec.RefreshRevokes
	return f != nil && !a.unknown && f(a.cfg.Values)
}

// graceEnds is until when the upstream takes the material of a refresh again; zero where it
// does not, and where the time at which it was asked for cannot be right.
func (a *account) graceEnds(i *state.RefreshIntent, now time.Time) time.Time {
	grace := a.reuseGrace()
	if grace <= 0 || i.At.IsZero() || i.At.Sub(now) > clockTolerance {
		return time.Time{}
	}
	return i.At.Add(grace)
}

// withRefreshIntent is the record as it is written with the lease: if this is all that comes
// of this run, its refresh may have been answered. Each later write says what is known.
func (r *run) withRefreshIntent(rec *state.Record) *state.Record {
	g, a := rec.Newest(), r.seen.account
	if a == nil || g == nil || r.plan.Action != plan.Refresh {
		return rec
	}
	if a.refreshRevokes() {
		rec = rec.Clone()
		rec.Newest().Rejected = true
	}
	if !a.tracksRefresh() {
		return rec
	}
	now := r.e.Now()
	r.asked = &state.RefreshIntent{GrantID: g.ID, At: now}
	if before := rec.AskedToRefresh(); before != nil {
		r.asked.At, r.asked.Last = before.At, !now.Before(a.graceEnds(before, now))
	}
	rec = rec.Clone()
	rec.RefreshAsked = r.asked
	return rec
}

// presentRefresh asks for a refresh. Where its answer is lost and the upstream takes the
// material again, it asks once more.
func (r *run) presentRefresh(ctx context.Context, old *state.Grant) (credential.Token, error) {
	token, err := r.provider.Refresh(ctx, old.Token)
	if r.asked == nil || !answerLost(err) {
		return token, err
	}
	r.refreshLost = true
	ends := r.seen.account.graceEnds(r.asked, r.e.Now())
	// Any other error is of a run that is told to end.
	var upstream *failure.Error
	if r.asked.Last || !errors.As(err, &upstream) || !r.e.Now().Add(refreshPause).Before(ends) {
		return token, err
	}
	r.e.Log.Warn("the answer to a refresh was lost; asking again, since the upstream takes the same refresh token again for a while", "address", r.plan.Address, "until", ends.UTC().Format(time.RFC3339), "error", err)
	if r.e.Sleep(ctx, refreshPause) != nil {
		return token, err
	}
	return r.provider.Refresh(ctx, old.Token)
}

// answerLost reports whether a request may have been processed though its answer did not
// come. A refusal is an answer, whatever was lost before it.
func answerLost(err error) bool {
	if err == nil || errors.Is(err, audit.ErrNotTried) {
		return false
	}
	var upstream *failure.Error
	return !errors.As(err, &upstream) || upstream.AnswerLost && !isRefusal(upstream)
}

// isRefusal reports whether an error says what has become of the refresh material.
func isRefusal(err *failure.Error) bool {
	return err.Class == failure.Credentials || err.Class == failure.Human && err.Reason != ""
}

// refreshUnknown reports whether nobody knows what came of a refresh that is recorded. Once
// an answer was lost, only a refusal says it.
func (r *run) refreshUnknown(err error) bool {
	if r.asked == nil {
		return false
	}
	var upstream *failure.Error
	refused := errors.As(err, &upstream) && isRefusal(upstream)
	return answerLost(err) || r.refreshLost && !refused
}

// refreshUnanswered remembers that nobody knows what came of the refresh, and tells people.
// again asks for a login: the material was presented for the last time.
func (r *run) refreshUnanswered(old *state.Grant, err error) (again bool) {
	r.seen.record.RefreshAsked = r.asked
	if r.seen.account.refreshRevokes() {
		old.Rejected = true
	}
	if r.asked.Last {
		r.refreshOver = "the refresh token was presented for the last time, and its answer was lost too"
		r.plan.Action, r.plan.Reason = plan.Reissue, plan.RefreshUnavailable
		r.plan.Message = "the upstream did not refresh the token, so credsync logged in again"
		return true
	}
	r.plan.Reason = plan.RefreshUnknown
	d := r.failure("It is not known whether the token was refreshed", err)
	d.Detail = joinSentences(d.Detail, "The refresh token may be spent. "+r.whatFollowsLostRefresh(old))
	r.fail(d)
	return false
}

func (r *run) whatFollowsLostRefresh(old *state.Grant) string {
	now, ends := r.e.Now(), old.Token.ExpiresAt
	grace := r.seen.account.graceEnds(r.asked, now)
	switch {
	case now.Before(grace):
		return fmt.Sprintf("The upstream accepts it again until %s: run apply again before then.", grace.UTC().Format("2006-01-02 15:04:05 MST"))
	case r.seen.account.refreshRevokes():
		return "The token that the targets hold may have ended with it. The next run presents it one last time, then logs in."
	case r.tokenDead():
		return "The next run presents it one last time, then logs in."
	case ends.IsZero():
		return "The token stays in use until the upstream rejects it; only then the refresh is tried one last time."
	}
	return fmt.Sprintf("To present it again could end the token that the targets hold, so that stays in use until %s; then the refresh is tried one last time. If the account has to be changed before then, log in again with --replace.",
		ends.UTC().Format("2006-01-02 15:04 MST"))
}

// explainRefusedRefresh says why refresh material was refused that works once and whose time
// was not over: somebody has used it.
func (r *run) explainRefusedRefresh(old *state.Grant, err *failure.Error) {
	until := old.Token.RefreshableUntil
	over := !until.IsZero() && !r.e.Now().Before(until)
	if r.asked == nil || over || err.Class != failure.Credentials {
		return
	}
	if r.refreshLost || r.seen.record.AskedToRefresh() != nil {
		r.refreshOver = "the upstream refused the refresh token; an earlier request whose answer never came has probably used it"
	} else {
		r.refreshOver = "something else used this refresh token: another state, cluster or program shares it"
	}
	r.fail(diag.Warningf("The refresh token is of no more use", "%s", diag.Sentence(r.refreshOver+" ("+err.Cause()+")")).About(r.plan.Address, r.plan.Range))
}

// refreshesByRejected reports whether a refresh would present, where that works once, the very
// token that the upstream rejects. Something else may have replaced it; to present it again
// is then reuse, which can end the token that came of that. A token that only counts as
// rejected, since it may have ended by a refresh whose answer was lost, is another matter.
func (o *observation) refreshesByRejected(g *state.Grant) bool {
	if o.account.unknown || !o.account.cfg.Spec.RefreshSpends || !g.Token.Refresh.IsZero() {
		return false
	}
	return o.verification.Outcome == plan.Refused || g.Rejected && o.record.AskedToRefresh() == nil
}

// describeRefreshIntent turns a refresh of which nothing is known into what a decision needs.
func (o *observation) describeRefreshIntent() {
	i := o.record.AskedToRefresh()
	if i == nil || !o.account.tracksRefresh() {
		return
	}
	t := o.input.Token
	t.RefreshUnknown, t.RefreshGraceEnds = true, o.account.graceEnds(i, o.at)
	t.RefreshRefused = t.RefreshRefused || i.Last
	t.Rejected = t.Rejected || o.account.refreshRevokes()
	if !i.Last {
		o.warn("It is not known whether the token was refreshed", fmt.Sprintf(
			"A run asked for a refresh on %s and ended without an answer, so the refresh token may be spent.", i.At.UTC().Format("2006-01-02 15:04 MST")))
	}
}

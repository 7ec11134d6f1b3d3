package engine

import (
	"context"
	"fmt"
	"time"

	"github.com/credsync/credsync/failure"
	"github.com/credsync/credsync/plan"
	"github.com/credsync/credsync/schema/address"
	"github.com/credsync/credsync/schema/diag"
	"github.com/credsync/credsync/state"
)

// clockTolerance is how far two clocks may be apart before one of them is called wrong.
const clockTolerance = time.Minute

// reportOddities warns of what was left out of the answer that brought a token.
func (r *run) reportOddities(g *state.Grant) {
	for _, w := range g.Token.Warnings {
		r.fail(diag.Warningf("Part of the upstream's answer was ignored", "%s", w).About(r.plan.Address, r.plan.Range))
	}
	g.Token.Warnings = nil
}

// expiredAtIssue reports whether a token was over when it came, and then says why: it is
// not delivered. before is how often in a row that had happened.
//
// Where the clocks differ it is this machine's that is wrong, as far as anyone can tell,
// and the token may be good: it stays in the journal, from which a run with the right
// time delivers it.
func (r *run) expiredAtIssue(ctx context.Context, g *state.Grant, before int) bool {
	now, ends := r.e.Now(), g.Token.ExpiresAt
	if ends.IsZero() || now.Before(ends) {
		return false
	}
	said := fmt.Sprintf("the new token had already expired when it arrived: it expired at %s", ends.UTC().Format(time.RFC3339))
	if theirs := g.Token.AnsweredAt; !theirs.IsZero() && now.Sub(theirs).Abs() > clockTolerance {
		r.blockUntilClockIsRight(said, now, theirs)
		return true
	}
	// Another refresh would bring no better one.
	g.RefuseRefresh(now)
	said += fmt.Sprintf(", and this machine's clock says %s. Ask the upstream; if its clock is right, set this machine's clock", now.UTC().Format(time.RFC3339))
	if before > 0 {
		r.saveBlock(ctx, r.block(failure.ExpiredAtIssue, "twice in a row "+said+", then run: credsync apply --replace "+address.ShellWord(r.plan.Address)))
		return true
	}
	r.plan.Reason = plan.ExpiredAtIssue
	r.seen.record.CountRefusal(
		state.Rejection{LoginPrint: g.LoginPrint, Reason: failure.ExpiredAtIssue, At: now},
		before,
	)
	r.fail(
		diag.Errorf("The new token was not delivered", "%s", diag.Sentence(said)).About(r.plan.Address, r.plan.Range),
	)
	r.persistOrFail(ctx)
	return true
}

// blockUntilClockIsRight blocks the account in this run only.
func (r *run) blockUntilClockIsRight(said string, now, theirs time.Time) {
	ahead := now.Sub(theirs)
	where := "ahead of"
	if ahead < 0 {
		where = "behind"
	}
	message := fmt.Sprintf("%s, and this machine's clock is %s %s the upstream's. Set the clock; the next apply continues by itself", said, plan.Duration(ahead.Abs()), where)
	b := &plan.Block{Reason: plan.ClockWrong, Message: message}
	r.plan.Action, r.plan.Reason, r.plan.Message, r.plan.Blocker = plan.BlockedAction, b.Reason, message, b
}

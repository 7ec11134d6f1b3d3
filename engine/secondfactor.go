package engine

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/credsync/credsync/credential"
	"github.com/credsync/credsync/failure"
	"github.com/credsync/credsync/plan"
	"github.com/credsync/credsync/providers"
	"github.com/credsync/credsync/schema/address"
	"github.com/credsync/credsync/schema/diag"
	"github.com/credsync/credsync/state"
)

// codePatience is for how long a code that was sent keeps another from being
// sent: a human may still be waiting for it.
const codePatience = 2 * time.Minute

// Sent is what came of asking for a code.
type Sent struct {
	// At is when the code was sent; zero where none was needed or none could
	// be sent.
	At time.Time
	// Earlier says that it was sent by an earlier call, and not again.
	Earlier bool
	// Outcome is how the work ended. Where a code was sent it is Blocked:
	// FinishLogin goes on.
	Outcome Outcome
}

// BeginLogin starts a login that a human takes part in: it logs in, and where
// the upstream wants a code, has one sent and remembers that in the state, so
// that another process can finish. A code that was sent a moment ago is not
// sent again. Where no code is wanted, the account is brought up to date.
func (e *Engine) BeginLogin(ctx context.Context, address string) Sent {
	r, failed := e.loginRun(ctx, address)
	if failed != nil {
		return Sent{Outcome: *failed}
	}
	if c := r.challenge(); c != nil && isRecent(c.SentAt, e.Now(), codePatience) {
		return r.sentEarlier(c)
	}
	if !r.begin(ctx) {
		return Sent{Outcome: r.outcome()}
	}
	r.rotateToEnd(ctx, r.loginOrSend)
	sent := Sent{Outcome: r.outcome()}
	if c := r.challenge(); c != nil && !c.ID.IsZero() && !r.diagnostics.HasErrors() {
		sent.At = c.SentAt
	}
	return sent
}

// FinishLogin finishes a login with the code that a human has received, then
// verifies and delivers like any other rotation. A wrong code leaves the
// challenge usable, and the account blocked.
func (e *Engine) FinishLogin(ctx context.Context, of string, code credential.Secret) Outcome {
	r, failed := e.loginRun(ctx, of)
	if failed != nil {
		return *failed
	}
	if c := r.challenge(); c == nil || c.ID.IsZero() {
		r.fail(r.failure("No login is waiting for a code", fmt.Errorf("no login of %s has been started; start one with: credsync login %s", r.plan.Address, address.ShellWord(r.plan.Address))))
		return r.outcome()
	}
	if !r.begin(ctx) {
		return r.outcome()
	}
	r.rotateToEnd(
		ctx,
		func(ctx context.Context, old *state.Grant) *state.Grant { return r.loginWithCode(ctx, old, code) },
	)
	o := r.outcome()
	r.queueNotices(ctx, o)
	o.Diagnostics = append(o.Diagnostics, e.sendNotices(ctx)...)
	return o
}

// loginRun observes the one account that a login is about.
func (e *Engine) loginRun(ctx context.Context, address string) (*run, *Outcome) {
	fail := func(d diag.Diagnostic) (*run, *Outcome) {
		return nil, &Outcome{
			Address:     address,
			Action:      plan.None,
			Result:      Failed,
			Message:     joinSentences(d.Summary, d.Detail),
			Diagnostics: diag.List{d},
			At:          e.Now(),
		}
	}
	chosen, diags := e.accountsMatching([]string{address}, "login")
	switch {
	case diags.HasErrors():
		return fail(diags[0])
	case len(chosen) > 1:
		return fail(diag.Errorf("More than one account", "%s names %d instances. Name one of them, such as %s.", address, len(chosen), chosen[0].cfg.Address))
	case !chosen[0].cfg.Enabled:
		return fail(diag.Errorf("The account is disabled", "Remove enabled = false first.").About(chosen[0].cfg.Address, chosen[0].cfg.Range))
	}
	// As with --replace, a human lifts a remembered block; the token is not
	// asked about, since it is going to be replaced.
	how := observeOptions{offline: true, replace: true}
	o := e.observe(ctx, chosen[0], how)
	r := &run{e: e, seen: o, plan: decide(o), options: how, stop: ctx}
	if r.plan.Reason == plan.Unreadable {
		r.diagnostics = o.diagnostics
		out := r.outcome()
		return nil, &out
	}
	return r, nil
}

// begin takes the lease. It reports false where there is nothing to go on
// with, having said why.
func (r *run) begin(ctx context.Context) bool {
	if err := r.takeLease(ctx); err != nil {
		r.fail(r.failure("The account could not be processed", err))
		return false
	}
	if r.plan.Reason == plan.Unreadable {
		r.diagnostics = append(r.diagnostics, r.seen.diagnostics...)
	}
	if !r.leased {
		return false
	}
	if !r.plan.Action.Contacts() {
		r.release(ctx)
		return false
	}
	r.stop = ctx
	return true
}

// rotateToEnd rotates under the lease that begin took, and ends it.
func (r *run) rotateToEnd(ctx context.Context, acquire acquisition) {
	ctx, done := withGracePeriod(ctx, r.gracePeriod())
	defer done()
	r.rotate(ctx, acquire)
	r.release(ctx)
	r.removeObsoleteEmergencyFiles(ctx)
}

// challenge returns the code that was sent for the present credentials, or nil.
func (r *run) challenge() *state.Challenge {
	c := r.seen.record.Challenge
	if c == nil || c.LoginPrint != r.seen.fingerprints.login {
		return nil
	}
	return c
}

func (r *run) sentEarlier(c *state.Challenge) Sent {
	if c.ID.IsZero() {
		r.fail(r.failure("A code may have been sent already", fmt.Errorf(
			"the upstream's answer to the request for a code was lost %s, so that code cannot be used; another can be sent in %s",
			plan.Duration(max(0, r.e.Now().Sub(c.SentAt)))+" ago", plan.Duration(c.SentAt.Add(codePatience).Sub(r.e.Now())))))
		return Sent{Outcome: r.outcome()}
	}
	r.awaitCode(c.SentAt)
	return Sent{At: c.SentAt, Earlier: true, Outcome: r.outcome()}
}

// awaitCode says that the account waits for its code.
func (r *run) awaitCode(since time.Time) {
	reason := plan.NeedsCode
	if b := r.seen.record.Block; b != nil && b.Reason == failure.NeedsApproval {
		reason = plan.NeedsApproval
	}
	b := &plan.Block{
		Reason:     reason,
		Message:    challengeSentMessage(reason, r.plan.Address, since),
		Since:      since,
		CodeSentAt: since,
	}
	r.plan.Action, r.plan.Reason, r.plan.Message, r.plan.Blocker = plan.BlockedAction, b.Reason, b.Message, b
}

// loginOrSend logs in, unless the upstream is known to want a code; then, or
// where it says so now, it has a code sent. Nobody else ever has.
func (r *run) loginOrSend(ctx context.Context, old *state.Grant) *state.Grant {
	challenger := r.provider.challenger()
	if challenger == nil {
		return r.login(ctx, old)
	}
	reason := failure.NeedsCode
	if b := r.seen.record.Block; b != nil && isAttended(b.Reason) && b.LoginPrint == r.seen.fingerprints.login {
		reason = b.Reason
	} else {
		done, err := r.loginTurn(ctx)
		if err != nil {
			r.fail(r.failure("The login was not attempted", err))
			return nil
		}
		defer done()
		token, err := r.provider.Login(ctx)
		if err == nil {
			return r.newGrant(token, old)
		}
		if !needsCode(err) || r.stop.Err() != nil {
			return r.loginFailed(ctx, old, err)
		}
		var upstream *failure.Error
		errors.As(err, &upstream)
		reason = upstream.Reason
	}
	r.sendCode(ctx, challenger, reason)
	return nil
}

func needsCode(err error) bool {
	var upstream *failure.Error
	return errors.As(err, &upstream) && upstream.Class == failure.Human && isAttended(upstream.Reason)
}

// isAttended reports whether a login can be finished with credsync login, by a person.
func isAttended(reason failure.Reason) bool {
	return reason == failure.NeedsCode || reason == failure.NeedsApproval
}

// sendCode has a code sent, or approval asked for, and remembers it before anything else.
func (r *run) sendCode(ctx context.Context, challenger providers.Challenger, reason failure.Reason) {
	sending := r.e.Now()
	c, err := challenger.SendCode(ctx)
	var upstream *failure.Error
	lost := errors.As(err, &upstream) && upstream.AnswerLost
	if err != nil {
		r.fail(r.failure("The code could not be sent", err))
		if !lost {
			return
		}
		c = credential.Challenge{SentAt: sending}
	}
	r.seen.record.Challenge = &state.Challenge{Challenge: c, LoginPrint: r.seen.fingerprints.login}
	b := r.block(reason, attendedMessage(reason, r.plan.Address))
	r.saveBlock(ctx, b)
}

// loginWithCode finishes a login. A wrong code changes nothing in the state:
// the challenge is still good.
func (r *run) loginWithCode(ctx context.Context, old *state.Grant, code credential.Secret) *state.Grant {
	challenger, c := r.provider.challenger(), r.challenge()
	if challenger == nil || c == nil {
		r.fail(r.failure("No login is waiting for a code", fmt.Errorf("another run has finished the login of %s meanwhile", r.plan.Address)))
		return nil
	}
	token, err := challenger.LoginWithCode(ctx, c.Challenge, code)
	if err == nil {
		return r.newGrant(token, old)
	}
	if needsCode(err) {
		r.awaitCode(c.SentAt)
		r.plan.Message = describeError(err)
		r.plan.Blocker.Message = r.plan.Message
		return nil
	}
	return r.loginFailed(ctx, old, err)
}

// needsCodeMessage is what plan and apply say of an account that waits for a
// second factor.
func needsCodeMessage(of string) string {
	return "the upstream requires a code that it sends to a human; run: credsync login " + address.ShellWord(of)
}

// needsApprovalMessage is the same of one that waits for a person's approval.
func needsApprovalMessage(of string) string {
	return "a person has to log in at the upstream; run: credsync login " + address.ShellWord(of)
}

func attendedMessage(reason failure.Reason, of string) string {
	if reason == failure.NeedsApproval {
		return needsApprovalMessage(of)
	}
	return needsCodeMessage(of)
}

func challengeSentMessage(reason plan.Reason, of string, at time.Time) string {
	if reason == plan.NeedsApproval {
		return fmt.Sprintf("a person was asked to log in on %s, and has not; continue with: credsync login %s",
			at.UTC().Format("2006-01-02 15:04 MST"), address.ShellWord(of))
	}
	return codeSentMessage(of, at)
}

// codeSentMessage is the same once the code is with the human.
func codeSentMessage(of string, at time.Time) string {
	return fmt.Sprintf("the upstream sent a code to a human on %s, and it has not been entered; finish with: credsync login %s --code-file FILE",
		at.UTC().Format("2006-01-02 15:04 MST"), address.ShellWord(of))
}

package engine

import (
	"context"
	"crypto/rand"
	"errors"
	"net/url"
	"slices"
	"sync"
	"time"

	"github.com/credsync/credsync/audit"
	"github.com/credsync/credsync/config"
	"github.com/credsync/credsync/credential"
	"github.com/credsync/credsync/failure"
	"github.com/credsync/credsync/providers"
	"github.com/credsync/credsync/state"
)

// auditedProvider is a provider whose requests go into the audit trail. What it can do
// besides logging in it says by its methods, not by its interfaces.
type auditedProvider struct {
	provider providers.Provider
	// static ones log in with no request.
	static bool
	trail  *trail
	// onSend is called for each authentication that is about to be sent; nil
	// where nobody counts.
	onSend func(audit.Action)
}

// auditedAttempt records an authentication before it is made, and what came of it
// later: nothing may stand between an answer and its journal.
func auditedAttempt[T any](
	a *auditedProvider,
	action audit.Action,
	do func() (T, error),
	token func(T) credential.Secret,
) (T, error) {
	if a.static {
		return do()
	}
	id, err := a.trail.begin(a.trail.event("", action, credential.Secret{}, nil))
	if err != nil {
		var none T
		return none, err
	}
	if a.onSend != nil {
		a.onSend(action)
	}
	answer, err := do()
	a.trail.recordLater(a.trail.event(id, action, token(answer), err))
	return answer, err
}

func accessOf(t credential.Token) credential.Secret { return t.Access }

func noToken(credential.Challenge) credential.Secret { return credential.Secret{} }

// Login is providers.Provider's.
func (a *auditedProvider) Login(ctx context.Context) (credential.Token, error) {
	return auditedAttempt(a, audit.Login, func() (credential.Token, error) { return a.provider.Login(ctx) }, accessOf)
}

// canRefresh reports whether Refresh may be called.
func (a *auditedProvider) canRefresh() bool {
	_, ok := a.provider.(providers.Refresher)
	return ok
}

// Refresh is providers.Refresher's.
func (a *auditedProvider) Refresh(ctx context.Context, old credential.Token) (credential.Token, error) {
	return auditedAttempt(
		a,
		audit.Refresh,
		func() (credential.Token, error) { return a.provider.(providers.Refresher).Refresh(ctx, old) },
		accessOf,
	)
}

// challenger returns the provider's second factor, or nil where it has none.
func (a *auditedProvider) challenger() providers.Challenger {
	c, ok := a.provider.(providers.Challenger)
	if !ok {
		return nil
	}
	return auditedChallenger{a, c}
}

// auditedChallenger is auditedProvider, for a second factor.
type auditedChallenger struct {
	*auditedProvider
	challenger providers.Challenger
}

func (a auditedChallenger) SendCode(ctx context.Context) (credential.Challenge, error) {
	return auditedAttempt(
		a.auditedProvider,
		audit.RequestCode,
		func() (credential.Challenge, error) { return a.challenger.SendCode(ctx) },
		noToken,
	)
}

func (a auditedChallenger) LoginWithCode(
	ctx context.Context,
	c credential.Challenge,
	code credential.Secret,
) (credential.Token, error) {
	return auditedAttempt(
		a.auditedProvider,
		audit.EnterCode,
		func() (credential.Token, error) { return a.challenger.LoginWithCode(ctx, c, code) },
		accessOf,
	)
}

// canVerify reports whether the upstream can be asked about a token.
func (a *auditedProvider) canVerify() bool {
	_, ok := a.provider.(providers.Verifier)
	return ok
}

// Verify is providers.Verifier's, with when the token ends where the upstream says so;
// where the provider has none, the answer that brought the token is all the verification
// there is.
func (a *auditedProvider) Verify(
	ctx context.Context, t credential.Token,
) (outputs credential.Outputs, ends time.Time, err error) {
	switch v := a.provider.(type) {
	case providers.ExpiryVerifier:
		outputs, ends, err = v.VerifyExpiry(ctx, t)
	case providers.Verifier:
		outputs, err = v.Verify(ctx, t)
	default:
		return nil, time.Time{}, nil
	}
	a.trail.record(a.trail.event("", audit.Verify, t.Access, err))
	return outputs, ends, err
}

// Revoke is providers.Revoker's. It reports false where the provider has no way to.
func (a *auditedProvider) Revoke(ctx context.Context, t credential.Token) (able bool, err error) {
	p, ok := a.provider.(providers.Revoker)
	if !ok {
		return false, nil
	}
	err = p.Revoke(ctx, t)
	a.trail.record(a.trail.event("", audit.Revoke, t.Access, err))
	return true, err
}

// trail records what is done with one account. What can be put off, an
// authentication or a deletion, is not begun unless that could be recorded. What
// is recorded afterwards is never a reason to stop: a token that was got is
// worth more than its line.
//
// A trail without an audit.Recorder records nothing.
type trail struct {
	to     audit.Recorder
	engine *Engine
	// common is what all events of the account share.
	common audit.Event
	// account is nil for one that has gone from the configuration.
	account *config.Account
	// key is the record's, for fingerprints of tokens.
	key []byte

	mu sync.Mutex
	// waiting are events that are written once there is time for them.
	waiting []audit.Event
	// lost are the errors of events that could not be written.
	lost []error
}

// newTrail returns the trail of an account; cfg is nil for one that has gone
// from the configuration.
func (e *Engine) newTrail(r *state.Record, cfg *config.Account) *trail {
	return &trail{to: e.Audit, engine: e, key: r.Key, account: cfg, common: audit.Event{
		Project: e.Config.Project, Holder: e.Holder, Address: r.Address, Provider: r.Provider,
	}}
}

// hostOf returns the host, with its port where it names one, of an account's
// upstream.
func hostOf(cfg *config.Account) string {
	if cfg == nil || !cfg.Values.Has("base_url") {
		return ""
	}
	u, err := url.Parse(cfg.Values.String("base_url"))
	if err != nil {
		return ""
	}
	return u.Host
}

// event makes one that says what has just happened.
func (t *trail) event(id string, action audit.Action, token credential.Secret, err error) audit.Event {
	ev := t.common
	ev.Host = hostOf(t.account)
	ev.Time, ev.ID, ev.Action, ev.Outcome = t.engine.Now(), id, action, audit.Done
	ev.Token = t.fingerprint(token)
	if err == nil {
		return ev
	}
	ev.Outcome, ev.Class = audit.Failed, state.FailureClass(err)
	var upstream *failure.Error
	if errors.As(err, &upstream) {
		ev.Reason, ev.Status = upstream.Reason, upstream.Status
	}
	return ev
}

// fingerprint tells one token of an account from another, and says nothing to
// anyone without the record.
func (t *trail) fingerprint(token credential.Secret) string {
	return audit.TokenFingerprint(t.key, token)
}

// begin records that something is about to be done, after what was done before.
// Its error means that it must not be.
func (t *trail) begin(ev audit.Event) (id string, err error) {
	if t.to == nil {
		return "", nil
	}
	t.flush()
	ev.ID, ev.Outcome = rand.Text(), audit.Started
	if err := t.to.Record(ev); err != nil {
		return "", audit.NotTried(err)
	}
	return ev.ID, nil
}

// recordLater keeps an event until flush.
func (t *trail) recordLater(ev audit.Event) {
	if t.to == nil {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.waiting = append(t.waiting, ev)
}

// flush records what is waiting, in its order.
func (t *trail) flush() {
	t.mu.Lock()
	waiting := t.waiting
	t.waiting = nil
	t.mu.Unlock()
	for _, ev := range waiting {
		t.record(ev)
	}
}

// record records what has happened.
func (t *trail) record(ev audit.Event) {
	if t.to == nil {
		return
	}
	if ev.ID == "" {
		ev.ID = rand.Text()
	}
	if err := t.to.Record(ev); err != nil {
		t.engine.Log.Error("an event could not be recorded in the audit trail", "address", ev.Address, "action", ev.Action, "error", err)
		t.mu.Lock()
		defer t.mu.Unlock()
		t.lost = append(t.lost, err)
	}
}

// takeErr is why events could not be recorded since the last call; nil if all
// were.
func (t *trail) takeErr() error {
	t.mu.Lock()
	defer t.mu.Unlock()
	lost := slices.CompactFunc(t.lost, func(a, b error) bool { return a.Error() == b.Error() })
	t.lost = nil
	if len(lost) == 0 {
		return nil
	}
	return lost[0]
}

// audit returns the trail of the run's account.
func (r *run) audit() *trail {
	if r.trail == nil {
		var cfg *config.Account
		if r.seen.account != nil {
			cfg = r.seen.account.cfg
		}
		r.trail = r.e.newTrail(r.seen.record, cfg)
	}
	return r.trail
}

// recordTarget records what was done with a target. The token is the zero
// Secret where it is removed.
func (r *run) recordTarget(id string, action audit.Action, sink, location string, token credential.Secret, err error) {
	t := r.audit()
	t.record(t.event(id, action, token, err).OfTarget(sink, location))
}

// closeTrail writes what is still to be recorded, and says what could not be.
func (r *run) closeTrail() {
	if r.trail == nil {
		return
	}
	r.trail.flush()
	if err := r.trail.takeErr(); err != nil {
		r.fail(r.failure("The audit trail is not complete", err))
	}
}

package engine

import (
	"context"

	"github.com/credsync/credsync/audit"
	"github.com/credsync/credsync/credential"
	"github.com/credsync/credsync/providers"
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

// attempt records an authentication before it is made, and what came of it
// later: nothing may stand between an answer and its journal.
func attempt[T any](a *auditedProvider, action audit.Action, do func() (T, error), token func(T) credential.Secret) (T, error) {
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
	return attempt(a, audit.Login, func() (credential.Token, error) { return a.provider.Login(ctx) }, accessOf)
}

// canRefresh reports whether Refresh may be called.
func (a *auditedProvider) canRefresh() bool {
	_, ok := a.provider.(providers.Refresher)
	return ok
}

// Refresh is providers.Refresher's.
func (a *auditedProvider) Refresh(ctx context.Context, old credential.Token) (credential.Token, error) {
	return attempt(a, audit.Refresh, func() (credential.Token, error) { return a.provider.(providers.Refresher).Refresh(ctx, old) }, accessOf)
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
	return attempt(a.auditedProvider, audit.RequestCode, func() (credential.Challenge, error) { return a.challenger.SendCode(ctx) }, noToken)
}

func (a auditedChallenger) LoginWithCode(ctx context.Context, c credential.Challenge, code credential.Secret) (credential.Token, error) {
	return attempt(a.auditedProvider, audit.EnterCode, func() (credential.Token, error) { return a.challenger.LoginWithCode(ctx, c, code) }, accessOf)
}

// canVerify reports whether the upstream can be asked about a token.
func (a *auditedProvider) canVerify() bool {
	_, ok := a.provider.(providers.Verifier)
	return ok
}

// Verify is providers.Verifier's; where the provider has none, the answer that
// brought the token is all the verification there is.
func (a *auditedProvider) Verify(ctx context.Context, t credential.Token) (credential.Outputs, error) {
	v, ok := a.provider.(providers.Verifier)
	if !ok {
		return nil, nil
	}
	outputs, err := v.Verify(ctx, t)
	a.trail.record(a.trail.event("", audit.Verify, t.Access, err))
	return outputs, err
}

package engine

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/credsync/credsync/config"
	"github.com/credsync/credsync/failure"
	"github.com/credsync/credsync/providers"
	"github.com/credsync/credsync/schema/diag"
	"github.com/credsync/credsync/state"
)

// mostRevoking bounds the time for ending a token that is of no more use: nothing depends on
// it.
const mostRevoking = 15 * time.Second

// revokesOn reports whether a token is to be revoked on an occasion.
func revokesOn(cfg *config.Account, occasion string) bool {
	f := cfg.Spec.RevokeOn
	return f != nil && wholly(cfg) && slices.Contains(f(cfg.Values), occasion)
}

// revokeReplaced ends the token before the one that was just committed, where that was asked
// for and nobody can be using it. What goes wrong with that is only said: the token ends by
// itself. left is for how long work at the upstream may go on.
func (r *run) revokeReplaced(ctx context.Context, old *state.Grant, left time.Duration) {
	a := r.seen.account
	if old == nil || old.Rejected || !revokesOn(a.cfg, providers.RevokeReplaced) {
		return
	}
	if a.loginRevokes() || a.refreshRevokes() {
		return // it has ended
	}
	if old.Token.Ended(r.e.Now()) || old.Token.Access.Equal(r.seen.record.Current.Token.Access) {
		return
	}
	switch {
	case r.diagnostics.HasErrors() || r.mayBeHeld():
		r.sayNotRevoked(old, "a target may still hold it")
		return
	case r.stop.Err() != nil || left <= 0:
		r.sayNotRevoked(old, "there was no time left for it")
		return
	}
	ctx, cancel := context.WithTimeout(ctx, min(left, mostRevoking))
	defer cancel()
	able, err := r.provider.Revoke(ctx, old.Token)
	switch {
	case !able:
	case err != nil && failure.ClassOf(err) != failure.Credentials:
		r.sayNotRevoked(old, describeError(err))
	}
}

// mayBeHeld reports whether a place is known to which the newest token was not delivered.
func (r *run) mayBeHeld() bool {
	rec := r.seen.record
	return slices.ContainsFunc(rec.Targets, func(t state.Target) bool { return t.GrantID != rec.Current.ID })
}

func (r *run) sayNotRevoked(g *state.Grant, why string) {
	d := diag.Warningf("The previous token was not revoked", "%s", diag.Sentence(why+"; "+endOf(g)))
	r.fail(d.About(r.plan.Address, r.plan.Range))
}

// endOf says when a token ends by itself.
func endOf(g *state.Grant) string {
	if g.Token.ExpiresAt.IsZero() {
		return "it does not end by itself, so revoke it at the upstream"
	}
	return fmt.Sprintf("it ends on %s", g.Token.ExpiresAt.UTC().Format("2006-01-02 15:04 MST"))
}

package engine

import (
	"context"
	"fmt"
	"slices"

	"github.com/credsync/credsync/config"
	"github.com/credsync/credsync/failure"
	"github.com/credsync/credsync/plan"
	"github.com/credsync/credsync/providers"
	"github.com/credsync/credsync/schema"
	"github.com/credsync/credsync/schema/address"
	"github.com/credsync/credsync/schema/diag"
	"github.com/credsync/credsync/state"
)

// rememberRemoval notes in a record what is to become of the targets and the token once the
// account has gone from the configuration. It reports whether that is news.
func rememberRemoval(rec *state.Record, cfg *config.Account) (changed bool) {
	revocation := revocationOf(cfg)
	changed = rec.DeleteOnRemove != cfg.DeleteOnRemove || !rec.Revocation.Equal(revocation)
	rec.DeleteOnRemove, rec.Revocation = cfg.DeleteOnRemove, revocation
	return changed
}

// forgetRemoval takes out of a record what the configuration no longer asks for.
func forgetRemoval(rec *state.Record, cfg *config.Account) (changed bool) {
	if rec.DeleteOnRemove && !cfg.DeleteOnRemove {
		rec.DeleteOnRemove, changed = false, true
	}
	if rec.Revocation != nil && revocationOf(cfg) == nil {
		rec.Revocation, changed = nil, true
	}
	return changed
}

// revocationOf is what it takes of an account to revoke its token once it has been removed;
// nil where that is not asked for.
func revocationOf(cfg *config.Account) *state.Revocation {
	if !cfg.DeleteOnRemove || !revokesOn(cfg, providers.RevokeRemoved) {
		return nil
	}
	attributes, err := cfg.Values.Keep(func(name string) bool {
		return name == "base_url" || cfg.Spec.RevokeUses != nil && cfg.Spec.RevokeUses(name)
	})
	if err != nil {
		panic("engine: " + err.Error())
	}
	connection, err := cfg.HTTP.Keep(func(string) bool { return true })
	if err != nil {
		panic("engine: " + err.Error())
	}
	return &state.Revocation{Attributes: attributes, HTTP: connection}
}

// revokesRemoved reports whether a token of an account that has gone is to be revoked.
func (e *Engine) revokesRemoved(rec *state.Record) bool {
	return rec.Revocation != nil && rec.DeleteOnRemove && len(e.unendedTokens(rec)) > 0
}

// unendedTokens are the tokens of a record that the upstream may still accept.
func (e *Engine) unendedTokens(rec *state.Record) (list []*state.Grant) {
	for _, g := range []*state.Grant{rec.Pending, rec.Current} {
		if g == nil || g.Rejected || g.Token.Ended(e.Now()) {
			continue
		}
		known := func(other *state.Grant) bool { return other.Token.Access.Equal(g.Token.Access) }
		if !slices.ContainsFunc(list, known) {
			list = append(list, g)
		}
	}
	return list
}

// revokeRemoved ends the tokens of an account that has been removed, once no target holds
// them. It reports false where the record has to stay, so that the next apply tries again.
func (r *run) revokeRemoved(ctx context.Context) bool {
	rec := r.seen.record
	if r.seen.heir != "" || !r.e.revokesRemoved(rec) {
		return true
	}
	tokens := r.e.unendedTokens(rec)
	if why := r.whyStillUsed(ctx, tokens); why != "" {
		r.warnUnrevoked(tokens[0], why)
		return true
	}
	p, err := r.e.removedProvider(rec)
	if err != nil {
		r.warnUnrevoked(tokens[0], describeError(err))
		return true
	}
	if r.stop.Err() != nil {
		r.fail(diag.Warningf("The token was not revoked", "The run was told to stop. The next apply revokes it.").About(r.plan.Address, nil))
		return false
	}
	ctx, cancel := context.WithTimeout(ctx, mostRevoking)
	defer cancel()
	for _, g := range tokens {
		able, err := p.Revoke(ctx, g.Token)
		switch {
		case !able:
			r.warnUnrevoked(g, fmt.Sprintf("upstream %q no longer has a revoke block", rec.Provider))
		case err != nil && failure.ClassOf(err) != failure.Credentials:
			r.failUnrevoked(g, err)
			return false
		}
	}
	return true
}

// whyStillUsed says why a token of an account that has gone may be in use; "" where it is
// not.
func (r *run) whyStillUsed(ctx context.Context, tokens []*state.Grant) string {
	for _, t := range r.plan.Targets {
		if t.Action == plan.Forget && t.Reason == plan.TargetDrifted {
			return fmt.Sprintf("%s %s was left alone and may hold it", t.Sink, t.Location)
		}
	}
	read := r.e.reader(nil)
	for _, a := range r.e.accounts {
		if a.cfg.Spec.Name != r.seen.record.Provider {
			continue
		}
		snap, err := read(ctx, owner{r.e.Config.Project, a.cfg.Address})
		if err != nil {
			return "it is not known whether " + a.cfg.Address + " has the same token, because its state could not be read"
		}
		if g := snap.Record.Newest(); slices.ContainsFunc(tokens, func(t *state.Grant) bool {
			return g != nil && g.Token.Access.Equal(t.Token.Access)
		}) {
			return a.cfg.Address + " has the same token"
		}
	}
	return ""
}

// removedProvider makes the provider of an account that has gone from the configuration, of
// what its record has kept for that.
func (e *Engine) removedProvider(rec *state.Record) (*auditedProvider, error) {
	spec, ok := e.Config.Provider(rec.Provider)
	if !ok {
		return nil, fmt.Errorf("upstream %q is no longer in the configuration; remove its accounts in one apply and the upstream block after that", rec.Provider)
	}
	values, err := schema.Kept(spec.Block(), rec.Revocation.Attributes)
	if err != nil {
		return nil, err
	}
	connection, err := schema.Kept(schema.HTTPBlock(), rec.Revocation.HTTP)
	if err != nil {
		return nil, err
	}
	return e.provider(&account{cfg: &config.Account{
		Address: rec.Address, Spec: spec, Values: values, HTTP: connection, Enabled: true,
	}}, rec)
}

// warnUnrevoked says that the token of an account that was removed lives on.
func (r *run) warnUnrevoked(g *state.Grant, why string) {
	r.fail(diag.Warningf("The token was not revoked", "%s", diag.Sentence(why+"; "+endOf(g))).About(r.plan.Address, nil))
}

// failUnrevoked is for a token that the next apply tries to revoke again.
func (r *run) failUnrevoked(g *state.Grant, err error) {
	d := r.failure("The token could not be revoked", err)
	d.Detail = joinSentences(d.Detail, fmt.Sprintf(
		"The account's record is kept, and the next apply tries again. Without that, %s. To give up, run: credsync state rm %s",
		endOf(g), address.ShellWord(r.plan.Address)))
	r.fail(d)
}

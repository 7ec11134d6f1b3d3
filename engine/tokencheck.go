package engine

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/credsync/credsync/plan"
	"github.com/credsync/credsync/schema/diag"
	"github.com/credsync/credsync/state"
)

// Finding says what a check found of a token.
type Finding string

// The findings.
const (
	// TokenValid: the upstream has confirmed it.
	TokenValid Finding = "valid"
	// TokenRejected: the upstream has rejected it, now or before.
	TokenRejected Finding = "rejected"
	// TokenExpired: it is not asked about.
	TokenExpired Finding = "expired"
	// TokenMissing: there is none.
	TokenMissing Finding = "no_token"
	// TokenOutdated: it was got with other settings. It is not asked about, as
	// it must not be sent to where the present ones point.
	TokenOutdated Finding = "config_changed"
	// TokenBlocked: nothing can be told until a human has done something.
	TokenBlocked Finding = "blocked"
	// TokenUnclear: the upstream did not say.
	TokenUnclear Finding = "unclear"
	// TokenUnverifiable: it has not expired, and its provider has no way to ask.
	TokenUnverifiable Finding = "unverifiable"
	// AccountDisabled: it is not looked at.
	AccountDisabled Finding = "disabled"
	// AccountUnreadable: its state cannot be read, or it cannot be set up.
	AccountUnreadable Finding = "unreadable"
)

// Findings are all of them, in the order in which they are reported.
var Findings = []Finding{
	TokenValid,
	TokenUnverifiable,
	AccountDisabled,
	TokenMissing,
	TokenExpired,
	TokenOutdated,
	TokenRejected,
	TokenBlocked,
	TokenUnclear,
	AccountUnreadable,
}

// Check is what was found of one account's token.
type Check struct {
	Address  string
	Provider string
	Finding  Finding
	// Message says more; empty where there is no more to say.
	Message string
	// Blocker says why a human is needed; nil if none is.
	Blocker   *plan.Block
	IssuedAt  time.Time
	ExpiresAt time.Time
	// At is when the upstream was asked, or would have been.
	At time.Time
}

// Good reports whether nothing is to be done about it.
func (c Check) Good() bool {
	return c.Finding == TokenValid || c.Finding == TokenUnverifiable || c.Finding == AccountDisabled
}

// CheckObserver is told how far a check of many accounts has got.
type CheckObserver interface {
	// CheckBegun is called first, with how many accounts there are.
	CheckBegun(total int)
	// AccountChecked is called once for each account, from several goroutines.
	AccountChecked(c Check)
}

// unobserved is a check that nobody watches.
type unobserved struct{}

func (unobserved) CheckBegun(int) {}

func (unobserved) AccountChecked(Check) {}

// Check asks the upstreams about the current tokens of the accounts that the
// patterns name, or of all where there are none. It writes nothing and logs in
// nowhere. What an upstream has rejected before is not sent again, since for
// some that counts as another attempt. obs may be nil.
func (e *Engine) Check(ctx context.Context, patterns []string, obs CheckObserver) ([]Check, diag.List) {
	chosen, diags := e.accountsMatching(patterns, "verify")
	if diags.HasErrors() {
		return nil, diags
	}
	load := e.Store.Load
	if len(patterns) == 0 {
		chosen, load = e.accounts, e.Store.View(ctx).Load
	}
	checks, lost := make([]Check, len(chosen)), make([]error, len(chosen))
	if obs == nil {
		obs = unobserved{}
	}
	obs.CheckBegun(len(chosen))
	e.forEach(len(chosen), func(i int) {
		checks[i], lost[i] = e.check(ctx, chosen[i], load)
		obs.AccountChecked(checks[i])
	})
	slices.SortFunc(checks, func(a, b Check) int { return strings.Compare(a.Address, b.Address) })
	return checks, unrecorded(lost)
}

// loadRecord reads the record of an account.
type loadRecord func(ctx context.Context, address string) (state.Snapshot, error)

// check returns also why the audit trail lacks it; nil if it does not.
func (e *Engine) check(ctx context.Context, a *account, load loadRecord) (c Check, unrecorded error) {
	c = Check{Address: a.cfg.Address, Provider: a.cfg.Spec.Name, At: e.Now()}
	if !a.cfg.Enabled {
		c.Finding = AccountDisabled
		return c, nil
	}
	snap, err := load(ctx, a.cfg.Address)
	if err != nil {
		return c.unreadable("the state cannot be read", err), nil
	}
	g := heldGrant(snap.Record)
	if g == nil {
		c.Finding = TokenMissing
		if snap.Record != nil {
			c.Blocker = rememberedBlock(snap.Record, fingerprintsOf(snap.Record.Key, a.cfg), a.cfg)
		}
		return c, nil
	}
	c.IssuedAt, c.ExpiresAt = g.Token.IssuedAt, g.Token.ExpiresAt
	p := fingerprintsOf(snap.Record.Key, a.cfg)
	c.Blocker = rememberedBlock(snap.Record, p, a.cfg)
	if c.Finding = e.withoutAsking(a, g, p, c.Blocker); c.Finding != "" {
		return c, nil
	}
	provider, err := e.provider(a, snap.Record)
	if err != nil {
		return c.unreadable("the account cannot be set up", err), nil
	}
	c = c.ask(ctx, provider, g)
	if c.Finding == TokenRejected && a.cfg.Spec.Static {
		c.Blocker = &plan.Block{Reason: plan.CredentialsRejected, Message: c.Message}
	}
	return c, provider.trail.takeErr()
}

// heldGrant is the token that targets hold, or else the one that they are
// going to get.
func heldGrant(r *state.Record) *state.Grant {
	if r == nil || r.Current == nil && r.Pending == nil {
		return nil
	}
	if r.Current == nil {
		return r.Pending
	}
	return r.Current
}

// withoutAsking is what is found without a request; "" where the upstream is
// to be asked.
func (e *Engine) withoutAsking(a *account, g *state.Grant, p fingerprints, b *plan.Block) Finding {
	switch {
	case changed(g, p):
		return TokenOutdated
	case g.Rejected:
		return TokenRejected
	case a.cfg.Spec.Static && b != nil && b.Reason != plan.NoAccess:
		// The token is the rejected credentials.
		return TokenRejected
	case g.Token.Ended(e.Now()):
		return TokenExpired
	}
	return ""
}

func (c Check) ask(ctx context.Context, p *auditedProvider, g *state.Grant) Check {
	if !p.canVerify() {
		c.Finding = TokenUnverifiable
		return c
	}
	_, _, err := p.Verify(ctx, g.Token)
	if err == nil {
		c.Finding = TokenValid
		return c
	}
	v := verificationOf(err)
	c.Message = v.Message
	switch v.Outcome {
	case plan.Refused:
		c.Finding = TokenRejected
	case plan.NeedsHuman:
		c.Finding = TokenBlocked
		c.Blocker = &plan.Block{Reason: v.Reason, Message: v.Message}
	default:
		c.Finding = TokenUnclear
	}
	return c
}

func (c Check) unreadable(what string, err error) Check {
	c.Finding, c.Message = AccountUnreadable, what+": "+describeError(err)
	return c
}

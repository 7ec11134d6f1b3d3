package described

import "github.com/credsync/credsync/providers"

// withAbilities returns the account with the interfaces of just what its description has:
// whoever uses it asks by them what it can do.
func (p *core) withAbilities() providers.Provider {
	type (
		r = providers.Refresher
		v = providers.ExpiryVerifier
		c = providers.Challenger
	)
	var (
		refreshes = refresher{p}
		verifies  = verifier{p}
		codes     = challenger{p}
	)
	if p.abilities()&canRevoke != 0 {
		return p.revocable()
	}
	switch p.abilities() {
	case canRefresh:
		return struct {
			*core
			r
		}{p, refreshes}
	case canVerify:
		return struct {
			*core
			v
		}{p, verifies}
	case canRefresh | canVerify:
		return struct {
			*core
			r
			v
		}{p, refreshes, verifies}
	case canChallenge:
		return struct {
			*core
			c
		}{p, codes}
	case canChallenge | canRefresh:
		return struct {
			*core
			c
			r
		}{p, codes, refreshes}
	case canChallenge | canVerify:
		return struct {
			*core
			c
			v
		}{p, codes, verifies}
	case canChallenge | canRefresh | canVerify:
		return struct {
			*core
			c
			r
			v
		}{p, codes, refreshes, verifies}
	}
	return p
}

// revocable is withAbilities for a description that can revoke a token.
func (p *core) revocable() providers.Provider {
	type (
		r = providers.Refresher
		v = providers.ExpiryVerifier
		c = providers.Challenger
		k = providers.Revoker
	)
	var (
		refreshes = refresher{p}
		verifies  = verifier{p}
		codes     = challenger{p}
		revokes   = revoker{p}
	)
	switch p.abilities() &^ canRevoke {
	case 0:
		return struct {
			*core
			k
		}{p, revokes}
	case canRefresh:
		return struct {
			*core
			k
			r
		}{p, revokes, refreshes}
	case canVerify:
		return struct {
			*core
			k
			v
		}{p, revokes, verifies}
	case canRefresh | canVerify:
		return struct {
			*core
			k
			r
			v
		}{p, revokes, refreshes, verifies}
	case canChallenge:
		return struct {
			*core
			k
			c
		}{p, revokes, codes}
	case canChallenge | canRefresh:
		return struct {
			*core
			k
			c
			r
		}{p, revokes, codes, refreshes}
	case canChallenge | canVerify:
		return struct {
			*core
			k
			c
			v
		}{p, revokes, codes, verifies}
	case canChallenge | canRefresh | canVerify:
		return struct {
			*core
			k
			c
			r
			v
		}{p, revokes, codes, refreshes, verifies}
	}
	return p
}

const (
	canRefresh = 1 << iota
	canVerify
	canChallenge
	canRevoke
)

// abilities are those of the description. A token whose outputs are taken from an answer
// is verified at least for them.
func (c *compiled) abilities() int {
	can := 0
	if c.Refresh != nil {
		can |= canRefresh
	}
	if c.Definition.Verify != nil || c.takesOutputs() {
		can |= canVerify
	}
	if c.Second != nil {
		can |= canChallenge
	}
	if c.Definition.Revoke != nil {
		can |= canRevoke
	}
	return can
}

func (c *compiled) takesOutputs() bool {
	return c.Definition.Login != nil && len(c.Definition.Login.Outputs) > 0 ||
		c.refresh != nil && len(c.refresh.Outputs) > 0 || c.withCode != nil && len(c.withCode.Outputs) > 0
}

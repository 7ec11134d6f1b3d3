package engine

import (
	"fmt"

	"github.com/credsync/credsync/config"
	"github.com/credsync/credsync/providers"
	"github.com/credsync/credsync/state"
)

// account is one configured account at work.
//
// A rotation goes through these steps, each in a file of its own, and the order
// is what keeps the promises:
//
//	observe    read the record, look at the targets, verify the token
//	plan       decide, in package plan
//	lease      compare-and-set in the record, keeping other runs off
//	preflight  can every target be written, before a login that spends something
//	acquire    refresh or log in
//	journal    the new token into the record, before anything else
//	verify     ask the upstream about it
//	deliver    write it to the targets
//	commit     pending becomes current, and the lease ends
type account struct {
	cfg *config.Account
	// owner is what is marked at targets: "<project>/<address>".
	owner   string
	targets []*target
}

// target is one deliver block of an account.
type target struct {
	*config.Delivery
	// shared says that other accounts of the configuration merge into the
	// same place.
	shared bool
}

// place is what makes two targets the same one.
type place struct {
	sink, location string
}

func newAccount(project string, cfg *config.Account, shared map[place]bool) *account {
	a := &account{cfg: cfg, owner: project + "/" + cfg.Address}
	for _, d := range cfg.Deliveries {
		a.targets = append(a.targets, &target{Delivery: d, shared: shared[placeOf(d)]})
	}
	return a
}

// loginRevokes reports whether a login kills the token before it.
func (a *account) loginRevokes() bool {
	f := a.cfg.Spec.LoginRevokes
	return f != nil && f(a.cfg.Values)
}

func placeOf(d *config.Delivery) place { return place{d.Sink.Name, d.Target.Location} }

// sharedTargets returns the places that more than one account merges into.
func sharedTargets(accounts []*config.Account) map[place]bool {
	first := make(map[place]*config.Account)
	shared := make(map[place]bool)
	for _, a := range accounts {
		for _, d := range a.Deliveries {
			p := placeOf(d)
			if other, ok := first[p]; ok && other != a && d.Target.Merge {
				shared[p] = true
			}
			first[p] = a
		}
	}
	return shared
}

// provider makes the account's provider, with what the record remembers, and
// the trail that its requests go into.
func (e *Engine) provider(a *account, r *state.Record) (*auditedProvider, error) {
	client, err := e.Client(a.cfg)
	if err != nil {
		return nil, fmt.Errorf("set up the connection of %s: %w", a.cfg.Address, err)
	}
	env := providers.Env{
		Client: client, Now: e.Now, Version: e.Version,
		Log: e.Log.With("address", a.cfg.Address),
	}
	if g := r.Newest(); g != nil {
		env.Previous = g.Token.Outputs
	}
	p, err := a.cfg.Spec.New(a.cfg.Values, env)
	if err != nil {
		return nil, fmt.Errorf("set up %s: %w", a.cfg.Address, err)
	}
	return &auditedProvider{provider: p, static: a.cfg.Spec.Static, trail: e.newTrail(r, a.cfg)}, nil
}

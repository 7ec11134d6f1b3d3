package engine

import (
	"fmt"

	"github.com/credsync/credsync/config"
	"github.com/credsync/credsync/providers"
	"github.com/credsync/credsync/schema/diag"
	"github.com/credsync/credsync/state"
)

// account is one configured account at work.
type account struct {
	cfg *config.Account
	// owner is what is marked at targets: "<project>/<address>".
	owner   string
	targets []*target
}

// target is one deliver block of an account.
type target struct {
	*config.Delivery
}

func newAccount(project string, cfg *config.Account) *account {
	a := &account{cfg: cfg, owner: project + "/" + cfg.Address}
	for _, d := range cfg.Deliveries {
		a.targets = append(a.targets, &target{d})
	}
	return a
}

// loginRevokes reports whether a login kills the token before it.
func (a *account) loginRevokes() bool {
	f := a.cfg.Spec.LoginRevokes
	return f != nil && f(a.cfg.Values)
}

// failure is an error diagnostic about an account.
func (a *account) failure(summary string, err error) diag.Diagnostic {
	return diag.Errorf(summary, "%s", diag.Sentence(describeError(err))).About(a.cfg.Address, a.cfg.Range)
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

// Inspect returns what can be told of an account's credentials with neither the
// state nor a request: how long they last, and what is wrong with them.
func (e *Engine) Inspect(cfg *config.Account) ([]providers.Clock, []providers.Finding, error) {
	a := e.byAddress[cfg.Address]
	made, err := e.provider(a, &state.Record{})
	if err != nil {
		return nil, nil, err
	}
	p := made.provider
	var clocks []providers.Clock
	if keeper, ok := p.(providers.Timekeeper); ok {
		clocks = keeper.Clocks(providers.Seen{})
	}
	var findings []providers.Finding
	if inspector, ok := p.(providers.Inspector); ok {
		findings = inspector.Inspect(e.Now(), providers.Seen{})
	}
	return clocks, findings, nil
}

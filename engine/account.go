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
	// unknown says that attributes of the account are unknown, since it is only looked
	// at without its inputs (Options.Incomplete). unplaced are the types of sinks to which
	// it delivers at places that are not known; cfg and targets are without those.
	unknown  bool
	unplaced []string
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

// incompleteAccount is newAccount for one that may lack inputs.
func incompleteAccount(project string, cfg *config.Account) *account {
	known := *cfg
	known.Deliveries = nil
	var unplaced []string
	for _, d := range cfg.Deliveries {
		if d.Target.Location == "" || !d.Sink.Values.AllKnown() {
			unplaced = append(unplaced, d.Sink.Spec.Type)
		} else {
			known.Deliveries = append(known.Deliveries, d)
		}
	}
	a := newAccount(project, &known)
	a.unknown, a.unplaced = !wholly(&known), unplaced
	return a
}

// wholly reports whether every attribute of an account is known, without which it has no
// fingerprint.
func wholly(cfg *config.Account) bool { return cfg.Values.AllKnown() && cfg.HTTP.AllKnown() }

// fingerprints are those of the account under a record's key; of one whose attributes
// are unknown those that the record has, as if nothing had changed.
func (a *account) fingerprints(r *state.Record) fingerprints {
	if !a.unknown {
		return fingerprintsOf(r.Key, a.cfg)
	}
	switch g := r.Newest(); {
	case r.Block != nil:
		return fingerprints{login: r.Block.LoginPrint, shape: r.Block.ShapePrint}
	case g != nil:
		return fingerprints{login: g.LoginPrint, shape: g.ShapePrint}
	}
	return fingerprints{}
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
		return nil, fmt.Errorf("could not set up the connection of %s: %w", a.cfg.Address, err)
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
		return nil, fmt.Errorf("could not set up %s: %w", a.cfg.Address, err)
	}
	return &auditedProvider{provider: p, static: a.cfg.Spec.Static, trail: e.newTrail(r, a.cfg)}, nil
}

// Inspect returns what can be said about an account's credentials with neither the
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

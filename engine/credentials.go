package engine

import (
	"github.com/credsync/credsync/config"
	"github.com/credsync/credsync/providers"
	"github.com/credsync/credsync/state"
)

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

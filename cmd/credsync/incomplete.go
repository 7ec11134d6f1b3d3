package main

import (
	"context"

	"github.com/credsync/credsync/config"
	"github.com/credsync/credsync/internal/upstream"
	"github.com/credsync/credsync/schema/diag"
)

// loadOffline is config.Load for a command that needs no secret, without data. Where
// files or environment variables are missing too, they count as unknown.
func loadOffline(ctx context.Context, o config.Options) (*config.Config, diag.List) {
	o.ReadData = nil
	cfg, diags := config.Load(ctx, o)
	if !diags.HasErrors() {
		return cfg, diags
	}
	o.AllowMissing = true
	if without, more := config.Load(ctx, o); !more.HasErrors() {
		return without, more
	}
	return cfg, diags
}

// openToLook opens a configuration to look at its accounts. Where that lacks inputs, be
// it secrets, data or files, what needs them is left out and a warning says so; other
// mistakes are errors, as for every command.
func (a *app) openToLook(ctx context.Context, given string) (*workspace, diag.List) {
	w, diags := a.open(ctx, a, given, 0)
	if w != nil || ctx.Err() != nil {
		return w, diags
	}
	path := a.path(given)
	opts := a.loadOptions(path)
	opts.WithoutSecrets, opts.AllowUnset = true, true
	cfg, more := loadOffline(ctx, opts)
	if more.HasErrors() {
		return nil, diags
	}
	// Whose the accounts are, and where the state is, has to be known.
	if _, problems := config.LoadInventory(ctx, a.loadOptions(path)); problems.HasErrors() {
		return nil, diags
	}
	clocks := &clockSkews{}
	w, opened := a.workspaceOf(cfg, nil, given, 0, outsideConnections{
		conns:  &connections{env: a.sinkEnv(path)},
		pool:   upstream.NewPool(upstream.PoolOptions{Now: a.now, OnSkew: clocks.add}),
		clocks: clocks,
	}, true)
	if w == nil {
		return nil, append(diags, opened...)
	}
	return w, append(more, incompleteWarning(diags))
}

// incompleteWarning says what is missing.
func incompleteWarning(missing diag.List) diag.Diagnostic {
	why, n := "", 0
	for _, d := range missing {
		if d.Severity == diag.Error {
			if n++; n == 1 {
				why = d.Summary + ": " + d.Detail
			}
		}
	}
	if n > 1 {
		why += " There are more; run credsync plan to see all of them."
	}
	return diag.Warningf("Inputs are missing", "The checks that need them were skipped: whether attributes or the data of targets have changed, "+
		"and targets with a location that depends on them. %s", why)
}

package main

import (
	"context"
	"runtime"
	"strconv"

	"github.com/credsync/credsync/engine"
	"github.com/credsync/credsync/metrics"
	"github.com/credsync/credsync/plan"
	"github.com/credsync/credsync/schema/diag"
	"github.com/spf13/cobra"
)

// metricsFlags say where the metrics of a run that ends go.
type metricsFlags struct {
	file, gateway string
}

func (f *metricsFlags) add(cmd *cobra.Command) {
	cmd.Flags().StringVar(&f.file, "metrics-file", "", "write metrics to `FILE` (.prom) for node exporter's textfile\ncollector")
	cmd.Flags().StringVar(&f.gateway, "push-gateway", "", "push metrics to the Pushgateway at `URL`")
}

func (f metricsFlags) wanted() bool { return f.file != "" || f.gateway != "" }

// writeMetrics writes and pushes how the accounts of a plan stand, and what was
// done; s may be nil. What goes wrong is a warning: the tokens are what counts.
func (a *app) writeMetrics(
	ctx context.Context,
	command string,
	f metricsFlags,
	p *engine.Plan,
	s *engine.Summary,
) diag.List {
	c := metrics.NewCollector(thisVersion().Version, runtime.Version())
	providers := make(map[string]string, len(p.Accounts))
	for _, ap := range p.Accounts {
		providers[ap.Address] = ap.Provider
		c.Planned(ap)
		if ap.Action == plan.None && ap.Reason == plan.Current {
			c.Settled(ap.Address, ap.Provider, a.now())
		}
	}
	if s != nil {
		for _, o := range s.Outcomes {
			// What was removed has no series any longer.
			if provider := providers[o.Address]; provider != "" {
				c.Ended(provider, o)
			}
		}
	}
	c.Command(command, a.now())
	shard := ""
	if p.Request.Shard != nil {
		shard = strconv.Itoa(p.Request.Shard.Index)
	}
	var diags diag.List
	if f.file != "" {
		if err := c.WriteFile(a.path(f.file)); err != nil {
			diags = append(diags, metricsNotWritten(err))
		}
	}
	if f.gateway != "" {
		if err := c.Push(context.WithoutCancel(ctx), f.gateway, p.Project, shard); err != nil {
			diags = append(diags, metricsNotWritten(err))
		}
	}
	return diags
}

func metricsNotWritten(err error) diag.Diagnostic {
	return diag.Warningf("The metrics could not be written", "%s", diag.Sentence(err.Error()))
}

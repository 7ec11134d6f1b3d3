package main

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/credsync/credsync/config"
	"github.com/credsync/credsync/doctor"
	"github.com/credsync/credsync/engine"
	"github.com/credsync/credsync/internal/processid"
	"github.com/credsync/credsync/internal/upstream"
	"github.com/credsync/credsync/schema/diag"
	"github.com/credsync/credsync/sinks"
	"github.com/hashicorp/go-hclog"
	"github.com/spf13/cobra"
)

// doctorFlags are the doctor command's own.
type doctorFlags struct {
	json, offline bool
	timeout       time.Duration
}

func (a *app) doctorCommand() *cobra.Command {
	var f doctorFlags
	cmd := &cobra.Command{
		Use:   "doctor [PATH]",
		Short: "Check everything that credsync depends on, and say how to fix it",
		Long: "Check everything that credsync depends on, and say how to fix each problem: the\n" +
			"configuration and its schedule, this machine's clock, the connection to each\n" +
			"upstream and its TLS, Vault and Kubernetes and the permissions there, the state,\n" +
			"the owners of the targets, keys and certificates, the audit trail, and the\n" +
			"connection to each webhook. doctor changes nothing, does not log in, and sends\n" +
			"no credentials and no notifications. It works even when everything else is down.\n\n" +
			"Exit codes: 0 nothing failed, there may be warnings; 1 something failed; 3 every\n" +
			"failure needs a human: a rejected password, an expired certificate, a target\n" +
			"with another owner.",
		Args: onePath,
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.doctor(cmd.Context(), pathArgument(args), f)
		},
	}
	flags := cmd.Flags()
	flags.BoolVar(&f.json, "json", false, "print JSON")
	flags.BoolVar(&f.offline, "offline", false, "do not contact any upstream, sink or webhook")
	flags.DurationVar(&f.timeout, "timeout", doctor.DefaultTimeout, "give up on each check after `DURATION`")
	return cmd
}

func (a *app) doctor(ctx context.Context, given string, f doctorFlags) error {
	if f.timeout <= 0 {
		return usageError{"--timeout must be greater than zero", "Give a duration such as 10s."}
	}
	logged := &sinkWarnings{}
	if log, ok := a.log.(hclog.InterceptLogger); ok {
		log.RegisterSink(logged)
		defer log.DeregisterSink(logged)
	}
	conns := &connections{env: a.sinkEnv(a.path(given))}
	o := doctor.Options{
		Gate: &doctor.SinkGate{Open: conns.open}, Connection: a.upstreamOptions, UserAgent: "credsync/" + thisVersion().Version,
		Now: a.now, Where: processid.WhereIs, Logged: logged.take, Timeout: f.timeout, Offline: f.offline,
		EmergencyDir: a.emergencyDir(directory(a.path(given))),
	}
	a.readConfiguration(ctx, &o, conns, a.path(given))
	if a.allowedHostsProblem != nil {
		o.Loading = append(o.Loading, *a.allowedHostsProblem)
	}
	if o.Config != nil && o.Config.State != nil {
		if store, err := conns.store(o.Config.Project, o.Config.State); err == nil {
			o.Store = store
		}
	}
	if o.Whole && o.Store != nil {
		pool := upstream.NewPool(upstream.PoolOptions{Now: a.now})
		defer pool.Close()
		o.Engine = engine.New(engine.Options{
			Config: o.Config, Store: o.Store, Sink: o.Gate.Sink, Client: a.accountClients(pool),
			Now: a.now, Holder: processid.NewIdentity(), Alive: processid.MayRun, Log: a.log,
			Version: thisVersion().Version, EmergencyDir: o.EmergencyDir,
		})
	}
	report := doctor.Run(ctx, o)
	a.out.Doctor(report, f.json)
	return commandResult{detailed: true, failed: report.Broken() || ctx.Err() != nil, blocked: report.Human()}.asError()
}

// readConfiguration reads the configuration, and where its data cannot be read as much as
// there is without it.
func (a *app) readConfiguration(ctx context.Context, o *doctor.Options, conns *connections, path string) {
	if !o.Offline {
		options := a.loadOptions(path)
		options.ReadData = func(ctx context.Context, s *config.Sink, source sinks.Target) (sinks.Object, error) {
			sink, err := conns.open(s)
			if err != nil {
				return sinks.Object{}, err
			}
			ctx, cancel := context.WithTimeout(ctx, o.Timeout)
			defer cancel()
			return sink.Read(ctx, source)
		}
		if o.Config, o.Loading = config.Load(ctx, options); !o.Loading.HasErrors() {
			o.Whole = true
			o.Loading = append(o.Loading, a.shortLivedStateWarning(o.Config)...)
			return
		}
	}
	options := a.loadOptions(path)
	options.AllowUnset = true
	load := config.Load
	if o.Offline {
		load = loadOffline
	}
	cfg, diags := load(ctx, options)
	if diags.HasErrors() {
		o.Config, o.Loading = nil, diags
		return
	}
	o.Config = cfg
	if o.Offline {
		o.Loading = diags
		lacks := func(acc *config.Account) bool { return !acc.Values.AllKnown() || !acc.HTTP.AllKnown() }
		o.Whole = len(cfg.Unknown) == 0 && !slices.ContainsFunc(cfg.Accounts, lacks)
	}
	o.Loading = append(append(diag.List{}, o.Loading...), a.shortLivedStateWarning(cfg)...)
}

// sinkWarnings collects what sinks log as warnings: a doctor reports it.
type sinkWarnings struct {
	mu   sync.Mutex
	list []string
}

// Accept implements hclog.SinkAdapter.
func (w *sinkWarnings) Accept(_ string, level hclog.Level, message string, _ ...any) {
	if level < hclog.Warn {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if !slices.Contains(w.list, message) {
		w.list = append(w.list, message)
	}
}

func (w *sinkWarnings) take() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.list)
}

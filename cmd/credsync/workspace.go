package main

import (
	"context"
	"io"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/credsync/credsync/config"
	"github.com/credsync/credsync/credential"
	"github.com/credsync/credsync/daemon"
	"github.com/credsync/credsync/engine"
	"github.com/credsync/credsync/internal/process"
	"github.com/credsync/credsync/internal/upstream"
	"github.com/credsync/credsync/plan"
	allproviders "github.com/credsync/credsync/providers/all"
	"github.com/credsync/credsync/schema/diag"
	"github.com/credsync/credsync/sinks"
	allsinks "github.com/credsync/credsync/sinks/all"
	"github.com/credsync/credsync/state"
)

// workspace is a configuration that was read, ready to be worked on.
type workspace struct {
	config *config.Config
	engine worker
	// accounts is the engine as a daemon uses it.
	accounts daemon.Accounts
	// skews are the clocks of upstreams that were found to be wrong.
	skews *skews
	// close drops what is open.
	close func()
}

// worker is what the commands need of an engine.
type worker interface {
	Plan(context.Context, engine.Request) *engine.Plan
	PlanSaved(context.Context, *engine.Saved) *engine.Plan
	Save(io.Writer, *engine.Plan) error
	Apply(context.Context, *engine.Plan, engine.Observer) *engine.Summary
	Authenticate(context.Context, *engine.Plan, engine.Observer) *engine.Summary
	Check(ctx context.Context, patterns []string, obs engine.CheckObserver) ([]engine.Check, diag.List)
	BeginLogin(ctx context.Context, address string) engine.Sent
	FinishLogin(ctx context.Context, address string, code credential.Secret) engine.Outcome
	Recover(ctx context.Context, content []byte, identity credential.Secret) (address string, err error)
}

// opener reads the configuration at a path, as the user gave it, and makes an
// engine for it.
type opener func(ctx context.Context, a *app, path string, concurrency int) (*workspace, diag.List)

// loadOptions is how every command reads a configuration. Without a way to
// read data nothing is contacted.
func (a *app) loadOptions(path string) config.Options {
	inputs := make([]config.Input, len(a.flags.inputs))
	for i, in := range a.flags.inputs {
		if in.File != "" {
			in.File = a.path(in.File)
		}
		inputs[i] = in
	}
	return config.Options{
		Path: path, Inputs: inputs, Getenv: a.getenv,
		Providers: allproviders.Registry(), Sinks: allsinks.Registry(),
		Version: required(thisVersion().Version),
	}
}

// openReal makes the workspace that the commands work in. The list has what
// the configuration gave rise to, warnings included; with errors in it there
// is no workspace.
func openReal(ctx context.Context, a *app, given string, concurrency int) (*workspace, diag.List) {
	clocks := &skews{}
	return a.openWith(ctx, given, concurrency, connected{
		conns:  &connections{env: a.sinkEnv(a.path(given))},
		pool:   upstream.NewPool(upstream.PoolOptions{Now: a.now, OnSkew: clocks.add}),
		clocks: clocks,
	})
}

// connected is what a workspace reaches the outside by.
type connected struct {
	conns  *connections
	pool   *upstream.Pool
	clocks *skews
}

func (a *app) openWith(ctx context.Context, given string, concurrency int, to connected) (*workspace, diag.List) {
	path, conns, pool := a.path(given), to.conns, to.pool
	opts := a.loadOptions(path)
	opts.ReadData = func(ctx context.Context, s *config.Sink, source sinks.Target) (sinks.Object, error) {
		sink, err := conns.open(s)
		if err != nil {
			return sinks.Object{}, err
		}
		return sink.Read(ctx, source)
	}
	cfg, diags := config.Load(ctx, opts)
	if diags.HasErrors() {
		return nil, diags
	}
	store, err := conns.store(cfg.State)
	if err != nil {
		return nil, append(diags, diag.FromError("The state cannot be opened", err))
	}
	eng := engine.New(engine.Options{
		Config: cfg, Store: store, Sink: conns.open, Client: clients(pool, a.log),
		Now: a.now, Holder: process.NewIdentity(), Alive: process.MayRun,
		Log: a.log, Audit: a.auditor(cfg.Audit), Notify: a.notifier(cfg), Version: thisVersion().Version, Concurrency: concurrency,
		Path:               given,
		EmergencyDir:       a.emergencyDir(cfg.Dir),
		EmergencyRecipient: ageRecipient(cfg.State),
		EmergencyIdentity:  ageIdentity(cfg.State),
	})
	return &workspace{
		config: cfg, engine: eng, accounts: eng, skews: to.clocks,
		close: pool.Close,
	}, diags
}

// sinkEnv is what the sinks of the configuration at path get.
func (a *app) sinkEnv(path string) sinks.Env {
	return sinks.Env{
		Getenv: a.getenv, Dir: directory(path), Now: a.now,
		Log: a.log.Named("sink"), Version: thisVersion().Version,
	}
}

// emergencyDir is where a token goes that the state does not take. Where the
// configuration's directory cannot be written, as in a pod that has it from a
// ConfigMap, the environment names another.
func (a *app) emergencyDir(configDir string) string {
	if dir := a.getenv("CREDSYNC_EMERGENCY_DIR"); dir != "" {
		return dir
	}
	return filepath.Join(configDir, ".credsync", "emergency")
}

// directory is where relative paths of the configuration at path start.
func directory(path string) string {
	if info, err := os.Stat(path); err == nil && !info.IsDir() {
		return filepath.Dir(path)
	}
	return path
}

// document is the plan as it is printed, with what was found on the way to it.
func (w *workspace) document(p *engine.Plan, before diag.List) plan.Document {
	d := engine.Document(p)
	d.Diagnostics = append(append(append(diag.List{}, before...), d.Diagnostics...), w.skews.take()...)
	return d
}

// skews collects warnings about clocks, from several goroutines.
type skews struct {
	mu   sync.Mutex
	list diag.List
}

func (s *skews) add(host string, skew time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	direction := "ahead of"
	if skew < 0 {
		direction = "behind"
	}
	s.list = append(s.list, diag.Warningf("The clocks differ",
		"The clock of %s is %s %s this machine's. A token may be used or replaced too late; synchronise this machine's clock.",
		host, plan.Duration(skew.Abs()), direction))
}

// take returns the warnings that were not taken yet.
func (s *skews) take() diag.List {
	s.mu.Lock()
	defer s.mu.Unlock()
	list := s.list
	s.list = nil
	return list
}

// newStore returns the store of a state block.
func newStore(sink sinks.Sink, s *config.State) *state.Store {
	return state.NewStore(sink, func(name string) (sinks.Target, error) {
		return s.Sink.Spec.Record(s.Sink.Values, s.Values, name)
	})
}

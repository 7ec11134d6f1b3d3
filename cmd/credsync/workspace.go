package main

import (
	"context"
	"io"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/credsync/credsync/audit"
	"github.com/credsync/credsync/config"
	"github.com/credsync/credsync/credential"
	"github.com/credsync/credsync/daemon"
	"github.com/credsync/credsync/engine"
	"github.com/credsync/credsync/internal/processid"
	"github.com/credsync/credsync/internal/upstream"
	"github.com/credsync/credsync/notify"
	"github.com/credsync/credsync/plan"
	allproviders "github.com/credsync/credsync/providers/all"
	"github.com/credsync/credsync/render"
	"github.com/credsync/credsync/schema/diag"
	"github.com/credsync/credsync/sinks"
	allsinks "github.com/credsync/credsync/sinks/all"
	"github.com/credsync/credsync/state"
	"github.com/credsync/credsync/upstreams"
)

// workspace is a configuration that was read, ready to be worked on.
type workspace struct {
	config *config.Config
	// store is the state.
	store  *state.Store
	engine accountEngine
	// accounts is the engine as a daemon uses it.
	accounts daemon.Accounts
	// clockSkews are the clocks of upstreams that were found to be wrong.
	clockSkews *clockSkews
	// close drops what is open.
	close func()
}

// accountEngine is what the commands need of an engine.
type accountEngine interface {
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
		Path: path, Inputs: inputs, Getenv: a.getenv, EnvIsSet: envIsSet,
		Providers: allproviders.Registry(), Sinks: allsinks.Registry(), Now: a.now,
		Embedded: upstreams.Sources(),
		Version:  releaseVersion(thisVersion().Version),
	}
}

// openReal makes the workspace that the commands work in. The list has what
// the configuration gave rise to, warnings included; with errors in it there
// is no workspace.
func openReal(ctx context.Context, a *app, given string, concurrency int) (*workspace, diag.List) {
	clocks := &clockSkews{}
	return a.openWith(ctx, given, concurrency, outsideConnections{
		conns:  &connections{env: a.sinkEnv(a.path(given))},
		pool:   upstream.NewPool(upstream.PoolOptions{Now: a.now, OnSkew: clocks.add}),
		clocks: clocks,
	})
}

// outsideConnections is what a workspace reaches the outside by.
type outsideConnections struct {
	conns  *connections
	pool   *upstream.Pool
	clocks *clockSkews
}

func (a *app) openWith(
	ctx context.Context, given string, concurrency int, to outsideConnections,
) (*workspace, diag.List) {
	path, conns := a.path(given), to.conns
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
	if diags = append(diags, engine.RevokingLogins(cfg)...); diags.HasErrors() {
		return nil, diags
	}
	return a.workspaceOf(cfg, diags, given, concurrency, to, false)
}

// workspaceOf makes the workspace of a configuration that was read, incomplete or not.
func (a *app) workspaceOf(
	cfg *config.Config, diags diag.List, given string, concurrency int, to outsideConnections, incomplete bool,
) (*workspace, diag.List) {
	conns, pool := to.conns, to.pool
	store, err := conns.store(cfg.Project, cfg.State)
	if err != nil {
		return nil, append(diags, diag.FromError("The state could not be opened", err))
	}
	eng := engine.New(engine.Options{
		Config: cfg, Store: store, Sink: conns.open, Client: a.accountClients(pool),
		Now: a.now, Holder: processid.NewIdentity(), Alive: processid.MayRun,
		Log: a.log, Audit: a.auditor(cfg.Audit), Notify: a.notifier(cfg), Version: thisVersion().Version,
		Concurrency: concurrency,
		Path:        given, Incomplete: incomplete, GracePeriod: a.flags.gracePeriod,
		Waiting:            a.out.Waiting,
		EmergencyDir:       a.emergencyDir(cfg.Dir),
		EmergencyRecipient: ageRecipient(cfg.State),
		EmergencyIdentity:  ageIdentity(cfg.State),
	})
	return &workspace{
		config: cfg, store: store, engine: eng, accounts: eng, clockSkews: to.clocks,
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
	d.Diagnostics = append(append(append(diag.List{}, before...), d.Diagnostics...), w.clockSkews.take()...)
	return d
}

// clockSkews collects warnings about clocks, from several goroutines.
type clockSkews struct {
	mu   sync.Mutex
	list diag.List
}

func (s *clockSkews) add(host string, skew time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	direction := "ahead of"
	if skew < 0 {
		direction = "behind"
	}
	s.list = append(s.list, diag.Warningf("The clocks differ",
		"The clock of %s is %s %s this machine's. A token may be used or replaced too late. Synchronize this machine's clock.",
		host, plan.Duration(skew.Abs()), direction))
}

// take returns the warnings that were not taken yet.
func (s *clockSkews) take() diag.List {
	s.mu.Lock()
	defer s.mu.Unlock()
	list := s.list
	s.list = nil
	return list
}

// auditor returns the audit trail that the configuration asks for, or nil. A
// configuration that is read again keeps using the same file.
func (a *app) auditor(c *config.Audit) audit.Recorder {
	switch {
	case c == nil:
		return nil
	case c.Stream:
		// A live line and these would overwrite each other.
		a.out.Err.Terminal = false
		return audit.NewStream(a.stderr, "standard error")
	}
	if a.trails == nil {
		a.trails = map[string]*audit.File{}
	}
	if a.trails[c.Path] == nil {
		a.trails[c.Path] = audit.NewFile(c.Path)
	}
	return a.trails[c.Path]
}

// notifier returns what sends the messages of notify blocks, with the remedy
// that the commands print too; nil where there is no such block. A configuration
// that is read again keeps using the same connections.
func (a *app) notifier(c *config.Config) func(context.Context, *config.Notify, config.Event) error {
	if len(c.Notify) == 0 {
		return nil
	}
	if a.sender == nil {
		a.sender = notify.New(thisVersion().Version)
	}
	sender := a.sender
	return func(ctx context.Context, to *config.Notify, e config.Event) error {
		e.Remedy = render.Remedy(e)
		return sender.Send(ctx, to, e)
	}
}

// stateWarnings are those about where the state is.
func (a *app) stateWarnings(ctx context.Context, w *workspace) diag.List {
	return append(a.shortLivedStateWarning(w.config), a.leftBehindWarning(ctx, w.config, w.store)...)
}

// shortLivedStateWarning warns where the state's default place goes away with the
// machine: tokens would be lost, and rejected logins tried again.
func (a *app) shortLivedStateWarning(c *config.Config) diag.List {
	if c.State == nil || !c.State.Implicit {
		return nil
	}
	where := ""
	switch {
	case a.getenv("KUBERNETES_SERVICE_HOST") != "":
		where = "a Kubernetes pod"
	case a.getenv("GITHUB_ACTIONS") != "", a.getenv("GITLAB_CI") != "", a.getenv("CI") == "true":
		where = "a CI runner"
	default:
		return nil
	}
	return diag.List{diag.Warningf("The state will be lost after this run",
		"There is no state block, so the state is in .credsync beside the configuration, and %s does not keep that directory. "+
			"The next run would log in again, even with rejected credentials. Declare a state block with a persistent location.", where)}
}

// envIsSet tells an empty environment variable from one that is not there.
func envIsSet(name string) bool {
	_, set := os.LookupEnv(name)
	return set
}

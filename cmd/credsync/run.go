package main

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"runtime"
	"time"

	"github.com/credsync/credsync/config"
	"github.com/credsync/credsync/daemon"
	"github.com/credsync/credsync/engine"
	"github.com/credsync/credsync/internal/upstream"
	"github.com/credsync/credsync/metrics"
	"github.com/credsync/credsync/plan"
	"github.com/credsync/credsync/render"
	"github.com/credsync/credsync/schema/address"
	"github.com/credsync/credsync/schema/diag"
	"github.com/hashicorp/go-hclog"
	"github.com/spf13/cobra"
)

// runFlags are the run command's own.
type runFlags struct {
	listen string
	every  time.Duration
	shard  *address.Shard
	workFlags
}

// The bounds of --check-every.
const leastCheckEvery, mostCheckEvery = time.Second, 24 * time.Hour

func (a *app) runCommand() *cobra.Command {
	var f runFlags
	cmd := &cobra.Command{
		Use:   "run [PATH]",
		Short: "Stay up, and replace each token when it is due",
		Long: "Stay up until SIGTERM or SIGINT, and replace each token when it is due. PATH is\n" +
			"a directory or a file. The configuration is reloaded when its files change and\n" +
			"on SIGHUP; if the new one has errors, the previous one stays in use. Accounts\n" +
			"that were removed from the configuration are forgotten or deleted after a\n" +
			"minute, as apply would do. The log goes to standard error. Several instances may\n" +
			"run at once.",
		Args: onePath,
		RunE: func(cmd *cobra.Command, args []string) error {
			if f.every < leastCheckEvery || f.every > mostCheckEvery {
				return usageError{fmt.Sprintf("--check-every is %s", f.every), "It must be from 1s to 24h."}
			}
			var err error
			if f.shard, err = f.parse(a); err != nil {
				return err
			}
			return a.run(cmd.Context(), pathArgument(args), f)
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&f.listen, "listen", "", "serve a status page, /metrics, /healthz and /readyz at\n`ADDR`, such as :9090 or 127.0.0.1:9090")
	flags.DurationVar(&f.every, "check-every", daemon.DefaultCheckEvery, "verify each token and check its targets this often,\neven if nothing is due")
	f.add(cmd)
	a.gracePeriodFlag(cmd)
	return cmd
}

// run stays up until ctx ends.
func (a *app) run(ctx context.Context, path string, f runFlags) error {
	if a.flags.logLevel == "" && a.getenv("CREDSYNC_LOG") == "" {
		// A daemon that says nothing cannot be told from one that does nothing.
		a.log.SetLevel(hclog.Info)
	}
	a.interruptions.tokensAtStake()
	a.interruptions.speaksBy(func(text string) { a.log.Warn(text) })
	source := newConfigSource(a, path, f.concurrency)
	defer source.pool.Close()
	collector := metrics.NewCollector(thisVersion().Version, runtime.Version())
	d := daemon.New(daemon.Options{
		Load: source.load, Check: source.check, Files: source.files,
		Hangup: a.interruptions.reloads(), Shard: f.shard, Concurrency: f.concurrency, CheckEvery: f.every,
		Now: a.now, Log: a.log, Metrics: collector,
	})
	stopServing, err := a.serve(d, f.listen)
	if err != nil {
		a.out.Diagnostics(diag.List{diag.FromError("The listener could not be started", err)})
		return exitStatus(exitError)
	}
	defer stopServing()
	if diags := d.Run(ctx); diags.HasErrors() {
		a.out.Diagnostics(diags)
		return exitStatus(exitError)
	}
	return nil
}

// serve listens, where that is asked for, until the function that it returns is
// called: to the very end, so that probes are answered during a shutdown.
func (a *app) serve(d *daemon.Daemon, address string) (stop func(), err error) {
	if address == "" {
		return func() {}, nil
	}
	listener, err := net.Listen("tcp", address)
	if err != nil {
		return nil, fmt.Errorf("cannot listen on %q, the address of --listen: %w", address, err)
	}
	a.log.Info("listening", "address", listener.Addr().String())
	ctx, cancel := context.WithCancel(context.Background())
	go func() {
		if err := daemon.Serve(ctx, listener, d.Handler(a.statusPage(d))); err != nil {
			a.log.Error("metrics and probes are no longer served", "error", err)
		}
	}()
	return cancel, nil
}

// pageRefresh is how often a browser reloads the status page.
const pageRefresh = 15 * time.Second

// statusPage is the page of credsync status --html, as the daemon sees things.
func (a *app) statusPage(d *daemon.Daemon) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		options := render.StatusPageOptions{Now: a.now(), Refresh: pageRefresh}
		render.ServeStatusPage(w, r, engine.Document(d.Plan()), options)
	})
}

// configSource reads the configuration for a daemon, again and again.
type configSource struct {
	a           *app
	path        string
	concurrency int
	pool        *upstream.Pool
	conns       *connections
}

func newConfigSource(a *app, path string, concurrency int) *configSource {
	s := &configSource{a: a, path: path, concurrency: concurrency}
	s.pool = upstream.NewPool(upstream.PoolOptions{Now: a.now, OnSkew: func(host string, skew time.Duration) {
		a.log.Warn("the clocks differ: a token may be used or replaced too late; synchronize this machine's clock", "host", host, "ahead", plan.Duration(skew.Abs()), "behind", skew < 0)
	}})
	return s
}

// load is called by one goroutine at a time.
func (s *configSource) load(ctx context.Context, inputs bool) (*daemon.Loaded, diag.List) {
	conns := &connections{env: s.a.sinkEnv(s.a.path(s.path))}
	if inputs && s.conns != nil {
		conns = s.conns.forNextReading()
	}
	outside := outsideConnections{conns: conns, pool: s.pool, clocks: &clockSkews{}}
	w, diags := s.a.openWith(ctx, s.path, s.concurrency, outside)
	if w == nil {
		return nil, diags
	}
	s.conns = conns
	return &daemon.Loaded{
			Config: w.config,
			Engine: w.accounts,
			Close:  func() {},
		}, append(
			diags,
			s.a.shortLivedStateWarning(w.config)...)
}

// check reads the files alone.
func (s *configSource) check(ctx context.Context) diag.List {
	_, diags := config.Load(ctx, s.a.loadOptions(s.a.path(s.path)))
	return diags
}

func (s *configSource) files(c *config.Config) []string {
	options := s.a.loadOptions(s.a.path(s.path))
	files := config.FilesOf(options.Path, options.Inputs)
	if c != nil {
		files = append(append(files, c.Files...), c.ListedFiles()...)
	}
	return files
}

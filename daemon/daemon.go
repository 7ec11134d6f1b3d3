// Package daemon keeps the accounts of a configuration rotated for as long as it
// runs: each one when it is due.
//
// One goroutine has the timer and the queue of what is due, and decides; see
// timerloop.go. Workers do one account each, by the engine's own steps; see
// workers.go. The configuration is read again when its files change, and its
// inputs before they are used; see reload.go. Several daemons may run at once: the
// engine's leases keep them off each other's accounts.
package daemon

import (
	"context"
	"crypto/rand"
	"os"
	"sync"
	"time"

	"github.com/credsync/credsync/config"
	"github.com/credsync/credsync/engine"
	"github.com/credsync/credsync/metrics"
	"github.com/credsync/credsync/schema/address"
	"github.com/credsync/credsync/schema/diag"
	"github.com/hashicorp/go-hclog"
)

// DefaultCheckEvery is how often each account is looked at though nothing is
// due: its token is verified, and its targets are compared.
const DefaultCheckEvery = 10 * time.Minute

// DefaultSettle is for how long the configuration must stay as it is before
// anything is removed that is no longer in it. Files are not replaced all at
// once, and an account that is missing for a moment must not lose its targets.
const DefaultSettle = time.Minute

// Accounts is what a daemon needs of an engine.
type Accounts interface {
	Addresses(*address.Shard) []string
	PlanAccount(ctx context.Context, address string, offline bool) *engine.AccountPlan
	ApplyAccount(context.Context, *engine.AccountPlan) engine.AccountResult
	PlanRemoved(context.Context, *address.Shard) (p *engine.Plan, unreachable error)
}

// Loaded is a configuration that was read, with an engine for it.
type Loaded struct {
	Config *config.Config
	Engine Accounts
	// Close drops what is open; it is called when nothing uses it any longer.
	Close func()
}

// Options are what a Daemon works with. What may be left out says so.
type Options struct {
	// Load reads the configuration. Where inputs is set, only the values of
	// data blocks are expected to be new, and connections are kept. The list
	// has what the configuration gave rise to; with errors in it there is no
	// Loaded.
	Load func(ctx context.Context, inputs bool) (*Loaded, diag.List)
	// Check reads the configuration without its inputs and returns its errors.
	// What it finds is wrong in the files themselves.
	Check func(context.Context) diag.List
	// Files are those that the configuration is made of, given the newest that
	// is good, or nil.
	Files func(*config.Config) []string
	// Hangup asks for the configuration to be read again; may be nil.
	Hangup <-chan os.Signal
	Shard  *address.Shard
	// Concurrency, CheckEvery and Settle have defaults where they are 0.
	Concurrency int
	CheckEvery  time.Duration
	Settle      time.Duration
	// Poll is how often the files are compared; pollEvery where it is 0.
	Poll    time.Duration
	Now     func() time.Time
	Log     hclog.Logger
	Metrics *metrics.Collector
}

// Daemon looks after the accounts of one configuration.
type Daemon struct {
	Options
	// seed makes the pauses of this process differ from those of others.
	seed string
	// loading is held while the configuration is read, and guards reading.
	loading sync.Mutex
	reading fileReading
	// sweepTold is what the last sweep warned of; one sweep runs at a time.
	sweepTold string
	// reloaded tells the loop of a new configuration.
	reloaded chan change

	mu      sync.Mutex
	current *generation
	status  publishedStatus
}

// New returns a daemon. It contacts nothing.
func New(o Options) *Daemon {
	if o.Concurrency == 0 {
		o.Concurrency = engine.DefaultConcurrency
	}
	if o.CheckEvery == 0 {
		o.CheckEvery = DefaultCheckEvery
	}
	if o.Settle == 0 {
		o.Settle = DefaultSettle
	}
	if o.Poll == 0 {
		o.Poll = pollEvery
	}
	return &Daemon{
		Options:  o,
		seed:     rand.Text(),
		reloaded: make(chan change, 1),
		status:   publishedStatus{plans: map[string]*engine.AccountPlan{}},
	}
}

// Run looks after the accounts until ctx ends, and then waits until what is
// under way is at a point from which another run goes on: seconds, as a rule.
// It returns errors only where the configuration is wrong at the start.
func (d *Daemon) Run(ctx context.Context) diag.List {
	if diags := d.loadFirst(ctx); diags.HasErrors() {
		return diags
	}
	var background sync.WaitGroup
	background.Go(func() { d.watchFiles(ctx) })
	newTimerLoop(d).run(ctx)
	background.Wait()
	d.retire()
	return nil
}

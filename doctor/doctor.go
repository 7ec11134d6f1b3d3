package doctor

import (
	"context"
	"sync"
	"time"

	"github.com/credsync/credsync/config"
	"github.com/credsync/credsync/engine"
	"github.com/credsync/credsync/internal/processid"
	"github.com/credsync/credsync/internal/upstream"
	"github.com/credsync/credsync/providers"
	"github.com/credsync/credsync/schema/diag"
	"github.com/credsync/credsync/state"
	"golang.org/x/sync/errgroup"
)

// DefaultTimeout bounds each check.
const DefaultTimeout = 10 * time.Second

// parallelChecks is how many checks of one kind are made at the same time.
const parallelChecks = 16

// Engine is what a doctor needs of an engine.
type Engine interface {
	Plan(ctx context.Context, r engine.Request) *engine.Plan
	Inspect(a *config.Account) ([]providers.Clock, []providers.Finding, error)
}

// Options are what a doctor works with.
type Options struct {
	// Config may lack the values of data blocks and of variables; nil where
	// nothing of it can be used. Loading is what reading it gave rise to.
	Config  *config.Config
	Loading diag.List
	// Whole says that nothing of Config is unknown.
	Whole bool
	// Engine works on Config, through Gate where there is one; nil where Config
	// is not whole.
	Engine Engine
	// Gate opens the sinks, the state's too.
	Gate *SinkGate
	// Store is the state; nil where it cannot be opened.
	Store *state.Store
	// Connection says how an account's requests go.
	Connection func(*config.Account) upstream.Options
	UserAgent  string
	Now        func() time.Time
	// Where tells the whereabouts of a lease's holder.
	Where func(holder string) processid.Whereabouts
	// Logged takes what sinks have warned of.
	Logged func() []string
	// EmergencyDir is where emergency files would be.
	EmergencyDir string
	// Timeout bounds each check; DefaultTimeout where it is 0.
	Timeout time.Duration
	// Offline contacts no server.
	Offline bool
}

// Run makes all checks. It writes nothing, except for empty files that it makes
// and removes to see whether a directory can be written.
func Run(ctx context.Context, o Options) Report {
	if o.Timeout <= 0 {
		o.Timeout = DefaultTimeout
	}
	d := &doctor{Options: o}
	d.checkConfiguration()
	if o.Config != nil {
		var work sync.WaitGroup
		work.Go(func() { d.checkUpstreams(ctx) })
		work.Go(func() { d.checkWebhooks(ctx) })
		work.Go(func() {
			d.checkServers(ctx)
			var rest sync.WaitGroup
			rest.Go(func() { d.checkPermissions(ctx) })
			rest.Go(func() { d.checkAccounts(ctx, d.checkState(ctx)) })
			rest.Wait()
		})
		work.Wait()
		d.compareClocks()
		d.checkSinkWarnings()
		d.checkAuditTrail()
	}
	d.checkEmergencyFiles()
	r := Report{Offline: o.Offline, Checks: d.checks}
	if o.Config != nil {
		r.Project = o.Config.Project
	}
	r.dropRepeated()
	return r
}

// doctor is one Run.
type doctor struct {
	Options

	mu      sync.Mutex
	checks  []Check
	offsets []clockOffset
}

func (d *doctor) add(checks ...Check) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.checks = append(d.checks, checks...)
}

// boundedInTime makes one check, bounded in time.
func (d *doctor) boundedInTime(ctx context.Context, check func(ctx context.Context)) {
	ctx, cancel := context.WithTimeout(ctx, d.Timeout)
	defer cancel()
	check(ctx)
}

// inParallel makes the same check of several things.
func inParallel[T any](d *doctor, ctx context.Context, of []T, check func(context.Context, T)) {
	var work errgroup.Group
	work.SetLimit(parallelChecks)
	for _, one := range of {
		work.Go(func() error {
			d.boundedInTime(ctx, func(ctx context.Context) { check(ctx, one) })
			return nil
		})
	}
	_ = work.Wait()
}

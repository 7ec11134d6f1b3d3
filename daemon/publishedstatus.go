package daemon

import (
	"errors"
	"maps"
	"slices"
	"time"

	"github.com/credsync/credsync/engine"
	"github.com/credsync/credsync/metrics"
	"github.com/credsync/credsync/schema/diag"
)

const (
	// heartbeatLimit is for how long the loop may not have come round in a
	// process that is alive.
	heartbeatLimit = time.Minute
	// longestSleep is how long the loop sleeps at most, so that it notices a clock
	// that was set.
	longestSleep = 10 * time.Second
)

// publishedStatus is what is shown of a daemon. It is guarded by Daemon.mu.
type publishedStatus struct {
	// plans are the newest of each account of the configuration.
	plans     map[string]*engine.AccountPlan
	heartbeat time.Time
	stopping  bool
	// stateErr is why the state could not be read when it was last tried;
	// stateTried says that it was.
	stateErr   error
	stateTried bool
	stateRead  time.Time
	// configErr is what is wrong with the configuration; empty where it is
	// good.
	configErr  diag.List
	configRead time.Time
	working    int
}

// publish changes the view, and tells the metrics.
func (d *Daemon) publish(edit func(*publishedStatus)) {
	d.mu.Lock()
	defer d.mu.Unlock()
	edit(&d.status)
	v := &d.status
	d.Metrics.Daemon(metrics.Daemon{
		Ready:          d.notReady() == nil,
		StateReachable: v.stateTried && v.stateErr == nil, StateRead: v.stateRead,
		ConfigGood: v.configErr == nil && !v.configRead.IsZero(), ConfigRead: v.configRead,
		Working: v.working,
	})
}

func (d *Daemon) configGood(at time.Time) {
	d.publish(func(v *publishedStatus) { v.configErr, v.configRead = nil, at })
}

func (d *Daemon) configBroken(diags diag.List) {
	d.publish(func(v *publishedStatus) { v.configErr = diags })
}

func (d *Daemon) wasBroken() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.status.configErr != nil
}

// notReady is called with the lock held.
func (d *Daemon) notReady() error {
	v := &d.status
	switch {
	case v.stopping:
		return errors.New("stopping")
	case d.current == nil && v.configErr != nil:
		return errors.New("the configuration cannot be used: " + firstError(v.configErr))
	case d.current == nil:
		return errors.New("the configuration is being read")
	case !v.stateTried:
		return errors.New("the state is being read")
	case v.stateErr != nil:
		return errors.New("the state cannot be read: " + v.stateErr.Error())
	}
	return nil
}

// Ready returns why the daemon cannot do its work at the moment; nil if it can.
// A configuration that is broken does not count while the one before is kept
// running.
func (d *Daemon) Ready() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.notReady()
}

// Alive returns an error where the daemon does nothing any longer.
func (d *Daemon) Alive() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if at := d.status.heartbeat; !at.IsZero() && !d.status.stopping && d.Now().Sub(at) > heartbeatLimit {
		return errors.New("the scheduler has not run for more than a minute")
	}
	return nil
}

// Plan is how the accounts stood when each was last looked at, in the order of
// their addresses, and what is wrong with the configuration and the state.
func (d *Daemon) Plan() *engine.Plan {
	d.mu.Lock()
	defer d.mu.Unlock()
	p := &engine.Plan{CreatedAt: d.Now(), Diagnostics: slices.Clone(d.status.configErr)}
	if d.current != nil {
		p.Project = d.current.Config.Project
	}
	if err := d.status.stateErr; err != nil {
		p.Diagnostics = append(p.Diagnostics, diag.FromError("The state cannot be read", err))
	}
	for _, address := range slices.Sorted(maps.Keys(d.status.plans)) {
		ap := d.status.plans[address]
		p.Accounts = append(p.Accounts, ap)
		p.Diagnostics = append(p.Diagnostics, ap.Diagnostics()...)
	}
	return p
}

func firstError(diags diag.List) string {
	for _, one := range diags {
		if one.Severity == diag.Error {
			text := one.Summary + ": " + one.Detail
			if at := sourcePlace(one); at != "" {
				text = at + ": " + text
			}
			return text
		}
	}
	return "unknown"
}

// sourcePlace is where in the files a diagnostic points, as file:line.
func sourcePlace(one diag.Diagnostic) string {
	if one.Range == nil {
		return ""
	}
	return one.Range.String()
}

// Package metrics counts what becomes of accounts and shows it to Prometheus:
// served, written to a file or pushed. No secret comes near it: it is given
// plans and outcomes, and takes addresses, words, times and numbers from them.
package metrics

import (
	"sync"
	"time"

	"github.com/credsync/credsync/engine"
	"github.com/credsync/credsync/failure"
	"github.com/credsync/credsync/plan"
	"github.com/prometheus/client_golang/prometheus"
)

// Collector holds the newest of every account. It is safe for concurrent use.
type Collector struct {
	version, goVersion string
	delay              prometheus.Histogram

	mu       sync.Mutex
	accounts map[string]*account
	// configured counts the accounts, where it is known before they are.
	configured int
	// command is set where one run of a command is reported.
	command string
	ended   time.Time
	daemon  *Daemon
}

// account is what is known of one.
type account struct {
	provider            string
	lastSuccess         time.Time
	logins, refreshes   int
	failures            map[failure.Class]int
	targets, delivered  int
	blocked             plan.Reason
	action              plan.Action
	reason              plan.Reason
	issued, expires, at time.Time
	human               time.Time
}

// Daemon is how a daemon stands.
type Daemon struct {
	Ready, StateReachable, ConfigGood bool
	// StateRead and ConfigRead are when it last succeeded; zero for never.
	StateRead, ConfigRead time.Time
	// Working counts the accounts that are being worked on.
	Working int
}

// NewCollector returns an empty one for that version of credsync and of Go.
func NewCollector(version, goVersion string) *Collector {
	return &Collector{
		version: version, goVersion: goVersion, accounts: map[string]*account{},
		delay: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: rotationDelayName, Help: rotationDelayHelp,
			Buckets: []float64{.01, .05, .1, .25, .5, 1, 2.5, 5, 15, 60, 300},
		}),
	}
}

// Planned takes what there is to do about an account, and how its token and its
// targets stand. A plan that could not look at them says nothing about them.
func (c *Collector) Planned(p *engine.AccountPlan) {
	c.mu.Lock()
	defer c.mu.Unlock()
	a := c.account(p.Address, p.Provider)
	a.action, a.reason, a.blocked = p.Action, p.Reason, ""
	if p.Blocker != nil {
		a.blocked = p.Blocker.Reason
	}
	if p.Reason == plan.Unreadable && len(p.Targets) == 0 {
		return
	}
	a.issued, a.expires, a.at, a.human = p.IssuedAt, p.ExpiresAt, p.RotateAt, p.HumanNeededBy
	a.targets, a.delivered = 0, 0
	for _, t := range p.Targets {
		if t.Reason == plan.Removed {
			continue
		}
		a.targets++
		if t.Action == plan.None && t.Reason == plan.Current {
			a.delivered++
		}
	}
}

// Settled notes that an account is up to date, or was brought up to date.
func (c *Collector) Settled(address, provider string, at time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.account(address, provider).lastSuccess = at
}

// Ended takes how the work on an account ended.
func (c *Collector) Ended(provider string, o engine.Outcome) {
	c.mu.Lock()
	defer c.mu.Unlock()
	a := c.account(o.Address, provider)
	a.logins += o.Logins
	a.refreshes += o.Refreshes
	if o.Class != "" && o.Result != engine.Done {
		a.failures[o.Class]++
	}
	if o.Result == engine.Done {
		a.lastSuccess = o.At
	}
}

// Began notes how long after it was due a rotation was begun.
func (c *Collector) Began(late time.Duration) { c.delay.Observe(max(0, late.Seconds())) }

// Keep drops the accounts that are not among those addresses.
func (c *Collector) Keep(addresses []string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	kept := make(map[string]*account, len(addresses))
	for _, address := range addresses {
		if a := c.accounts[address]; a != nil {
			kept[address] = a
		}
	}
	c.accounts, c.configured = kept, len(addresses)
}

// Command notes the run of a command that has ended.
func (c *Collector) Command(name string, at time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.command, c.ended = name, at
}

// Daemon sets how the daemon stands.
func (c *Collector) Daemon(d Daemon) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.daemon = &d
}

// account is called with the lock held.
func (c *Collector) account(address, provider string) *account {
	a := c.accounts[address]
	if a == nil {
		a = &account{failures: map[failure.Class]int{}}
		c.accounts[address] = a
	}
	a.provider = provider
	return a
}

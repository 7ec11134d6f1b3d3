// Package engine does what a plan says: it observes accounts, takes their
// leases, gets tokens, journals, verifies and delivers them, and commits.
//
// All I/O of a run is ordered here, because the order is what keeps the
// promises: see the steps in account.go and docs/rotation.md.
package engine

import (
	"context"
	"net/http"
	"sync"
	"time"

	"github.com/credsync/credsync/audit"
	"github.com/credsync/credsync/config"
	"github.com/credsync/credsync/credential"
	"github.com/credsync/credsync/sinks"
	"github.com/credsync/credsync/state"
	"github.com/hashicorp/go-hclog"
)

// DefaultConcurrency is how many accounts are worked on at once.
const DefaultConcurrency = 10

// Options are what an Engine works with. What may be left out says so.
type Options struct {
	Config *config.Config
	Store  *state.Store
	// Sink returns the connection of a sink block; the same one each time.
	Sink func(*config.Sink) (sinks.Sink, error)
	// Client returns the HTTP client of an account.
	Client func(*config.Account) (*http.Client, error)
	Now    func() time.Time
	// Holder names this process in leases; Alive says of a holder of another
	// lease whether it may still be at work.
	Holder string
	Alive  func(holder string) bool
	Log    hclog.Logger
	// Audit keeps the audit trail; nil for none.
	Audit audit.Recorder
	// Notify sends one message of a notify block; nil where nobody is to be
	// told anything. Its errors hold neither the block's URL nor an answer.
	Notify func(ctx context.Context, to *config.Notify, e config.Event) error
	// Version of credsync.
	Version string
	// Path is where the configuration was read, as the user gave it; a saved
	// plan keeps it. May be empty.
	Path string
	// Concurrency is DefaultConcurrency where it is 0.
	Concurrency int
	// Sleep waits, or returns the context's error; nil for the real thing.
	Sleep func(ctx context.Context, d time.Duration) error
	// EmergencyDir is where a token goes that the state does not take.
	EmergencyDir string
	// EmergencyRecipient encrypts it (age); empty leaves it to mode 0600.
	EmergencyRecipient string
	// EmergencyIdentity opens what was encrypted; may be zero.
	EmergencyIdentity credential.Secret
}

// Engine works on the accounts of one configuration.
type Engine struct {
	Options
	accounts []*account
	// byAddress has the same ones.
	byAddress map[string]*account
	notices   notices
	// sharedLogins are the accounts that log in alike, found once they are needed.
	sharedLogins     map[*account]*sharedLogin
	sharedLoginsOnce sync.Once
}

// New returns an engine for the accounts of o.Config. It contacts nothing.
func New(o Options) *Engine {
	if o.Concurrency == 0 {
		o.Concurrency = DefaultConcurrency
	}
	if o.Sleep == nil {
		o.Sleep = sleep
	}
	e := &Engine{Options: o, byAddress: make(map[string]*account, len(o.Config.Accounts))}
	shared := sharedTargets(o.Config.Accounts)
	for _, cfg := range o.Config.Accounts {
		a := newAccount(o.Config.Project, cfg, shared)
		e.accounts = append(e.accounts, a)
		e.byAddress[cfg.Address] = a
	}
	return e
}

func sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}

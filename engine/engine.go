// Package engine does what a plan says. All I/O of a run is ordered here, because
// the order is what keeps the promises; docs/rotation.md says why it is this one.
//
// A rotation takes these steps, each in the file of its name. The token goes from
// one to the next as an argument:
//
//	observe    read the record, check the targets, verify the token that there is
//	plan       decide what to do, and why, in package plan; nothing is asked or written
//	lease      compare-and-set in the record, which keeps other runs off
//	preflight  can every target be written, before a login that spends something (acquire.go)
//	acquire    refresh or log in: the answer becomes a state.Grant
//	journal    that grant into the record, as pending, before anything else is done with it
//	verify     ask the upstream about it; no target gets what was not confirmed
//	deliver    write it to the targets, by compare-and-set; restart what reads them
//	remove     forget or delete what the configuration no longer has (removedtargets.go)
//	commit     the grant becomes the current one, and the lease ends, in one write (rotation.go)
//
// Engine.Plan and Engine.Apply do so for many accounts, PlanAccount and
// ApplyAccount for one, as the daemon needs it; BeginLogin and FinishLogin
// (secondfactor.go) for one whose login takes a human. Whatever writes an
// account's record is in recordwrites.go, and docs/protocol.md has who writes it when.
package engine

import (
	"context"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/credsync/credsync/audit"
	"github.com/credsync/credsync/config"
	"github.com/credsync/credsync/credential"
	"github.com/credsync/credsync/schema/address"
	"github.com/credsync/credsync/schema/diag"
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
	// Elapsed counts the time since some moment, whatever the clock is set to meanwhile;
	// nil for what Now says, whose times have a monotonic reading unless a test makes
	// them.
	Elapsed func() time.Duration
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
	// GracePeriod is how long an account that was begun is worked on after the context has
	// ended; DefaultGracePeriod where it is 0. A request to an upstream has at least its
	// own timeout.
	GracePeriod time.Duration
	// Waiting is called when work on an account waits for another run, with who holds its
	// lease, since when and until when; nil where nobody is to be told.
	Waiting func(address, held string)
	// Incomplete says that inputs of the configuration were not read, so that the
	// engine can only look: Plan, offline and LookOnly. What it cannot know counts as
	// unchanged.
	Incomplete bool
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
	leases    leaseWatch
	// moves are what the moved blocks say, and sourcesOf whose records an account
	// continues with by them.
	// successors are the same the other way round, in the order of accounts.
	moves      *moves
	sourcesOf  map[*account][]owner
	successors map[owner][]*account
	// lastPlaces are the places as they were last asked for; asking takes turns.
	asking     sync.Mutex
	placesMu   sync.Mutex
	lastPlaces *places
	merged     mergedPlaces
	// gone are the records of accounts that have gone, as they were at goneAt.
	goneMu sync.Mutex
	strays strayRejections
	gone   []goneRecord
	goneAt time.Time
	// sharedLogins are the accounts that log in alike, found once they are needed.
	sharedLogins     map[*account]*sharedLogin
	sharedLoginsOnce sync.Once
	// sharedSecrets are those that log in with the same secrets, however.
	sharedSecrets     map[*account]*sharedSecret
	sharedSecretsOnce sync.Once
}

// New returns an engine for the accounts of o.Config. It contacts nothing.
func New(o Options) *Engine {
	if o.Concurrency == 0 {
		o.Concurrency = DefaultConcurrency
	}
	if o.GracePeriod == 0 {
		o.GracePeriod = DefaultGracePeriod
	}
	if o.Sleep == nil {
		o.Sleep = sleep
	}
	if o.Elapsed == nil {
		began := o.Now()
		o.Elapsed = func() time.Duration { return o.Now().Sub(began) }
	}
	e := &Engine{
		Options: o, byAddress: make(map[string]*account, len(o.Config.Accounts)),
		moves: movesOf(o.Config), sourcesOf: map[*account][]owner{}, successors: map[owner][]*account{},
	}
	for _, cfg := range o.Config.Accounts {
		a := newAccount(o.Config.Project, cfg)
		if o.Incomplete {
			a = incompleteAccount(o.Config.Project, cfg)
		}
		e.accounts = append(e.accounts, a)
		e.byAddress[cfg.Address] = a
		if sources := e.moves.sources(cfg.Address); len(sources) > 0 {
			e.sourcesOf[a] = sources
			for _, of := range sources {
				e.successors[of] = append(e.successors[of], a)
			}
		}
	}
	return e
}

// projects are the project's name and those that it had before.
func (e *Engine) projects() []string {
	return append([]string{e.Config.Project}, e.Config.Formerly...)
}

// forEach calls f for 0 to n-1, in that order and some at a time, and returns when
// all calls have ended.
//
// It has a few goroutines that take one after another: one for each call, as
// errgroup makes them, would grow a stack of its own each, a fifth of a plan's CPU.
func (e *Engine) forEach(n int, f func(i int)) {
	var next atomic.Int64
	var work sync.WaitGroup
	for range min(e.Concurrency, n) {
		work.Go(func() {
			for i := next.Add(1) - 1; i < int64(n); i = next.Add(1) - 1 {
				f(int(i))
			}
		})
	}
	work.Wait()
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

// Addresses are those of the configuration's accounts that belong to a shard
// (nil for all), in order.
func (e *Engine) Addresses(shard *address.Shard) []string {
	var all []string
	for _, a := range e.accounts {
		if shard.Has(a.cfg.Address) {
			all = append(all, a.cfg.Address)
		}
	}
	return all
}

// NoSuchAccount is the error of a pattern that names nothing. what says where
// it was given, such as "--target".
func NoSuchAccount(what, pattern string) diag.Diagnostic {
	return diag.Errorf("No such account",
		"%s %s does not match any account of this configuration. Write sagi.coffee, or 'sagi.coffee[\"almaty\"]' in single quotes for one of several instances; "+
			"\"*\" matches any characters within a part, as in 'sagi.*'. credsync status lists the accounts.", what, pattern)
}

// accountsMatching returns the accounts that the patterns name, each once. A pattern that
// names none is an error.
func (e *Engine) accountsMatching(patterns []string, flag string) ([]*account, diag.List) {
	var chosen []*account
	var diags diag.List
	for _, pattern := range patterns {
		found := false
		for _, a := range e.accounts {
			if !address.Match(pattern, a.cfg.Address) {
				continue
			}
			found = true
			if !slices.Contains(chosen, a) {
				chosen = append(chosen, a)
			}
		}
		if !found {
			diags = append(diags, NoSuchAccount(flag, pattern))
		}
	}
	return chosen, diags
}

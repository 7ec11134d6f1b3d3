// Package engine does what a plan says: it observes accounts, takes their
// leases, gets tokens, journals, verifies and delivers them, and commits.
//
// All I/O of a run is ordered here, because the order is what keeps the
// promises: see the steps in account.go and docs/architecture.md.
package engine

import (
	"net/http"
	"time"

	"github.com/credsync/credsync/plan"
	"github.com/credsync/credsync/schema/config"
	"github.com/credsync/credsync/schema/diag"
	"github.com/credsync/credsync/sinks"
	"github.com/credsync/credsync/state"
	"github.com/hashicorp/go-hclog"
)

// DefaultConcurrency is how many accounts are worked on at once.
const DefaultConcurrency = 10

// Options are what an Engine works with. All fields but the commented ones are
// required.
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
	// Version of credsync.
	Version string
	// Concurrency is DefaultConcurrency where it is 0.
	Concurrency int
	// EmergencyDir is where a token goes that the state does not take.
	EmergencyDir string
	// EmergencyRecipient encrypts it (age); empty leaves it to mode 0600.
	EmergencyRecipient string
}

// Request says what a plan is to cover.
type Request struct {
	// Targets are the addresses to look at; empty for all. Replace are those
	// to get a new token for. Either may leave out "account.".
	Targets []string
	Replace []string
	// Offline asks no upstream anything.
	Offline bool
}

// Plan is what there is to do.
type Plan struct {
	Request   Request
	Project   string
	CreatedAt time.Time
	// Accounts are ordered by address.
	Accounts []*AccountPlan
	// Diagnostics are those of the configuration as a whole and of accounts,
	// errors and warnings.
	Diagnostics diag.List
}

// AccountPlan is what there is to do about one account.
type AccountPlan struct {
	plan.Decision
	IssuedAt   time.Time
	ExpiresAt  time.Time
	VerifiedAt time.Time
	// Range of the account block; nil for one that is gone.
	Range *diag.Range
}

// Observer is told what apply does, from several goroutines.
type Observer interface {
	// AccountStarted is called when work on an account begins.
	AccountStarted(p *AccountPlan)
	// AccountDone is called once for each account that was started.
	AccountDone(o Outcome)
}

// Result is how the work on an account ended.
type Result string

// The results; they are the words of outcome in apply --json.
const (
	// Done: everything planned for the account was done.
	Done Result = "done"
	// Failed: something was not done; the diagnostics say what.
	Failed Result = "failed"
	// Blocked: all was done that could be, and a human is needed.
	Blocked Result = "blocked"
)

// Outcome is how the work on one account ended.
type Outcome struct {
	Address string
	// Action and Reason are what was done in the end, which can differ from
	// the plan: a refresh that was rejected became a login, or another run had
	// done the work.
	Action plan.Action
	Reason plan.Reason
	Result Result
	// Message is a sentence for people.
	Message     string
	Diagnostics diag.List
	At          time.Time
}

// Summary is how an apply ended.
type Summary struct {
	// Outcomes are ordered by address, and cover every account with something
	// to do or that needs a human.
	Outcomes []Outcome
}

// Count returns how many ended with that result.
func (s *Summary) Count(r Result) int {
	n := 0
	for _, o := range s.Outcomes {
		if o.Result == r {
			n++
		}
	}
	return n
}


package plan

import (
	"time"

	"github.com/credsync/credsync/schema/diag"
)

// FormatVersion of Document. Fields may be added under the same version; a
// field that is renamed or removed raises its first number.
const FormatVersion = "1.0"

// Document is a plan as JSON: what plan --json and status --json print, and
// what a saved plan contains. It holds no secret. Every field is present; what
// is not known is null.
type Document struct {
	FormatVersion string `json:"format_version"`
	Project       string `json:"project"`
	// State is where the records are, and Sinks where the sinks lead; null and empty
	// where no plan could be made.
	State    *DocumentState    `json:"state"`
	Sinks    []DocumentSink    `json:"sinks"`
	Accounts []DocumentAccount `json:"accounts"`
	// Summary counts accounts per action; every action is there.
	Summary map[Action]int `json:"summary"`
	// Health is the worst of the accounts', unknown where nothing could be
	// looked at.
	Health Health `json:"health"`
	// Schedule is the configuration's, NextRuns when it says that it is applied
	// next; null and empty where there is none.
	Schedule    *string     `json:"schedule"`
	NextRuns    []time.Time `json:"next_runs"`
	Diagnostics diag.List   `json:"diagnostics"`
}

// DocumentState is where the records are: in a sink, at a location of it, which
// leads to an address.
type DocumentState struct {
	Sink     string `json:"sink"`
	Location string `json:"location"`
	Address  string `json:"address"`
}

// DocumentSink is one sink of the configuration, and where it leads.
type DocumentSink struct {
	Name    string `json:"name"`
	Address string `json:"address"`
}

// DocumentAccount is one account of a Document. Times are in UTC.
type DocumentAccount struct {
	Address  string `json:"address"`
	Provider string `json:"provider"`
	// Description and Contact are those of its block; null where it has none.
	Description *string `json:"description"`
	Contact     *string `json:"contact"`
	Action      Action  `json:"action"`
	Reason      Reason  `json:"reason"`
	Message     string  `json:"message"`
	// Blocker says why a human is needed, even if Action is something else.
	Blocker *DocumentBlocker `json:"blocker"`
	// LastFailure is why the last run did not do what is still to be done; null where
	// none has tried, and where nothing is left to do.
	LastFailure *DocumentFailure `json:"last_failure"`
	IssuedAt    *time.Time       `json:"issued_at"`
	ExpiresAt   *time.Time       `json:"expires_at"`
	RotateAt    *time.Time       `json:"rotate_at"`
	VerifiedAt  *time.Time       `json:"verified_at"`
	// Clocks are everything that ends or ages. HumanNeededBy is the earliest
	// moment at which the account stops working unless somebody has acted.
	Clocks        []DocumentClock `json:"clocks"`
	HumanNeededBy *time.Time      `json:"human_needed_by"`
	// Health says how bad it is, HealthMessage why; null where it is ok.
	Health        Health  `json:"health"`
	HealthMessage *string `json:"health_message"`
	// SecretHosts are the hosts that get secrets of the account, in order: "*.example.com"
	// is any below example.com. Null where nobody knows, as for an account that only the
	// state has.
	SecretHosts []string `json:"secret_hosts"`
	// UpstreamChanged says whether the upstream's description has changed since the token
	// was issued. Null where nobody knows, and for what is not described.
	UpstreamChanged *bool            `json:"upstream_changed"`
	Targets         []DocumentTarget `json:"targets"`
}

// DocumentClock is how long one thing lasts.
type DocumentClock struct {
	Name  ClockName  `json:"name"`
	Since *time.Time `json:"since"`
	At    *time.Time `json:"at"`
	// Human says that somebody must have acted by At.
	Human bool `json:"human"`
}

// DocumentBlocker is why a human is needed.
type DocumentBlocker struct {
	Reason  Reason     `json:"reason"`
	Message string     `json:"message"`
	Since   *time.Time `json:"since"`
	// Address is the account whose block it is: another one than the account's
	// own where both have the same login.
	Address string `json:"address"`
	// CodeSentAt is when the code was sent that the upstream waits for.
	CodeSentAt *time.Time `json:"code_sent_at"`
}

// DocumentFailure is how a run ended that did not do what was to be done.
type DocumentFailure struct {
	At      time.Time `json:"at"`
	Message string    `json:"message"`
}

// DocumentTarget is one target of a DocumentAccount.
type DocumentTarget struct {
	// Place is what the target is, whatever its sink is called; "" where the sink
	// cannot tell.
	Place    string `json:"place"`
	Sink     string `json:"sink"`
	Location string `json:"location"`
	Action   Action `json:"action"`
	Reason   Reason `json:"reason"`
	Message  string `json:"message"`
}

// Worst is the health of a plan: the worst of its accounts'. What kept the
// plan from being made, or an account from being looked at, makes it unknown.
func (d *Document) Worst() Health {
	worst := OK
	if d.Diagnostics.HasErrors() {
		worst = Unknown
	}
	for _, a := range d.Accounts {
		if a.Health.WorseThan(worst) {
			worst = a.Health
		}
	}
	return worst
}

// Time returns t in UTC for a Document, nil where it is zero.
func Time(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	t = t.UTC()
	return &t
}

package audit

import (
	"time"

	"github.com/credsync/credsync/failure"
)

// Recorder keeps the audit trail: which upstream was asked for what, and where
// tokens went. It is called from several goroutines.
type Recorder interface {
	// Record returns once the event is kept. Its error says where the trail is
	// and why it could not be written.
	Record(Event) error
}

// Event is one line of the audit trail. It holds words, names and times,
// and nothing that an upstream has said in its own words.
type Event struct {
	Time time.Time
	// ID is random. Both events of one attempt have the same.
	ID string
	// Project and Holder say who did it; Holder is as in leases.
	Project string
	Holder  string
	// Address of the account, and its provider.
	Address  string
	Provider string
	Action   Action
	Outcome  Outcome
	// Class says why it failed; empty where it did not. Reason is the
	// upstream's, where it gave one that has a word.
	Class  failure.Class
	Reason failure.Reason
	// Status is the HTTP status of a failure; 0 where none is known.
	Status int
	// Host of the upstream; empty where no upstream was asked.
	Host string
	// Token is the fingerprint of the token that was got, verified or
	// delivered, or was in a record that was forgotten, keyed by the account's
	// record: it can be compared only with others of the same account. Empty
	// where there was none.
	Token string
	// Sink and Location name the target that was written or removed, or the place
	// that the account's record was taken to.
	Sink     string
	Location string
	// From is the address from which the account's record was moved; with its
	// project before it where that is another one. Empty where nothing was moved.
	From string
}

// OfMove returns the event with the address from which the record is moved in place
// of the upstream.
func (ev Event) OfMove(from string) Event {
	ev.Host, ev.From = "", from
	return ev
}

// OfTarget returns the event with the target that it is about in place of the
// upstream.
func (ev Event) OfTarget(sink, location string) Event {
	ev.Host, ev.Sink, ev.Location = "", sink, location
	return ev
}

// Action is what was done.
type Action string

// The actions. Of those down to Move, each attempt is recorded before
// it is made and again when it has ended.
const (
	Login       Action = "login"
	Refresh     Action = "refresh"
	RequestCode Action = "request_code"
	EnterCode   Action = "enter_code"
	// Delete deletes a target that has gone from the configuration.
	Delete Action = "delete"
	// These are what a person does to the account's record: forget it, end a
	// lease, bring a token back, take it to another place of the state.
	StateRemove  Action = "state_rm"
	StateUnlock  Action = "state_unlock"
	StateRecover Action = "state_recover"
	StateMigrate Action = "state_migrate"
	// Move brings the account's record here from another address.
	Move Action = "move"
	// Verify asks the upstream about a token.
	Verify Action = "verify"
	// Revoke ends a token at the upstream that is of no more use.
	Revoke Action = "revoke"
	// Deliver writes a token to a target.
	Deliver Action = "deliver"
	// Restart restarts what reads a target, for a new token.
	Restart Action = "restart"
	// Forget leaves a target that has gone from the configuration as it is.
	Forget Action = "forget"
)

// Actions are all of them.
var Actions = []Action{
	Login, Refresh, RequestCode, EnterCode, Delete,
	StateRemove, StateUnlock, StateRecover, StateMigrate, Move, Verify, Revoke, Deliver, Restart, Forget,
}

// Outcome is what came of it.
type Outcome string

// The outcomes.
const (
	// Started: it is about to be done.
	Started Outcome = "started"
	Done    Outcome = "succeeded"
	Failed  Outcome = "failed"
)

// Outcomes are all of them.
var Outcomes = []Outcome{Started, Done, Failed}

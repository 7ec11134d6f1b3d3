package engine

import (
	"time"

	"github.com/credsync/credsync/providers"
)

// Auditor keeps the audit trail: which upstream was asked for what, and where
// tokens went. It is called from several goroutines.
type Auditor interface {
	// Record returns once the event is kept. Its error says where the trail is
	// and why it could not be written.
	Record(AuditEvent) error
}

// AuditEvent is one line of the audit trail. It holds words, names and times,
// and nothing that an upstream has said in its own words.
type AuditEvent struct {
	Time time.Time
	// ID is random. Both events of one attempt have the same.
	ID string
	// Project and Holder say who did it; Holder is as in leases.
	Project string
	Holder  string
	// Address of the account, and its provider.
	Address  string
	Provider string
	Action   AuditAction
	Outcome  AuditOutcome
	// Class says why it failed; empty where it did not. Reason is the
	// upstream's, where it gave one that has a word.
	Class  FailureClass
	Reason providers.Reason
	// Status is the HTTP status of a failure; 0 where none is known.
	Status int
	// Host of the upstream; empty where no upstream was asked.
	Host string
	// Token is the fingerprint of the token that was got, verified or
	// delivered, or was in a record that was forgotten, keyed by the account's
	// record: it can be compared only with others of the same account. Empty
	// where there was none.
	Token string
	// Sink and Location name the target that was written or removed.
	Sink     string
	Location string
}

// AuditAction is what was done.
type AuditAction string

// The actions. Of those down to AuditStateRecover, each attempt is recorded before
// it is made and again when it has ended.
const (
	AuditLogin       AuditAction = "login"
	AuditRefresh     AuditAction = "refresh"
	AuditRequestCode AuditAction = "request_code"
	AuditEnterCode   AuditAction = "enter_code"
	// AuditDelete deletes a target that has gone from the configuration.
	AuditDelete AuditAction = "delete"
	// These are what a person does to the account's record: forget it, end a
	// lease, bring a token back.
	AuditStateRemove  AuditAction = "state_rm"
	AuditStateUnlock  AuditAction = "state_unlock"
	AuditStateRecover AuditAction = "state_recover"
	// AuditVerify asks the upstream about a token.
	AuditVerify AuditAction = "verify"
	// AuditDeliver writes a token to a target.
	AuditDeliver AuditAction = "deliver"
	// AuditRestart restarts what reads a target, for a new token.
	AuditRestart AuditAction = "restart"
	// AuditForget leaves a target that has gone from the configuration as it is.
	AuditForget AuditAction = "forget"
)

// AuditActions are all of them.
var AuditActions = []AuditAction{
	AuditLogin, AuditRefresh, AuditRequestCode, AuditEnterCode, AuditDelete,
	AuditStateRemove, AuditStateUnlock, AuditStateRecover, AuditVerify, AuditDeliver, AuditRestart, AuditForget,
}

// AuditOutcome is what came of it.
type AuditOutcome string

// The outcomes.
const (
	// AuditStarted: it is about to be done.
	AuditStarted AuditOutcome = "started"
	AuditDone    AuditOutcome = "succeeded"
	AuditFailed  AuditOutcome = "failed"
)

// AuditOutcomes are all of them.
var AuditOutcomes = []AuditOutcome{AuditStarted, AuditDone, AuditFailed}

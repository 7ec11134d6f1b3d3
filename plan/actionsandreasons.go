// Package plan decides what to do about each account, and why.
//
// It is pure: the same account seen at the same moment always gives the same
// decision. It does no I/O and reads no clock; package engine gathers what it
// decides on, and carries out what it decides.
package plan

import "github.com/credsync/credsync/failure"

// Action is what apply does to an account or a target. The same words appear
// in text, in JSON and in metrics.
type Action string

// The actions.
const (
	// Issue gets the first token.
	Issue Action = "issue"
	// Refresh gets a new token for the old one.
	Refresh Action = "refresh"
	// Reissue logs in again.
	Reissue Action = "reissue"
	// Deliver writes the token that there is.
	Deliver Action = "deliver"
	// Forget drops from the state what has gone from the configuration.
	Forget Action = "forget"
	// Delete also deletes it at the sinks.
	Delete Action = "delete"
	// BlockedAction needs a human.
	BlockedAction Action = "blocked"
	// None has nothing to do.
	None Action = "none"
)

// Actions are all of them, in the order in which they are reported.
var Actions = []Action{Issue, Refresh, Reissue, Deliver, Forget, Delete, BlockedAction, None}

// Reason is why.
type Reason string

// The reasons of what there is to do.
const (
	NoToken            Reason = "no_token"
	Expiring           Reason = "expiring"
	Expired            Reason = "expired"
	Rejected           Reason = "rejected"
	ConfigChanged      Reason = "config_changed"
	Forced             Reason = "forced"
	RefreshUnavailable Reason = "refresh_unavailable"
	TargetMissing      Reason = "target_missing"
	TargetDrifted      Reason = "target_drifted"
	TargetChanged      Reason = "target_changed"
	Journaled          Reason = "journaled"
	// RestartDue targets have their token, and what reads them has not been
	// restarted for it.
	RestartDue     Reason = "restart_due"
	Removed        Reason = "removed"
	TargetNotOwned Reason = "target_not_owned"
	// Moved accounts continue with the record of another address; Moved targets were
	// those of an account that has gone, or that delivers elsewhere now.
	Moved Reason = "moved"
	// Imported tokens come from an import block.
	Imported Reason = "imported"
	// UnreachableHere targets are where no sink of the configuration leads.
	UnreachableHere Reason = "unreachable_here"
	Current         Reason = "current"
	// Disabled accounts are left alone: enabled = false.
	Disabled Reason = "disabled"
	// Unreadable accounts and targets could not be looked at: their state or
	// sink does not answer. An error says why.
	Unreadable Reason = "unreadable"
	// RefreshUnknown: a refresh was asked for and its answer never came, so that its material
	// may be spent.
	RefreshUnknown Reason = "refresh_unknown"
	// Unwritable targets can be looked at, but a write would fail. No token is asked
	// for accounts of which none could be delivered to. An error says why.
	Unwritable Reason = "unwritable"
)

// The reasons for which an upstream blocks an account.
const (
	NeedsCode               = Reason(failure.NeedsCode)
	CredentialsRejected     = Reason(failure.CredentialsRejected)
	CertificateExpired      = Reason(failure.CertificateExpired)
	AccountLocked           = Reason(failure.AccountLocked)
	PasswordChangeRequired  = Reason(failure.PasswordChangeRequired)
	SecondFactorUnsupported = Reason(failure.SecondFactorUnsupported)
	NoAccess                = Reason(failure.NoAccess)
	UnclassifiedRefusal     = Reason(failure.UnclassifiedRefusal)
	ExpiredAtIssue          = Reason(failure.ExpiredAtIssue)
	NeedsApproval           = Reason(failure.NeedsApproval)
)

// ClockWrong is the reason of an account whose new token is over by this machine's
// clock, which is not the upstream's. It is not remembered: it ends with the clock's
// being set.
const ClockWrong Reason = "clock_wrong"

// Contacts reports whether the action sends something to the upstream that is
// more than a read.
func (a Action) Contacts() bool { return a == Issue || a == Refresh || a == Reissue }

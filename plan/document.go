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
	FormatVersion string            `json:"format_version"`
	Project       string            `json:"project"`
	Accounts      []DocumentAccount `json:"accounts"`
	// Summary counts accounts per action; every action is there.
	Summary     map[Action]int `json:"summary"`
	Diagnostics diag.List      `json:"diagnostics"`
}

// DocumentAccount is one account of a Document. Times are in UTC.
type DocumentAccount struct {
	Address  string `json:"address"`
	Provider string `json:"provider"`
	Action   Action `json:"action"`
	Reason   Reason `json:"reason"`
	Message  string `json:"message"`
	// Blocker says why a human is needed, also where Action is something else.
	Blocker    *DocumentBlocker `json:"blocker"`
	IssuedAt   *time.Time       `json:"issued_at"`
	ExpiresAt  *time.Time       `json:"expires_at"`
	RotateAt   *time.Time       `json:"rotate_at"`
	VerifiedAt *time.Time       `json:"verified_at"`
	Targets    []DocumentTarget `json:"targets"`
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

// DocumentTarget is one target of a DocumentAccount.
type DocumentTarget struct {
	Sink     string `json:"sink"`
	Location string `json:"location"`
	Action   Action `json:"action"`
	Reason   Reason `json:"reason"`
	Message  string `json:"message"`
}

// Time returns t in UTC for a Document, nil where it is zero.
func Time(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	t = t.UTC()
	return &t
}

package providers

import (
	"errors"
	"fmt"
	"time"
)

// Class says what may be done about an upstream's error; it decides
// everything that follows. See the constants.
type Class string

const (
	// Credentials were rejected. Never try the same ones again.
	Credentials Class = "credentials"
	// Config means that the request was wrong: an attribute must change.
	Config Class = "config"
	// Human means that someone must act at the upstream: enter a code, renew
	// a certificate, unlock the account, grant access.
	Human Class = "human"
	// Retryable errors pass by themselves: try again with backoff.
	Retryable Class = "retryable"
	// Server errors are answers that nobody documented, or that make no
	// sense. They never count as rejected credentials.
	Server Class = "server"
)

// Reason is the word for why an account is blocked; the same word appears in
// the text output, in JSON and in metrics.
type Reason string

// The reasons for which an account can be blocked by its upstream.
const (
	NeedsCode               Reason = "needs_code"
	CredentialsRejected     Reason = "credentials_rejected"
	CertificateExpired      Reason = "certificate_expired"
	AccountLocked           Reason = "account_locked"
	PasswordChangeRequired  Reason = "password_change_required"
	SecondFactorUnsupported Reason = "second_factor_unsupported"
	NoAccess                Reason = "no_access"
)

// Error is an upstream's refusal or failure.
type Error struct {
	Class Class
	// Reason is set for class Human and may be empty for the others.
	Reason Reason
	// Op is what was being done: "log in", "refresh the token".
	Op string
	// URL it was sent to, without query or user info.
	URL string
	// Status is the HTTP status; 0 where no answer came.
	Status int
	// Message says what happened: documented error fields and our own words,
	// never a body.
	Message string
	// Advice says what to do next.
	Advice string
	// Attribute that is wrong, for class Config; may be empty.
	Attribute string
	// RetryAfter is what the upstream asked for; 0 if it did not.
	RetryAfter time.Duration
	// AnswerLost says that the request may have been processed though no
	// answer was read.
	AnswerLost bool
	// Err is the cause, which must hold no secret: a transport error.
	Err error
}

// Error says what could not be done, where, and why. It begins so that nobody
// reads it as what to do: "log in at https://…".
func (e *Error) Error() string {
	s := "cannot " + e.Op
	if e.URL != "" {
		s += " at " + e.URL
	}
	if e.Status != 0 {
		s += fmt.Sprintf(": HTTP %d", e.Status)
	}
	if e.Message != "" {
		s += ": " + e.Message
	}
	if e.Err != nil {
		s += ": " + e.Err.Error()
	}
	return s
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// ClassOf returns the class of err; Server for one that has none.
func ClassOf(err error) Class {
	var e *Error
	if errors.As(err, &e) {
		return e.Class
	}
	return Server
}

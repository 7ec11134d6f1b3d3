package failure

import (
	"errors"
	"fmt"
	"strings"
	"time"
)

// LogIn is the Op of the request by which an account logs in.
const LogIn = "log in"

// Subject is what a refusal is about.
type Subject string

// The subjects. A refusal of a refresh is about its material unless it says otherwise.
const (
	AboutMaterial Subject = ""
	// AboutLogin: about what a login sends as well, as a client's secret.
	AboutLogin Subject = "login"
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
	// answer was read, or an attempt of it before the one that was answered.
	AnswerLost bool
	// About says what class Credentials rejects where a refresh was refused: with AboutLogin
	// no login follows, which would send the same again.
	About Subject
	// OfCredentials says that the request carried the account's credentials: a login, or
	// the check of a token that is configured.
	OfCredentials bool
	// Err is the cause, which must hold no secret: a transport error.
	Err error
}

// RefusesLogin reports whether it is the upstream's answer to a login, which it gives
// to whoever logs in so: not to what the account asks for afterwards.
func (e *Error) RefusesLogin() bool { return e.Op == LogIn && e.Status != 0 }

// proxyRefused is the status by which a proxy asks for credentials of its own; net/http
// is not for those who only judge.
const proxyRefused = 407

// IsCounted reports whether it is a refusal of a login that is counted: one that may be
// for the sake of what was sent, though nothing says for certain that the credentials
// are wrong. To send them again in each run could lock the account.
func (e *Error) IsCounted() bool {
	byService := e.Status != proxyRefused && (e.Status < 300 || e.Status >= 400)
	return e.Reason == UnclassifiedRefusal ||
		(e.RefusesLogin() || e.OfCredentials) && e.Status != 0 && byService && e.Class == Config
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

// Cause says why, before it says where: for a line that may be cut at its end.
func (e *Error) Cause() string {
	var parts []string
	if e.Status != 0 {
		parts = append(parts, fmt.Sprintf("HTTP %d", e.Status))
	}
	if e.Message != "" {
		parts = append(parts, e.Message)
	}
	if e.Err != nil {
		parts = append(parts, e.Err.Error())
	}
	cause := strings.TrimRight(strings.Join(parts, ": "), ". ")
	if cause == "" {
		return e.Error()
	}
	if e.URL != "" {
		cause += ", at " + e.URL
	}
	return cause
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

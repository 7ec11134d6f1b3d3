package engine

import (
	"errors"

	"github.com/credsync/credsync/providers"
	"github.com/credsync/credsync/sinks"
	"github.com/credsync/credsync/state"
)

// FailureClass says in one word why something was not done: a class of package
// providers for what an upstream answered, or one of these.
type FailureClass string

// The classes of failures that are not an upstream's.
const (
	// Denied: a sink or the state refuses for want of a permission.
	Denied FailureClass = "denied"
	// Unavailable: a sink or the state is out of reach.
	Unavailable FailureClass = "unavailable"
	// Conflict: someone else was at work, or wrote in the meantime.
	Conflict FailureClass = "conflict"
	// Corrupt: a record of the state cannot be understood.
	Corrupt FailureClass = "corrupt"
	// Other is everything else.
	Other FailureClass = "other"
)

// FailureClasses are all of them, those of upstreams first.
var FailureClasses = []FailureClass{
	FailureClass(providers.Credentials), FailureClass(providers.Config), FailureClass(providers.Human),
	FailureClass(providers.Retryable), FailureClass(providers.Server),
	Denied, Unavailable, Conflict, Corrupt, Other,
}

// failureClassOf returns the class of an error.
func failureClassOf(err error) FailureClass {
	var upstream *providers.Error
	switch {
	case errors.As(err, &upstream):
		return FailureClass(upstream.Class)
	case errors.Is(err, sinks.ErrDenied):
		return Denied
	case errors.Is(err, sinks.ErrUnavailable):
		return Unavailable
	case errors.Is(err, sinks.ErrConflict):
		return Conflict
	case errors.Is(err, state.ErrCorrupt), errors.Is(err, state.ErrTooNew), errors.Is(err, sinks.ErrMalformed):
		return Corrupt
	}
	return Other
}

// noteClass keeps the class of the first failure, which the others mostly
// follow from, and the longest pause that an upstream asked for.
func (o *Outcome) noteClass(err error) {
	if o.Class == "" {
		o.Class = failureClassOf(err)
	}
	var upstream *providers.Error
	if errors.As(err, &upstream) {
		o.RetryAfter = max(o.RetryAfter, upstream.RetryAfter)
	}
}

package state

import (
	"errors"

	"github.com/credsync/credsync/failure"
	"github.com/credsync/credsync/sinks"
)

// FailureClass returns the class of an error of an upstream, of a sink or of the
// state.
func FailureClass(err error) failure.Class {
	var upstream *failure.Error
	switch {
	case errors.As(err, &upstream):
		return upstream.Class
	case errors.Is(err, sinks.ErrDenied):
		return failure.Denied
	case errors.Is(err, sinks.ErrUnavailable):
		return failure.Unavailable
	case errors.Is(err, sinks.ErrConflict):
		return failure.Conflict
	case errors.Is(err, ErrCorrupt), errors.Is(err, ErrTooNew), errors.Is(err, sinks.ErrMalformed):
		return failure.Corrupt
	}
	return failure.Other
}

package credential

import "time"

// Challenge is a second factor that was sent to a human and not answered yet.
type Challenge struct {
	// ID names it to the upstream. It is a Secret since, with the code, it is
	// all that a login takes.
	ID Secret
	// SentAt is when the code was asked for.
	SentAt time.Time
}

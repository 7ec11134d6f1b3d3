// Package failure has the words for why something was not done, and the error
// that a provider returns for what its upstream said or failed to say.
//
// Everything that judges, records or reports a failure uses these words, so
// they stand below all of it.
package failure

// Class says what may be done about a failure; it decides everything that
// follows. See the constants.
type Class string

// The classes of an upstream's errors.
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

// The classes of failures that are not an upstream's.
const (
	// Denied: a sink or the state refuses for want of a permission.
	Denied Class = "denied"
	// Unavailable: a sink or the state is out of reach.
	Unavailable Class = "unavailable"
	// Conflict: someone else was at work, or wrote in the meantime.
	Conflict Class = "conflict"
	// Corrupt: a record of the state cannot be understood.
	Corrupt Class = "corrupt"
	// Other is everything else.
	Other Class = "other"
)

// Classes are all of them, those of upstreams first.
var Classes = []Class{Credentials, Config, Human, Retryable, Server, Denied, Unavailable, Conflict, Corrupt, Other}

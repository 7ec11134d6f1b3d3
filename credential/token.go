package credential

import (
	"fmt"
	"maps"
	"slices"
	"time"
)

// Token is what an upstream handed out in one answer.
type Token struct {
	// Access is the token that consumers present to the upstream.
	Access Secret
	// Refresh is the material for the next refresh where that is something
	// other than Access; zero where there is none.
	Refresh Secret
	// IssuedAt is the time just before the request was sent: expiry is
	// counted from there, so that a slow answer never lengthens a life.
	IssuedAt time.Time
	// ExpiresAt is when the upstream stops accepting Access; zero for a token
	// that does not expire.
	ExpiresAt time.Time
	// RefreshableUntil is when a refresh stops working; zero where the
	// provider cannot refresh or names no end.
	RefreshableUntil time.Time
	// Outputs is what the upstream said besides the token: identities, scopes,
	// lists. The provider's table names every key.
	Outputs Outputs
	// Answers are what outputs are still to be taken from, because one of them could
	// not be: a JSON text that only the provider reads. It is kept until a verification
	// has passed, which gives the outputs, and is as secret as Access.
	Answers Secret
	// Warnings are sentences about the answer, for whoever asked for the token: they
	// are not kept.
	Warnings []string
	// AnsweredAt is the upstream's clock when it answered; zero where it did not say.
	// It is not kept.
	AnsweredAt time.Time
}

// Lifetime is how long the token lives in all; zero if it does not expire.
func (t Token) Lifetime() time.Duration {
	if t.ExpiresAt.IsZero() {
		return 0
	}
	return t.ExpiresAt.Sub(t.IssuedAt)
}

// Ended reports whether the token no longer lives; false for one that does not expire.
func (t Token) Ended(now time.Time) bool { return !t.ExpiresAt.IsZero() && !now.Before(t.ExpiresAt) }

// Outputs are a token's named values. A value is a string, a bool, a
// []string, a []map[string]string, or a Secret; nil means that the upstream
// did not say. Identifiers are strings of decimal digits, because upstreams
// use more than 64 bits.
type Outputs map[string]any

// Merge returns a copy of o with every non-nil value of newer laid over it.
func (o Outputs) Merge(newer Outputs) Outputs {
	m := maps.Clone(o)
	if m == nil {
		m = Outputs{}
	}
	for k, v := range newer {
		if v != nil {
			m[k] = v
		}
	}
	return m
}

// String returns the string under name, or "" where there is none.
func (o Outputs) String(name string) string {
	s, _ := o[name].(string)
	return s
}

// Names returns the keys in order.
func (o Outputs) Names() []string { return slices.Sorted(maps.Keys(o)) }

// Check returns an error for a value of a type that Outputs cannot carry. The
// error names the key and the type, never the value.
func (o Outputs) Check() error {
	for _, name := range o.Names() {
		switch o[name].(type) {
		case nil, string, bool, []string, []map[string]string, Secret:
		default:
			return fmt.Errorf("output %q has type %T, which cannot be an output", name, o[name])
		}
	}
	return nil
}

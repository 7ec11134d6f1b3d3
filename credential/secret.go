// Package credential holds the values that everything else passes around:
// secrets that cannot print themselves, and the tokens made of them.
//
// It imports only the standard library, so that any package may depend on it.
package credential

import (
	"crypto/subtle"
	"errors"
	"fmt"
	"io"
	"log/slog"
)

// redacted is what a Secret shows of itself.
const redacted = "(sensitive)"

// errMarshal is returned by every marshaller of Secret. A placeholder would be
// worse than an error: a sink that forgets to reveal would store it as the
// live token.
var errMarshal = errors.New("credential: a Secret cannot be marshalled; reveal it where it leaves the program")

// Secret is a string that must not be printed: a password, a token, a key.
//
// The value sits behind a function, so neither fmt (with any verb, also when
// the Secret is an unexported field of something printed), nor log/slog, nor
// encoding/json, nor the diff of a failed test can reach it. Reveal is the
// only way out, and so the only word to search for in a review.
//
// The zero Secret is empty. Secrets cannot be compared with ==; use Equal.
type Secret struct {
	reveal func() string
}

// NewSecret wraps s. The empty string gives the zero Secret.
func NewSecret(s string) Secret {
	if s == "" {
		return Secret{}
	}
	return Secret{reveal: func() string { return s }}
}

// Reveal returns the secret in plain text. Call it only where the bytes leave the
// program: in a request's body or header, or in a sink's write.
func (s Secret) Reveal() string {
	if s.reveal == nil {
		return ""
	}
	return s.reveal()
}

// IsZero reports whether the secret is empty.
func (s Secret) IsZero() bool { return s.reveal == nil }

// Equal reports whether both hold the same value, in time that does not depend
// on where they differ.
func (s Secret) Equal(o Secret) bool {
	return subtle.ConstantTimeCompare([]byte(s.Reveal()), []byte(o.Reveal())) == 1
}

// Format implements fmt.Formatter for every verb.
func (s Secret) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, redacted) }

// String implements fmt.Stringer, for callers that do not go through fmt.
func (s Secret) String() string { return redacted }

// GoString implements fmt.GoStringer.
func (s Secret) GoString() string { return redacted }

// LogValue implements slog.LogValuer.
func (s Secret) LogValue() slog.Value { return slog.StringValue(redacted) }

// MarshalJSON always fails.
func (s Secret) MarshalJSON() ([]byte, error) { return nil, errMarshal }

// MarshalText always fails.
func (s Secret) MarshalText() ([]byte, error) { return nil, errMarshal }

// MarshalBinary always fails; encoding/gob asks for it.
func (s Secret) MarshalBinary() ([]byte, error) { return nil, errMarshal }

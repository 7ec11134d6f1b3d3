package audit

import (
	"errors"
	"fmt"

	"github.com/credsync/credsync/credential"
	"github.com/credsync/credsync/internal/keyedhash"
)

// ErrNotTried says that something was not started.
var ErrNotTried = errors.New("it was not attempted, because it could not be recorded")

// NotTried is the error of what was not started, since the trail did not take the
// event before it.
func NotTried(err error) error {
	return fmt.Errorf("%w: %w", ErrNotTried, err)
}

// ErrUnrecorded says that something was done whose line the audit trail did not
// take afterwards.
var ErrUnrecorded = errors.New("it was done, but the audit trail is not complete")

// UnrecordedAfter is the error of what was done, with why its event was lost.
func UnrecordedAfter(lost error) error { return fmt.Errorf("%w: %w", ErrUnrecorded, lost) }

// fingerprintLength is how many digits tell tokens apart.
const fingerprintLength = 32

// TokenFingerprint is a token's fingerprint under the key of its account's
// record: it can be compared only with others of the same account.
func TokenFingerprint(key []byte, token credential.Secret) string {
	if token.IsZero() {
		return ""
	}
	mac := keyedhash.New(key)
	mac.Write("token in the audit trail")
	mac.Write(token.Reveal())
	return mac.Sum()[:fingerprintLength]
}

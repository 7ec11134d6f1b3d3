package upstream_test

import (
	"testing"

	"github.com/credsync/credsync/internal/upstream"
)

// The words of RFC 6749, section 5.2, and the one that servers agree on for a second
// factor.
func TestTheWordsOfATokenEndpoint(t *testing.T) {
	for got, want := range map[string]string{
		upstream.InvalidRequest: "invalid_request", upstream.InvalidClient: "invalid_client", upstream.InvalidGrant: "invalid_grant",
		upstream.UnauthorizedClient: "unauthorized_client", upstream.UnsupportedGrantType: "unsupported_grant_type", upstream.InvalidScope: "invalid_scope",
		upstream.MFARequired: "mfa_required",
	} {
		if got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

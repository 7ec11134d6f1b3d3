package bifit_kassa

import (
	"time"

	"github.com/credsync/credsync/credential"
	"github.com/credsync/credsync/internal/upstream"
)

const (
	// lifetime is that of a token whose answer and claims name none.
	lifetime = 43199 * time.Second
	// maxLifetime is the longest expires_in that is believed: ten years.
	maxLifetime = 10 * 365 * 24 * time.Hour
)

// readToken reads the answer of a token request that succeeded. What it does not
// repeat is that of the old token: a server that keeps its refresh tokens need
// not send one.
func readToken(a *upstream.Answer, issuedAt time.Time, old credential.Token) (credential.Token, error) {
	answer, err := a.Object()
	if err != nil {
		return credential.Token{}, err
	}
	access, err := answer.Bearer("access_token")
	if err != nil {
		return credential.Token{}, err
	}
	said := answer.ExpiresIn("expires_in", issuedAt, maxLifetime)
	t := credential.Token{
		Access: access, Refresh: answer.Secret("refresh_token"), IssuedAt: issuedAt, AnsweredAt: a.Date,
		ExpiresAt: upstream.Expiry(issuedAt, said, access, lifetime),
		Outputs:   old.Outputs.Merge(outputsOf(answer)),
	}
	if t.Refresh.IsZero() {
		t.Refresh = old.Refresh
	}
	t.Warnings = a.Warnings()
	return t, nil
}

// outputsOf are what the answer says besides the tokens.
func outputsOf(answer *upstream.Object) credential.Outputs {
	out := credential.Outputs{}
	for name, value := range map[string]string{
		"token_type": answer.TextList("token_type"), "scope": answer.TextList("scope"), "user_id": answer.AnyID("user_id"),
	} {
		if value != "" {
			out[name] = value
		}
	}
	return out
}

package bifit_kassa

import (
	"time"

	"github.com/credsync/credsync/credential"
	"github.com/credsync/credsync/internal/upstream"
)

// tokenAnswer is what every token request answers. Only the tokens have a type
// that must be right: a token is not thrown away, and a refresh token with it,
// because of a field that merely describes it.
type tokenAnswer struct {
	AccessToken  upstream.Hidden      `json:"access_token"`
	RefreshToken upstream.Hidden      `json:"refresh_token"`
	TokenType    upstream.TextList    `json:"token_type"`
	ExpiresIn    upstream.LooseNumber `json:"expires_in"`
	Scope        upstream.TextList    `json:"scope"`
	UserID       upstream.AnyID       `json:"user_id"`
}

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
	var answer tokenAnswer
	if err := a.JSON(&answer); err != nil {
		return credential.Token{}, err
	}
	access, err := a.Bearer("access_token", answer.AccessToken)
	if err != nil {
		return credential.Token{}, err
	}
	said := upstream.ExpiresIn(issuedAt, string(answer.ExpiresIn), maxLifetime)
	t := credential.Token{
		Access: access, Refresh: answer.RefreshToken.Secret, IssuedAt: issuedAt,
		ExpiresAt: upstream.Expiry(issuedAt, said, access, lifetime),
		Outputs:   old.Outputs.Merge(answer.outputs()),
	}
	if t.Refresh.IsZero() {
		t.Refresh = old.Refresh
	}
	return t, nil
}

// outputs are what the answer says besides the tokens.
func (t tokenAnswer) outputs() credential.Outputs {
	out := credential.Outputs{}
	for name, value := range map[string]string{
		"token_type": string(t.TokenType), "scope": string(t.Scope), "user_id": string(t.UserID),
	} {
		if value != "" {
			out[name] = value
		}
	}
	return out
}

package bereke

import (
	"encoding/json"
	"time"

	"github.com/credsync/credsync/credential"
	"github.com/credsync/credsync/internal/upstream"
)

// loginAnswer is what a login answers. Of the document's table it has what
// this package uses: the rest may be absent or of any type. encoding/json does
// not mind the letter case of names, so the document's "Jti" and "jti" are one.
type loginAnswer struct {
	AccessToken  upstream.Hidden `json:"access_token"`
	RefreshToken upstream.Hidden `json:"refresh_token"`
	ExpiresIn    json.Number     `json:"expires_in"`

	TokenType upstream.KeptText `json:"token_type"`
	Scope     upstream.KeptText `json:"scope"`
	Role      upstream.KeptText `json:"role"`
	ChainType upstream.KeptText `json:"chain_type"`
	JTI       upstream.KeptText `json:"jti"`
	UserID    upstream.ID       `json:"user_id"`

	Customers      []customer        `json:"customers"`
	PasswordChange bool              `json:"is_password_change"`
	PossibleChains []json.RawMessage `json:"possible_chains"`
}

type customer struct {
	ID   upstream.ID       `json:"id"`
	Name upstream.KeptText `json:"name"`
}

const (
	// lifetime is that of the document's example, for an answer that names none.
	lifetime = 899 * time.Second
	// maxLifetime is the longest expires_in that makes sense.
	maxLifetime = 365 * 24 * time.Hour
)

// readToken reads the answer of a login that succeeded.
func readToken(a *upstream.Answer, issuedAt time.Time) (credential.Token, error) {
	var answer loginAnswer
	if err := a.JSON(&answer); err != nil {
		return credential.Token{}, err
	}
	if answer.AccessToken.IsZero() && answer.demand() != "" {
		// No token is lost with this error, and it says more than that the
		// token is missing.
		return credential.Token{}, a.Refused("", "").As(demanded(answer.demand()))
	}
	access, err := a.Bearer("access_token", answer.AccessToken)
	if err != nil {
		return credential.Token{}, err
	}
	return credential.Token{
		Access: access, Refresh: answer.RefreshToken.Secret, IssuedAt: issuedAt,
		ExpiresAt: upstream.Expiry(issuedAt, answer.expires(issuedAt), access, lifetime),
		Outputs:   answer.outputs(),
	}, nil
}

// expires is what expires_in says, or the end of the documented lifetime if it
// says nothing that makes sense: renewing too early does no harm, so a token
// whose own claim is later is renewed then too. "created" has no zone, so it is
// of no use here.
func (l loginAnswer) expires(issuedAt time.Time) time.Time {
	if said := upstream.ExpiresIn(issuedAt, string(l.ExpiresIn), maxLifetime); !said.IsZero() {
		return said
	}
	return issuedAt.Add(lifetime)
}

// demand is what must be done before the token is of use, or "".
func (l loginAnswer) demand() string {
	switch {
	case l.PasswordChange:
		return passwordChange
	case len(l.PossibleChains) > 0:
		return secondFactor
	}
	return ""
}

// outputs are what a login says besides the token.
func (l loginAnswer) outputs() credential.Outputs {
	customers := make([]map[string]string, 0, len(l.Customers))
	for _, c := range l.Customers {
		// Nothing can be done with one that has no id.
		if !c.ID.IsZero() {
			customers = append(customers, map[string]string{"id": string(c.ID), "name": string(c.Name)})
		}
	}
	out := credential.Outputs{"customers": customers}
	if !l.UserID.IsZero() {
		out["user_id"] = string(l.UserID)
	}
	for name, value := range map[string]string{
		"token_type": string(l.TokenType), "scope": string(l.Scope), "role": string(l.Role),
		"chain_type": string(l.ChainType), "jti": string(l.JTI), demandOutput: l.demand(),
	} {
		if value != "" {
			out[name] = value
		}
	}
	return out
}

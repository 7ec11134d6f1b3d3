package bereke

import (
	"net/http"
	"strings"
	"time"

	"github.com/credsync/credsync/credential"
	"github.com/credsync/credsync/failure"
	"github.com/credsync/credsync/internal/upstream"
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
		e := a.Fail(failure.Human, "", "")
		demanded(e, answer.demand())
		return credential.Token{}, e
	}
	access, err := a.Bearer("access_token", answer.AccessToken)
	if err != nil {
		return credential.Token{}, err
	}
	return credential.Token{
		Access: access, Refresh: answer.RefreshToken.Secret, IssuedAt: issuedAt,
		// "created" has no zone, so it is of no use here.
		ExpiresAt: upstream.Earlier(issuedAt.Add(answer.lifetime()), upstream.JWTExpiry(access)),
		Outputs:   answer.outputs(),
	}, nil
}

// demandOutput is the output that tells Verify, also in a later run, what the
// bank demanded.
const (
	demandOutput   = "demand"
	passwordChange = "password_change"
	secondFactor   = "second_factor"
)

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

// demanded fills in an error about a demand.
func demanded(e *failure.Error, demand string) {
	e.Class = failure.Human
	if demand == passwordChange {
		e.Reason, e.Message = failure.PasswordChangeRequired, "the bank demands another password"
		e.Advice = "Log in to the bank as this user, set a new password there, then put it into password."
		return
	}
	e.Reason, e.Message = failure.SecondFactorUnsupported, "the bank demands a second factor for this user, which its document does not describe"
	e.Advice = "Have the bank give credsync a user that logs in with a password alone."
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

// loginRefused judges an answer that is no success.
func loginRefused(a *upstream.Answer) error {
	var body refusal
	// A refusal without a body is one; anything else that is not JSON is not
	// the bank's.
	if !a.Empty() {
		if err := a.JSON(&body); err != nil {
			return err
		}
	}
	code := strings.ToLower(string(body.Error))
	documented := a.Status == http.StatusBadRequest || a.Status == http.StatusUnauthorized
	switch {
	case a.Status == http.StatusLocked, a.Status < http.StatusInternalServerError && body.locked():
		e := fail(a, body, failure.Human, "the account is locked", "Have the bank unlock the user, and find out what locked it before credsync logs in again.")
		e.Reason = failure.AccountLocked
		return e
	case documented && code == "invalid_client":
		e := fail(a, body, failure.Config, "the bank does not know this client", "Correct basic_auth; the bank's own web client is \"WEB:\".")
		e.Attribute = "basic_auth"
		return e
	case documented && code == "unsupported_grant_type":
		e := fail(a, body, failure.Config, "the service does not offer this way to log in", "Check that base_url is the address of the bank's API.")
		e.Attribute = "base_url"
		return e
	case documented && code == "invalid_grant", a.Status == http.StatusUnauthorized:
		e := fail(a, body, failure.Credentials, "the bank rejects the user name or the password",
			"Correct username and password. If both are right, ask the bank about its public key, padding and basic_auth. The same ones are not tried again.")
		e.Reason = failure.CredentialsRejected
		return e
	}
	return a.Unknown(body.said())
}

// fail adds what the bank said to our own words.
func fail(a *upstream.Answer, body refusal, c failure.Class, message, advice string) *failure.Error {
	if said := a.Said(body.said()); said != "" {
		message += ": " + said
	}
	return a.Fail(c, message, advice)
}

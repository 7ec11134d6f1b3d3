package bereke

import (
	"cmp"
	"net/http"
	"slices"
	"strings"

	"github.com/credsync/credsync/failure"
	"github.com/credsync/credsync/internal/upstream"
)

// loginRefused judges an answer that is no success. The bank's errors are in the form of
// OAuth 2.0, or have a message in place of the description; a refusal without a body is
// one too. Of anything else nothing is documented, but its text may still say that the
// account is locked.
func loginRefused(a *upstream.Answer) error {
	if !a.Empty() && !a.IsObject() {
		r := a.Refused("", "")
		r.Searched = a.PlainText()
		return r.Judge(lockedRefusals)
	}
	body := a.Fields()
	word, description, message := body.Said("error"), body.Said("error_description"), body.Said("message")
	r := a.Refused(strings.ToLower(word), cmp.Or(description, message, word))
	r.Searched = strings.Join([]string{word, description, message}, " ")
	return r.Judge(loginRefusals)
}

// documented are the statuses that the bank's document has for an error.
var documented = []int{http.StatusBadRequest, http.StatusUnauthorized}

// lockedRefusals are those of a locked account. Nothing says how it is told; these are
// the status and the texts that services of this kind use.
var lockedRefusals = []upstream.Refusal{
	{When: upstream.ServerFault, Means: upstream.Undocumented},
	{Status: []int{http.StatusLocked}, Means: lockedOut},
	{Text: upstream.Locked, Means: lockedOut},
}

// loginRefusals are those of a login.
var loginRefusals = slices.Concat(lockedRefusals, []upstream.Refusal{
	{Status: documented, Word: []string{upstream.InvalidClient}, Means: upstream.Verdict{
		Class: failure.Config, Attribute: "basic_auth",
		Message: "the bank does not know this client",
		Advice:  "Correct basic_auth; the bank's own web client is \"WEB:\".",
	}},
	{Status: documented, Word: []string{upstream.UnsupportedGrantType}, Means: upstream.Verdict{
		Class: failure.Config, Attribute: "grant_type",
		Message: "the service does not offer this way to log in",
		Advice:  "Check that base_url and path belong to the bank's API. If they do, ask the bank for its grant_type.",
	}},
	{Status: documented, Word: []string{upstream.InvalidGrant}, Means: wrongCredentials},
	{Status: []int{http.StatusUnauthorized}, Means: wrongCredentials},
})

var lockedOut = upstream.Verdict{
	Class: failure.Human, Reason: failure.AccountLocked,
	Message: "the account is locked",
	Advice:  "Have the bank unlock the user, and find out what locked it before credsync logs in again.",
}

var wrongCredentials = upstream.Verdict{
	Class: failure.Credentials, Reason: failure.CredentialsRejected,
	Message: "the bank rejects the user name or the password",
	Advice: "Correct username and password. If both are correct, ask the bank about its public key, padding, " +
		"mgf1_digest, user_type and basic_auth. " +
		"credsync does not try the same ones again.",
}

// keyRefusals are those of the address of the public key.
var keyRefusals = []upstream.Refusal{
	{When: upstream.ClientFault, Means: upstream.Verdict{
		Class: failure.Config, Attribute: keyURL,
		Message: "no key is published at this address",
		Advice:  "Correct public_key_url, or set public_key to the key itself.",
	}},
}

// keyURL is the attribute that names that address.
const keyURL = "public_key_url"

// demandOutput is the output that tells Verify, also in a later run, what the
// bank demanded before the token is of use.
const (
	demandOutput   = "demand"
	passwordChange = "password_change"
	secondFactor   = "second_factor"
)

// demanded says what a demand means. Whatever is not a new password is taken for
// a second factor.
func demanded(demand string) upstream.Verdict {
	if demand == passwordChange {
		return upstream.Verdict{
			Class: failure.Human, Reason: failure.PasswordChangeRequired,
			Message: "the bank requires a new password",
			Advice:  "Log in to the bank as this user, choose a new password there, then set password to it.",
		}
	}
	return upstream.Verdict{
		Class: failure.Human, Reason: failure.SecondFactorUnsupported,
		Message: "the bank requires a second factor for this user, which its document does not describe",
		Advice: "Have the bank give credsync a user that logs in with a password only. If the bank says that the token " +
			"is valid anyway, set ignore_possible_chains = true.",
	}
}

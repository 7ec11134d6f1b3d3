package bereke

import (
	"strings"
	"time"
	"unicode/utf8"

	"github.com/credsync/credsync/credential"
	"github.com/credsync/credsync/internal/upstream"
)

// loginAnswer is what a login answers, of which this package reads what it uses: the
// rest may be absent or of any type. The letter case of names does not matter, so the
// document's "Jti" and "jti" are one.
type loginAnswer struct{ *upstream.Object }

const (
	// lifetime is that of the document's example, for an answer that names none.
	lifetime = 899 * time.Second
	// maxLifetime is the longest expires_in that makes sense.
	maxLifetime = 365 * 24 * time.Hour
)

// readToken reads the answer of a login that succeeded.
func readToken(a *upstream.Answer, issuedAt time.Time) (credential.Token, error) {
	object, err := a.Object()
	if err != nil {
		return credential.Token{}, err
	}
	answer := loginAnswer{object}
	demand := answer.demand()
	access, err := answer.Bearer("access_token")
	switch {
	case err != nil && demand != "" && answer.Said("access_token") == "":
		// No token is lost with this error, and it says more than that the
		// token is missing.
		return credential.Token{}, a.Refused("", "").As(demanded(demand))
	case err != nil:
		return credential.Token{}, err
	}
	t := credential.Token{
		Access: access, Refresh: answer.Secret("refresh_token"), IssuedAt: issuedAt, AnsweredAt: a.Date,
		ExpiresAt: upstream.Expiry(issuedAt, answer.expires(issuedAt), access, lifetime),
		Outputs:   answer.outputs(demand),
	}
	t.Warnings = a.Warnings()
	return t, nil
}

// expires is what expires_in says, or the end of the documented lifetime if it
// says nothing that makes sense: renewing too early does no harm, so a token
// whose own claim is later is renewed then too. "created" has no zone, so it is
// of no use here.
func (l loginAnswer) expires(issuedAt time.Time) time.Time {
	if said := l.ExpiresIn("expires_in", issuedAt, maxLifetime); !said.IsZero() {
		return said
	}
	return issuedAt.Add(lifetime)
}

// demand is what must be done before the token is of use, or "".
func (l loginAnswer) demand() string {
	change := l.Flag("is_password_change")
	switch {
	case change != nil && *change:
		return passwordChange
	case l.Len("possible_chains") > 0:
		return secondFactor
	}
	return ""
}

// The rest of the document's table that can be handed on: texts and numbers, what it
// gives no type, and flags. What has no place among them is the user's name in plain text,
// a time without a zone, and lists of which there is no description.
var (
	furtherTexts = []string{
		"cus_unique_idn", "customer_external_id", "customer_user_id", "user_type", "role_id", "role_version",
		"digital_signature_type",
	}
	untyped      = []string{"sign_level", "bank_branch_code", "otp_strategy"}
	furtherFlags = []string{"is_device_trusted", "suggest_add_device", "can_skip"}
)

// plain returns a field whose type nobody knows, as text. No form of it is odd enough
// for a warning: an object or a list is left out.
func (l loginAnswer) plain(name string) string {
	if text := l.Said(name); text != "" {
		return text
	}
	code := l.Code(name)
	if strings.HasPrefix(code, "{") || strings.HasPrefix(code, "[") || !utf8.ValidString(code) {
		return ""
	}
	return code
}

// outputs are what a login says besides the token.
func (l loginAnswer) outputs(demand string) credential.Outputs {
	customers := []map[string]string{}
	for _, c := range l.Objects("customers") {
		// Nothing can be done with one that has no id.
		if id := c.ID("id"); !id.IsZero() {
			customers = append(customers, map[string]string{"id": string(id), "name": c.Text("name")})
		}
	}
	out := credential.Outputs{"customers": customers}
	if id := l.ID("user_id"); !id.IsZero() {
		out["user_id"] = string(id)
	}
	for _, name := range furtherTexts {
		if value := l.AnyID(name); value != "" {
			out[name] = value
		}
	}
	for _, name := range untyped {
		if value := l.plain(name); value != "" {
			out[name] = value
		}
	}
	for _, name := range furtherFlags {
		if value := l.Flag(name); value != nil {
			out[name] = *value
		}
	}
	for name, value := range map[string]string{
		"token_type": l.Text("token_type"), "scope": l.Text("scope"), "role": l.Text("role"),
		"chain_type": l.Text("chain_type"), "jti": l.Text("jti"), demandOutput: demand,
	} {
		if value != "" {
			out[name] = value
		}
	}
	return out
}

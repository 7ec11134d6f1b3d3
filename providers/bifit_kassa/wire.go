package bifit_kassa

import (
	"encoding/json"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/credsync/credsync/credential"
	"github.com/credsync/credsync/internal/upstream"
)

// Values of grant_type, besides that of the mfa_grant_type attribute.
const (
	grantPassword = "password"
	grantRefresh  = "refresh_token"
)

// The forms below are made where they are sent and never kept: they hold the
// secrets in clear.

// passwordForm is a login; with a session and a code added to it, the second
// step of one.
func (p *provider) passwordForm(grant string) url.Values {
	form := p.clientForm(grant)
	form.Set("username", p.username.Reveal())
	form.Set("password", p.hash.Reveal())
	return form
}

// clientForm has what every token request needs.
func (p *provider) clientForm(grant string) url.Values {
	return url.Values{
		"client_id": {p.clientID.Reveal()}, "client_secret": {p.clientSecret.Reveal()}, "grant_type": {grant},
	}
}

// tokenAnswer is what every token request answers. Only the tokens have a type
// that must be right: a token is not thrown away, and a refresh token with it,
// because of a field that merely describes it.
type tokenAnswer struct {
	AccessToken  upstream.Hidden `json:"access_token"`
	RefreshToken upstream.Hidden `json:"refresh_token"`
	TokenType    json.RawMessage `json:"token_type"`
	ExpiresIn    json.RawMessage `json:"expires_in"`
	Scope        json.RawMessage `json:"scope"`
	UserID       json.RawMessage `json:"user_id"`
}

// maxSeconds is the longest life that is believed: ten years.
const maxSeconds = 10 * 365 * 24 * 3600

// expires returns when the token ends; zero if the answer does not say, or
// says what makes no sense.
func (t tokenAnswer) expires(issuedAt time.Time) time.Time {
	seconds, err := strconv.ParseFloat(strings.Trim(string(t.ExpiresIn), `"`), 64)
	if err != nil || !(seconds >= 1 && seconds <= maxSeconds) {
		return time.Time{}
	}
	return issuedAt.Add(time.Duration(seconds) * time.Second)
}

// outputs are what the answer says besides the tokens.
func (t tokenAnswer) outputs() credential.Outputs {
	out := credential.Outputs{}
	for name, value := range map[string]string{"token_type": text(t.TokenType), "scope": text(t.Scope), "user_id": identifier(t.UserID)} {
		if value != "" {
			out[name] = value
		}
	}
	return out
}

// text is a JSON string, or a list of them with spaces between; "" for
// anything else.
func text(raw json.RawMessage) string {
	var s string
	if json.Unmarshal(raw, &s) == nil {
		return s
	}
	var list []string
	if json.Unmarshal(raw, &list) == nil {
		return strings.Join(list, " ")
	}
	return ""
}

// identifier is a number of any size, or a string.
func identifier(raw json.RawMessage) string {
	var id upstream.ID
	if json.Unmarshal(raw, &id) == nil {
		return string(id)
	}
	return text(raw)
}

// refusal is the documented error.
type refusal struct {
	Error       json.RawMessage `json:"error"`
	Description json.RawMessage `json:"error_description"`
}

// word is the error's machine word; "" if it is no string.
func (r refusal) word() string { return text(r.Error) }

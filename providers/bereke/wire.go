package bereke

import (
	"encoding/json"
	"strconv"
	"strings"
	"time"

	"github.com/credsync/credsync/internal/upstream"
)

// loginAnswer is what a login answers. Of the document's table it has what
// this package uses: the rest may be absent or of any type. encoding/json does
// not mind the letter case of names, so the document's "Jti" and "jti" are one.
type loginAnswer struct {
	AccessToken  upstream.Hidden `json:"access_token"`
	RefreshToken upstream.Hidden `json:"refresh_token"`
	ExpiresIn    json.Number     `json:"expires_in"`

	TokenType text        `json:"token_type"`
	Scope     text        `json:"scope"`
	Role      text        `json:"role"`
	ChainType text        `json:"chain_type"`
	JTI       text        `json:"jti"`
	UserID    upstream.ID `json:"user_id"`

	Customers      []customer        `json:"customers"`
	PasswordChange bool              `json:"is_password_change"`
	PossibleChains []json.RawMessage `json:"possible_chains"`
}

type customer struct {
	ID   upstream.ID `json:"id"`
	Name text        `json:"name"`
}

// text is a field that only informs. What is not a string counts as absent: the
// document's table has a second "role" that is an object, and a login that
// succeeded must not be lost for it.
type text string

// UnmarshalJSON implements json.Unmarshaler.
func (t *text) UnmarshalJSON(b []byte) error {
	var s *string
	if json.Unmarshal(b, &s) == nil && s != nil {
		*t = text(*s)
	}
	return nil
}

// maxLifetime is the longest expires_in that makes sense.
const maxLifetime = 365 * 24 * time.Hour

// lifetime is what expires_in says, or the documented one if it says nothing
// that makes sense: renewing too early does no harm.
func (a loginAnswer) lifetime() time.Duration {
	seconds, err := strconv.ParseFloat(string(a.ExpiresIn), 64)
	if err != nil || seconds < 1 || seconds > maxLifetime.Seconds() {
		return lifetime
	}
	return time.Duration(seconds) * time.Second
}

// keyAnswer is what public_key_url answers.
type keyAnswer struct {
	Key string `json:"key"`
}

// refusal is an error in the form of OAuth 2.0, or with a message in place of
// the description. Each field is read if it is a string.
type refusal struct {
	Error       text `json:"error"`
	Description text `json:"error_description"`
	Message     text `json:"message"`
}

// said is the bank's own words, the most telling first.
func (r refusal) said() string {
	for _, s := range []text{r.Description, r.Message, r.Error} {
		if s != "" {
			return string(s)
		}
	}
	return ""
}

// locked reports whether any of it says that the account is locked.
func (r refusal) locked() bool {
	all := strings.ToLower(string(r.Error + " " + r.Description + " " + r.Message))
	return strings.Contains(all, "locked") || strings.Contains(all, "заблокирован")
}

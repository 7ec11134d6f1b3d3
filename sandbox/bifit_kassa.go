package sandbox

import (
	"cmp"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"time"
)

// BifitKassaAccount is what the cash-register cloud knows of an account. Its
// login is the account's name, in the form 7xxxxxxxxxx.
type BifitKassaAccount struct {
	// AnyUsername lets the account log in by a name of another form.
	AnyUsername bool        `json:"any_username,omitempty"`
	UserID      json.Number `json:"user_id"`
	// ClientID and ClientSecret are the documented ones if empty.
	ClientID     string `json:"client_id,omitempty"`
	ClientSecret string `json:"client_secret,omitempty"`
	// PasswordEncoding is the base64 that is taken: std_padded (the default),
	// std_unpadded, url_padded or url_unpadded.
	PasswordEncoding string `json:"password_encoding,omitempty"`
	// SecondFactor asks for a code at each login.
	SecondFactor bool `json:"second_factor,omitempty"`
	// MFAGrantType is the grant type of a login with a code; "mfa" if empty.
	MFAGrantType string `json:"mfa_grant_type,omitempty"`
	// Code is the next codes; each is another one if empty.
	Code string `json:"code,omitempty"`
	// SessionForm is how a session id is answered: text (the default), number,
	// string or object.
	SessionForm string `json:"session_form,omitempty"`
	// SessionLifetime is how long a code can be used; five minutes if 0.
	SessionLifetime Duration `json:"session_lifetime,omitzero"`
	// RefreshLifetime is that of refresh tokens; 30 days if 0.
	RefreshLifetime Duration `json:"refresh_lifetime,omitzero"`
	// KeepRefresh has a refresh token work any number of times, and refreshes
	// answer no new one.
	KeepRefresh bool `json:"keep_refresh,omitempty"`
	// Opaque access tokens are no JWTs.
	Opaque bool `json:"opaque,omitempty"`
	// Deflate compresses answers to clients that allow it: "zlib" or "raw".
	Deflate string `json:"deflate,omitempty"`
}

// check finds words that are not among those above.
func (a *BifitKassaAccount) check() error {
	switch {
	case a == nil:
	case bifitEncodings[a.PasswordEncoding] == nil:
		return errors.New("password_encoding must be std_padded, std_unpadded, url_padded or url_unpadded")
	case !slices.Contains([]string{"", "text", "number", "string", "object"}, a.SessionForm):
		return errors.New("session_form must be text, number, string or object")
	case !slices.Contains([]string{"", "zlib", "raw"}, a.Deflate):
		return errors.New("deflate must be zlib or raw")
	}
	return nil
}

const (
	bifitClient   = "cashdesk-rest-client"
	bifitLifetime = 43199 * time.Second
	// The document says neither of these.
	bifitRefreshLifetime = 30 * 24 * time.Hour
	bifitSessionLifetime = 5 * time.Minute
	bifitCodeDigits      = 4
)

// Values of grant_type.
const (
	bifitPassword = "password"
	bifitRefresh  = "refresh_token"
	bifitMFA      = "mfa"
)

// bifitKassa is the cash-register cloud.
func bifitKassa() emulator {
	deflate := header("Accept-Encoding", "deflate")
	reads := protectedReads("/organizations", []rule{deflate},
		bifitDeflated(protectedAnswer(bifitError(http.StatusUnauthorized, "invalid_token", "Invalid access token"))))
	return emulator{name: "bifit_kassa", routes: append(reads, []route{
		{
			op: OpLogin, classify: bifitOp, pattern: "POST /oauth/token",
			rules: []rule{noQuery, noHeader("Authorization"), deflate, formBody(bifitFields), bifitForms},
			owner: bifitOwner, answer: bifitDeflated(bifitToken),
		},
		{
			op: OpSendCode, pattern: "POST /oauth/mfa",
			rules: []rule{noBody, noHeader("Authorization"), bifitCodeQuery},
			owner: bifitCodeOwner, answer: bifitDeflated(bifitSendCode),
		},
	}...)}
}

// bifitOp tells the operations apart, which share a URL.
func bifitOp(c *call) string {
	if form(c.body)["grant_type"] == bifitRefresh {
		return OpRefresh
	}
	return OpLogin
}

// bifitFields are the documented fields of each grant type.
func bifitFields(fields map[string]string) []string {
	client := []string{"client_id", "client_secret", "grant_type"}
	_, hasSession := fields["session_id"]
	_, hasCode := fields["code"]
	switch {
	case fields["grant_type"] == bifitRefresh:
		return append(client, "refresh_token")
	case fields["grant_type"] == bifitMFA, hasSession, hasCode:
		return append(client, "username", "password", "session_id", "code")
	}
	return append(client, "username", "password")
}

var bifitUsername = regexp.MustCompile(`^7[0-9]{10}$`)

// bifitForms finds values of a wrong form: most of all a password in plain text, or
// one whose + was not percent-encoded and has become a space.
func bifitForms(c *call) {
	fields := form(c.body)
	switch fields["grant_type"] {
	case bifitRefresh:
		return
	case bifitPassword, bifitMFA:
	default:
		c.violate("the grant_type is not documented")
	}
	known := slices.ContainsFunc(slices.Collect(maps.Values(bifitEncodings)), func(e *base64.Encoding) bool {
		digest, err := e.Strict().DecodeString(fields["password"])
		return err == nil && len(digest) == sha256.Size
	})
	if !known {
		c.violate("the password is not the base64 of a SHA-256 digest")
	}
}

var bifitEncodings = map[string]*base64.Encoding{
	"": base64.StdEncoding, "std_padded": base64.StdEncoding, "std_unpadded": base64.RawStdEncoding,
	"url_padded": base64.URLEncoding, "url_unpadded": base64.RawURLEncoding,
}

// bifitCodeQuery is the one documented query: the username, and no secret.
func bifitCodeQuery(c *call) {
	query := c.r.URL.Query()
	if len(query) != 1 || len(query["username"]) != 1 {
		c.violate("the query is not exactly one username")
	}
}

func bifitOwner(c *call) *account {
	fields := form(c.body)
	if c.op == OpRefresh {
		if t := c.tokens[fields["refresh_token"]]; t != nil && t.refresh && t.upstream == c.upstream {
			return c.bifitAccount(t.account)
		}
		return nil
	}
	return c.bifitUser(fields["username"])
}

func bifitCodeOwner(c *call) *account { return c.bifitUser(c.r.URL.Query().Get("username")) }

// bifitUser is who logs in by that name, which must have the documented form
// unless the account has another.
func (c *call) bifitUser(username string) *account {
	a := c.bifitAccount(username)
	if !bifitUsername.MatchString(username) && (a == nil || !a.BifitKassa.AnyUsername) {
		c.violate("the username is not of the form 7xxxxxxxxxx")
	}
	return a
}

func (c *call) bifitAccount(username string) *account {
	if a := c.named(c.upstream, username); a != nil && a.BifitKassa != nil {
		return a
	}
	return nil
}

// bifitHash is the password as the account has it sent.
func bifitHash(a *account) string {
	digest := sha256.Sum256([]byte(a.Password))
	return bifitEncodings[a.BifitKassa.PasswordEncoding].EncodeToString(digest[:])
}

// bifitClientOf returns the client that the account logs in by.
func bifitClientOf(a *account) (id, secret string) {
	return cmp.Or(a.BifitKassa.ClientID, bifitClient), cmp.Or(a.BifitKassa.ClientSecret, bifitClient)
}

func bifitError(status int, word, description string) reply {
	return reply{status: status, body: map[string]any{"error": word, "error_description": description}}
}

func bifitDenied(description string) reply {
	return bifitError(http.StatusBadRequest, "invalid_grant", description)
}

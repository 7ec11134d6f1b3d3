package sandbox

import (
	"cmp"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"time"
)

// BerekeAccount is what the bank knows of an account. Its login is the
// account's name.
type BerekeAccount struct {
	UserID    json.Number      `json:"user_id"`
	Role      string           `json:"role"`
	Customers []BerekeCustomer `json:"customers"`
	// Padding that the bank takes from this account; BerekePKCS1 if empty. Others
	// are oaep_ and a digest, as MGF1Digest has them.
	Padding string `json:"padding,omitempty"`
	// MGF1Digest is that of the mask of an OAEP padding: sha1, sha256, sha384 or
	// sha512; the padding's own if empty.
	MGF1Digest string `json:"mgf1_digest,omitempty"`
	// GrantType and UserType are what the bank takes from this account; the
	// documented ones if empty.
	GrantType string `json:"grant_type,omitempty"`
	UserType  string `json:"user_type,omitempty"`
	// Full answers have token_type and refresh_token, which the document's
	// table has and its example has not.
	Full bool `json:"full,omitempty"`
	// PasswordChange demands another password.
	PasswordChange bool `json:"password_change,omitempty"`
	// PossibleChains demand one of these second factors.
	PossibleChains []string `json:"possible_chains,omitempty"`
}

// BerekeCustomer is one of those that a user acts for.
type BerekeCustomer struct {
	ID   json.Number `json:"id"`
	Name string      `json:"name"`
}

const (
	// berekeLifetime is that of the document's example.
	berekeLifetime = 899 * time.Second
	// berekeRefresh is how long refresh tokens live; nothing refreshes them.
	berekeRefresh = time.Hour
)

// bereke is the bank.
func bereke() emulator {
	reads := protectedReads("/customers", nil, protectedAnswer(berekeError(http.StatusUnauthorized, "invalid_token", "")))
	return emulator{name: "bereke", routes: append(reads, []route{
		{
			op: OpLogin, pattern: "POST /auth/oauth/token",
			rules: []rule{
				header("Content-Type", `application/json`), header("Authorization", `Basic V0VCOg==`),
				header("Device-Fingerprint", `.*`), emptyObject, berekeQuery,
			},
			owner: berekeOwner, answer: berekeLogin,
		},
		{
			op: OpKey, pattern: "GET /auth/public-key",
			rules: []rule{noQuery, noBody, noHeader("Authorization")},
			owner: func(*call) *account { return nil },
			answer: func(c *call) reply {
				return reply{status: http.StatusOK, body: map[string]any{"key": BerekePublicKey(c.berekeKey)}}
			},
		},
		{
			// The document does not say how the key is published: it is there in
			// every form that is usual.
			op: OpKey, pattern: "GET /auth/public-key/{form}",
			rules: []rule{noQuery, noBody, noHeader("Authorization")},
			owner: func(*call) *account { return nil }, answer: berekeKeyAs,
		},
	}...)}
}

// emptyObject is the body that the document shows.
func emptyObject(c *call) {
	if string(c.body) != "{}" {
		c.violate("the body is not {}")
	}
}

// encoded is a query's value whose every special character is
// percent-encoded: a plus sign that is not would arrive as a space.
var encoded = regexp.MustCompile(`^(?:[A-Za-z0-9._~-]|%[0-9A-F]{2})+$`)

// berekeQuery must be the four documented parameters, each once, two of them
// as long as the key they are encrypted with.
func berekeQuery(c *call) {
	seen := map[string]bool{}
	for part := range strings.SplitSeq(c.r.URL.RawQuery, "&") {
		name, value, _ := strings.Cut(part, "=")
		if seen[name] {
			c.violate("a parameter of the query is given twice")
		}
		seen[name] = true
		if !encoded.MatchString(value) {
			c.violate("a parameter of the query is empty or not percent-encoded")
		}
		berekeParameter(c, name, value)
	}
	if len(seen) != 4 {
		c.violate("the query does not have the four documented parameters")
	}
}

func berekeParameter(c *call, name, value string) {
	text, err := url.QueryUnescape(value)
	switch name {
	case "grant_type", "user_type":
		// Which ones depends on the account: see berekeOwner.
	case "username", "password":
		ciphertext, notBase64 := base64.StdEncoding.Strict().DecodeString(text)
		if err != nil || notBase64 != nil || len(ciphertext) != berekeBits/8 {
			c.violate("%s is not an encrypted value in standard base64", name)
		}
	default:
		c.violate("the query has a parameter that is not documented")
	}
}

// decrypted returns a value of the query as that padding and the key in use
// decrypt it.
func (c *call) decrypted(way berekePadding, name string) (string, bool) {
	return way.decrypt(berekeKeys.pair(c.berekeKey), c.r.URL.Query().Get(name))
}

// berekeOwner finds the user, and whether the request says of it what the bank
// wants to hear: of one that nobody knows, what the document says.
func berekeOwner(c *call) *account {
	a, want := berekeUser(c), BerekeAccount{}
	if a != nil {
		want = *a.Bereke
	}
	query := c.r.URL.Query()
	if grant := cmp.Or(want.GrantType, "Password"); query.Get("grant_type") != grant {
		c.violate("grant_type is not %s", grant)
	}
	if user := cmp.Or(want.UserType, "customer"); query.Get("user_type") != user {
		c.violate("user_type is not %s", user)
	}
	return a
}

// berekeUser decrypts the user name in each way in which some account has it
// encrypted, since the request does not say whose it is.
func berekeUser(c *call) *account {
	tried := map[berekePadding]bool{}
	for _, some := range c.accounts[c.upstream] {
		if some.Bereke == nil || tried[some.Bereke.padding()] {
			continue
		}
		way := some.Bereke.padding()
		tried[way] = true
		name, ok := c.decrypted(way, "username")
		if a := c.named(c.upstream, name); ok && a != nil && a.Bereke != nil && a.Bereke.padding() == way {
			return a
		}
	}
	return nil
}

func berekeLogin(c *call) reply {
	a := c.account
	if c.faulty(RotatedKey) {
		c.berekeKey++
	}
	if a == nil {
		return berekeError(http.StatusUnauthorized, "invalid_grant", "Неверный логин или пароль")
	}
	if a.Locked {
		return berekeError(http.StatusLocked, "locked", "Учетная запись заблокирована")
	}
	password, ok := c.decrypted(a.Bereke.padding(), "password")
	if !ok || !equal(password, a.Password) {
		a.rejected()
		return berekeError(http.StatusUnauthorized, "invalid_grant", "Неверный логин или пароль")
	}
	a.rejectedInRow = 0
	return reply{status: http.StatusOK, body: berekeAnswer(c)}
}

// berekeAnswer has the fields of the document's example.
func berekeAnswer(c *call) map[string]any {
	a, b := c.account, c.account.Bereke
	lifetime := cmp.Or(time.Duration(a.TokenLifetime), berekeLifetime)
	access, _ := c.issueJWT(a, lifetime, c.now())
	chains, customers := append([]string{}, b.PossibleChains...), append([]BerekeCustomer{}, b.Customers...)
	body := map[string]any{
		"access_token": access, "expires_in": int(lifetime.Seconds()), "scope": "ALL",
		"passed_auth_factors": []any{}, "customer_external_id": nil, "chain_type": "EMPTY", "role": b.Role,
		"created": c.now().UTC().Format("2006-01-02T15:04:05.999"), "role_version": 0, "cus_unique_idn": "111111111111",
		"is_password_change": b.PasswordChange, "sign_level": nil, "roles_auth_factors": []any{}, "user_type": "customer",
		"suggest_add_device": false, "user_id": b.UserID, "role_id": 0, "bank_branch_code": nil, "decrypted_username": a.Name,
		"can_skip": false, "is_device_trusted": false, "otp_strategy": "UNDEFINED", "possible_chains": chains,
		"customer_user_id": 0, "customers": customers, "customer_id": nil, "digital_signature_type": nil,
		"jti": "74531e41-0560-49b5-a2f8-def49731d390",
	}
	if b.Full {
		body["token_type"] = "bearer"
		body["refresh_token"], _ = c.issueJWT(a, berekeRefresh, c.now())
	}
	return body
}

func berekeError(status int, code, description string) reply {
	return reply{status: status, body: map[string]any{"error": code, "error_description": description}}
}

package sandbox

import (
	"cmp"
	"crypto/rand"
	"net/http"
	"time"
)

// VeevaAccount is what Veeva Vault, and the authorization server that it trusts, know of a
// client application. Its client ID is the account's name, its secret the password.
//
// The document is Veeva's REST API reference, OAuth 2.0 / OpenID Connect, with RFC 6749 for
// the authorization server in front of it. In reality they are two hosts.
type VeevaAccount struct {
	// Profile is the ID of the OAuth 2.0 / OpenID Connect profile.
	Profile string `json:"profile"`
	VaultID int    `json:"vault_id"`
	UserID  int    `json:"user_id"`
}

const (
	veevaGrantLifetime = time.Hour
	// veevaLifetime is the longest that a session may live.
	veevaLifetime = 48 * time.Hour
)

func veeva() emulator {
	return emulator{name: "veeva", routes: []route{
		{
			op: OpLogin, pattern: "POST /token",
			rules: []rule{noQuery, header("Authorization", `Basic [A-Za-z0-9+/=]+`), formBody(veevaGrantFields), veevaGrantType},
			owner: veevaClient, answer: veevaGrant,
		},
		{
			op: OpSession, pattern: "POST /auth/oauth/session/{profile}",
			rules: []rule{noQuery, bearerForm(), formBody(veevaSessionFields)},
			owner: veevaGrantOwner, answer: veevaSession,
		},
		{
			op: OpVerify, pattern: "GET /api/v24.1/objects/users/me",
			rules: []rule{noQuery, noBody, veevaAuthorization},
			owner: tokenOwner, answer: veevaMe,
		},
		{
			op: OpRevoke, pattern: "DELETE /api/v24.1/session",
			rules: []rule{noQuery, noBody, veevaAuthorization},
			owner: tokenOwner, answer: veevaEnd,
		},
	}}
}

// veevaAuthorization is the session's ID, alone or as a bearer token: both are documented.
func veevaAuthorization(c *call) { header("Authorization", `(Bearer )?[0-9A-Za-z]+`)(c) }

func veevaGrantFields(fields map[string]string) []string {
	if _, scoped := fields["scope"]; scoped {
		return []string{"grant_type", "scope"}
	}
	return []string{"grant_type"}
}

func veevaGrantType(c *call) {
	if form(c.body)["grant_type"] != "client_credentials" {
		c.violate("the grant_type is not client_credentials")
	}
}

// veevaSessionFields are both optional.
func veevaSessionFields(fields map[string]string) (names []string) {
	for _, name := range []string{"vaultDNS", "client_id"} {
		if _, ok := fields[name]; ok {
			names = append(names, name)
		}
	}
	return names
}

func veevaClient(c *call) *account {
	id, _, _ := c.r.BasicAuth()
	if a := c.named(c.upstream, id); a != nil && a.Veeva != nil {
		return a
	}
	return nil
}

// veevaGrant is the authorization server.
func veevaGrant(c *call) reply {
	_, secret, _ := c.r.BasicAuth()
	a := c.account
	switch {
	case a == nil:
		return veevaUnknownClient()
	case a.Locked:
		return reply{status: http.StatusBadRequest, body: map[string]any{"error": "unauthorized_client"}}
	case !equal(secret, a.Password):
		a.rejected()
		return veevaUnknownClient()
	}
	a.rejectedInRow = 0
	if a.grants == nil {
		a.grants = map[string]time.Time{}
	}
	value := rand.Text()
	a.grants[value] = c.now().Add(veevaGrantLifetime)
	return reply{status: http.StatusOK, body: map[string]any{
		"access_token": value, "token_type": "Bearer", "expires_in": int(veevaGrantLifetime.Seconds()),
	}}
}

func veevaUnknownClient() reply {
	return reply{
		status: http.StatusUnauthorized, body: map[string]any{"error": "invalid_client"},
		header: map[string]string{"WWW-Authenticate": `Basic realm="token"`},
	}
}

func veevaGrantOwner(c *call) *account {
	return c.find(c.upstream, func(a *account) bool { _, ok := a.grants[bearer(c.r)]; return ok })
}

// veevaSession trades a grant for a session. A vaultDNS of another Vault is no error: the
// session is then of a Vault that the user may enter, and the answer says of which.
func veevaSession(c *call) reply {
	a, fields := c.account, form(c.body)
	switch {
	case a == nil, !c.now().Before(a.grants[bearer(c.r)]), a.Veeva.Profile != c.r.PathValue("profile"):
		return veevaFailure("AUTHENTICATION_FAILED", "Authentication failed.")
	case fields["client_id"] != "" && fields["client_id"] != a.Name:
		return veevaFailure("AUTHENTICATION_FAILED", "Authentication failed.")
	case a.Locked:
		return veevaFailure("USER_LOCKED_OUT", "User is locked out.")
	}
	lifetime := cmp.Or(time.Duration(a.TokenLifetime), veevaLifetime)
	value, now := rand.Text()+rand.Text(), c.now()
	c.register(&token{value: value, upstream: c.upstream, account: a.Name, loginAt: now, expires: now.Add(lifetime)})
	return reply{status: http.StatusOK, body: map[string]any{
		"responseStatus": "SUCCESS", "sessionId": value, "userId": a.Veeva.UserID, "vaultId": a.Veeva.VaultID,
		"vaultIds": []any{map[string]any{"id": a.Veeva.VaultID, "name": "Vault", "url": "https://vault.veevavault.com/api"}},
	}}
}

func veevaMe(c *call) reply {
	if refusal, ok := c.veevaRefuses(); ok {
		return refusal
	}
	return reply{status: http.StatusOK, body: map[string]any{
		"responseStatus": "SUCCESS",
		"users":          []any{map[string]any{"user": map[string]any{"id": c.account.Veeva.UserID, "user_name__v": c.account.Name}}},
	}}
}

func veevaEnd(c *call) reply {
	if refusal, ok := c.veevaRefuses(); ok {
		return refusal
	}
	c.revokeToken(presented(c.r))
	return reply{status: http.StatusOK, body: map[string]any{"responseStatus": "SUCCESS"}}
}

// veevaRefuses is the answer to a session that is not accepted.
func (c *call) veevaRefuses() (reply, bool) {
	t := c.issued(c.upstream, presented(c.r))
	switch {
	case t == nil, !t.alive(c.now()), c.account == nil:
		return veevaFailure("INVALID_SESSION_ID", "Invalid or expired session ID."), true
	case c.account.Locked:
		return veevaFailure("USER_LOCKED_OUT", "User is locked out."), true
	}
	return reply{}, false
}

// veevaFailure is how Vault says anything that is wrong: with status 200.
func veevaFailure(kind, message string) reply {
	return reply{status: http.StatusOK, rejected: true, body: map[string]any{
		"responseStatus": "FAILURE", "errors": []any{map[string]any{"type": kind, "message": message}},
	}}
}

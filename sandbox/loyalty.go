package sandbox

import (
	"cmp"
	"encoding/json"
	"net/http"
	"time"
)

// LoyaltyAccount is what a loyalty service that logs in by JSON knows of an account. Its
// login is the account's name.
//
// There is no such service; it stands for the many that work like it. Its document: POST
// /v1/login with login and password, each a string, answers 200 with data.token, data.expire
// (RFC 3339) and data.organization.id; a wrong password is 422 with the code
// BAD_CREDENTIALS, a blocked account 403 with ACCOUNT_BLOCKED. GET /v1/me with the token as
// bearer answers 200 with the login, and 401 with TOKEN_INVALID. Where the account rotates, a
// login also brings data.refresh_token; POST /v1/refresh with refresh_token answers as a
// login does, and ends the tokens before. A refresh token works once. After the grace period
// it is reused: 401 with TOKEN_REUSED, and all that came of it ends.
type LoyaltyAccount struct {
	OrganizationID json.Number `json:"organization_id"`
	Rotates        bool        `json:"rotates,omitempty"`
	// ReuseGrace is for how long after its first use a refresh token is accepted again.
	ReuseGrace Duration `json:"reuse_grace,omitzero"`
}

const (
	loyaltyLifetime    = 24 * time.Hour
	loyaltyRefreshable = 60 * 24 * time.Hour
)

func loyalty() emulator {
	return emulator{name: "loyalty", routes: []route{
		{
			op: OpLogin, pattern: "POST /v1/login",
			rules: []rule{noQuery, noHeader("Authorization"), jsonBody([]string{"login", "password"}, nil)},
			owner: loyaltyOwner, answer: loyaltyLogin,
		},
		{
			op: OpRefresh, pattern: "POST /v1/refresh",
			rules: []rule{noQuery, noHeader("Authorization"), jsonBody([]string{"refresh_token"}, nil)},
			owner: loyaltyRefreshOwner, answer: loyaltyRefresh,
		},
		{
			op: OpVerify, pattern: "GET /v1/me",
			rules: []rule{noQuery, noBody, bearerForm()},
			owner: tokenOwner, answer: loyaltyMe,
		},
	}}
}

func loyaltyOwner(c *call) *account {
	fields, _ := stringFields(c.body)
	if a := c.named(c.upstream, fields["login"]); a != nil && a.Loyalty != nil {
		return a
	}
	return nil
}

func loyaltyRefreshOwner(c *call) *account {
	fields, _ := stringFields(c.body)
	if t := c.tokens[fields["refresh_token"]]; t != nil && t.refresh && t.upstream == c.upstream {
		return c.named(c.upstream, t.account)
	}
	return nil
}

func loyaltyLogin(c *call) reply {
	fields, _ := stringFields(c.body)
	a := c.account
	switch {
	case a == nil:
		return loyaltyError(http.StatusUnprocessableEntity, "BAD_CREDENTIALS")
	case a.Locked:
		return loyaltyError(http.StatusForbidden, "ACCOUNT_BLOCKED")
	case !equal(fields["password"], a.Password):
		a.rejected()
		return loyaltyError(http.StatusUnprocessableEntity, "BAD_CREDENTIALS")
	}
	a.rejectedInRow = 0
	return c.loyaltyIssue(nil)
}

// loyaltyRefresh looks for reuse first: a token that somebody has used already is a sign of
// theft, whatever else is wrong with it.
func loyaltyRefresh(c *call) reply {
	fields, _ := stringFields(c.body)
	t := c.tokens[fields["refresh_token"]]
	if c.account == nil || t == nil {
		return loyaltyError(http.StatusUnauthorized, "TOKEN_INVALID")
	}
	if t.spent {
		c.account.counters.SpentRefreshes++
		if !c.now().Before(t.spentAt.Add(time.Duration(c.account.Loyalty.ReuseGrace))) {
			c.revokeFamily(t)
			return loyaltyError(http.StatusUnauthorized, "TOKEN_REUSED")
		}
	}
	switch {
	case !t.alive(c.now()):
		return loyaltyError(http.StatusUnauthorized, "TOKEN_INVALID")
	case c.account.Locked:
		return loyaltyError(http.StatusForbidden, "ACCOUNT_BLOCKED")
	}
	if !t.spent {
		t.spent, t.spentAt = true, c.now()
	}
	c.revokeFamily(t)
	// Within the grace period it has to work again.
	t.revoked = false
	return c.loyaltyIssue(t)
}

// loyaltyIssue answers with a new token; from is the refresh token that it was had for.
func (c *call) loyaltyIssue(from *token) reply {
	a, now := c.account, c.now()
	loginAt, family := now, 0
	if from != nil {
		loginAt, family = from.loginAt, from.family
	}
	access := c.issueOpaque(a, cmp.Or(time.Duration(a.TokenLifetime), loyaltyLifetime).Truncate(time.Second), loginAt)
	access.expires = access.expires.Truncate(time.Second)
	data := map[string]any{
		"token": access.value, "expire": access.expires.UTC().Format(time.RFC3339),
		"organization": map[string]any{"id": a.Loyalty.OrganizationID},
	}
	access.family = cmp.Or(family, access.family)
	if a.Loyalty.Rotates {
		refresh := c.issueOpaque(a, loyaltyRefreshable, loginAt)
		refresh.refresh, refresh.family = true, access.family
		data["refresh_token"] = refresh.value
	}
	return reply{status: http.StatusOK, body: map[string]any{"data": data}}
}

func loyaltyMe(c *call) reply {
	t := c.issued(c.upstream, bearer(c.r))
	switch {
	case t == nil, !t.alive(c.now()), c.account == nil:
		return loyaltyError(http.StatusUnauthorized, "TOKEN_INVALID")
	case c.account.Locked:
		return loyaltyError(http.StatusForbidden, "ACCOUNT_BLOCKED")
	}
	return reply{status: http.StatusOK, body: map[string]any{"data": map[string]any{"login": c.account.Name}}}
}

func loyaltyError(status int, code string) reply {
	return reply{status: status, body: map[string]any{"code": code, "message": http.StatusText(status)}}
}

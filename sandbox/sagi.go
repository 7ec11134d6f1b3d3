package sandbox

import (
	"cmp"
	"crypto/subtle"
	"encoding/json"
	"net/http"
	"slices"
	"time"
)

// SagiAccount is what the loyalty service knows of an account. Its login is
// the account's name.
type SagiAccount struct {
	LicenseKey     string       `json:"license_key,omitempty"`
	OrganizationID json.Number  `json:"organization_id"`
	Role           string       `json:"role"`
	Muted          bool         `json:"muted,omitempty"`
	Branches       []SagiBranch `json:"branches"`
	// Wrapped answers are {code, message, data}.
	Wrapped bool `json:"wrapped,omitempty"`
}

// SagiBranch is a branch, in the order in which logins list them.
type SagiBranch struct {
	ID                 json.Number `json:"id"`
	Name               string      `json:"name"`
	GroupID            json.Number `json:"group_id"`
	SubscriptionActive bool        `json:"subscription_active"`
}

// What the document says of tokens.
const (
	sagiLifetime    = 30 * 24 * time.Hour
	sagiRefreshable = 365 * 24 * time.Hour
)

// sagi is the loyalty service.
func sagi() emulator {
	return emulator{name: "sagi", routes: []route{
		{
			op: OpLogin, pattern: "POST /api/v1/auth/business",
			rules: []rule{noQuery, noHeader("Authorization"), jsonBody([]string{"phone", "password"}, []string{"license_key"})},
			owner: sagiLoginOwner, answer: sagiLogin,
		},
		{
			op: OpRefresh, pattern: "POST /api/v1/auth/refresh_token",
			rules: []rule{noQuery, noBody, bearerForm()},
			owner: tokenOwner, answer: sagiRefresh,
		},
		{
			op: OpVerify, pattern: "GET /api/v1/branches/{branch_id}",
			rules: []rule{noQuery, noBody, bearerForm()},
			owner: tokenOwner, answer: sagiBranch,
		},
	}}
}

func sagiLoginOwner(c *call) *account {
	fields, _ := stringFields(c.body)
	if a := c.named(c.upstream, fields["phone"]); a != nil && a.Sagi != nil {
		return a
	}
	return nil
}

// tokenOwner is whose token the request carries, alive or not.
func tokenOwner(c *call) *account {
	t := c.issued(c.upstream, presented(c.r))
	if t == nil {
		return nil
	}
	return c.accounts[c.upstream][t.account]
}

func sagiLogin(c *call) reply {
	fields, _ := stringFields(c.body)
	a := c.account
	if a == nil {
		return sagiError(http.StatusUnauthorized, "invalid login or password")
	}
	if a.Locked {
		return sagiError(http.StatusForbidden, "account is blocked")
	}
	if !equal(fields["password"], a.Password) || !equal(fields["license_key"], a.Sagi.LicenseKey) {
		a.rejected()
		return sagiError(http.StatusUnauthorized, "invalid login or password")
	}
	a.rejectedInRow = 0
	token, expires := c.issueJWT(a, cmp.Or(time.Duration(a.TokenLifetime), sagiLifetime), c.now())
	ids := []json.Number{}
	details := []map[string]any{}
	for _, b := range a.Sagi.Branches {
		ids = append(ids, b.ID)
		details = append(details, map[string]any{"id": b.ID, "name": b.Name, "subscription_active": b.SubscriptionActive})
	}
	return sagiAnswer(c, map[string]any{
		"access_token": token, "expire": expires.Format(time.RFC3339), "muted": a.Sagi.Muted,
		"organization": map[string]any{"id": a.Sagi.OrganizationID, "role": a.Sagi.Role, "branches": ids, "branches_details": details},
	})
}

func equal(a, b string) bool { return subtle.ConstantTimeCompare([]byte(a), []byte(b)) == 1 }

// sagiRefresh accepts expired tokens too, until 365 days after the login.
func sagiRefresh(c *call) reply {
	t := c.issued(c.upstream, bearer(c.r))
	switch {
	case t == nil, t.revoked, c.account == nil, !c.now().Before(t.loginAt.Add(sagiRefreshable)):
		return sagiError(http.StatusUnauthorized, "invalid token")
	case c.account.Locked:
		return sagiError(http.StatusForbidden, "account is blocked")
	}
	value, expires := c.issueJWT(c.account, cmp.Or(time.Duration(c.account.TokenLifetime), sagiLifetime), t.loginAt)
	return sagiAnswer(c, map[string]any{"access_token": value, "expire": expires.Format(time.RFC3339)})
}

func sagiBranch(c *call) reply {
	t := c.issued(c.upstream, bearer(c.r))
	switch {
	case t == nil, !t.alive(c.now()), c.account == nil:
		return sagiError(http.StatusUnauthorized, "invalid token")
	case c.account.Locked:
		return sagiError(http.StatusForbidden, "account is blocked")
	}
	branches := c.account.Sagi.Branches
	i := slices.IndexFunc(branches, func(b SagiBranch) bool { return string(b.ID) == c.r.PathValue("branch_id") })
	if i < 0 {
		return sagiError(http.StatusNotFound, "branch not found")
	}
	return sagiAnswer(c, map[string]any{"id": branches[i].ID, "name": branches[i].Name, "group_id": branches[i].GroupID})
}

// sagiAnswer is a good answer in the envelope that the account, or a fault, asks for.
func sagiAnswer(c *call, data map[string]any) reply {
	wrapped := c.account.Sagi.Wrapped && !c.faulty(Bare) || c.faulty(Wrapped)
	if wrapped {
		return reply{status: http.StatusOK, body: map[string]any{"code": 200, "message": "OK", "data": data}}
	}
	return reply{status: http.StatusOK, body: data}
}

func sagiError(status int, message string) reply {
	return reply{status: status, body: map[string]any{"code": status, "message": message}}
}

package sandbox

import (
	"cmp"
	"crypto/rand"
	"errors"
	"mime"
	"net/http"
	"slices"
	"time"
)

// GitlabAccount is what GitLab knows of a personal access token that a person has created;
// its value is the account's token.
//
// The document is GitLab's personal access tokens API, with automatic reuse detection as
// GitLab describes it for rotation.
type GitlabAccount struct {
	UserID int      `json:"user_id"`
	Scopes []string `json:"scopes"`
	// ExpiresOn is the day on which the token no longer works; 90 days after the account was
	// set if "".
	ExpiresOn string `json:"expires_on,omitempty"`
	// Impersonal tokens are those of a group or a project, which may not rotate here.
	Impersonal bool `json:"impersonal,omitempty"`
}

const (
	gitlabFirstLifetime = 90
	// gitlabLifetime is how many days a token lives that was asked for without an end, and
	// gitlabLongest how many one may.
	gitlabLifetime = 7
	gitlabLongest  = 365
)

func (g *GitlabAccount) check() error {
	if g == nil || g.ExpiresOn == "" {
		return nil
	}
	if _, err := time.Parse(time.DateOnly, g.ExpiresOn); err != nil {
		return errors.New("expires_on is not a date such as 2026-08-15")
	}
	return nil
}

// forEver is the token that an account has without end; "" for none.
func (a *account) forEver() string {
	if a.Gitlab != nil {
		return ""
	}
	return a.Token
}

// registerFirst has the token that a person has created live as those do that come of it.
func (s *Sandbox) registerFirst(a *account) {
	if a.Gitlab == nil || a.Token == "" || s.tokens[a.Token] != nil {
		return
	}
	now := s.now()
	expires := midnight(now).AddDate(0, 0, gitlabFirstLifetime)
	if at, err := time.Parse(time.DateOnly, a.Gitlab.ExpiresOn); err == nil {
		expires = at
	}
	s.register(&token{value: a.Token, upstream: a.Upstream, account: a.Name, loginAt: now, expires: expires})
}

func midnight(t time.Time) time.Time { return t.UTC().Truncate(24 * time.Hour) }

func gitlab() emulator {
	const self = "/api/v4/personal_access_tokens/self"
	of := func(op, pattern string, body rule, answer func(*call) reply) route {
		rules := []rule{noQuery, gitlabToken, body}
		return route{op: op, pattern: pattern, rules: rules, owner: tokenOwner, answer: answer}
	}
	return emulator{name: "gitlab", routes: []route{
		of(OpVerify, "GET "+self, noBody, gitlabSelf),
		of(OpRefresh, "POST "+self+"/rotate", gitlabRotation, gitlabRotate),
		of(OpRevoke, "DELETE "+self, noBody, gitlabRevoke),
	}}
}

// gitlabToken is the token in either of the documented headers, and in no more than one.
func gitlabToken(c *call) {
	if len(c.r.Header.Values("PRIVATE-TOKEN")) == 0 {
		bearerForm()(c)
		return
	}
	header("PRIVATE-TOKEN", `[!-~]+`)(c)
	noHeader("Authorization")(c)
}

// gitlabRotation is a body that names the day on which the new token ends, or nothing.
func gitlabRotation(c *call) {
	if len(c.body) == 0 {
		noBody(c)
		return
	}
	fields, ok := gitlabFields(c)
	if !ok || len(fields) != 1 || fields["expires_at"] == "" {
		c.violate("the body has something else than expires_at")
		return
	}
	if _, err := time.Parse(time.DateOnly, fields["expires_at"]); err != nil {
		c.violate("expires_at is not a date such as 2026-08-15")
	}
}

// gitlabFields reads a form or a JSON object.
func gitlabFields(c *call) (map[string]string, bool) {
	switch kind, _, _ := mime.ParseMediaType(c.r.Header.Get("Content-Type")); kind {
	case "application/json":
		return stringFields(c.body)
	case "application/x-www-form-urlencoded":
		fields := form(c.body)
		return fields, fields != nil
	}
	return nil, false
}

func gitlabSelf(c *call) reply {
	t, refusal, ok := c.gitlabAccepts()
	if !ok {
		return refusal
	}
	return reply{status: http.StatusOK, body: c.gitlabDescribe(t)}
}

// gitlabRotate ends the token that was presented at once. One that has been rotated before,
// or revoked, ends every token that came of it.
func gitlabRotate(c *call) reply {
	if t := c.issued(c.upstream, presented(c.r)); t != nil && t.revoked && c.account != nil {
		if t.spent {
			c.account.counters.SpentRefreshes++
		}
		c.revokeFamily(t)
	}
	t, refusal, ok := c.gitlabAccepts()
	switch a := c.account; {
	case !ok:
		return refusal
	case a.Gitlab.Impersonal:
		return gitlabError(http.StatusMethodNotAllowed, "405 Method Not Allowed")
	case !slices.Contains(a.Gitlab.Scopes, "api") && !slices.Contains(a.Gitlab.Scopes, "self_rotate"):
		return reply{status: http.StatusForbidden, body: map[string]any{
			"error": "insufficient_scope", "scope": "api self_rotate",
			"error_description": "The request requires higher privileges than provided by the access token.",
		}}
	}
	today := midnight(c.now())
	ends := today.AddDate(0, 0, gitlabLifetime)
	if fields, _ := gitlabFields(c); fields["expires_at"] != "" {
		ends, _ = time.Parse(time.DateOnly, fields["expires_at"])
	}
	if !ends.After(today) || ends.After(today.AddDate(0, 0, gitlabLongest)) {
		return gitlabError(http.StatusBadRequest, "400 Bad request - Expiration date must be a future date within the allowed lifetime")
	}
	t.revoked, t.spent, t.spentAt = true, true, c.now()
	next := &token{
		value: "glpat-" + rand.Text(), upstream: c.upstream, account: t.account,
		loginAt: t.loginAt, expires: ends, family: t.family,
	}
	c.register(next)
	body := c.gitlabDescribe(next)
	body["token"] = next.value
	return reply{status: http.StatusOK, body: body}
}

func gitlabRevoke(c *call) reply {
	t, refusal, ok := c.gitlabAccepts()
	if !ok {
		return refusal
	}
	t.revoked = true
	return reply{status: http.StatusNoContent}
}

// gitlabAccepts returns the token of the request, or the answer to one that is not accepted.
func (c *call) gitlabAccepts() (*token, reply, bool) {
	t := c.issued(c.upstream, presented(c.r))
	switch {
	case t == nil, c.account == nil:
		return nil, gitlabError(http.StatusUnauthorized, "401 Unauthorized"), false
	case t.revoked:
		return nil, gitlabInvalid("Token was revoked. You have to re-authorize from the user."), false
	case !t.alive(c.now()):
		return nil, gitlabInvalid("Token is expired. You can either do re-authorization or token refresh."), false
	case c.account.Locked:
		return nil, gitlabError(http.StatusForbidden, "403 Forbidden"), false
	}
	return t, reply{}, true
}

func (c *call) gitlabDescribe(t *token) map[string]any {
	a := c.account
	return map[string]any{
		"id": t.number, "name": a.Name, "revoked": t.revoked, "active": t.alive(c.now()),
		"created_at": t.loginAt.UTC().Format("2006-01-02T15:04:05.000Z"), "last_used_at": nil,
		"scopes": a.Gitlab.Scopes, "user_id": cmp.Or(a.Gitlab.UserID, 1), "expires_at": t.expires.Format(time.DateOnly),
	}
}

func gitlabError(status int, message string) reply {
	return reply{status: status, body: map[string]any{"message": message}}
}

func gitlabInvalid(description string) reply {
	return reply{status: http.StatusUnauthorized, body: map[string]any{
		"error": "invalid_token", "error_description": description,
	}}
}

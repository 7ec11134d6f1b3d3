package sandbox

import (
	"cmp"
	"crypto/rand"
	"encoding/json"
	"maps"
	"net/http"
	"slices"
	"time"
)

// GithubAccount is what GitHub knows of an installation of an app. The installation's ID is
// the account's name.
//
// The documents are GitHub's "Generating a JSON Web Token (JWT) for a GitHub App" and the
// endpoints for GitHub Apps and their installations.
type GithubAccount struct {
	// AppID is the app's ID or its client ID.
	AppID string `json:"app_id"`
	// PublicKey is the app's, in PEM. If "", the sandbox makes a pair of keys; see
	// GithubPrivateKey.
	PublicKey string `json:"public_key,omitempty"`
	// Permissions and Repositories are what the installation was granted.
	Permissions  map[string]string `json:"permissions"`
	Repositories []string          `json:"repositories"`
}

const githubLifetime = time.Hour

// githubRequest is what a token is asked for with; all of it may be left out.
type githubRequest struct {
	Repositories  []string          `json:"repositories"`
	RepositoryIDs []int             `json:"repository_ids"`
	Permissions   map[string]string `json:"permissions"`
}

func github() emulator {
	common := []rule{header("User-Agent", `.+`), bearerForm(), githubVersion}
	with := func(rules ...rule) []rule { return append(slices.Clone(common), rules...) }
	return emulator{name: "github", routes: []route{
		{
			op: OpLogin, pattern: "POST /app/installations/{id}/access_tokens",
			rules: with(noQuery, githubBody), owner: githubInstallation, answer: githubLogin,
		},
		{
			op: OpVerify, pattern: "GET /installation/repositories",
			rules: with(githubPages, noBody), owner: tokenOwner, answer: githubRepositories,
		},
		{
			op: OpRevoke, pattern: "DELETE /installation/token",
			rules: with(noQuery, noBody), owner: tokenOwner, answer: githubRevoke,
		},
	}}
}

// githubVersion is the version of the API, where one is asked for.
func githubVersion(c *call) {
	if len(c.r.Header.Values("X-GitHub-Api-Version")) > 0 {
		header("X-GitHub-Api-Version", "2022-11-28")(c)
	}
}

func githubPages(c *call) {
	for name, values := range c.r.URL.Query() {
		if name != "per_page" && name != "page" || len(values) != 1 {
			c.violate("the query has something else than per_page and page")
		}
	}
}

// githubBody is a JSON object, or nothing.
func githubBody(c *call) {
	if len(c.body) == 0 {
		noBody(c)
		return
	}
	header("Content-Type", `application/json(;.*)?`)(c)
	var object map[string]json.RawMessage
	if json.Unmarshal(c.body, &object) != nil {
		c.violate("the body is not a JSON object")
		return
	}
	for name := range object {
		if !slices.Contains([]string{"repositories", "repository_ids", "permissions"}, name) {
			c.violate("the body has a field that is not documented")
		}
	}
	var q githubRequest
	if json.Unmarshal(c.body, &q) != nil {
		c.violate("a field of the body is of another type than documented")
	}
}

func githubInstallation(c *call) *account {
	if a := c.named(c.upstream, c.r.PathValue("id")); a != nil && a.Github != nil {
		return a
	}
	return nil
}

func githubLogin(c *call) reply {
	a, now := c.account, c.now()
	app, problem := c.githubApp()
	switch {
	case problem != "":
		if a != nil {
			a.rejected()
		}
		return githubError(http.StatusUnauthorized, problem)
	case a == nil, a.Github.AppID != app:
		return githubError(http.StatusNotFound, "Not Found")
	case a.Locked:
		return githubError(http.StatusForbidden, "This installation has been suspended")
	}
	a.rejectedInRow = 0
	q := githubRequest{}
	_ = json.Unmarshal(c.body, &q)
	if problem := a.Github.refuses(q); problem != "" {
		return githubError(http.StatusUnprocessableEntity, problem)
	}
	expires := now.Add(cmp.Or(time.Duration(a.TokenLifetime), githubLifetime)).Truncate(time.Second)
	value := "ghs_" + rand.Text() + rand.Text()[:10]
	c.register(&token{value: value, upstream: c.upstream, account: a.Name, loginAt: now, expires: expires})
	selection := "all"
	if len(q.Repositories)+len(q.RepositoryIDs) > 0 {
		selection = "selected"
	}
	granted := q.Permissions
	if len(granted) == 0 {
		granted = a.Github.Permissions
	}
	return reply{status: http.StatusCreated, body: map[string]any{
		"token": value, "expires_at": expires.UTC().Format(time.RFC3339),
		"permissions": maps.Clone(granted), "repository_selection": selection,
	}}
}

// githubLevels are how much a permission allows.
var githubLevels = []string{"read", "write", "admin"}

// refuses says why an installation cannot give what is asked for; "" if it can.
func (g *GithubAccount) refuses(q githubRequest) string {
	for name, level := range q.Permissions {
		wanted := slices.Index(githubLevels, level)
		if wanted < 0 || wanted > slices.Index(githubLevels, g.Permissions[name]) {
			return "The permissions requested are not granted to this installation."
		}
	}
	for _, name := range q.Repositories {
		if !slices.Contains(g.Repositories, name) {
			return "There is at least one repository that does not exist or is not accessible to the parent installation."
		}
	}
	for _, id := range q.RepositoryIDs {
		if id < 1 || id > len(g.Repositories) {
			return "There is at least one repository that does not exist or is not accessible to the parent installation."
		}
	}
	return ""
}

func githubRepositories(c *call) reply {
	if refusal, ok := c.githubRefuses(); ok {
		return refusal
	}
	list := []any{}
	for i, name := range c.account.Github.Repositories {
		list = append(list, map[string]any{"id": i + 1, "name": name, "full_name": "demo/" + name})
	}
	return reply{status: http.StatusOK, body: map[string]any{"total_count": len(list), "repositories": list}}
}

func githubRevoke(c *call) reply {
	if refusal, ok := c.githubRefuses(); ok {
		return refusal
	}
	c.revokeToken(bearer(c.r))
	return reply{status: http.StatusNoContent}
}

// githubRefuses is the answer to a token that is not accepted.
func (c *call) githubRefuses() (reply, bool) {
	t := c.issued(c.upstream, bearer(c.r))
	switch {
	case t == nil, !t.alive(c.now()), c.account == nil:
		return githubError(http.StatusUnauthorized, "Bad credentials"), true
	case c.account.Locked:
		return githubError(http.StatusForbidden, "This installation has been suspended"), true
	}
	return reply{}, false
}

func githubError(status int, message string) reply {
	return reply{status: status, body: map[string]any{
		"message": message, "documentation_url": "https://docs.github.com/rest", "status": http.StatusText(status),
	}}
}

package sandbox_test

import (
	"strings"
	"testing"
	"time"

	"github.com/credsync/credsync/sandbox"
)

const (
	gitlabPath = "/gitlab/api/v4/personal_access_tokens/self"
	gitlabRead = "glpat-demo-deploy-4041"
	gitlabOwn  = "glpat-demo-rotating-4042"
)

func gitlabSelf(method, token string) request {
	return request{method, gitlabPath, "", map[string]string{"PRIVATE-TOKEN": token}}
}

func gitlabRotate(token, body string) request {
	q := request{"POST", gitlabPath + "/rotate", body, map[string]string{"PRIVATE-TOKEN": token}}
	if body != "" {
		q.header["Content-Type"] = formType
	}
	return q
}

func TestGitlabRefusesWhatIsNotDocumented(t *testing.T) {
	self, turn := gitlabSelf("GET", gitlabRead), gitlabRotate(gitlabOwn, "expires_at=2026-08-15")
	refusesAsViolations(t, map[string]request{
		"token in the query":    with(self, func(q *request) { q.path += "?private_token=x" }),
		"no token":              with(self, func(q *request) { delete(q.header, "PRIVATE-TOKEN") }),
		"two tokens":            with(self, func(q *request) { q.header["Authorization"] = "Bearer " + gitlabRead }),
		"another scheme":        with(self, func(q *request) { q.header = map[string]string{"Authorization": "Basic eA=="} }),
		"body of a GET":         with(self, func(q *request) { q.body = "{}" }),
		"body of a DELETE":      with(self, func(q *request) { q.method, q.body = "DELETE", "{}" }),
		"field of a rotation":   with(turn, func(q *request) { q.body += "&scopes=api" }),
		"time for a day":        gitlabRotate(gitlabOwn, "expires_at=2026-08-15T00:00:00Z"),
		"rotation as plain":     with(turn, func(q *request) { q.header["Content-Type"] = "text/plain" }),
		"an undocumented path":  with(self, func(q *request) { q.path = "/gitlab/api/v4/user" }),
		"another method, PATCH": with(self, func(q *request) { q.method = "PATCH" }),
	})
}

func TestGitlabTellsOfATokenUntilItsDay(t *testing.T) {
	s := timed()
	answer := wants(t, s, 200, gitlabSelf("GET", gitlabRead))
	if answer["active"] != true || answer["revoked"] != false || answer["expires_at"] != "2026-05-31" || answer["name"] != "deploy" {
		t.Errorf("the token is told of as %v", answer)
	}
	wants(t, s, 200, with(gitlabSelf("GET", ""), func(q *request) { q.header = map[string]string{"Authorization": "Bearer " + gitlabRead} }))
	if answer := wants(t, s, 401, gitlabSelf("GET", "unknown")); answer["message"] != "401 Unauthorized" {
		t.Errorf("%v", answer)
	}
	s.Advance(90*24*time.Hour - 10*time.Hour - time.Second)
	wants(t, s, 200, gitlabSelf("GET", gitlabRead))
	s.Advance(time.Second)
	if answer := wants(t, s, 401, gitlabSelf("GET", gitlabRead)); answer["error"] != "invalid_token" {
		t.Errorf("%v", answer)
	}
	wants(t, s, 401, gitlabRotate(gitlabOwn, ""))
	noViolations(t, s)
}

func TestGitlabRotationEndsTheTokenBeforeIt(t *testing.T) {
	s := timed()
	answer := wants(t, s, 200, gitlabRotate(gitlabOwn, ""))
	second, _ := answer["token"].(string)
	if answer["expires_at"] != "2026-03-09" || answer["active"] != true {
		t.Errorf("the rotation is answered with %v", answer)
	}
	wants(t, s, 401, gitlabSelf("GET", gitlabOwn))
	answer = wants(t, s, 200, gitlabRotate(second, "expires_at=2026-04-01"))
	third, _ := answer["token"].(string)
	if answer["expires_at"] != "2026-04-01" {
		t.Errorf("the rotation is answered with %v", answer)
	}
	json := with(gitlabRotate(third, `{"expires_at":"2026-04-02"}`), func(q *request) { q.header["Content-Type"] = "application/json" })
	fourth, _ := wants(t, s, 200, json)["token"].(string)
	// Rotating the first one again is what a thief would do.
	if answer := wants(t, s, 401, gitlabRotate(gitlabOwn, "")); !strings.Contains(answer["error_description"].(string), "revoked") {
		t.Errorf("%v", answer)
	}
	wants(t, s, 401, gitlabSelf("GET", fourth))
	// Other tokens of the same person are another family.
	wants(t, s, 200, gitlabSelf("GET", gitlabRead))
	c := s.Counters("gitlab", "rotating")
	if c.Refreshes.Accepted != 3 || c.SpentRefreshes != 1 || len(s.Tokens("gitlab", "rotating")) != 4 {
		t.Errorf("the counters are %+v", c)
	}
	noViolations(t, s)
}

func TestGitlabAsksOnlyRotationsWhetherATokenIsReused(t *testing.T) {
	s := timed()
	second, _ := wants(t, s, 200, gitlabRotate(gitlabOwn, ""))["token"].(string)
	wants(t, s, 401, gitlabSelf("GET", gitlabOwn))
	wants(t, s, 401, gitlabSelf("DELETE", gitlabOwn))
	wants(t, s, 200, gitlabSelf("GET", second))
}

func TestGitlabRefusesRotationsAsDocumented(t *testing.T) {
	s := timed()
	if answer := wants(t, s, 403, gitlabRotate(gitlabRead, "")); answer["error"] != "insufficient_scope" {
		t.Errorf("%v", answer)
	}
	for _, day := range []string{"2026-03-02", "2020-01-01", "2027-03-03"} {
		wants(t, s, 400, gitlabRotate(gitlabOwn, "expires_at="+day))
	}
	s.Update("gitlab", "rotating", func(a *sandbox.Account) { a.Gitlab.Impersonal = true })
	wants(t, s, 405, gitlabRotate(gitlabOwn, ""))
	s.Update("gitlab", "rotating", func(a *sandbox.Account) { a.Locked = true })
	wants(t, s, 403, gitlabSelf("GET", gitlabOwn))
	noViolations(t, s)
}

func TestGitlabRevokesTheTokenThatAsks(t *testing.T) {
	s := timed()
	wants(t, s, 204, gitlabSelf("DELETE", gitlabRead))
	wants(t, s, 401, gitlabSelf("DELETE", gitlabRead))
	if c := s.Counters("gitlab", "deploy"); c.Revocations.Accepted != 1 || c.Revocations.Rejected != 1 {
		t.Errorf("the counters are %+v", c)
	}
	if _, live := s.Live("gitlab", gitlabRead); live {
		t.Error("the revoked token lives")
	}
	noViolations(t, s)
}

func TestGitlabAccountNamesADay(t *testing.T) {
	s := timed()
	a := sandbox.Account{Upstream: "gitlab", Name: "x", Token: "glpat-x", Gitlab: &sandbox.GitlabAccount{ExpiresOn: "soon"}}
	if s.SetAccount(a) == nil {
		t.Error("a day that is none was accepted")
	}
	a.Gitlab.ExpiresOn = "2026-03-03"
	if err := s.SetAccount(a); err != nil {
		t.Fatal(err)
	}
	if answer := wants(t, s, 200, gitlabSelf("GET", "glpat-x")); answer["expires_at"] != "2026-03-03" {
		t.Errorf("%v", answer)
	}
}

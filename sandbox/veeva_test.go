package sandbox_test

import (
	"encoding/base64"
	"testing"
	"time"

	"github.com/credsync/credsync/sandbox"
)

const (
	veevaID      = "credsync-client"
	veevaSecret  = "client_password"
	veevaProfile = "_9ad0a091-cbd6-4c59-ab5a-d4f2870f218c"
)

const formType = "application/x-www-form-urlencoded"

func veevaGrant(secret string) request {
	return request{"POST", "/veeva/token", "grant_type=client_credentials", map[string]string{
		"Content-Type":  formType,
		"Authorization": "Basic " + base64.StdEncoding.EncodeToString([]byte(veevaID+":"+secret)),
	}}
}

func veevaSession(profile, grant, body string) request {
	return request{"POST", "/veeva/auth/oauth/session/" + profile, body, map[string]string{
		"Content-Type": formType, "Authorization": "Bearer " + grant,
	}}
}

func veevaMe(session string) request {
	return request{"GET", "/veeva/api/v24.1/objects/users/me", "", map[string]string{"Authorization": session}}
}

func TestVeevaRefusesWhatIsNotDocumented(t *testing.T) {
	grant, session := veevaGrant(veevaSecret), veevaSession(veevaProfile, "x", "vaultDNS=a&client_id=b")
	refusesAsViolations(t, map[string]request{
		"query":                   with(grant, func(q *request) { q.path += "?a=b" }),
		"secret in the body":      with(grant, func(q *request) { delete(q.header, "Authorization"); q.body += "&client_secret=x" }),
		"another grant":           with(grant, func(q *request) { q.body = "grant_type=password" }),
		"json":                    with(grant, func(q *request) { q.header["Content-Type"] = "application/json" }),
		"another field":           with(grant, func(q *request) { q.body += "&client_id=x" }),
		"session by basic":        with(session, func(q *request) { q.header["Authorization"] = "Basic eA==" }),
		"session, another field":  with(session, func(q *request) { q.body += "&password=x" }),
		"session, field twice":    with(session, func(q *request) { q.body += "&vaultDNS=x" }),
		"session without a form":  with(session, func(q *request) { q.header["Content-Type"] = "application/json" }),
		"me without session":      with(veevaMe("x"), func(q *request) { delete(q.header, "Authorization") }),
		"me by basic":             veevaMe("Basic eA=="),
		"me with a body":          with(veevaMe("x"), func(q *request) { q.body = "{}" }),
		"end with a query":        with(veevaMe("x"), func(q *request) { q.method, q.path = "DELETE", "/veeva/api/v24.1/session?all=1" }),
		"a path without document": with(veevaMe("x"), func(q *request) { q.path = "/veeva/api/v1.0/objects/users/me" }),
	})
}

// failed wants the failure that Vault says with status 200.
func failed(t *testing.T, answer map[string]any, kind string) {
	t.Helper()
	errors, _ := answer["errors"].([]any)
	if answer["responseStatus"] != "FAILURE" || len(errors) != 1 || errors[0].(map[string]any)["type"] != kind {
		t.Errorf("the answer is %v, and not the failure %s", answer, kind)
	}
}

func TestVeevaGivesASessionForAGrant(t *testing.T) {
	s := timed()
	grant, _ := wants(t, s, 200, veevaGrant(veevaSecret))["access_token"].(string)
	if _, live := s.Live("veeva", grant); live || len(s.Tokens("veeva", veevaID)) > 0 {
		t.Error("the grant is taken for a token of Vault's")
	}
	failed(t, wants(t, s, 200, veevaMe(grant)), "INVALID_SESSION_ID")
	answer := wants(t, s, 200, veevaSession(veevaProfile, grant, "vaultDNS=other.veevavault.com&client_id="+veevaID))
	session, _ := answer["sessionId"].(string)
	if answer["responseStatus"] != "SUCCESS" || answer["vaultId"] != 1776.0 || answer["userId"] != 12021.0 {
		t.Errorf("the session is answered with %v", answer)
	}
	for _, form := range []string{session, "Bearer " + session} {
		if answer := wants(t, s, 200, veevaMe(form)); answer["responseStatus"] != "SUCCESS" {
			t.Errorf("%v", answer)
		}
	}
	wants(t, s, 200, with(veevaMe(session), func(q *request) { q.method, q.path = "DELETE", "/veeva/api/v24.1/session" }))
	failed(t, wants(t, s, 200, veevaMe(session)), "INVALID_SESSION_ID")
	c := s.Counters("veeva", veevaID)
	if c.Logins.Accepted != 1 || c.Sessions.Accepted != 1 || c.Revocations.Accepted != 1 ||
		c.Verifications.Rejected != 1 {
		t.Errorf("the counters are %+v", c)
	}
	noViolations(t, s)
}

func TestVeevaRefusesAsDocumented(t *testing.T) {
	s := timed()
	if answer := wants(t, s, 401, veevaGrant("wrong")); answer["error"] != "invalid_client" {
		t.Errorf("%v", answer)
	}
	wants(t, s, 401, with(veevaGrant(""), func(q *request) { q.header["Authorization"] = "Basic eDp5" }))
	grant, _ := wants(t, s, 200, veevaGrant(veevaSecret))["access_token"].(string)
	for name, q := range map[string]request{
		"another profile":   veevaSession("_other", grant, ""),
		"an unknown grant":  veevaSession(veevaProfile, "unknown", ""),
		"another client ID": veevaSession(veevaProfile, grant, "client_id=other"),
	} {
		t.Run(name, func(t *testing.T) { failed(t, wants(t, s, 200, q), "AUTHENTICATION_FAILED") })
	}
	s.Advance(time.Hour)
	failed(t, wants(t, s, 200, veevaSession(veevaProfile, grant, "")), "AUTHENTICATION_FAILED")
	grant, _ = wants(t, s, 200, veevaGrant(veevaSecret))["access_token"].(string)
	session, _ := wants(t, s, 200, veevaSession(veevaProfile, grant, ""))["sessionId"].(string)
	s.Update("veeva", veevaID, func(a *sandbox.Account) { a.Locked = true })
	failed(t, wants(t, s, 200, veevaMe(session)), "USER_LOCKED_OUT")
	failed(t, wants(t, s, 200, veevaSession(veevaProfile, grant, "")), "USER_LOCKED_OUT")
	s.Update("veeva", veevaID, func(a *sandbox.Account) { a.Locked = false })
	s.Advance(48 * time.Hour)
	failed(t, wants(t, s, 200, veevaMe(session)), "INVALID_SESSION_ID")
	noViolations(t, s)
}

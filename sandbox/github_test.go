package sandbox_test

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/credsync/credsync/sandbox"
	"github.com/golang-jwt/jwt/v5"
)

// githubPair is the app's in these tests: to make one takes a while.
var githubPair = sync.OnceValue(func() *rsa.PrivateKey {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic(err)
	}
	return key
})

func githubBox(t *testing.T) *sandbox.Sandbox {
	t.Helper()
	s := timed()
	der, err := x509.MarshalPKIXPublicKey(&githubPair().PublicKey)
	if err != nil {
		t.Fatal(err)
	}
	s.Update("github", "4711", func(a *sandbox.Account) {
		a.Github.PublicKey = string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}))
	})
	return s
}

// appJWT is what the app signs, issued a minute ago and good for nine more, unless the
// test says otherwise.
func appJWT(t *testing.T, s *sandbox.Sandbox, change func(jwt.MapClaims)) string {
	t.Helper()
	now := s.Advance(0).Unix()
	claims := jwt.MapClaims{"iss": "Iv23liDemo", "iat": now - 60, "exp": now + 540}
	if change != nil {
		change(claims)
	}
	signed, err := jwt.NewWithClaims(jwt.SigningMethodRS256, claims).SignedString(githubPair())
	if err != nil {
		t.Fatal(err)
	}
	return signed
}

func githubLogin(assertion, body string) request {
	q := request{"POST", "/github/app/installations/4711/access_tokens", body, map[string]string{
		"Authorization": "Bearer " + assertion, "User-Agent": "test", "Accept": "application/vnd.github+json",
	}}
	if body != "" {
		q.header["Content-Type"] = "application/json"
	}
	return q
}

func githubOf(method, path, token string) request {
	return request{method, "/github" + path, "", map[string]string{"Authorization": "Bearer " + token, "User-Agent": "test"}}
}

func TestGithubRefusesWhatIsNotDocumented(t *testing.T) {
	login, list := githubLogin("x", "{}"), githubOf("GET", "/installation/repositories", "x")
	refusesAsViolations(t, map[string]request{
		"no user agent":       with(login, func(q *request) { delete(q.header, "User-Agent") }),
		"no bearer":           with(login, func(q *request) { q.header["Authorization"] = "Basic eA==" }),
		"a version of old":    with(login, func(q *request) { q.header["X-GitHub-Api-Version"] = "2010-01-01" }),
		"query":               with(login, func(q *request) { q.path += "?a=b" }),
		"no object":           githubLogin("x", "[]"),
		"another field":       githubLogin("x", `{"scope":"repo"}`),
		"list of permissions": githubLogin("x", `{"permissions":["contents"]}`),
		"body of a form":      with(login, func(q *request) { q.header["Content-Type"] = formType }),
		"another query":       with(list, func(q *request) { q.path += "?access_token=x" }),
		"body of a list":      with(list, func(q *request) { q.body = "{}" }),
		"query of an end":     githubOf("DELETE", "/installation/token?a=b", "x"),
	})
}

func TestGithubGivesATokenForAnHour(t *testing.T) {
	s := githubBox(t)
	answer := wants(t, s, 201, githubLogin(appJWT(t, s, nil), ""))
	token, _ := answer["token"].(string)
	if !strings.HasPrefix(token, "ghs_") || answer["expires_at"] != "2026-03-02T11:00:00Z" || answer["repository_selection"] != "all" {
		t.Errorf("the login is answered with %v", answer)
	}
	if list := wants(t, s, 200, githubOf("GET", "/installation/repositories?per_page=1", token)); list["total_count"] != 2.0 {
		t.Errorf("the list is %v", list)
	}
	asked := `{"permissions":{"contents":"read"},"repositories":["website"]}`
	answer = wants(t, s, 201, githubLogin(appJWT(t, s, nil), asked))
	if granted := answer["permissions"].(map[string]any); len(granted) != 1 || granted["contents"] != "read" || answer["repository_selection"] != "selected" {
		t.Errorf("the login is answered with %v", answer)
	}
	// The first one lives on beside the second.
	wants(t, s, 204, githubOf("DELETE", "/installation/token", token))
	if answer := wants(t, s, 401, githubOf("GET", "/installation/repositories", token)); answer["message"] != "Bad credentials" {
		t.Errorf("%v", answer)
	}
	second, _ := answer["token"].(string)
	s.Advance(time.Hour)
	wants(t, s, 401, githubOf("DELETE", "/installation/token", second))
	if c := s.Counters("github", "4711"); c.Logins.Accepted != 2 || c.Revocations.Accepted != 1 || c.Revocations.Rejected != 1 {
		t.Errorf("the counters are %+v", c)
	}
	noViolations(t, s)
}

func TestGithubChecksTheJWT(t *testing.T) {
	s := githubBox(t)
	now := s.Advance(0).Unix()
	claim := func(name string, value any) string {
		return appJWT(t, s, func(c jwt.MapClaims) { c[name] = value })
	}
	other, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	claims := jwt.MapClaims{"iss": "Iv23liDemo", "iat": now - 60, "exp": now + 540}
	stranger, err := jwt.NewWithClaims(jwt.SigningMethodRS256, claims).SignedString(other)
	if err != nil {
		t.Fatal(err)
	}
	longer, err := jwt.NewWithClaims(jwt.SigningMethodRS512, claims).SignedString(githubPair())
	if err != nil {
		t.Fatal(err)
	}
	unsigned, err := jwt.NewWithClaims(jwt.SigningMethodNone, claims).SignedString(jwt.UnsafeAllowNoneSignatureType)
	if err != nil {
		t.Fatal(err)
	}
	for name, assertion := range map[string]string{
		"no JWT": "x", "another key": stranger, "another algorithm": longer, "not signed": unsigned,
		"another app": claim("iss", "Iv-other"), "issued in the future": claim("iat", now+61), "no iat": claim("iat", nil),
		"over": claim("exp", now), "too long": claim("exp", now+601), "no exp": claim("exp", nil),
	} {
		t.Run(name, func(t *testing.T) { wants(t, s, 401, githubLogin(assertion, "")) })
	}
	// A clock that is ahead a little does no harm.
	wants(t, s, 201, githubLogin(appJWT(t, s, func(c jwt.MapClaims) { c["iat"], c["exp"] = now+60, now+600 }), ""))
	if c := s.Counters("github", "4711"); c.Logins.Rejected != 10 {
		t.Errorf("%d logins were rejected", c.Logins.Rejected)
	}
	noViolations(t, s)
}

func TestGithubRefusesAsDocumented(t *testing.T) {
	s := githubBox(t)
	wants(t, s, 404, with(githubLogin(appJWT(t, s, nil), ""), func(q *request) { q.path = "/github/app/installations/12/access_tokens" }))
	for _, body := range []string{
		`{"permissions":{"issues":"read"}}`, `{"permissions":{"metadata":"write"}}`, `{"permissions":{"contents":"all"}}`,
		`{"repositories":["elsewhere"]}`, `{"repository_ids":[3]}`,
	} {
		wants(t, s, 422, githubLogin(appJWT(t, s, nil), body))
	}
	wants(t, s, 201, githubLogin(appJWT(t, s, nil), `{"repository_ids":[2]}`))
	s.Update("github", "4711", func(a *sandbox.Account) { a.Locked = true })
	wants(t, s, 403, githubLogin(appJWT(t, s, nil), ""))
	noViolations(t, s)
}

func TestSandboxMakesTheAppsKeyIfNoneIsGiven(t *testing.T) {
	s := timed()
	status, text := send(t, s, request{"GET", "/_control/github_keys/4711", "", nil})
	block, _ := pem.Decode([]byte(text))
	if status != 200 || block == nil {
		t.Fatalf("%d %s", status, text)
	}
	key, err := x509.ParsePKCS1PrivateKey(block.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	now := s.Advance(0).Unix()
	claims := jwt.MapClaims{"iss": "Iv23liDemo", "iat": now, "exp": now + 60}
	signed, err := jwt.NewWithClaims(jwt.SigningMethodRS256, claims).SignedString(key)
	if err != nil {
		t.Fatal(err)
	}
	wants(t, s, 201, githubLogin(signed, ""))
	if status, _ := send(t, s, request{"GET", "/_control/github_keys/12", "", nil}); status != 400 {
		t.Errorf("the key of an unknown installation is answered with %d", status)
	}
	for _, g := range []sandbox.GithubAccount{{}, {AppID: "1", PublicKey: "no key"}} {
		if s.SetAccount(sandbox.Account{Upstream: "github", Name: "1", Github: &g}) == nil {
			t.Errorf("%+v was accepted", g)
		}
	}
}

package sandbox_test

import (
	"encoding/json"
	"net/http"
	"testing"
	"time"

	"github.com/credsync/credsync/sandbox"
)

func loyaltyPost(path, body string) request {
	return request{"POST", "/loyalty/v1/" + path, body, map[string]string{"Content-Type": "application/json"}}
}

func loyaltyMe(token string) request {
	return request{"GET", "/loyalty/v1/me", "", map[string]string{"Authorization": "Bearer " + token}}
}

const (
	loyaltyGood     = `{"login":"shop","password":"loyalty_password"}`
	loyaltyRotating = `{"login":"shop-rotating","password":"loyalty_password"}`
)

// refusesAsViolations wants each request to be refused and counted as a violation.
func refusesAsViolations(t *testing.T, requests map[string]request) {
	t.Helper()
	for name, q := range requests {
		s := demo(t)
		if status, body := send(t, s, q); status < 400 || len(s.Violations()) == 0 {
			t.Errorf("%s: %d %s, violations %q", name, status, body, s.Violations())
		}
	}
}

// wants sends a request and wants that status.
func wants(t *testing.T, s *sandbox.Sandbox, status int, q request) map[string]any {
	t.Helper()
	got, body := send(t, s, q)
	if got != status {
		t.Fatalf("%s %s is answered with %d, not %d: %s", q.method, q.path, got, status, body)
	}
	var answer map[string]any
	if body != "" {
		if err := json.Unmarshal([]byte(body), &answer); err != nil {
			t.Fatalf("%s: %v", body, err)
		}
	}
	return answer
}

func noViolations(t *testing.T, s *sandbox.Sandbox) {
	t.Helper()
	if v := s.Violations(); len(v) > 0 {
		t.Errorf("violations: %q", v)
	}
}

// timed is the demo accounts with a clock of the test's own.
func timed() *sandbox.Sandbox {
	return sandbox.New(sandbox.Options{
		Accounts: sandbox.DemoAccounts(),
		Now:      func() time.Time { return time.Date(2026, 3, 2, 10, 0, 0, 0, time.UTC) },
	})
}

func TestLoyaltyRefusesWhatIsNotDocumented(t *testing.T) {
	login := loyaltyPost("login", loyaltyGood)
	refusesAsViolations(t, map[string]request{
		"query":            with(login, func(q *request) { q.path += "?password=x" }),
		"authorization":    with(login, func(q *request) { q.header["Authorization"] = "Bearer x" }),
		"form":             with(login, func(q *request) { q.header["Content-Type"] = "application/x-www-form-urlencoded" }),
		"no password":      loyaltyPost("login", `{"login":"shop"}`),
		"another field":    loyaltyPost("login", `{"login":"shop","password":"x","phone":"y"}`),
		"no refresh token": loyaltyPost("refresh", `{}`),
		"bearer refresh":   with(loyaltyPost("refresh", `{"refresh_token":"x"}`), func(q *request) { q.header["Authorization"] = "Bearer x" }),
		"me with a body":   with(loyaltyMe("x"), func(q *request) { q.body = "{}" }),
		"me without token": with(loyaltyMe("x"), func(q *request) { delete(q.header, "Authorization") }),
		"other method":     with(loyaltyMe("x"), func(q *request) { q.method = "PUT" }),
	})
}

func TestLoyaltyLogsInAndRefusesAsDocumented(t *testing.T) {
	s := timed()
	data, _ := wants(t, s, 200, loyaltyPost("login", loyaltyGood))["data"].(map[string]any)
	token, _ := data["token"].(string)
	organization, _ := data["organization"].(map[string]any)
	if data["expire"] != "2026-03-03T10:00:00Z" || organization["id"] != 1231456789.0 || data["refresh_token"] != nil {
		t.Errorf("the login is answered with %v", data)
	}
	wants(t, s, 200, loyaltyMe(token))
	if answer := wants(t, s, 401, loyaltyMe("other")); answer["code"] != "TOKEN_INVALID" {
		t.Errorf("%v", answer)
	}
	for _, body := range []string{`{"login":"shop","password":"x"}`, `{"login":"nobody","password":"x"}`} {
		if answer := wants(t, s, 422, loyaltyPost("login", body)); answer["code"] != "BAD_CREDENTIALS" {
			t.Errorf("%v", answer)
		}
	}
	s.Advance(24 * time.Hour)
	wants(t, s, 401, loyaltyMe(token))
	s.Update("loyalty", "shop", func(a *sandbox.Account) { a.Locked = true })
	if answer := wants(t, s, 403, loyaltyPost("login", loyaltyGood)); answer["code"] != "ACCOUNT_BLOCKED" {
		t.Errorf("%v", answer)
	}
	noViolations(t, s)
}

// rotate refreshes, and returns what the answer brought.
func rotate(t *testing.T, s *sandbox.Sandbox, status int, refresh string) (access, next string) {
	t.Helper()
	answer := wants(t, s, status, loyaltyPost("refresh", `{"refresh_token":"`+refresh+`"}`))
	data, _ := answer["data"].(map[string]any)
	access, _ = data["token"].(string)
	next, _ = data["refresh_token"].(string)
	return access, next
}

func loyaltyFirst(t *testing.T, s *sandbox.Sandbox) (access, refresh string) {
	t.Helper()
	data, _ := wants(t, s, 200, loyaltyPost("login", loyaltyRotating))["data"].(map[string]any)
	access, _ = data["token"].(string)
	refresh, _ = data["refresh_token"].(string)
	return access, refresh
}

func TestLoyaltyRefreshTokenIsSpentByItsUse(t *testing.T) {
	s := timed()
	access, refresh := loyaltyFirst(t, s)
	second, next := rotate(t, s, 200, refresh)
	wants(t, s, 401, loyaltyMe(access))
	wants(t, s, 200, loyaltyMe(second))
	rotate(t, s, 401, refresh)
	wants(t, s, 401, loyaltyMe(second))
	rotate(t, s, 401, next)
	if n := s.Counters("loyalty", "shop-rotating").SpentRefreshes; n != 1 {
		t.Errorf("%d refreshes with a spent token were counted", n)
	}
	noViolations(t, s)
}

func TestLoyaltyRefreshTokenWorksAgainWithinItsGrace(t *testing.T) {
	s := timed()
	s.Update("loyalty", "shop-rotating", func(a *sandbox.Account) { a.Loyalty.ReuseGrace = sandbox.Duration(time.Minute) })
	_, refresh := loyaltyFirst(t, s)
	lost, _ := rotate(t, s, 200, refresh)
	s.Advance(59 * time.Second)
	again, _ := rotate(t, s, 200, refresh)
	wants(t, s, 401, loyaltyMe(lost))
	wants(t, s, 200, loyaltyMe(again))
	s.Advance(time.Second)
	rotate(t, s, 401, refresh)
	wants(t, s, 401, loyaltyMe(again))
}

func TestRejectedLoginsLockDescribedUpstreamsToo(t *testing.T) {
	for _, c := range []struct {
		upstream, name string
		wrong, right   request
		locked         int
	}{
		{"loyalty", "shop", loyaltyPost("login", `{"login":"shop","password":"x"}`), loyaltyPost("login", loyaltyGood), http.StatusForbidden},
		{"veeva", veevaID, veevaGrant("x"), veevaGrant(veevaSecret), http.StatusBadRequest},
	} {
		s := demo(t)
		s.Update(c.upstream, c.name, func(a *sandbox.Account) { a.LockAfter = 2 })
		send(t, s, c.wrong)
		wants(t, s, http.StatusOK, c.right)
		send(t, s, c.wrong)
		send(t, s, c.wrong)
		wants(t, s, c.locked, c.right)
	}
}

package sandbox_test

import (
	"encoding/json"
	"maps"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/credsync/credsync/sandbox"
)

const (
	kassaUser = "79001234567"
	// printf secure_password | openssl dgst -sha256 -binary | base64
	kassaHash = "/y8S7FxqLp72thyVjtcBwydGkZChgHX9kJ7CqbQrlPI="
)

// kassaForm is a token request with those fields besides the client's.
func kassaForm(fields map[string]string) request {
	form := url.Values{"client_id": {"cashdesk-rest-client"}, "client_secret": {"cashdesk-rest-client"}}
	for name, value := range fields {
		form.Set(name, value)
	}
	return request{"POST", "/bifit_kassa/oauth/token", form.Encode(), map[string]string{
		"Content-Type": "application/x-www-form-urlencoded", "Accept-Encoding": "deflate",
	}}
}

func kassaLogin(extra map[string]string) request {
	fields := map[string]string{"grant_type": "password", "username": kassaUser, "password": kassaHash}
	maps.Copy(fields, extra)
	return kassaForm(fields)
}

func kassaRefresh(token string) request {
	return kassaForm(map[string]string{"grant_type": "refresh_token", "refresh_token": token})
}

func kassaCode(username string) request {
	return request{"POST", "/bifit_kassa/oauth/mfa?username=" + username, "", nil}
}

// kassaTokens sends a token request that must succeed.
func kassaTokens(t *testing.T, s *sandbox.Sandbox, q request) (access, refresh string) {
	t.Helper()
	status, body := send(t, s, q)
	var answer struct {
		AccessToken  string `json:"access_token"`
		RefreshToken string `json:"refresh_token"`
	}
	if err := json.Unmarshal([]byte(body), &answer); err != nil || status != 200 || answer.AccessToken == "" {
		t.Fatalf("%d %v", status, err)
	}
	return answer.AccessToken, answer.RefreshToken
}

func TestKassaViolations(t *testing.T) {
	header := func(name, value string) func(*request) {
		return func(q *request) { q.header[name] = value }
	}
	body := func(f func(string) string) func(*request) { return func(q *request) { q.body = f(q.body) } }
	login := kassaLogin(nil)
	for _, c := range []struct {
		name string
		q    request
	}{
		{"JSON", with(login, func(q *request) { q.header["Content-Type"], q.body = "application/json", "{}" })},
		{"query", with(login, func(q *request) { q.path += "?" + q.body })},
		{"Basic client", with(login, header("Authorization", "Basic x"))},
		{"no Accept-Encoding", with(login, func(q *request) { delete(q.header, "Accept-Encoding") })},
		{"gzip", with(login, header("Accept-Encoding", "gzip"))},
		{"password in clear", kassaLogin(map[string]string{"password": "secure_password"})},
		{"hexadecimal digest", kassaLogin(map[string]string{"password": "ff2f12ec5c6a2e9ef6b61c958ed701c327469190a18075fd909ec2a9b42b94f2"})},
		{"plus not encoded", with(kassaLogin(map[string]string{"password": "ueeSHbcyoPM7g3/6lrZ/ByvPI6/AgpSTO+LrM+Q/Wt4="}),
			body(func(s string) string { return strings.ReplaceAll(s, "%2B", "+") }))},
		{"username with a plus", kassaLogin(map[string]string{"username": "+79001234567"})},
		{"unknown field", kassaLogin(map[string]string{"scope": "read"})},
		{"field twice", with(login, body(func(s string) string { return s + "&username=" + kassaUser }))},
		{"no client", with(login, body(func(s string) string { return strings.Replace(s, "client_id", "client", 1) }))},
		{"empty password", kassaLogin(map[string]string{"password": ""})},
		{"unknown grant type", kassaLogin(map[string]string{"grant_type": "client_credentials"})},
		{"code without a session", kassaLogin(map[string]string{"code": "3021"})},
		{"password on a refresh", kassaForm(map[string]string{"grant_type": "refresh_token", "refresh_token": "x", "password": kassaHash})},
		{"refresh without a token", kassaForm(map[string]string{"grant_type": "refresh_token"})},
		{"code for nobody", request{"POST", "/bifit_kassa/oauth/mfa", "", nil}},
		{"code with a password", kassaCode(kassaUser + "&password=x")},
		{"code with a body", with(kassaCode(kassaUser), func(q *request) { q.body = "username=" + kassaUser })},
		{"GET", with(login, func(q *request) { q.method = "GET" })},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := demo(t)
			if status, answer := send(t, s, c.q); status < 400 {
				t.Errorf("status %d, want a refusal: %s", status, answer)
			}
			violations := strings.Join(s.Violations(), " ")
			if violations == "" {
				t.Error("no violation was counted")
			}
			if strings.Contains(violations, "secure_password") || strings.Contains(violations, kassaHash) {
				t.Error("a violation quotes the request")
			}
		})
	}
}

func TestKassaRefreshTokensWorkOnce(t *testing.T) {
	s := demo(t)
	access, first := kassaTokens(t, s, kassaLogin(nil))
	_, second := kassaTokens(t, s, kassaRefresh(first))
	if first == second || second == "" {
		t.Error("want a new refresh token")
	}
	if status, body := send(t, s, kassaRefresh(first)); status != 400 || !strings.Contains(body, `"error":"invalid_grant"`) {
		t.Errorf("a spent refresh token: %d %s", status, body)
	}
	if status, body := send(t, s, kassaRefresh(access)); status != 400 || !strings.Contains(body, `"error":"invalid_grant"`) {
		t.Errorf("an access token for a refresh token: %d %s", status, body)
	}
	if _, live := s.Live("bifit_kassa", first); live {
		t.Error("a refresh token passes for an access token")
	}
	s.Revoke("bifit_kassa", kassaUser)
	if status, _ := send(t, s, kassaRefresh(second)); status != 400 {
		t.Errorf("a revoked refresh token: %d", status)
	}
	c := s.Counters("bifit_kassa", kassaUser)
	if c.SpentRefreshes != 1 || c.Logins.Received != 1 || c.Refreshes.Accepted != 1 || len(c.Violations) != 0 {
		t.Errorf("%+v", c)
	}
}

func TestKassaSecondFactor(t *testing.T) {
	const user = "79007654321"
	s := demo(t)
	password := kassaLogin(map[string]string{"username": user})
	if status, body := send(t, s, password); status != 401 || !strings.Contains(body, `"error":"mfa_required"`) {
		t.Errorf("%d %s", status, body)
	}
	if code := s.LastCode("bifit_kassa", user); code != "" {
		t.Error("a password login sent a code")
	}
	status, session := send(t, s, kassaCode(user))
	if status != 200 || len(session) != 9 {
		t.Fatalf("%d %s", status, session)
	}
	withCode := func(code string) request {
		return kassaLogin(map[string]string{"grant_type": "mfa", "username": user, "session_id": session, "code": code})
	}
	if status, _ := send(t, s, withCode("x")); status != 400 {
		t.Errorf("wrong code: %d", status)
	}
	code := s.LastCode("bifit_kassa", user)
	kassaTokens(t, s, withCode(code))
	if status, _ := send(t, s, withCode(code)); status != 400 {
		t.Errorf("a code that was used: %d", status)
	}
	s.Update("bifit_kassa", user, func(a *sandbox.Account) { a.BifitKassa.Code = "302177" })
	send(t, s, kassaCode(user))
	if code := s.LastCodes()["bifit_kassa"][user]; code != "302177" {
		t.Errorf("the code that was set is not sent: %s", code)
	}
	if n := s.Counters("bifit_kassa", user).Codes.Accepted; n != 2 {
		t.Errorf("%d messages, want 2", n)
	}
}

func TestKassaSessionsEnd(t *testing.T) {
	const user = "79007654321"
	s := demo(t)
	_, session := send(t, s, kassaCode(user))
	s.Advance(5 * time.Minute)
	q := kassaLogin(map[string]string{"grant_type": "mfa", "username": user, "session_id": session, "code": s.LastCode("bifit_kassa", user)})
	if status, body := send(t, s, q); status != 400 || !strings.Contains(body, "invalid_grant") {
		t.Errorf("%d %s", status, body)
	}
}

func TestKassaLocksAfterRejections(t *testing.T) {
	s := demo(t)
	s.Update("bifit_kassa", kassaUser, func(a *sandbox.Account) { a.LockAfter = 2 })
	wrong := kassaLogin(map[string]string{"password": "ueeSHbcyoPM7g3/6lrZ/ByvPI6/AgpSTO+LrM+Q/Wt4="})
	for range 2 {
		if status, body := send(t, s, wrong); status != 400 || strings.Contains(body, "locked") {
			t.Errorf("%d %s", status, body)
		}
	}
	if status, body := send(t, s, kassaLogin(nil)); status != 400 || !strings.Contains(body, "locked") {
		t.Errorf("%d %s", status, body)
	}
}

func TestKassaAccountsAreChecked(t *testing.T) {
	for _, a := range []sandbox.BifitKassaAccount{{PasswordEncoding: "hex"}, {SessionForm: "xml"}, {Deflate: "gzip"}} {
		if err := demo(t).SetAccount(sandbox.Account{Upstream: "bifit_kassa", Name: "x", BifitKassa: &a}); err == nil {
			t.Errorf("%+v was accepted", a)
		}
	}
}

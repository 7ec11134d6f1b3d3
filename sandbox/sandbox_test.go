package sandbox_test

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/credsync/credsync/sandbox"
	"github.com/google/go-cmp/cmp"
)

const (
	demoPhone = "business_user@example.com"
	demoToken = "b37c4c689295904ed21eee5d9a48d42e"
	goodLogin = `{"phone":"business_user@example.com","password":"secure_password"}`
)

func demo(t *testing.T) *sandbox.Sandbox {
	t.Helper()
	return sandbox.New(sandbox.Options{Accounts: sandbox.DemoAccounts()})
}

type request struct {
	method, path, body string
	header             map[string]string
}

// send makes a request of a sandbox that is not listening.
func send(t *testing.T, s *sandbox.Sandbox, q request) (int, string) {
	t.Helper()
	req := httptest.NewRequest(q.method, q.path, strings.NewReader(q.body))
	for name, value := range q.header {
		req.Header.Set(name, value)
	}
	w := httptest.NewRecorder()
	s.Handler().ServeHTTP(w, req)
	return w.Code, w.Body.String()
}

func sagiLogin(body string) request {
	return request{"POST", "/sagi/api/v1/auth/business", body, map[string]string{"Content-Type": "application/json"}}
}

func sagiRefresh(token string) request {
	return request{"POST", "/sagi/api/v1/auth/refresh_token", "", map[string]string{"Authorization": "Bearer " + token}}
}

func boxAuth(version, token string) request {
	return request{"GET", "/invoicebox/" + version + "/security/api/auth/auth", "", map[string]string{
		"Accept": "application/json", "User-Agent": "MyApp/1.0", "Authorization": "Bearer " + token,
	}}
}

func with(q request, change func(*request)) request {
	header := map[string]string{}
	for name, value := range q.header {
		header[name] = value
	}
	q.header = header
	change(&q)
	return q
}

func TestRequestsThatNoDocumentAllowsAreViolations(t *testing.T) {
	login, box := sagiLogin(goodLogin), boxAuth("v3", demoToken)
	header := func(name, value string) func(*request) {
		return func(q *request) { q.header[name] = value }
	}
	for _, c := range []struct {
		name string
		q    request
	}{
		{"method", with(login, func(q *request) { q.method = "PUT" })},
		{"path", with(login, func(q *request) { q.path += "/" })},
		{"query", with(login, func(q *request) { q.path += "?password=x" })},
		{"empty query", with(box, func(q *request) { q.path += "?" })},
		{"content type", with(login, header("Content-Type", "text/plain"))},
		{"authorization on a login", with(login, header("Authorization", "Bearer x"))},
		{"unknown field", sagiLogin(`{"phone":"a","password":"b","login":"c"}`)},
		{"field twice", sagiLogin(`{"phone":"a","password":"b","password":"c"}`)},
		{"no password", sagiLogin(`{"phone":"a"}`)},
		{"number for a string", sagiLogin(`{"phone":1,"password":"b"}`)},
		{"empty optional field", sagiLogin(`{"phone":"a","password":"b","license_key":""}`)},
		{"form", sagiLogin(`phone=a&password=b`)},
		{"two objects", sagiLogin(goodLogin + goodLogin)},
		{"huge body", sagiLogin(`{"phone":"` + strings.Repeat("a", 70_000) + `","password":"b"}`)},
		{"body on a refresh", with(sagiRefresh("x"), func(q *request) { q.body = "{}" })},
		{"refresh without a token", with(sagiRefresh("x"), func(q *request) { delete(q.header, "Authorization") })},
		{"another scheme", with(sagiRefresh("x"), header("Authorization", "Basic x"))},
		{"no Accept", with(box, func(q *request) { delete(q.header, "Accept") })},
		{"User-Agent of another form", with(box, header("User-Agent", "MyApp 1.0"))},
		{"no User-Agent", with(box, func(q *request) { delete(q.header, "User-Agent") })},
		{"body on a GET", with(box, func(q *request) { q.body = "{}" })},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := demo(t)
			status, body := send(t, s, c.q)
			if status < 400 {
				t.Errorf("status %d, want a refusal: %s", status, body)
			}
			violations := s.Violations()
			if len(violations) == 0 {
				t.Error("no violation was counted")
			}
			if strings.Contains(strings.Join(violations, " "), "password=") {
				t.Errorf("a violation quotes the request: %v", violations)
			}
		})
	}
}

func TestMissingTokenIsAnsweredAsAnonymous(t *testing.T) {
	s := demo(t)
	status, body := send(t, s, with(boxAuth("v3", ""), func(q *request) { delete(q.header, "Authorization") }))
	if status != 200 || !strings.Contains(body, `"userId":null`) {
		t.Errorf("%d %s", status, body)
	}
	if len(s.Violations()) == 0 {
		t.Error("no violation was counted")
	}
}

func TestDocumentedAnswers(t *testing.T) {
	s := demo(t)
	for _, c := range []struct {
		name   string
		q      request
		status int
		part   string
	}{
		{"invoicebox v3", boxAuth("v3", demoToken), 200, `"userId":"01771533-8e75-3234-8e3d-9213ae2d7c52"`},
		{"invoicebox l3", boxAuth("l3", "29078-API:"+demoToken), 200, `"userId":"0177`},
		{"token of another version", boxAuth("l3", demoToken), 401, `"code":"unauthorized"`},
		{"unknown token", boxAuth("v3", "00"), 401, `"message":"Unauthorized"`},
		{"sagi login", sagiLogin(goodLogin), 200, `"branches":[9876543210987654321,1234567890123456789]`},
		{"wrong password", sagiLogin(`{"phone":"business_user@example.com","password":"x"}`), 401, `"message"`},
		{"unknown phone", sagiLogin(`{"phone":"x","password":"x"}`), 401, `"message"`},
		{"unknown refresh", sagiRefresh("x"), 401, `"message"`},
	} {
		t.Run(c.name, func(t *testing.T) {
			status, body := send(t, s, c.q)
			if status != c.status || !strings.Contains(body, c.part) {
				t.Errorf("%d %s, want %d with %s", status, body, c.status, c.part)
			}
		})
	}
	if v := s.Violations(); len(v) > 0 {
		t.Errorf("violations: %v", v)
	}
	want := sandbox.Count{Received: 2, Accepted: 1, Rejected: 1}
	if diff := cmp.Diff(want, s.Counters("sagi", demoPhone).Logins); diff != "" {
		t.Error(diff)
	}
	if n := s.Counters("sagi", "").Logins.Rejected; n != 1 {
		t.Errorf("%d rejected logins of nobody, want 1", n)
	}
}

// login logs in to the demo account and returns the token.
func login(t *testing.T, s *sandbox.Sandbox) string {
	t.Helper()
	status, body := send(t, s, sagiLogin(goodLogin))
	var answer struct {
		AccessToken string `json:"access_token"`
	}
	if err := json.Unmarshal([]byte(body), &answer); err != nil || status != 200 {
		t.Fatalf("%d %v", status, err)
	}
	return answer.AccessToken
}

func TestTokensLiveAndDie(t *testing.T) {
	s := demo(t)
	first, second := login(t, s), login(t, s)
	if first == second {
		t.Error("two logins gave one token")
	}
	live := func(token string) bool { _, ok := s.Live("sagi", token); return ok }
	if !live(first) || !live(second) || live("x") {
		t.Error("want the two tokens alive, and no other")
	}
	s.Advance(30*24*time.Hour + time.Second)
	if live(first) {
		t.Error("the token outlives its time")
	}
	if status, _ := send(t, s, sagiRefresh(first)); status != 200 {
		t.Errorf("refresh of an expired token: %d", status)
	}
	s.Revoke("sagi", demoPhone)
	if status, _ := send(t, s, sagiRefresh(first)); status != 401 {
		t.Errorf("refresh of a revoked token: %d", status)
	}
	if name, ok := s.Live("invoicebox", demoToken); !ok || name != "demo" {
		t.Error("the static token is not alive")
	}
	s.Revoke("invoicebox", "demo")
	if _, ok := s.Live("invoicebox", demoToken); ok {
		t.Error("the static token outlives its revocation")
	}
}

func TestRejectedLoginsLockTheAccount(t *testing.T) {
	s := demo(t)
	s.Update("sagi", demoPhone, func(a *sandbox.Account) { a.LockAfter = 2 })
	for range 2 {
		send(t, s, sagiLogin(`{"phone":"business_user@example.com","password":"x"}`))
	}
	if status, _ := send(t, s, sagiLogin(goodLogin)); status != 403 {
		t.Errorf("status %d, want the account locked", status)
	}
}

func TestParallelLoginsOfOneAccountAreAViolation(t *testing.T) {
	s := demo(t)
	if err := s.AddFault(sandbox.Fault{Kind: sandbox.Slow, Delay: sandbox.Duration(time.Minute),
		Count: 1}); err != nil {
		t.Fatal(err)
	}
	arrived := make(chan struct{}, 2)
	s.OnReceived(func() { arrived <- struct{}{} })
	ctx, leave := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	wg.Go(func() {
		req := httptest.NewRequest("POST", "/sagi/api/v1/auth/business", strings.NewReader(goodLogin))
		req.Header.Set("Content-Type", "application/json")
		s.Handler().ServeHTTP(httptest.NewRecorder(), req.WithContext(ctx))
	})
	<-arrived
	status, _ := send(t, s, sagiLogin(goodLogin))
	leave()
	wg.Wait()
	if status != 400 || len(s.Violations()) != 1 {
		t.Errorf("status %d, violations %v", status, s.Violations())
	}
}

func TestFaultsApplyWhereTheyAreSet(t *testing.T) {
	s := demo(t)
	for _, f := range []sandbox.Fault{
		{Kind: sandbox.Status, Upstream: "invoicebox", Account: "demo-l3", Status: 500},
		{Kind: sandbox.Status, Upstream: "sagi", Op: sandbox.OpLogin, Status: 503, Count: 2},
	} {
		if err := s.AddFault(f); err != nil {
			t.Fatal(err)
		}
	}
	var got []int
	for _, q := range []request{boxAuth("v3", demoToken), boxAuth("l3", "29078-API:"+demoToken), sagiRefresh("x"),
		sagiLogin(goodLogin), sagiLogin(goodLogin), sagiLogin(goodLogin)} {
		status, _ := send(t, s, q)
		got = append(got, status)
	}
	if diff := cmp.Diff([]int{200, 500, 401, 503, 503, 200}, got); diff != "" {
		t.Error(diff)
	}
	if n := len(s.Faults()); n != 1 {
		t.Errorf("%d faults left, want the one without a count", n)
	}
}

func TestFaultsWithAProbabilityRepeatBySeed(t *testing.T) {
	run := func() []int {
		s := sandbox.New(sandbox.Options{Accounts: sandbox.DemoAccounts(), Seed: 7})
		if err := s.AddFault(sandbox.Fault{Kind: sandbox.HTML, Probability: 0.5}); err != nil {
			t.Fatal(err)
		}
		var got []int
		for range 32 {
			status, _ := send(t, s, boxAuth("v3", demoToken))
			got = append(got, status)
		}
		return got
	}
	first := run()
	if diff := cmp.Diff(first, run()); diff != "" {
		t.Error(diff)
	}
	if !slices.Contains(first, 200) || !slices.Contains(first, 500) {
		t.Errorf("want a mixture: %v", first)
	}
}

func TestControlAPI(t *testing.T) {
	s := demo(t)
	if err := s.Start("127.0.0.1:0"); err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	call := func(method, path, body string) string {
		t.Helper()
		req, err := http.NewRequest(method, s.URL("")+"/_control/"+path, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		b, err := io.ReadAll(resp.Body)
		if err != nil {
			t.Fatal(err)
		}
		return resp.Status[:3] + " " + string(b)
	}
	urls, err := json.Marshal(s.URLs())
	if err != nil {
		t.Fatal(err)
	}
	token := login(t, s)
	for _, c := range []struct{ method, path, body, want string }{
		{"GET", "urls", "", "200 " + string(urls)},
		{"POST", "accounts", `{"upstream":"invoicebox","name":"new","token":"ab","invoicebox":{"user_id":"u"}}`, `200 {}`},
		{"POST", "accounts", `{"upstream":"nowhere","name":"new"}`, `400 {"error":"unknown upstream \"nowhere\"; use one of ` + strings.Join(s.Upstreams(), ", ") + `"}`},
		{"POST", "accounts", `{"upstream":"sagi"}`, `400 {"error":"set a name for the account"}`},
		{"POST", "accounts", `{"nmae":"x"}`, `400 {"error":"json: unknown field \"nmae\""}`},
		{"POST", "faults", `{"kind":"slow","delay":"5ms","op":"verify","count":3}`, `200 {}`},
		{"GET", "faults", "", `200 [{"kind":"slow","op":"verify","count":3,"delay":"5ms"}]`},
		{"POST", "faults", `{"kind":"status","op":"logout"}`, `400 {"error":"unknown operation \"logout\""}`},
		{"POST", "faults", `{"kind":"status","probability":2}`, `400 {"error":"a count must not be negative, and a probability must be between 0 and 1"}`},
		{"DELETE", "faults", "", `200 {}`},
		{"GET", "faults", "", `200 []`},
		{"POST", "live", `{"upstream":"sagi","token":"` + token + `"}`, `200 {"account":"business_user@example.com","live":true}`},
		{"POST", "revoke", `{"upstream":"sagi","account":"business_user@example.com"}`, `200 {}`},
		{"POST", "live", `{"upstream":"sagi","token":"` + token + `"}`, `200 {"account":"business_user@example.com","live":false}`},
		{"GET", "sms", "", `200 {}`},
		{"DELETE", "counters", "", `200 {}`},
	} {
		if got := call(c.method, c.path, c.body); got != c.want {
			t.Errorf("%s %s: got %s, want %s", c.method, c.path, got, c.want)
		}
	}
	if got := call("GET", "counters", ""); !strings.Contains(got, `"business_user@example.com":{"logins":{"received":0,"accepted":0,"rejected":0}`) {
		t.Error(got)
	}
	if got := call("GET", "accounts", ""); !strings.Contains(got, `"name":"new"`) {
		t.Error(got)
	}
	if got := call("POST", "clock", `{"advance":"24h"}`); !strings.HasPrefix(got, `200 {"now":"`) {
		t.Error(got)
	}
}

func TestOnlyLoopbackIsListenedAt(t *testing.T) {
	for _, address := range []string{"0.0.0.0:0", ":0", "[::]:0", "example.com:80", "127.0.0.1"} {
		if err := demo(t).Start(address); err == nil {
			t.Errorf("%s was accepted", address)
		}
	}
}

// Whatever the sandbox's clock says, all its answers say it too, and its
// certificates are good: by its own clock, and by the machine's, which clients
// have.
func TestClockIsTheCallers(t *testing.T) {
	for name, years := range map[string]int{"the past": -30, "the present": 0, "the future": 30} {
		t.Run(name, func(t *testing.T) {
			now := time.Now().AddDate(years, 0, 0).UTC().Truncate(time.Second)
			s := sandbox.New(sandbox.Options{Accounts: sandbox.DemoAccounts(), Now: func() time.Time { return now }})
			for _, path := range []string{"/", "/sagi/", "/sagi/api/v1/auth/business", "/_control/"} {
				w := httptest.NewRecorder()
				s.Handler().ServeHTTP(w, httptest.NewRequest("HEAD", path, nil))
				if got := w.Result().Header.Get("Date"); got != now.Format(http.TimeFormat) {
					t.Errorf("%s is dated %q, want %v", path, got, now)
				}
			}
			if err := s.StartTLS("127.0.0.1:0"); err != nil {
				t.Fatal(err)
			}
			defer s.Close()
			if status, body := post(t, s, clientOf(t, s, sandbox.ClientCertificate{CommonName: "demo"})); status != 200 {
				t.Errorf("a login by certificate ended with %d %s", status, body)
			}
		})
	}
}

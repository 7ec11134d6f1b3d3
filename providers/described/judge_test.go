package described_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/credsync/credsync/credential"
	"github.com/credsync/credsync/failure"
	"github.com/credsync/credsync/providers"
	"github.com/credsync/credsync/providers/described"
)

// old is a token that was got before.
func old() credential.Token {
	return credential.Token{
		Access: credential.NewSecret("canary-old-access"), Refresh: credential.NewSecret("canary-old-refresh"),
		Outputs: credential.Outputs{},
	}
}

const (
	none         = failure.Reason("")
	rejected     = failure.CredentialsRejected
	unclassified = failure.UnclassifiedRefusal
)

// What a status means where the description does not say.
func TestStatusesThatNoBlockDescribes(t *testing.T) {
	type meaning struct {
		class  failure.Class
		reason failure.Reason
	}
	for op, means := range map[string]map[int]meaning{
		"login": {
			401: {failure.Credentials, rejected}, 403: {failure.Human, failure.NoAccess},
			400: {failure.Server, unclassified}, 404: {failure.Server, unclassified},
			422: {failure.Server, unclassified}, 423: {failure.Server, unclassified},
			408: {failure.Retryable, none}, 425: {failure.Retryable, none}, 429: {failure.Retryable, none},
			500: {failure.Server, none}, 501: {failure.Server, none}, 503: {failure.Retryable, none},
			200: {failure.Server, unclassified}, 204: {failure.Server, unclassified},
			302: {failure.Server, none}, 301: {failure.Config, none},
		},
		"refresh": {
			401: {failure.Credentials, none}, 403: {failure.Human, failure.NoAccess}, 400: {failure.Server, none},
			422: {failure.Server, none}, 500: {failure.Server, none}, 503: {failure.Retryable, none},
			200: {failure.Server, none},
		},
		"verify": {
			401: {failure.Credentials, none}, 403: {failure.Human, failure.NoAccess},
			404: {failure.Config, none}, 405: {failure.Config, none}, 400: {failure.Server, none},
			500: {failure.Retryable, none}, 503: {failure.Retryable, none}, 204: {"", none},
		},
	} {
		for status, want := range means {
			t.Run(fmt.Sprintf("%s %d", op, status), func(t *testing.T) {
				w := newWorld(t, acme(withRefresh))
				a := canned{status: status, body: `{"said":"` + password + `"}`}
				if status == http.StatusNoContent {
					a.body = ""
				}
				w.answer("/login", a).answer("/refresh", a).answer("/me", a)
				var err error
				switch op {
				case "login":
					_, err = w.login()
				case "refresh":
					_, err = w.refresh(old())
				default:
					_, err = w.verify(old())
				}
				if want.class == "" {
					if err != nil {
						t.Error(err)
					}
					return
				}
				e := wantError(t, err, want.class, want.reason)
				if e.Status != status {
					t.Errorf("the status is %d", e.Status)
				}
				wantCounted(t, e, op == "login" && want.reason == unclassified)
				passes := want.class == failure.Server || want.class == failure.Retryable
				lost := op != "verify" && passes && status != http.StatusTooManyRequests
				if e.AnswerLost != lost && status/100 != 3 {
					t.Errorf("AnswerLost is %v: %v", e.AnswerLost, e)
				}
			})
		}
	}
}

func wantCounted(t *testing.T, e *failure.Error, counted bool) {
	t.Helper()
	if e.IsCounted() != counted {
		t.Errorf("counted: %v, want %v: %v", e.IsCounted(), counted, e)
	}
}

// A refusal names what to correct, and where.
func TestARefusalThatNoBlockDescribesNamesTheUpstream(t *testing.T) {
	w := newWorld(t, acme()).answer("/login", canned{status: 422, body: `{}`})
	_, err := w.login()
	e := wantError(t, err, failure.Server, unclassified,
		`the upstream refused the login with HTTP 422, which upstream "acme" does not describe (acme.hcl:4)`)
	if !strings.Contains(e.Advice, "Add an error block") || !strings.Contains(e.Advice, `upstream "acme"`) {
		t.Error(e.Advice)
	}
}

// A page is nobody's documented answer, whatever a block says of its status.
func TestAPageIsNoAnswer(t *testing.T) {
	for status, class := range map[int]failure.Class{
		200: failure.Server, 400: failure.Server, 401: failure.Server, 403: failure.Server, 404: failure.Server,
		500: failure.Server,
	} {
		for _, format := range []string{described.FormatJSON, described.FormatText, described.FormatAuto} {
			d := acme(withRefresh, func(d *described.Definition) {
				d.Login.Requests[0].Response.Format = format
				d.Login.AccessToken = x(`response.text`)
				d.Errors = []described.ErrorBlock{
					{Name: "all", When: x(`true`), Class: failure.Credentials},
					{Name: "again", When: x(`true`), Class: failure.Retryable},
				}
			})
			w := newWorld(t, d).answer("/login", canned{
				status: status, body: "\n<!DOCTYPE html><html>" + password + "</html>", header: map[string]string{"Content-Type": "text/html"},
			})
			_, err := w.login()
			wantCounted(t, wantError(t, err, class, none, "web page"), false)
			if w.count("/login") != 1 {
				t.Errorf("it was sent %d times", w.count("/login"))
			}
		}
	}
}

// 429 may say that the login is locked, and a redirect that it failed. But a condition that
// is too wide must not make a rejected password of an outage.
func TestBlocksForStatusesThatMeanTheSameElsewhere(t *testing.T) {
	wide := described.ErrorBlock{Name: "wide", Place: "acme.hcl:19", When: x(`response.status != 200`), Class: failure.Credentials}
	wait := described.ErrorBlock{
		Name: "wait", When: x(`response.body.code == "WAIT"`), Class: failure.Retryable, RetryAfter: x(`response.body.seconds`),
	}
	locked := described.ErrorBlock{
		Name: "locked", When: x(`response.body.code == "LOCKED"`), Class: failure.Human, Reason: failure.AccountLocked,
	}
	sentBack := described.ErrorBlock{
		Name: "sent back", When: x(`strcontains(response.headers.location, "error=")`), Class: failure.Credentials,
	}
	location := func(to string) map[string]string {
		return map[string]string{"Location": to, "Content-Type": "text/html"}
	}
	for name, c := range map[string]struct {
		answer canned
		blocks []described.ErrorBlock
		class  failure.Class
		reason failure.Reason
		after  time.Duration
		lost   bool
		sent   int
	}{
		"too many logins, described": {
			canned{status: 429, body: `{"code":"LOCKED"}`}, []described.ErrorBlock{wide, wait, locked},
			failure.Human, failure.AccountLocked, 0, false, 1,
		},
		"too many logins, with a pause": {
			canned{status: 429, body: `{"code":"WAIT","seconds":90}`}, []described.ErrorBlock{locked, wait},
			failure.Retryable, none, 90 * time.Second, false, 3,
		},
		"busy, with the pause of the header": {
			canned{status: 429, body: `{"code":"WAIT"}`, header: map[string]string{"Retry-After": "3600"}}, []described.ErrorBlock{{
				Name: "busy", When: x(`response.status == 429`), Class: failure.Retryable,
			}}, failure.Retryable, none, time.Hour, false, 1,
		},
		"too many logins, by a wide condition": {
			canned{status: 429, body: `{}`}, []described.ErrorBlock{wide}, failure.Retryable, none, 0, false, 3,
		},
		"away, by a wide condition": {
			canned{status: 503, body: `{}`}, []described.ErrorBlock{wide}, failure.Retryable, none, 0, true, 1,
		},
		"away, described": {
			canned{status: 503, body: `{"code":"LOCKED"}`}, []described.ErrorBlock{wide, locked},
			failure.Human, failure.AccountLocked, 0, false, 1,
		},
		"sent back to the form": {
			canned{status: 302, body: "<html>", header: location("/login?error=1")}, []described.ErrorBlock{sentBack},
			failure.Credentials, rejected, 0, false, 1,
		},
		"sent elsewhere": {
			canned{status: 302, body: "<html>", header: location("https://portal.example/")}, []described.ErrorBlock{sentBack},
			failure.Server, none, 0, true, 1,
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, acme(func(d *described.Definition) { d.Errors = c.blocks }))
			w.answer("/login", c.answer, c.answer, c.answer)
			_, err := w.login()
			e := wantError(t, err, c.class, c.reason)
			if e.RetryAfter != c.after || e.AnswerLost != c.lost || w.count("/login") != c.sent {
				t.Errorf("sent %d times, again after %s, lost %t: %v", w.count("/login"), e.RetryAfter, e.AnswerLost, e)
			}
			wantCounted(t, e, false)
		})
	}
}

func TestErrorBlocksInTheirOrder(t *testing.T) {
	block := func(name, when string, class failure.Class, edit ...func(*described.ErrorBlock)) described.ErrorBlock {
		b := described.ErrorBlock{Name: name, Place: "acme.hcl:20", When: x(when), Class: class}
		for _, e := range edit {
			e(&b)
		}
		return b
	}
	on := func(ops ...string) func(*described.ErrorBlock) {
		return func(b *described.ErrorBlock) { b.On = ops }
	}
	for name, c := range map[string]struct {
		answer canned
		blocks []described.ErrorBlock
		class  failure.Class
		reason failure.Reason
		part   string
	}{
		"the first one wins": {
			canned{status: 422, body: `{"code":"BAD"}`},
			[]described.ErrorBlock{
				block("bad", `response.body.code == "BAD"`, failure.Credentials), block("all", `true`, failure.Config),
			}, failure.Credentials, rejected, `error "bad" (acme.hcl:20)`,
		},
		"one that cannot be evaluated does not match": {
			canned{status: 422, body: `{"code":"BAD"}`},
			[]described.ErrorBlock{
				block("bad", `response.body.nothing == "BAD"`, failure.Credentials), block("all", `true`, failure.Config),
			}, failure.Config, none, `error "all"`,
		},
		"one for another operation": {
			canned{status: 401, body: `{}`},
			[]described.ErrorBlock{block("refresh", `true`, failure.Config, on("refresh", "verify"))},
			failure.Credentials, rejected, "",
		},
		"one for this operation": {
			canned{status: 401, body: `{}`},
			[]described.ErrorBlock{block("login", `true`, failure.Config, on("refresh", "login"))}, failure.Config, none, "",
		},
		"before a status of success": {
			canned{status: 200, body: `{"token":"x","error":"locked"}`},
			[]described.ErrorBlock{block("locked", `response.body.error == "locked"`, failure.Human, func(b *described.ErrorBlock) {
				b.Reason = failure.AccountLocked
			})}, failure.Human, failure.AccountLocked, "",
		},
		"a human reason that is not given": {
			canned{status: 400, body: `{}`},
			[]described.ErrorBlock{block("h", `response.status == 400`, failure.Human)}, failure.Human, failure.NoAccess, "",
		},
		"a server's error counts": {
			canned{status: 400, body: `{}`},
			[]described.ErrorBlock{block("s", `true`, failure.Server)}, failure.Server, unclassified, "",
		},
		"a server's error in 200 counts": {
			canned{status: 200, body: `{"token":"x"}`},
			[]described.ErrorBlock{block("s", `true`, failure.Server)}, failure.Server, unclassified, "",
		},
		"the body is no JSON": {
			canned{status: 401, body: `wrong password`},
			[]described.ErrorBlock{block("s", `response.body == null && response.text == "wrong password"`, failure.Config)},
			failure.Config, none, "",
		},
		"with the upstream's words": {
			canned{status: 400, body: `{"message":"The  shop\nis closed"}`},
			[]described.ErrorBlock{block("s", `true`, failure.Config, func(b *described.ErrorBlock) {
				b.Message = x(`response.body.message`)
			})}, failure.Config, none, `(acme.hcl:20): The shop is closed`,
		},
		"with words that repeat the password": {
			canned{status: 400, body: `{"message":"no ` + password + `"}`},
			[]described.ErrorBlock{block("s", `true`, failure.Config, func(b *described.ErrorBlock) {
				b.Message = x(`response.body.message`)
			})}, failure.Config, none, `is not shown`,
		},
		"with words that repeat the token that just came": {
			canned{status: 200, body: `{"token":"canary-new-token","message":"not yet: canary-new-token"}`},
			[]described.ErrorBlock{block("s", `true`, failure.Config, func(b *described.ErrorBlock) {
				b.Message = x(`response.body.message`)
			})}, failure.Config, none, `is not shown`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, acme(func(d *described.Definition) { d.Errors = c.blocks })).answer("/login", c.answer)
			_, err := w.login()
			wantError(t, err, c.class, c.reason, c.part)
			if w.count("/login") != 1 {
				t.Errorf("it was sent %d times", w.count("/login"))
			}
		})
	}
}

func TestWhatABlockSaysBesides(t *testing.T) {
	for expr, wait := range map[string]time.Duration{
		`"15m"`: 15 * time.Minute, `90`: 90 * time.Second, `"120"`: 2 * time.Minute, `response.headers.x-wait`: 7 * time.Second,
		`"soon"`: 0, `response.body.none`: 0, `-3`: 0, `"90d"`: 24 * time.Hour, `null`: 0,
	} {
		w := newWorld(t, acme(func(d *described.Definition) {
			d.Errors = []described.ErrorBlock{{
				Name: "later", When: x(`response.status == 400`), Class: failure.Human, Reason: failure.AccountLocked,
				Attribute: "user", Advice: "Ask ACME.", RetryAfter: x(expr), Summary: "the account is locked",
				Message: x(`"by them"`),
			}}
		})).answer("/login", canned{status: 400, body: `{}`, header: map[string]string{"X-Wait": "7"}})
		_, err := w.login()
		e := wantError(t, err, failure.Human, failure.AccountLocked)
		if e.Message != "the account is locked: by them" || e.Attribute != "user" || e.Advice != "Ask ACME." || e.RetryAfter != wait {
			t.Errorf("%s: %#v", expr, e)
		}
	}
}

// What is asked before a login carries no credentials, so none can have been rejected.
func TestOnlyWhatCountsAsALoginIsRejected(t *testing.T) {
	w := newWorld(t, acme(func(d *described.Definition) {
		d.Errors = []described.ErrorBlock{{
			Name: "wrong", Place: "acme.hcl:20", When: x(`response.status == 401`), Class: failure.Credentials,
		}}
		key := described.Request{Label: "key", Place: "acme.hcl:5", Path: x(`"/key"`)}
		login := d.Login.Requests[0]
		login.Label = "login"
		d.Login.Requests = []described.Request{key, login}
	})).answer("/key", canned{status: 401, body: `{}`}, canned{status: 200, body: `{}`}).answer("/login", canned{status: 401, body: `{}`})
	_, err := w.login()
	wantError(t, err, failure.Config, none)
	_, err = w.login()
	wantError(t, err, failure.Credentials, rejected)
	if w.count("/login") != 1 {
		t.Errorf("%d logins were sent", w.count("/login"))
	}
}

// What the description says is to be tried again is, within the run; nothing else is.
func TestALoginIsSentOnceUnlessTheDescriptionSaysOtherwise(t *testing.T) {
	again := func(d *described.Definition) {
		d.Errors = []described.ErrorBlock{{
			Name: "later", When: x(`try(response.body.code, 0) == 77`), Class: failure.Retryable,
		}}
	}
	for name, c := range map[string]struct {
		answers []canned
		sent    int
		class   failure.Class
	}{
		"then a token":     {[]canned{{status: 400, body: `{"code":77}`}, {status: 200, body: `{"token":"x"}`}}, 2, ""},
		"never":            {[]canned{{status: 400, body: `{"code":77}`}}, 3, failure.Retryable},
		"then a refusal":   {[]canned{{status: 500, body: `{"code":77}`}, {status: 401, body: `{}`}}, 2, failure.Credentials},
		"another code":     {[]canned{{status: 400, body: `{"code":78}`}}, 1, failure.Server},
		"a server's fault": {[]canned{{status: 500, body: `{}`}}, 1, failure.Server},
		"gateway":          {[]canned{{status: 502, body: `{}`}}, 1, failure.Retryable},
		"page":             {[]canned{{status: 500, body: `<html>`}}, 1, failure.Server},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, acme(again)).answer("/login", c.answers...)
			_, err := w.login()
			if w.count("/login") != c.sent {
				t.Errorf("it was sent %d times, want %d", w.count("/login"), c.sent)
			}
			switch {
			case c.class == "" && err != nil:
				t.Error(err)
			case c.class == failure.Retryable && !wantError(t, err, c.class, none).AnswerLost:
				t.Error("the answer is not said to be lost")
			case c.class != "" && failure.ClassOf(err) != c.class:
				t.Error(err)
			}
		})
	}
}

// A success that cannot be evaluated is none.
func TestSuccessByCondition(t *testing.T) {
	for body, ok := range map[string]bool{
		`{"ok":true,"token":"x"}`: true, `{"ok":false,"token":"x"}`: false, `{"token":"x"}`: false, `{"ok":"yes"}`: false,
		`{"ok":null}`: false, `no`: false,
	} {
		w := newWorld(t, acme(func(d *described.Definition) {
			d.Login.Requests[0].Response.Success = x(`response.status == 200 && response.body.ok`)
		})).answer("/login", canned{status: 200, body: body})
		_, err := w.login()
		if ok {
			if err != nil {
				t.Error(err)
			}
			continue
		}
		wantCounted(t, wantError(t, err, failure.Server, unclassified, `upstream "acme"`), true)
	}
	w := newWorld(t, acme(func(d *described.Definition) {
		d.Login.Requests[0].Response.Success = x(`response.status == 418`)
	})).answer("/login", canned{status: 418, body: `{"token":"x"}`})
	w.mustLogin()
}

// A static token that is rejected is the account's credentials.
func TestStaticToken(t *testing.T) {
	d := acme(func(d *described.Definition) {
		d.Static, d.Login = x(`self.password`), nil
	})
	w := newWorld(t, d).answer("/me", canned{status: 401, body: `{}`}, canned{status: 400, body: `{}`}, canned{status: 404, body: `{}`},
		canned{status: 200, body: `{}`})
	token := w.mustLogin()
	if token.Access.Reveal() != password || !token.ExpiresAt.IsZero() || len(w.sent) != 0 {
		t.Errorf("%v, %d requests", token, len(w.sent))
	}
	_, err := w.verify(token)
	if e := wantError(t, err, failure.Credentials, rejected); !e.OfCredentials {
		t.Error("the error is not of credentials")
	}
	_, err = w.verify(token)
	wantCounted(t, wantError(t, err, failure.Server, unclassified), true)
	_, err = w.verify(token)
	wantCounted(t, wantError(t, err, failure.Config, none), true)
	if _, err = w.verify(token); err != nil {
		t.Error(err)
	}
	if _, ok := w.provider.(providers.Refresher); ok {
		t.Error("it can be refreshed")
	}
}

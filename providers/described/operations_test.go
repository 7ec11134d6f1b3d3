package described_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/credsync/credsync/credential"
	"github.com/credsync/credsync/failure"
	"github.com/credsync/credsync/providers"
	"github.com/credsync/credsync/providers/described"
	"github.com/credsync/credsync/schema"
	"github.com/google/go-cmp/cmp"
	"github.com/zclconf/go-cty/cty"
)

// A refresh carries over what its answer does not repeat.
func TestRefresh(t *testing.T) {
	d := acme(withRefresh, output("org", cty.String, `response.body.org`), output("role", cty.String, `try(response.body.role, null)`),
		func(d *described.Definition) {
			d.Refresh.Outputs = []described.Output{{Name: "role", Expr: x(`try(response.body.role, null)`)}}
		})
	w := newWorld(t, d).answer("/login", canned{status: 200, body: `{"token":"canary-1","refresh":"canary-r1","org":"o","role":"r"}`}).
		answer("/refresh",
			canned{status: 200, body: `{"token":"canary-2","refresh":"canary-r2"}`},
			canned{status: 200, body: `{"token":"canary-3","refresh":null,"role":"s"}`},
			canned{status: 200, body: `{"token":"canary-4","refresh":"","role":null}`},
			canned{status: 200, body: `{"token":"canary-5","refresh":{}}`},
			canned{status: 200, body: `{"token":"canary-6","refresh":"e\u0301"}`},
		)
	token := w.mustLogin()
	for i, want := range []struct{ access, refresh, role, presented, warning string }{
		{"canary-2", "canary-r2", "r", "canary-r1", ""},
		{"canary-3", "canary-r2", "s", "canary-r2", ""},
		{"canary-4", "canary-r2", "s", "canary-r2", ""},
		{"canary-5", "canary-r2", "s", "canary-r2", `"refresh_token" (acme.hcl:7)`},
		{"canary-6", "canary-r2", "s", "canary-r2", `"refresh_token" (acme.hcl:7)`},
	} {
		var err error
		if token, err = w.refresh(token); err != nil {
			t.Fatal(err)
		}
		if token.Access.Reveal() != want.access || token.Refresh.Reveal() != want.refresh {
			t.Errorf("%d: the tokens are wrong", i)
		}
		if token.Outputs.String("org") != "o" || token.Outputs.String("role") != want.role {
			t.Errorf("%d: %v", i, token.Outputs)
		}
		text := strings.Join(token.Warnings, "")
		if want.warning == "" && text != "" || !strings.Contains(text, want.warning) {
			t.Errorf("%d: %s", i, text)
		}
		if got := w.sent[len(w.sent)-1].body; got != "refresh_token="+want.presented {
			t.Errorf("%d: %s", i, got)
		}
		w.hidden(strings.Join(token.Warnings, ""))
	}
	if w.count("/refresh") != 5 {
		t.Errorf("%d requests", w.count("/refresh"))
	}
}

func TestRefreshWithoutMaterial(t *testing.T) {
	w := newWorld(t, acme(withRefresh))
	token := old()
	token.Refresh = credential.Secret{}
	_, err := w.refresh(token)
	wantError(t, err, failure.Credentials, none, "no refresh token")
	if len(w.sent) != 0 {
		t.Error("a request was sent")
	}
	// An upstream whose token is the material needs none.
	w = newWorld(t, acme(withRefresh, func(d *described.Definition) {
		d.Refresh.Requests[0].Form, d.Refresh.Requests[0].Bearer = nil, x(`token.access_token`)
	})).answer("/refresh", canned{status: 200, body: `{"token":"x"}`})
	if _, err := w.refresh(token); err != nil {
		t.Error(err)
	}
}

// What was chosen at first stays: previous has all outputs, null where there is none.
func TestPreviousOutputs(t *testing.T) {
	d := acme(output("branch", cty.String, `coalesce(previous.branch, response.body.branch)`), output("list", cty.List(cty.String), `previous.list`))
	for _, c := range []struct {
		previous credential.Outputs
		want     string
	}{
		{nil, "b"}, {credential.Outputs{"branch": "a", "list": []string{"x"}}, "a"}, {credential.Outputs{"branch": []string{"odd"}}, "b"},
	} {
		w := newWorld(t, d, previous(c.previous)).answer("/login", canned{status: 200, body: `{"token":"x","branch":"b"}`})
		token := w.mustLogin()
		if token.Outputs.String("branch") != c.want {
			t.Errorf("%v", token.Outputs)
		}
		if diff := cmp.Diff(c.previous["list"], token.Outputs["list"]); diff != "" {
			t.Error(diff)
		}
	}
}

func TestVerify(t *testing.T) {
	w := newWorld(t, acme(output("org", cty.String, `"o"`), func(d *described.Definition) {
		d.Outputs = append(d.Outputs, schema.Output{Name: "group", Type: cty.String})
		d.Verify.Outputs = []described.Output{{Name: "group", Expr: x(`response.body.group`)}}
		d.Verify.ExpiresIn = x(`try(response.body.e, null)`)
	})).answer("/login", canned{status: 200, body: `{"token":"x"}`}).
		answer("/me", canned{status: 200, body: `{"group":7,"e":60}`}, canned{status: 200, body: `{}`})
	token := w.mustLogin()
	v := w.provider.(providers.ExpiryVerifier)
	got, ends, err := v.VerifyExpiry(w.ctx(), token)
	if err != nil || got.String("group") != "7" || !ends.Equal(w.now.Add(time.Minute)) {
		t.Errorf("%v, %s, %v", got, ends, err)
	}
	_, err = w.verify(token)
	wantError(t, err, failure.Config, none, `output "group"`)
}

// Where JSON is described, anything else proves nothing.
func TestVerifyWantsTheDescribedFormat(t *testing.T) {
	for format, bodies := range map[string]map[string]bool{
		"":                   {`{}`: true, `[]`: true, ``: false, `OK`: false, `{`: false},
		described.FormatJSON: {`{}`: true, `null`: false, `"OK"`: false, ``: false, `OK`: false},
		described.FormatNone: {``: true, `OK`: true},
		described.FormatText: {``: true, `OK`: true},
		described.FormatAuto: {`OK`: true, `{}`: true},
	} {
		for body, ok := range bodies {
			w := newWorld(t, acme(func(d *described.Definition) { d.Verify.Request.Response.Format = format })).
				answer("/me", canned{status: 200, body: body})
			if _, err := w.verify(old()); ok && err != nil {
				t.Errorf("%s %q: %v", format, body, err)
			} else if !ok {
				wantError(t, err, failure.Server, none)
			}
		}
	}
}

func TestVerifyIsSentAgainOnlyWhereItIsHarmless(t *testing.T) {
	for name, c := range map[string]struct {
		method   string
		harmless bool
		sent     int
	}{"get": {"", false, 3}, "post": {"POST", false, 1}, "harmless post": {"POST", true, 3}} {
		w := newWorld(t, acme(func(d *described.Definition) {
			d.Verify.Request.Method, d.Verify.Harmless = c.method, c.harmless
		})).answer("/me", canned{status: 500, body: `{}`})
		if _, err := w.verify(old()); err == nil || w.count("/me") != c.sent {
			t.Errorf("%s: sent %d times, %v", name, w.count("/me"), err)
		}
	}
}

func TestPreconditions(t *testing.T) {
	w := newWorld(t, acme(output("branches", cty.List(cty.String), `response.body.b`), func(d *described.Definition) {
		d.Verify.Preconditions = []described.Rule{
			{Condition: x(`length(token.branches) > 0`), Class: failure.Human, Reason: failure.NoAccess, Message: x(`"no branch"`), Advice: "Have one given."},
			{Condition: x(`contains(token.branches, self.user)`), Attribute: "user", Message: x(`"no access to ${self.user}: ${join(", ", token.branches)}"`)},
		}
	})).answer("/login", canned{status: 200, body: `{"token":"x","b":[]}`}, canned{status: 200, body: `{"token":"x","b":[7]}`},
		canned{status: 200, body: `{"token":"x","b":["shop"]}`}, canned{status: 200, body: `{"token":"x","b":null}`}).
		answer("/me", canned{status: 200, body: `{}`})
	_, err := w.verify(w.mustLogin())
	if e := wantError(t, err, failure.Human, failure.NoAccess, "no branch"); e.Advice != "Have one given." {
		t.Errorf("%#v", e)
	}
	_, err = w.verify(w.mustLogin())
	if e := wantError(t, err, failure.Config, none, "no access to shop: 7"); e.Attribute != "user" || w.count("/me") != 0 {
		t.Errorf("%#v", e)
	}
	if _, err = w.verify(w.mustLogin()); err != nil {
		t.Error(err)
	}
	_, err = w.verify(w.mustLogin())
	wantError(t, err, failure.Config, none, "cannot be evaluated")
}

// Of a token that only its own answer verifies, its claims can be looked at.
func TestVerifyByAnswer(t *testing.T) {
	w := newWorld(t, acme(func(d *described.Definition) { d.Verify = &described.Verify{} }))
	token := old()
	if _, err := w.verify(token); err != nil {
		t.Error(err)
	}
	token.Access = credential.NewSecret(jwt(`{"exp":1700000000}`))
	_, err := w.verify(token)
	wantError(t, err, failure.Credentials, none, "expired at 2023-11-14")
	if len(w.sent) != 0 {
		t.Error("a request was sent")
	}
}

// A request that an account does without leaves its tokens to their own answers.
func TestVerifyWithoutItsRequest(t *testing.T) {
	w := newWorld(t, acme(func(d *described.Definition) { d.Verify.Request.When = x(`self.user != "shop"`) }))
	if _, err := w.verify(old()); err != nil {
		t.Error(err)
	}
	if len(w.sent) != 0 {
		t.Error("a request was sent")
	}
}

// Checks come before anything is sent, and where values are known by then, when the
// configuration is read.
func TestChecks(t *testing.T) {
	w := newWorld(t, acme(withRefresh, withCode, func(d *described.Definition) {
		d.Checks = []described.Rule{{Condition: x(`local.good`), Attribute: "user", Message: x(`"${self.user} will not do"`), Place: "acme.hcl:3"}}
		d.Locals = []described.Local{{Name: "good", Expr: x(`self.user == "another"`)}}
	}), func(w *world, _ *providers.Env, _ map[string]cty.Value) { w.refused = true })
	_, login := w.login()
	_, refresh := w.refresh(old())
	_, verify := w.verify(old())
	c := w.provider.(providers.Challenger)
	_, code := c.SendCode(w.ctx())
	_, withCode := c.LoginWithCode(w.ctx(), credential.Challenge{ID: credential.NewSecret("c")}, credential.NewSecret("1"))
	for _, err := range []error{login, refresh, verify, code, withCode} {
		if e := wantError(t, err, failure.Config, none, "shop will not do"); e.Attribute != "user" {
			t.Errorf("%#v", e)
		}
	}
	if len(w.sent) != 0 {
		t.Error("a request was sent")
	}
}

// withCode adds a second factor.
func withCode(d *described.Definition) {
	d.Second = &described.SecondFactor{
		When: x(`response.status == 401 && try(response.body.error, "") == "mfa_required"`),
		SendCode: described.Operation{Requests: []described.Request{{
			Place: "acme.hcl:40", Method: "POST", Path: x(`"/code"`), Query: x(`{ user = self.user }`),
			Response: described.Response{Format: described.FormatAuto},
		}}},
		Challenge: x(`try(tostring(response.body.id), tostring(response.body), response.text)`),
		LoginWithCode: described.TokenOperation{Operation: described.Operation{Requests: []described.Request{{
			Place: "acme.hcl:41", Method: "POST", Path: x(`"/finish"`), JSON: x(`{ id = challenge.id, code = challenge.code }`),
			Response: described.Response{Format: described.FormatJSON},
		}}}},
	}
	d.Errors = append(d.Errors, described.ErrorBlock{
		Name: "grant", On: []string{described.OpLogin}, When: x(`response.status == 401`), Class: failure.Credentials,
	})
}

func TestSecondFactor(t *testing.T) {
	w := newWorld(t, acme(withCode, withRefresh, output("org", cty.String, `response.body.org`))).
		answer("/login", canned{status: 401, body: `{"error":"mfa_required"}`}, canned{status: 401, body: `{}`}).
		answer("/code", canned{status: 200, body: `canary-session-1`}, canned{status: 200, body: `{"id":77}`}, canned{status: 200, body: ""},
			canned{status: 200, body: `"e\u0301"`}, canned{status: 500, body: `{}`}).
		answer("/finish", canned{status: 401, body: `{}`}, canned{status: 403, body: `{}`}, canned{status: 400, body: `{}`},
			canned{status: 401, body: `{"error":"mfa_required"}`}, canned{status: 200, body: `{"token":"x","refresh":"r","org":"o"}`})
	_, err := w.login()
	e := wantError(t, err, failure.Human, failure.NeedsCode, "one-time code")
	if w.count("/code") != 0 || !strings.Contains(e.Advice, "credsync login") {
		t.Errorf("%d codes; %s", w.count("/code"), e.Advice)
	}
	_, err = w.login()
	wantError(t, err, failure.Credentials, rejected)

	c := w.provider.(providers.Challenger)
	challenge, err := c.SendCode(w.ctx())
	if err != nil || challenge.ID.Reveal() != "canary-session-1" || !challenge.SentAt.Equal(w.now) || w.sent[2].query != "user=shop" {
		t.Fatalf("%v, %v", challenge, err)
	}
	if number, err := c.SendCode(w.ctx()); err != nil || number.ID.Reveal() != "77" {
		t.Errorf("%v", err)
	}
	for range 2 {
		_, err = c.SendCode(w.ctx())
		w.check(err)
		wantError(t, err, failure.Server, none, "challenge (acme.hcl:7)")
	}
	_, err = c.SendCode(w.ctx())
	wantError(t, err, failure.Server, none)
	if w.count("/code") != 5 {
		t.Errorf("%d codes", w.count("/code"))
	}

	finish := func(code string) (credential.Token, error) {
		token, err := c.LoginWithCode(w.ctx(), challenge, credential.NewSecret(code))
		w.check(err)
		return token, err
	}
	_, err = finish(" \n")
	wantError(t, err, failure.Human, failure.NeedsCode, "nothing was sent")
	for _, want := range []struct {
		class  failure.Class
		reason failure.Reason
	}{
		{failure.Human, failure.NeedsCode}, {failure.Human, failure.NoAccess}, {failure.Server, none},
		{failure.Human, failure.NeedsCode},
	} {
		_, err = finish("123")
		wantError(t, err, want.class, want.reason)
	}
	token, err := finish(" 123\n")
	if err != nil || token.Refresh.Reveal() != "r" || token.Outputs.String("org") != "o" ||
		!token.ExpiresAt.Equal(w.now.Add(time.Hour)) {
		t.Errorf("%+v, %v", token, err)
	}
	if got := w.sent[len(w.sent)-1].body; got != `{"code":"123","id":"canary-session-1"}` {
		t.Error(got)
	}
}

func TestRevoke(t *testing.T) {
	w := newWorld(t, acme(func(d *described.Definition) {
		d.Revoke = &described.Operation{Requests: []described.Request{{
			Place: "acme.hcl:50", Method: "DELETE", Path: x(`"/token"`), Bearer: x(`token.access_token`),
			Response: described.Response{Format: described.FormatJSON},
		}}}
	})).answer("/token", canned{status: 204}, canned{status: 401, body: `{}`}, canned{status: 400, body: `{}`},
		canned{status: 503, body: `{}`})
	r := w.provider.(providers.Revoker)
	if err := r.Revoke(w.ctx(), old()); err != nil {
		t.Error(err)
	}
	for _, class := range []failure.Class{failure.Credentials, failure.Server, failure.Retryable} {
		err := r.Revoke(w.ctx(), old())
		w.check(err)
		if failure.ClassOf(err) != class {
			t.Errorf("%v", err)
		}
	}
	if w.count("/token") != 4 || w.sent[0].header.Get("Authorization") != "Bearer canary-old-access" {
		t.Errorf("%d requests", w.count("/token"))
	}
}

func TestWarnings(t *testing.T) {
	w := newWorld(t, acme(output("muted", cty.Bool, `response.body.muted`), func(d *described.Definition) {
		d.Warns = []described.Warn{
			{Name: "muted", When: x(`token.muted == true`), Summary: "The account is muted", Detail: "Ask ACME.", Attribute: "user"},
			{Name: "odd", When: x(`token.nothing`), Summary: "never"},
		}
	}))
	i := w.provider.(providers.Inspector)
	for outputs, n := range map[*credential.Outputs]int{nil: 0, {}: 0, {"muted": false}: 0, {"muted": true}: 1} {
		seen := providers.Seen{}
		if outputs != nil {
			seen.Outputs = *outputs
		}
		found := i.Inspect(w.now, seen)
		if len(found) != n || n == 1 && (found[0].Summary != "The account is muted" || found[0].Attribute != "user" || found[0].Blocked != "") {
			t.Errorf("%v: %+v", seen.Outputs, found)
		}
	}
}

// An account can do what its description has, and nothing else.
func TestAbilities(t *testing.T) {
	revoke := func(d *described.Definition) { d.Revoke = &described.Operation{} }
	without := func(d *described.Definition) { d.Verify = nil }
	edits := map[string]func(*described.Definition){"refresh": withRefresh, "verify": nil, "challenge": withCode, "revoke": revoke}
	for bits := range 16 {
		d := acme(without)
		want := map[string]bool{}
		for i, name := range []string{"refresh", "verify", "challenge", "revoke"} {
			if want[name] = bits&(1<<i) != 0; !want[name] {
				continue
			}
			if edits[name] == nil {
				d.Verify = &described.Verify{}
				continue
			}
			edits[name](d)
		}
		p := newWorld(t, d).provider
		_, refresh := p.(providers.Refresher)
		_, verify := p.(providers.Verifier)
		_, challenge := p.(providers.Challenger)
		_, revokes := p.(providers.Revoker)
		_, inspects := p.(providers.Inspector)
		got := map[string]bool{"refresh": refresh, "verify": verify, "challenge": challenge, "revoke": revokes}
		if diff := cmp.Diff(want, got); diff != "" || !inspects {
			t.Errorf("%04b: %s", bits, diff)
		}
	}
	// Outputs that are still to be taken need somewhere to fail.
	if _, ok := newWorld(t, acme(without, output("o", cty.String, `"x"`))).provider.(providers.Verifier); !ok {
		t.Error("outputs are verified nowhere")
	}
}

// No answer is a lost one where the request counts.
func TestNoAnswer(t *testing.T) {
	w := newWorld(t, acme(withRefresh))
	w.server.Close()
	_, err := w.login()
	if e := wantError(t, err, failure.Retryable, none); e.AnswerLost {
		t.Error("nothing was sent")
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := w.provider.Login(ctx); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

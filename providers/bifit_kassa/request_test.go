package bifit_kassa_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/credsync/credsync/credential"
	"github.com/credsync/credsync/failure"
	"github.com/credsync/credsync/internal/upstream"
	"github.com/credsync/credsync/providers"
	"github.com/credsync/credsync/providers/bifit_kassa"
	"github.com/credsync/credsync/schema"
	"github.com/credsync/credsync/testkit/providertest"
	"github.com/zclconf/go-cty/cty"
)

// challenger makes a provider with the documented defaults.
func challenger(tb testing.TB, c *providertest.Canned) providers.Challenger {
	tb.Helper()
	values := schema.NewValues(bifit_kassa.Spec().Block(), "", map[string]cty.Value{
		"username": cty.StringVal(username), "password": cty.StringVal(password),
	}, nil)
	p, err := bifit_kassa.Spec().New(values, c.Env())
	if err != nil {
		tb.Fatal(err)
	}
	return p.(providers.Challenger)
}

func TestRequestsOfTheSecondFactor(t *testing.T) {
	code := &providertest.Canned{ContentType: "text/plain", Body: "590809155"}
	challenge := sendCode(t, challenger(t, code))
	if code.Request.Method != "POST" || code.Request.URL.String() != "https://kassa.bifit.com/cashdesk-api/v1/oauth/mfa?username=79001234567" || code.Sent != "" {
		t.Errorf("%s %s with %d bytes", code.Request.Method, code.Request.URL, len(code.Sent))
	}
	if auth := code.Request.Header.Values("Authorization"); len(auth) > 0 {
		t.Error("an Authorization header is sent")
	}

	login := &providertest.Canned{ContentType: "application/json", Body: sample}
	if _, err := challenger(t, login).LoginWithCode(t.Context(), challenge, credential.NewSecret("3021")); err != nil {
		t.Fatal(err)
	}
	want := clientForm + "&code=3021&grant_type=mfa&password=" + hashInForm + "&session_id=590809155&username=79001234567"
	if login.Request.URL.String() != "https://kassa.bifit.com/cashdesk-api/v1/oauth/token" || login.Sent != want {
		t.Errorf("%s\n%s\nwant\n%s", login.Request.URL, login.Sent, want)
	}
	for name, value := range map[string]string{
		"Content-Type": "application/x-www-form-urlencoded", "Accept-Encoding": "deflate", "User-Agent": "credsync/1.2.3",
	} {
		if got := login.Request.Header.Values(name); len(got) != 1 || got[0] != value {
			t.Errorf("the header %s is %q, want %q", name, got, value)
		}
	}
}

func FuzzSendCode(f *testing.F) {
	for _, body := range []string{"590809155", `"590809155"`, `{"session_id":590809155}`, `{"session_id":"x","session_id":null}`, "null", "", "<html>", `"\u0000"`, `{"session_id":"`} {
		f.Add("application/json", body)
		f.Add("text/plain", body)
	}
	f.Fuzz(func(t *testing.T, contentType, body string) {
		challenge, err := challenger(
			t,
			&providertest.Canned{ContentType: contentType, Body: body},
		).SendCode(t.Context())
		var e *failure.Error
		switch {
		case err == nil && (challenge.ID.IsZero() || !upstream.HeaderSafe(challenge.ID)):
			t.Error("success without a usable session id")
		case err == nil && !strings.Contains(body, challenge.ID.Reveal()) && !strings.Contains(body, `\`):
			t.Error("the session id is not as it was received")
		case err != nil && (!errors.As(err, &e) || e.Class != failure.Server):
			t.Errorf("got %v, want class server", err)
		}
	})
}

// FuzzLoginWithCode: the answer to a code is a token that can be used, or an
// error that shows neither the code nor the password, nor blames the password
// where the status does not.
func FuzzLoginWithCode(f *testing.F) {
	for _, status := range []int{200, 400, 401, 423, 500} {
		for _, body := range []string{sample, `{"error":"invalid_grant","error_description":"canary-3021"}`, `{"error":"mfa_required"}`, `{"access_token":"x","refresh_token":7}`, "null", "", "<html>"} {
			f.Add(status, body)
		}
	}
	challenge, code := credential.Challenge{ID: credential.NewSecret("590809155")}, credential.NewSecret("canary-3021")
	f.Fuzz(func(t *testing.T, status int, body string) {
		if status < 200 || status > 599 {
			return
		}
		token, err := challenger(
			t,
			&providertest.Canned{Status: status, ContentType: "application/json", Body: body},
		).LoginWithCode(t.Context(), challenge, code)
		var e *failure.Error
		switch {
		case err == nil && (token.Access.IsZero() || !upstream.HeaderSafe(token.Access)):
			t.Error("success without a usable token")
		case err == nil && token.Outputs.Check() != nil:
			t.Error(token.Outputs.Check())
		case err != nil && !errors.As(err, &e):
			t.Errorf("the error is a %T", err)
		case err != nil && e.Class == failure.Credentials && status < 400:
			t.Error("a good status was taken for rejected credentials")
		case err != nil && strings.Contains(err.Error(), "canary"):
			t.Errorf("the code is shown: %v", err)
		}
	})
}

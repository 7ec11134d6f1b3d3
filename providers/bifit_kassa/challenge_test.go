package bifit_kassa_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/credsync/credsync/credential"
	"github.com/credsync/credsync/failure"
	"github.com/credsync/credsync/providers"
	"github.com/credsync/credsync/sandbox"
	"github.com/credsync/credsync/testkit/providertest"
	"github.com/zclconf/go-cty/cty"
)

// secondFactor starts an account that has it turned on.
func secondFactor(
	t *testing.T,
	attrs map[string]cty.Value,
	change func(*sandbox.BifitKassaAccount),
) (*providertest.Harness, providers.Challenger) {
	t.Helper()
	want := target()
	want.Account.BifitKassa.SecondFactor = true
	if change != nil {
		change(want.Account.BifitKassa)
	}
	h := providertest.New(t, want, providertest.WithAttributes(attrs))
	t.Cleanup(func() {
		if v := h.Sandbox.Violations(); len(v) > 0 {
			t.Errorf("protocol violations:\n%s", strings.Join(v, "\n"))
		}
	})
	return h, h.Provider.(providers.Challenger)
}

func sendCode(t *testing.T, c providers.Challenger) credential.Challenge {
	t.Helper()
	challenge, err := c.SendCode(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return challenge
}

// received is the code that the account's owner reads on the telephone.
func received(h *providertest.Harness) credential.Secret {
	return credential.NewSecret(h.Sandbox.LastCode("bifit_kassa", username))
}

func sent(h *providertest.Harness) int {
	return h.Sandbox.Counters("bifit_kassa", username).Codes.Accepted
}

func TestLoginNeverSendsACode(t *testing.T) {
	h, _ := secondFactor(t, nil, nil)
	_, err := h.Provider.Login(t.Context())
	e := providertest.WantClass(t, err, failure.Human, failure.NeedsCode)
	if !strings.Contains(e.Advice, "credsync login") {
		t.Errorf("the advice does not name the command: %s", e.Advice)
	}
	if n := h.Sandbox.Counters("bifit_kassa", username).Codes.Received; n != 0 {
		t.Errorf("%d codes were asked for", n)
	}
}

func TestLoginWithCodeThenRefreshUnattended(t *testing.T) {
	for _, form := range []string{"text", "number", "string", "object"} {
		t.Run(form, func(t *testing.T) {
			h, c := secondFactor(t, nil, func(a *sandbox.BifitKassaAccount) { a.SessionForm = form })
			before := time.Now()
			challenge := sendCode(t, c)
			if challenge.SentAt.Before(before) || challenge.SentAt.After(time.Now()) {
				t.Errorf("sent at %v", challenge.SentAt)
			}
			// As a terminal or a file may hand it on.
			code := credential.NewSecret(received(h).Reveal() + "\n")
			token, err := c.LoginWithCode(t.Context(), challenge, code)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := h.Verify(t.Context(), token); err != nil {
				t.Error(err)
			}
			if _, err := h.Do(t.Context(), sandbox.OpRefresh, token); err != nil {
				t.Errorf("the refresh wants a human: %v", err)
			}
			if sent(h) != 1 {
				t.Errorf("%d messages were sent, want 1", sent(h))
			}
		})
	}
}

func TestGrantTypeOfALoginWithCode(t *testing.T) {
	grant := func(accepted string) func(*sandbox.BifitKassaAccount) {
		return func(a *sandbox.BifitKassaAccount) { a.MFAGrantType = accepted }
	}
	t.Run("password", func(t *testing.T) {
		h, c := secondFactor(t, providertest.Set("mfa_grant_type", "password"), grant("password"))
		challenge := sendCode(t, c)
		if _, err := c.LoginWithCode(t.Context(), challenge, received(h)); err != nil {
			t.Error(err)
		}
	})
	t.Run("mfa is not taken", func(t *testing.T) {
		h, c := secondFactor(t, nil, grant("password"))
		challenge := sendCode(t, c)
		_, err := c.LoginWithCode(t.Context(), challenge, received(h))
		if e := providertest.WantClass(t, err, failure.Config, ""); e.Attribute != "mfa_grant_type" {
			t.Errorf("attribute %q", e.Attribute)
		}
	})
	t.Run("password is not taken", func(t *testing.T) {
		h, c := secondFactor(t, providertest.Set("mfa_grant_type", "password"), nil)
		challenge := sendCode(t, c)
		_, err := c.LoginWithCode(t.Context(), challenge, received(h))
		providertest.WantClass(t, err, failure.Human, failure.NeedsCode)
	})
}

func TestWrongCodeLeavesTheChallengeUsable(t *testing.T) {
	h, c := secondFactor(t, nil, func(a *sandbox.BifitKassaAccount) { a.Code = "302177" })
	challenge := sendCode(t, c)
	_, err := c.LoginWithCode(t.Context(), challenge, credential.NewSecret("999991"))
	e := providertest.WantClass(t, err, failure.Human, failure.NeedsCode)
	hides(t, e, "999991", challenge.ID.Reveal())
	if _, err := c.LoginWithCode(t.Context(), challenge, received(h)); err != nil {
		t.Errorf("the right code after a wrong one: %v", err)
	}
	if sent(h) != 1 {
		t.Errorf("%d messages were sent, want 1", sent(h))
	}
}

func TestChallengesThatCannotBeUsed(t *testing.T) {
	t.Run("expired", func(t *testing.T) {
		h, c := secondFactor(t, nil, nil)
		challenge := sendCode(t, c)
		h.Sandbox.Advance(5 * time.Minute)
		_, err := c.LoginWithCode(t.Context(), challenge, received(h))
		providertest.WantClass(t, err, failure.Human, failure.NeedsCode)
	})
	t.Run("used", func(t *testing.T) {
		h, c := secondFactor(t, nil, nil)
		challenge := sendCode(t, c)
		if _, err := c.LoginWithCode(t.Context(), challenge, received(h)); err != nil {
			t.Fatal(err)
		}
		_, err := c.LoginWithCode(t.Context(), challenge, received(h))
		providertest.WantClass(t, err, failure.Human, failure.NeedsCode)
	})
	t.Run("no code", func(t *testing.T) {
		h, c := secondFactor(t, nil, nil)
		_, err := c.LoginWithCode(t.Context(), sendCode(t, c), credential.NewSecret(" \n"))
		providertest.WantClass(t, err, failure.Human, failure.NeedsCode)
		if n := h.Sandbox.Counters("bifit_kassa", username).Logins.Received; n != 0 {
			t.Errorf("%d logins were sent", n)
		}
	})
}

func TestRefusalsOfALoginWithCode(t *testing.T) {
	for _, c := range []struct {
		status int
		body   string
		class  failure.Class
		reason failure.Reason
	}{
		{400, `{"error":"invalid_grant"}`, failure.Human, failure.NeedsCode},
		{401, `{"error":"invalid_grant"}`, failure.Human, failure.NeedsCode},
		{401, `{"error":"mfa_required"}`, failure.Human, failure.NeedsCode},
		{400, `{"error":"invalid_grant","error_description":"User account is locked"}`, failure.Human, failure.AccountLocked},
		{401, `{"error":"invalid_client"}`, failure.Config, ""},
		{403, `{"error":"access_denied"}`, failure.Human, failure.NoAccess},
		{500, `{"error":"invalid_grant"}`, failure.Server, ""},
		{401, `<html>`, failure.Server, ""},
	} {
		t.Run(fmt.Sprintf("%d %s", c.status, c.body), func(t *testing.T) {
			h, challenger := secondFactor(t, nil, nil)
			challenge := sendCode(t, challenger)
			providertest.Answer(c.status, c.body)(t, h.Sandbox)
			_, err := challenger.LoginWithCode(t.Context(), challenge, received(h))
			providertest.WantClass(t, err, c.class, c.reason)
		})
	}
	t.Run("echo", func(t *testing.T) {
		h, challenger := secondFactor(t, nil, func(a *sandbox.BifitKassaAccount) { a.Code = "302177" })
		challenge := sendCode(t, challenger)
		providertest.Fault(sandbox.Fault{Kind: sandbox.Echo, Status: 401})(t, h.Sandbox)
		_, err := challenger.LoginWithCode(t.Context(), challenge, received(h))
		hides(t, err, "302177", challenge.ID.Reveal(), hash, hashInForm, username)
	})
}

func TestAnswersToARequestForACode(t *testing.T) {
	for _, c := range []struct {
		name, contentType, body string
		id                      string
	}{
		{"the document's", "text/plain", "590809155", "590809155"},
		{"with a line break", "text/plain; charset=utf-8", " 590809155\r\n", "590809155"},
		{"number", "application/json", "590809155", "590809155"},
		{"leading zeros stay", "text/plain", "000590809155", "000590809155"},
		{"larger than any integer", "application/json", "98765432109876543210", "98765432109876543210"},
		{"string", "application/json", `"59-08/09=155"`, "59-08/09=155"},
		{"object with a number", "application/json", `{"session_id":98765432109876543210}`, "98765432109876543210"},
		{"object with a string", "application/json", `{"session_id":"0590"}`, "0590"},
		{"HTML", "text/html", "<html>590809155</html>", ""},
		{"HTML called text", "text/plain", "<html></html>", ""},
		{"empty", "text/plain", " ", ""},
		{"null", "application/json", "null", ""},
		{"true", "application/json", "true", ""},
		{"a list", "application/json", "[590809155]", ""},
		{"object without it", "application/json", `{"session":1}`, ""},
		{"object with null", "application/json", `{"session_id":null}`, ""},
		{"object in an object", "application/json", `{"session_id":{"id":1}}`, ""},
		{"empty string", "application/json", `""`, ""},
		{"cut short", "application/json", `"590`, ""},
		{"a sentence", "text/plain", "the code was sent", ""},
		{"very long", "text/plain", strings.Repeat("1", 600), ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			h, challenger := secondFactor(t, nil, nil)
			providertest.Fault(
				sandbox.Fault{Kind: sandbox.Status, Status: 200, Body: c.body, ContentType: c.contentType},
			)(
				t,
				h.Sandbox,
			)
			challenge, err := challenger.SendCode(t.Context())
			if c.id == "" {
				providertest.WantClass(t, err, failure.Server, "")
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if got := challenge.ID.Reveal(); got != c.id {
				t.Errorf("got %q, want %q", got, c.id)
			}
		})
	}
}

func TestRefusalsOfARequestForACode(t *testing.T) {
	answer := providertest.Answer
	for _, c := range []struct {
		name      string
		arrange   func(*testing.T, *sandbox.Sandbox)
		class     failure.Class
		reason    failure.Reason
		attribute string
	}{
		{"no second factor", change(func(a *sandbox.Account) { a.BifitKassa.SecondFactor = false }), failure.Config, "", "username"},
		{"locked", change(func(a *sandbox.Account) { a.Locked = true }), failure.Human, failure.AccountLocked, ""},
		{"404", answer(404, `{}`), failure.Config, "", "username"},
		{"401", answer(401, `{"error":"unauthorized"}`), failure.Human, failure.NoAccess, ""},
		{"403", answer(403, `{}`), failure.Human, failure.NoAccess, ""},
		{"418", answer(418, `{}`), failure.Server, "", ""},
		{"500", answer(500, `{}`), failure.Server, "", ""},
		{"HTML", providertest.Fault(sandbox.Fault{Kind: sandbox.HTML}), failure.Server, "", ""},
		{"429", providertest.Fault(sandbox.Fault{Kind: sandbox.RateLimited, RetryAfter: "3600"}), failure.Retryable, "", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			h, challenger := secondFactor(t, nil, nil)
			c.arrange(t, h.Sandbox)
			_, err := challenger.SendCode(t.Context())
			e := providertest.WantClass(t, err, c.class, c.reason)
			if e.Attribute != c.attribute || e.Advice == "" {
				t.Errorf("attribute %q, advice %q", e.Attribute, e.Advice)
			}
			hides(t, e, username)
		})
	}
}

// Each request is an SMS, so one whose answer is lost is not sent again.
func TestCodeIsAskedForOnce(t *testing.T) {
	for _, kind := range []sandbox.Kind{sandbox.DropAnswer, sandbox.Truncated} {
		t.Run(string(kind), func(t *testing.T) {
			h, challenger := secondFactor(t, nil, nil)
			providertest.Fault(sandbox.Fault{Kind: kind, Op: sandbox.OpSendCode})(t, h.Sandbox)
			_, err := challenger.SendCode(t.Context())
			e := providertest.WantClass(t, err, failure.Retryable, "")
			hides(t, e, username)
			if !e.AnswerLost || sent(h) != 1 {
				t.Errorf("AnswerLost %v, %d messages sent; want true, 1", e.AnswerLost, sent(h))
			}
		})
	}
}

// A gateway that gave up waiting can say so after the SMS has gone out, and
// whoever asked is there to ask again.
func TestCodeIsNotAskedForAgainByItself(t *testing.T) {
	for name, fault := range map[string]sandbox.Fault{
		"503": {Kind: sandbox.HTML, Status: 503, RetryAfter: "0"}, "429": {Kind: sandbox.RateLimited, RetryAfter: "0"},
	} {
		t.Run(name, func(t *testing.T) {
			h, challenger := secondFactor(t, nil, nil)
			fault.Op = sandbox.OpSendCode
			providertest.Fault(fault)(t, h.Sandbox)
			_, err := challenger.SendCode(t.Context())
			providertest.WantClass(t, err, failure.Retryable, "")
			if n := h.Sandbox.Counters("bifit_kassa", username).Codes.Received; n != 1 {
				t.Errorf("a code was asked for %d times, want once", n)
			}
		})
	}
}

// hides fails the test if a secret is in what the error shows.
func hides(t *testing.T, err error, secrets ...string) {
	t.Helper()
	shown := fmt.Sprintf("%v\n%+v\n%#v", err, err, err)
	for i, secret := range secrets {
		if strings.Contains(shown, secret) {
			t.Errorf("secret %d is shown", i)
		}
	}
}

package described_test

import (
	"strings"
	"testing"

	"github.com/credsync/credsync/providers/described"
	"github.com/zclconf/go-cty/cty"
)

// What optional() leaves out because of its form is a warning of the token, wherever it is
// used: in an output, in a time, in a condition.
func TestWhatIsLeftOutIsAWarningOfTheToken(t *testing.T) {
	plan := output("plan", cty.String, `optional(response.body.account.plan)`)
	locked := func(d *described.Definition) {
		d.Errors = []described.ErrorBlock{{Name: "locked", When: x(`local.locked`), Class: "server"}}
		d.Locals = []described.Local{{Name: "locked", Expr: x(`optional(tobool(response.body.locked), false)`)}}
		d.Login.ExpiresIn = x(`optional(response.body.expiry.seconds)`)
	}
	for body, want := range map[string]string{
		`{"token":"x"}`: "",
		`{"token":"x","account":null,"locked":null}`:             "",
		`{"token":"x","account":{"plan":"p"}}`:                   "",
		`{"token":"x","account":["canary"]}`:                     `Of the output "plan", "response.body.account" (acme.hcl:1,10) was not taken from the upstream's answer: it is a list.`,
		`{"token":"x","account":{"plan":"p"},"expiry":"canary"}`: `"response.body.expiry" (acme.hcl:1,10) was not taken`,
		`{"token":"x","locked":"canary"}`:                        `"response.body.locked" (acme.hcl:1,10) was not taken`,
	} {
		w := newWorld(t, acme(plan, locked))
		w.answer("/login", canned{status: 200, body: body}).answer("/me", canned{status: 200, body: `{}`})
		token := w.mustLogin()
		got := strings.Join(token.Warnings, " ")
		if (got == "") != (want == "") || !strings.Contains(got, want) || strings.Contains(got, "canary") {
			t.Errorf("%s: %q, want %q", body, got, want)
		}
		if !token.Answers.IsZero() {
			t.Errorf("%s: the output counts as one that failed", body)
		}
		if _, err := w.verify(token); err != nil {
			t.Errorf("%s: %v", body, err)
		}
	}
}

// A refresh token is presented as it was sent, so a number is none: it may be written
// otherwise.
func TestARefreshTokenIsAString(t *testing.T) {
	w := newWorld(t, acme(withRefresh))
	w.answer("/login", canned{status: 200, body: `{"token":"x","refresh":1e3}`})
	token := w.mustLogin()
	if !token.Refresh.IsZero() || !strings.Contains(strings.Join(token.Warnings, ""), "a refresh token is a string, and this is a number") {
		t.Errorf("%q", token.Warnings)
	}
}

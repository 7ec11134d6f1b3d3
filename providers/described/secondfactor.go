package described

import (
	"context"
	"fmt"
	"strings"

	"github.com/credsync/credsync/credential"
	"github.com/credsync/credsync/failure"
	"github.com/credsync/credsync/internal/upstream"
	"github.com/zclconf/go-cty/cty"
)

// challenger is core with a second factor.
type challenger struct{ *core }

// maxChallenge bounds what names a challenge, in bytes.
const maxChallenge = 4096

// asksForCode reports whether an answer to a login demands a second factor.
func (o *operation) asksForCode(q *Request, s *scope) bool {
	isLogin := o.kind == OpLogin && q.Counts || o.kind == OpLoginWithCode
	if o.Second == nil || o.Second.When == nil || !isLogin {
		return false
	}
	asks, err := s.holds(o.Second.When)
	return err == nil && asks
}

// needsCode is the error of a login that only a person can finish.
func (o *operation) needsCode(a *upstream.Answer) error {
	if o.kind == OpLoginWithCode {
		return refusal(a, failure.Human, failure.NeedsCode, "the code is wrong or has expired",
			"Run credsync login for this account with the latest code; the challenge is still valid. If that code is "+
				"correct, request a new one.")
	}
	return refusal(a, failure.Human, failure.NeedsCode, "the login requires a one-time code",
		"Run credsync login for this account: it requests the code and asks for it.")
}

// SendCode is providers.Challenger's.
func (p challenger) SendCode(ctx context.Context) (credential.Challenge, error) {
	o := p.begin(OpSendCode)
	if err := o.broken(p.Checks); err != nil {
		return credential.Challenge{}, err
	}
	r, err := o.send(ctx, p.Second.SendCode.Requests)
	if err != nil {
		return credential.Challenge{}, err
	}
	c := credential.Challenge{ID: upstream.Public("sent"), SentAt: r.askedAt}
	if p.Second.Challenge == nil {
		return c, nil
	}
	e := p.Second.Challenge
	v, err := o.scope.eval(e)
	text := ""
	if err == nil {
		text, err = textOf(v)
	}
	text = strings.Trim(text, " \t\r\n")
	switch {
	case err != nil:
	case text == "":
		err = fmt.Errorf("it is empty")
	case len(text) > maxChallenge:
		err = fmt.Errorf("it is too long")
	}
	if err != nil {
		return credential.Challenge{}, r.Fail(failure.Server,
			r.Said(notFound("challenge", e, withoutPlace(e, err))),
			"A code may have been sent, but it cannot be used. "+o.adviceToDescribe())
	}
	c.ID = credential.NewSecret(text)
	return c, nil
}

// LoginWithCode is providers.Challenger's.
func (p challenger) LoginWithCode(
	ctx context.Context, c credential.Challenge, code credential.Secret,
) (credential.Token, error) {
	o := p.begin(OpLoginWithCode)
	typed := credential.NewSecret(strings.TrimSpace(code.Reveal()))
	if typed.IsZero() || c.ID.IsZero() {
		return credential.Token{}, &failure.Error{
			Class: failure.Human, Reason: failure.NeedsCode, Op: opNames[o.kind], URL: p.baseURL,
			Message: "there is no code to log in with, so nothing was sent",
			Advice:  "Run credsync login for this account and enter the code.",
		}
	}
	if err := o.broken(p.Checks); err != nil {
		return credential.Token{}, err
	}
	o.keepSecret(c.ID, typed)
	o.scope.set("challenge", cty.ObjectVal(map[string]cty.Value{
		"id": cty.StringVal(c.ID.Reveal()), "code": cty.StringVal(typed.Reveal()),
	}))
	return o.obtain(ctx, p.withCode, credential.Token{})
}

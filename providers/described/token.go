package described

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/credsync/credsync/credential"
	"github.com/credsync/credsync/internal/upstream"
	"github.com/credsync/credsync/schema"
	"github.com/zclconf/go-cty/cty"
)

// obtain sends the requests of an operation that ends with a token, and takes it from the
// answer. old is the token that it replaces, for a refresh.
func (o *operation) obtain(ctx context.Context, t *TokenOperation, old credential.Token) (credential.Token, error) {
	r, err := o.send(ctx, t.Requests)
	if err != nil {
		return credential.Token{}, err
	}
	access, err := o.accessToken(t, r)
	if err != nil {
		return credential.Token{}, err
	}
	// From here on nothing may lose the token: it has been issued.
	token := credential.Token{Access: access, IssuedAt: r.askedAt, AnsweredAt: r.Date}
	c := clock{scope: o.scope, from: r.askedAt}
	token.ExpiresAt = c.expiry(t, access)
	token.RefreshableUntil = c.refreshableUntil(t, old, o.kind == OpRefresh)
	token.Refresh = o.refreshToken(t, old, &c)
	o.takeOutputs(t, &token, old)
	token.Warnings = append(c.warnings, token.Warnings...)
	for _, l := range o.scope.leftOut {
		token.Warnings = append(token.Warnings, l.String())
	}
	return token, nil
}

// accessToken takes what the answer is about: a text that an Authorization header can
// carry, without the space around it.
func (o *operation) accessToken(t *TokenOperation, r *reply) (credential.Secret, error) {
	none := func(why string) (credential.Secret, error) {
		message := notFound("access_token", t.AccessToken, o.clean(r.Answer, why))
		return credential.Secret{}, r.Tokenless(message, o.adviceToDescribe())
	}
	v, err := o.scope.eval(t.AccessToken)
	switch {
	case err != nil && r.unread != nil:
		return none(r.unread.Error())
	case err != nil:
		return none(withoutPlace(t.AccessToken, err))
	}
	if v, err = undamaged(v); err != nil {
		return none(err.Error())
	}
	if !v.IsNull() && (isList(v) || isFields(v) || kindOf(v) != "a string") {
		return none("a token is a string, and this is " + kindOf(v))
	}
	if v.IsNull() {
		return none("it is null")
	}
	token := credential.NewSecret(strings.Trim(v.AsString(), " \t\r\n"))
	switch {
	case token.IsZero():
		return none("it is empty")
	case !upstream.HeaderSafe(token):
		return none("it has characters that are not allowed in a token")
	}
	return token, nil
}

// notFound says why an expression has nothing of use in an answer.
func notFound(part string, e schema.Expr, why string) string {
	if !strings.HasPrefix(why, "found nothing") {
		why = "found nothing to use in the answer: " + why
	}
	return fmt.Sprintf("%s (%s) %s", part, e.Place(), why)
}

// refreshToken takes the material for the next refresh. Where the answer has none, the
// old one stays.
func (o *operation) refreshToken(t *TokenOperation, old credential.Token, c *clock) credential.Secret {
	if t.RefreshToken == nil {
		return old.Refresh
	}
	v, err := o.scope.eval(t.RefreshToken)
	if err == nil {
		v, err = undamaged(v)
	}
	if err == nil && v.IsNull() {
		return old.Refresh
	}
	var text string
	switch {
	case err != nil:
	case v.Type() != cty.String:
		// As a token is: what is presented must be what was sent, letter by letter.
		err = errors.New("a refresh token is a string, and this is " + kindOf(v))
	default:
		text = v.AsString()
	}
	if err != nil {
		c.warn("refresh_token", t.RefreshToken, err)
	}
	token := credential.NewSecret(strings.Trim(text, " \t\r\n"))
	if token.IsZero() {
		return old.Refresh
	}
	return token
}

// takeOutputs takes what the answer says besides. Where one output cannot be taken, the
// token keeps what they are taken from, and its verification fails.
func (o *operation) takeOutputs(t *TokenOperation, token *credential.Token, old credential.Token) {
	taken, warnings, err := o.scope.takeOutputs(t.Outputs)
	token.Warnings = append(token.Warnings, warnings...)
	token.Outputs = old.Outputs.Merge(taken)
	// Those of the token before it may still be needed: it was never verified.
	token.Answers = old.Answers
	if err != nil {
		token.Answers = keepPending(old.Answers, pending{Operation: o.kind, Answers: o.answers})
	}
}

// warn notes what was not taken from an answer.
func (c *clock) warn(part string, e schema.Expr, err error) {
	c.warnings = append(c.warnings, fmt.Sprintf("%q (%s) was not taken from the upstream's answer: %s.",
		part, e.Place(), withoutPlace(e, err)))
}

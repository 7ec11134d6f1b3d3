package bifit_kassa

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"

	"github.com/credsync/credsync/credential"
	"github.com/credsync/credsync/failure"
	"github.com/credsync/credsync/internal/upstream"
)

// maxSessionID bounds a session id; the documented one has nine digits.
const maxSessionID = 512

// SendCode has the service send an SMS to the username, which is the account's
// telephone number.
func (p *provider) SendCode(ctx context.Context) (credential.Challenge, error) {
	op := p.op("request a code")
	// Each such request is an SMS.
	op.Once, op.Attended = true, true
	sentAt := p.env.Now()
	a, err := p.send(ctx, upstream.Request{
		Op:     op,
		Method: http.MethodPost,
		URL:    upstream.URL(p.baseURL, codePath),
		Query:  []upstream.Param{{Name: "username", Value: p.username}},
		// The document shows a bare number.
		AnyAnswer: true,
	})
	if err != nil {
		return credential.Challenge{}, err
	}
	if !upstream.Success(a.Status) {
		return credential.Challenge{}, refused(a, codeRefusals)
	}
	id, err := sessionID(a)
	if err != nil {
		return credential.Challenge{}, err
	}
	return credential.Challenge{ID: id, SentAt: sentAt}, nil
}

// LoginWithCode finishes a login with the code of an SMS.
func (p *provider) LoginWithCode(
	ctx context.Context, c credential.Challenge, code credential.Secret,
) (credential.Token, error) {
	op := p.op("log in with the code", c.ID, code)
	typed := credential.NewSecret(strings.TrimSpace(code.Reveal()))
	if typed.IsZero() || c.ID.IsZero() {
		return credential.Token{}, &failure.Error{
			Class: failure.Human, Reason: failure.NeedsCode, Op: op.Name, URL: p.baseURL,
			Message: "there is no code to log in with, so nothing was sent",
			Advice:  "Run credsync login for this account and enter the code from the SMS.",
		}
	}
	form := p.passwordForm(p.mfaGrant)
	form["session_id"], form["code"] = c.ID, typed
	return p.obtain(ctx, op, form, credential.Token{}, codeLoginRefusals)
}

// sessionID reads the answer to a request for a code. The document shows a bare
// number and calls it session_id, so that text, a JSON number, a JSON string
// and an object with that field are all taken. The id is kept as it came.
func sessionID(a *upstream.Answer) (credential.Secret, error) {
	text, err := a.Text()
	if err != nil {
		return credential.Secret{}, err
	}
	id := text
	switch text.Reveal()[0] {
	case '{':
		answer, err := a.Object()
		if err != nil {
			return credential.Secret{}, err
		}
		id = credential.NewSecret(answer.Code("session_id"))
	case '"':
		id = scalar(text.Reveal())
	}
	value := id.Reveal()
	switch {
	case id.IsZero(), value == "null":
		return credential.Secret{}, a.Missing("session_id")
	case len(value) > maxSessionID, !upstream.HeaderSafe(id), strings.ContainsAny(value, "<>{}[]\""),
		value == "true", value == "false":
		return credential.Secret{}, a.Fail(failure.Server, "the answer is not a session id",
			"A code may have been sent, but it cannot be used. Check base_url; if it is correct, report this to the "+
				"upstream: its API has changed or is broken.")
	}
	return id, nil
}

// scalar is a JSON string's value, or any other JSON text as it stands.
func scalar(raw string) credential.Secret {
	var s string
	if json.Unmarshal([]byte(raw), &s) == nil && raw != "null" {
		return credential.NewSecret(s)
	}
	return credential.NewSecret(raw)
}

package described

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/credsync/credsync/credential"
	"github.com/credsync/credsync/failure"
	"github.com/credsync/credsync/internal/upstream"
)

// verifier is core with what an account has that verifies its tokens.
type verifier struct{ *core }

// Verify is providers.Verifier's.
func (p verifier) Verify(ctx context.Context, t credential.Token) (credential.Outputs, error) {
	outputs, _, err := p.VerifyExpiry(ctx, t)
	return outputs, err
}

// VerifyExpiry is providers.ExpiryVerifier's. The outputs that the token still lacks come
// first: they need no request, and what asks the upstream may be made of them.
func (p verifier) VerifyExpiry(
	ctx context.Context, t credential.Token,
) (credential.Outputs, time.Time, error) {
	o := p.begin(OpVerify, t)
	outputs, err := o.pendingOutputs(t)
	if err != nil {
		return nil, time.Time{}, err
	}
	o.withOutputs(t, outputs)
	v := p.Definition.Verify
	if v == nil {
		return outputs, time.Time{}, o.stillLives(t)
	}
	if err := o.broken(append(p.Checks[:len(p.Checks):len(p.Checks)], v.Preconditions...)); err != nil {
		return nil, time.Time{}, err
	}
	asked := p.env.Now()
	wanted, err := o.wants(v.Request)
	if err != nil {
		return nil, time.Time{}, err
	}
	if !wanted {
		if err := o.stillLives(t); err != nil {
			return nil, time.Time{}, err
		}
	} else if asked, err = o.ask(ctx, v); err != nil {
		return nil, time.Time{}, err
	}
	said, _, err := o.scope.takeOutputs(v.Outputs)
	if err != nil {
		return nil, time.Time{}, o.outputFailed(err)
	}
	c := clock{scope: o.scope, from: asked}
	ends := c.said("", v.ExpiresIn, v.ExpiresAt)
	if p.dated != nil {
		if at := upstream.Earlier(ends, p.dated.expiresAt); !at.IsZero() {
			said[expiryOutput] = at.UTC().Format(time.RFC3339)
		}
		ends = time.Time{}
	}
	return outputs.Merge(said), ends, nil
}

// ask sends the request that verifies a token, and returns when.
func (o *operation) ask(ctx context.Context, v *Verify) (time.Time, error) {
	o.harmless = v.Harmless
	r, err := o.send(ctx, []Request{*v.Request})
	if err != nil {
		return time.Time{}, err
	}
	bare := r.Status == http.StatusNoContent || v.Request.Method == http.MethodHead
	isJSON := v.Request.Response.Format == "" || v.Request.Response.Format == FormatJSON
	switch {
	case !isJSON || bare:
	case r.Empty():
		return time.Time{}, r.Fail(failure.Server, "the answer is empty, and so proves nothing", o.adviceOnFormat())
	case r.unread != nil:
		return time.Time{}, r.Fail(failure.Server, r.unread.Error(), o.adviceOnFormat())
	case v.Request.Response.Success == nil && r.AnyJSON() != nil:
		// Whatever answers null or "OK" to anybody proves nothing, unless it is asked for.
		return time.Time{}, r.Fail(failure.Server, "the answer is neither a JSON object nor a list", o.adviceOnFormat())
	}
	return r.askedAt, nil
}

func (o *operation) adviceOnFormat() string {
	return fmt.Sprintf("Check base_url. If the upstream answers so, set format or success in the response block of "+
		"verify in %s (%s).", o.title(), o.Place)
}

// stillLives is all that can be asked of a token that only its own answer verifies.
func (o *operation) stillLives(t credential.Token) error {
	exp := upstream.JWTExpiry(t.Access)
	if exp.IsZero() || exp.After(o.env.Now()) {
		return nil
	}
	return &failure.Error{
		Class: failure.Credentials, Op: opNames[OpVerify], URL: o.baseURL,
		OfCredentials: o.Static != nil, Message: "the token expired at " + exp.Format(time.RFC3339),
		Advice: "The next apply refreshes it, or logs in. If the token is new, correct this machine's clock.",
	}
}

package invoicebox

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/credsync/credsync/credential"
	"github.com/credsync/credsync/failure"
	"github.com/credsync/credsync/internal/upstream"
	"github.com/credsync/credsync/providers"
	"github.com/credsync/credsync/schema"
)

var (
	_ providers.Verifier   = (*provider)(nil)
	_ providers.Inspector  = (*provider)(nil)
	_ providers.Timekeeper = (*provider)(nil)
)

type provider struct {
	env         providers.Env
	token       credential.Secret
	baseURL     string
	version     string
	merchantID  string
	userAgent   string
	remindAfter time.Duration
}

func newProvider(v schema.Values, env providers.Env) (providers.Provider, error) {
	p := &provider{
		env: env, token: v.Secret("token"), baseURL: v.String("base_url"), version: v.String("api_version"),
		merchantID: v.String("merchant_id"), remindAfter: v.Duration("remind_after"),
		userAgent: cmp.Or(v.String("user_agent"), env.UserAgent()),
	}
	if p.version == auto {
		p.version = shape(p.token)
	}
	return p, nil
}

// Login returns the configured token and sends nothing.
func (p *provider) Login(context.Context) (credential.Token, error) {
	out := credential.Outputs{"api_version": p.version}
	if p.merchantID != "" {
		out["merchant_id"] = p.merchantID
	}
	return credential.Token{Access: p.token, IssuedAt: p.env.Now(), Outputs: out}, nil
}

// Inspect warns of a token that is due for replacement.
func (p *provider) Inspect(now time.Time, seen providers.Seen) []providers.Finding {
	if p.remindAfter == 0 || seen.FirstAt.IsZero() || now.Sub(seen.FirstAt) <= p.remindAfter {
		return nil
	}
	days := int(now.Sub(seen.FirstAt).Hours() / 24)
	return []providers.Finding{{
		Summary:   "The token is due for replacement",
		Detail:    fmt.Sprintf("It was first used %d days ago, on %s. Make a new one in the service's account pages and put it in place of this one.", days, seen.FirstAt.UTC().Format(time.DateOnly)),
		Attribute: "token",
	}}
}

// Clocks tells the age of the token, and when remind_after says that it is old.
func (p *provider) Clocks(seen providers.Seen) []providers.Clock {
	if seen.FirstAt.IsZero() {
		return nil
	}
	c := providers.Clock{Name: providers.StaticToken, Since: seen.FirstAt}
	if p.remindAfter > 0 {
		c.At, c.Human = seen.FirstAt.Add(p.remindAfter), true
	}
	return []providers.Clock{c}
}

// answer is what the check answers, good or bad.
type answer struct {
	Data *struct {
		UserID *string `json:"userId"`
	} `json:"data"`
	Error *struct {
		Message string `json:"message"`
	} `json:"error"`
}

// Verify asks the service whose token it is.
func (p *provider) Verify(ctx context.Context, t credential.Token) (credential.Outputs, error) {
	op := upstream.Op{Name: "check the token", Secrets: []credential.Secret{t.Access}}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, upstream.URL(p.baseURL, "/"+p.version+"/security/api/auth/auth"), nil)
	if err != nil {
		return nil, &failure.Error{Class: failure.Config, Op: op.Name, Attribute: "base_url", Message: "base_url is not a usable URL", Advice: "Correct base_url."}
	}
	req.Header.Set("Accept", "application/json")
	req.Header.Set("User-Agent", p.userAgent)
	req.Header.Set("Authorization", "Bearer "+t.Access.Reveal())
	a, err := upstream.Do(ctx, p.env.Client, req, op)
	if err != nil {
		return nil, err
	}
	var body answer
	if err := a.JSON(&body); err != nil {
		return nil, err
	}
	if a.Status != http.StatusOK {
		return nil, refusal(a, body)
	}
	if body.Data == nil {
		return nil, a.Missing("data")
	}
	if body.Data.UserID == nil || *body.Data.UserID == "" {
		// The service answers 200 to a request without a token. Taking that
		// for success would deliver a token that nobody has checked.
		e := a.Fail(failure.Config, "the service saw no token: it answered as to an anonymous user",
			"See whether a proxy in between removes the Authorization header, and whether token and api_version are right.")
		e.Attribute = "token"
		return nil, e
	}
	return credential.Outputs{"user_id": *body.Data.UserID}, nil
}

// refusal judges the documented errors. Each has an error object; without it
// the answer is somebody else's.
func refusal(a *upstream.Answer, body answer) error {
	if body.Error == nil {
		return a.Unknown("")
	}
	said := a.Said(body.Error.Message)
	switch a.Status {
	case http.StatusUnauthorized:
		return a.Fail(failure.Credentials, reason("the token is rejected", said),
			"Make a new token in the service's account pages and put it into the configuration.")
	case http.StatusForbidden:
		e := a.Fail(failure.Human, reason("the token's owner has no access", said),
			"Have the service, or the administrator of the account there, grant access to the API.")
		e.Reason = failure.NoAccess
		return e
	case http.StatusNotFound:
		e := a.Fail(failure.Config, reason("there is no such method at this address", said),
			"Correct base_url, or set api_version to the version that the account is on.")
		e.Attribute = "base_url"
		return e
	}
	return a.Unknown(body.Error.Message)
}

// reason adds what the upstream said to our own words.
func reason(ours, said string) string {
	if said == "" {
		return ours
	}
	return ours + ": " + said
}

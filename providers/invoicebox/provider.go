package invoicebox

import (
	"cmp"
	"context"
	"fmt"
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
		Summary: "The token is due for replacement",
		Detail: fmt.Sprintf("It was first used %d days ago, on %s. Create a new one on the service's account "+
			"pages, and set token to it.", days, seen.FirstAt.UTC().Format(time.DateOnly)),
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

// Verify asks the service whose token it is.
func (p *provider) Verify(ctx context.Context, t credential.Token) (credential.Outputs, error) {
	a, err := p.env.Send(ctx, upstream.Request{
		Op:        upstream.Op{Name: "check the token", Static: true, Secrets: []credential.Secret{t.Access}},
		URL:       upstream.URL(p.baseURL, "/"+p.version+"/security/api/auth/auth"),
		UserAgent: p.userAgent,
		Bearer:    t.Access,
	})
	if err != nil {
		return nil, err
	}
	body := a.Fields()
	switch documented := body.Object("error"); {
	case upstream.Success(a.Status):
	case documented == nil:
		// Each documented error has that object: this is somebody else's.
		return nil, a.Refused("", "").As(upstream.Undocumented)
	default:
		return nil, a.Refused("", documented.Said("message")).Judge(refusals)
	}
	if body, err = a.Object(); err != nil {
		return nil, err
	}
	data := body.Object("data")
	if data == nil {
		return nil, body.NoToken("data")
	}
	switch id := data.AnyID("userId"); {
	case id != "":
		return credential.Outputs{"user_id": id}, nil
	case data.Code("userId") != "":
		return nil, a.Fail(failure.Server, "the answer's \"data.userId\" has the wrong type or format", "Report this to the service.")
	}
	return nil, a.Refused("", "").As(anonymous)
}

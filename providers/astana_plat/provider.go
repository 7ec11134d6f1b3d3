package astana_plat

import (
	"context"
	"net/http"
	"time"

	"github.com/credsync/credsync/credential"
	"github.com/credsync/credsync/failure"
	"github.com/credsync/credsync/internal/upstream"
	"github.com/credsync/credsync/providers"
	"github.com/credsync/credsync/providers/clientcertificate"
	"github.com/credsync/credsync/schema"
)

var (
	_ providers.Inspector  = (*provider)(nil)
	_ providers.Timekeeper = (*provider)(nil)
	_ providers.Verifier   = reader{}
)

type provider struct {
	env      providers.Env
	login    credential.Secret
	password credential.Secret
	// certificate is nil for a login by password.
	certificate *clientcertificate.Dates
	// withheld is what no message may repeat besides.
	withheld []credential.Secret
	baseURL  string
	path     string
	ttl      time.Duration
	// refusals are those of the way to log in.
	refusals []upstream.Refusal
}

func newProvider(v schema.Values, env providers.Env) (providers.Provider, error) {
	cert, err := clientcertificate.Of(v)
	if err != nil {
		return nil, err
	}
	p := &provider{
		env: env, login: v.Secret("login"), password: v.Secret("password"),
		certificate: clientcertificate.NewDates(cert, "Astana-Plat"), withheld: clientcertificate.Secrets(v),
		baseURL: v.String("base_url"), path: v.String("path"), ttl: v.Duration("token_ttl"),
		refusals: passwordRefusals,
	}
	if cert != nil {
		p.refusals = certificateRefusals
	}
	if read := providers.NewTokenRead(v); read.IsSet() {
		return reader{provider: p, read: read}, nil
	}
	return p, nil
}

// Inspect judges the certificate's dates.
func (p *provider) Inspect(now time.Time, _ providers.Seen) []providers.Finding {
	return p.certificate.Inspect(now)
}

// Clocks tells how long the certificate is valid.
func (p *provider) Clocks(providers.Seen) []providers.Clock { return p.certificate.Clocks() }

// reader is an account for which the configuration names a read that tells
// whether a token is good. Without one there is no Verifier: no documented call
// of the service does, so the login's answer is all the proof there is.
type reader struct {
	*provider
	read providers.TokenRead
}

// Verify implements providers.Verifier.
func (r reader) Verify(ctx context.Context, t credential.Token) (credential.Outputs, error) {
	op := upstream.Op{Name: "check the token", Secrets: append(r.secrets(), t.Access)}
	return nil, r.read.Verify(ctx, r.env.Send, op, r.baseURL, t.Access, "Have Astana-Plat give this account access to it")
}

// secrets are those of the account, which no message may repeat.
func (p *provider) secrets() []credential.Secret {
	return append([]credential.Secret{p.login, p.password}, p.withheld...)
}

// Values of authType.
const (
	byPassword    = 1
	byCertificate = 2
)

// loginRequest is the body of a login.
type loginRequest struct {
	AuthType int           `json:"authType"`
	Login    upstream.Sent `json:"login,omitzero"`
	Password upstream.Sent `json:"password,omitzero"`
}

// Login sends the login and the password, or presents the certificate, once.
func (p *provider) Login(ctx context.Context) (credential.Token, error) {
	issuedAt := p.env.Now()
	access, a, err := p.authorize(ctx)
	if err != nil {
		return credential.Token{}, err
	}
	t := credential.Token{
		Access: access, IssuedAt: issuedAt, AnsweredAt: a.Date,
		ExpiresAt: upstream.Expiry(issuedAt, time.Time{}, access, p.ttl),
		Outputs:   credential.Outputs{},
		Warnings:  a.Warnings(),
	}
	if p.certificate != nil {
		t.Outputs["certificate_expires_at"] = p.certificate.Ends().Format(time.RFC3339)
	}
	return t, nil
}

// authorize returns the token and the answer that it came in.
func (p *provider) authorize(ctx context.Context) (credential.Secret, *upstream.Answer, error) {
	login := loginRequest{AuthType: byCertificate}
	if p.certificate == nil {
		login = loginRequest{
			AuthType: byPassword, Login: upstream.Sent{Secret: p.login}, Password: upstream.Sent{Secret: p.password},
		}
	}
	a, err := p.env.Send(ctx, upstream.Request{
		Op: upstream.Op{
			Name: failure.LogIn, Once: true, Again: p.again, Secrets: p.secrets(),
		},
		Method: http.MethodPost,
		URL:    upstream.URL(p.baseURL, p.path),
		JSON:   login,
	})
	if err != nil {
		return credential.Secret{}, nil, err
	}
	e := open(a)
	if !upstream.Success(a.Status) {
		return credential.Secret{}, nil, p.refused(e)
	}
	access, err := e.readToken()
	return access, a, err
}

// again finds the answers after which the document has the login sent again.
func (p *provider) again(a *upstream.Answer) bool {
	e := open(a)
	return !e.contradicts() && e.judge().TryAgain(p.refusals)
}

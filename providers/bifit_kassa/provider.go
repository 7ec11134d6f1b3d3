package bifit_kassa

import (
	"context"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/credsync/credsync/credential"
	"github.com/credsync/credsync/failure"
	"github.com/credsync/credsync/internal/upstream"
	"github.com/credsync/credsync/providers"
	"github.com/credsync/credsync/schema"
)

var (
	_ providers.Refresher  = (*provider)(nil)
	_ providers.Verifier   = (*provider)(nil)
	_ providers.Challenger = (*provider)(nil)
)

const (
	tokenPath = "/oauth/token"
	codePath  = "/oauth/mfa"
	// lifetime is that of a token whose answer and claims name none.
	lifetime = 43199 * time.Second
)

type provider struct {
	env          providers.Env
	username     credential.Secret
	password     credential.Secret
	hash         credential.Secret
	clientID     credential.Secret
	clientSecret credential.Secret
	baseURL      string
	mfaGrant     string
	verifyPath   string
}

func newProvider(v schema.Values, env providers.Env) (providers.Provider, error) {
	return &provider{
		env: env, username: v.Secret("username"), password: v.Secret("password"),
		hash:     hashed(v.Secret("password"), v.String("password_encoding")),
		clientID: v.Secret("client_id"), clientSecret: v.Secret("client_secret"),
		baseURL: v.String("base_url"), mfaGrant: v.String("mfa_grant_type"), verifyPath: v.String("verify_path"),
	}, nil
}

// Login sends the username and the password's digest, once. It has no SMS
// sent: an account that wants a code ends in class Human, reason NeedsCode.
func (p *provider) Login(ctx context.Context) (credential.Token, error) {
	return p.obtain(ctx, p.op("log in"), p.passwordForm(grantPassword), credential.Token{}, (*response).loginRefused)
}

// Refresh trades the refresh token, exactly as it was received, for a new
// token. It is taken to be spent by that, whatever comes of it.
func (p *provider) Refresh(ctx context.Context, old credential.Token) (credential.Token, error) {
	op := p.op("refresh the token", old.Access, old.Refresh)
	if old.Refresh.IsZero() {
		return credential.Token{}, &failure.Error{
			Class: failure.Credentials, Op: op.Name, URL: p.baseURL,
			Message: "refresh unavailable: the service gave no refresh token with this token", Advice: "A login gives a new one.",
		}
	}
	form := p.clientForm(grantRefresh)
	form.Set("refresh_token", old.Refresh.Reveal())
	return p.obtain(ctx, op, form, old, (*response).refreshRefused)
}

// obtain makes one token request. What the answer does not repeat is that of
// the old token: a server that keeps its refresh tokens need not send one.
func (p *provider) obtain(ctx context.Context, op upstream.Op, form url.Values, old credential.Token, refused func(*response) error) (credential.Token, error) {
	op.Once = true
	issuedAt := p.env.Now()
	a, err := p.post(ctx, op, tokenPath, form)
	if err != nil {
		return credential.Token{}, err
	}
	if !upstream.Success(a.Status) {
		return credential.Token{}, refuse(a, refused)
	}
	var answer tokenAnswer
	if err := a.JSON(&answer); err != nil {
		return credential.Token{}, err
	}
	access, err := a.Bearer("access_token", answer.AccessToken)
	if err != nil {
		return credential.Token{}, err
	}
	t := credential.Token{
		Access: access, Refresh: answer.RefreshToken.Secret, IssuedAt: issuedAt,
		ExpiresAt: upstream.Earlier(answer.expires(issuedAt), upstream.JWTExpiry(access)),
		Outputs:   old.Outputs.Merge(answer.outputs()),
	}
	if t.Refresh.IsZero() {
		t.Refresh = old.Refresh
	}
	if t.ExpiresAt.IsZero() {
		t.ExpiresAt = issuedAt.Add(lifetime)
	}
	return t, nil
}

// Verify looks at the token's own expiry and, where verify_path is set, reads
// that with it. Without one, the answer that brought the token is all there is:
// the document has no call that only checks.
func (p *provider) Verify(ctx context.Context, t credential.Token) (credential.Outputs, error) {
	op := p.op("check the token", t.Access, t.Refresh)
	if exp := upstream.JWTExpiry(t.Access); !exp.IsZero() && !exp.After(p.env.Now()) {
		return nil, &failure.Error{
			Class: failure.Credentials, Op: op.Name, URL: p.baseURL,
			Message: "the token's own expiry, " + exp.Format(time.RFC3339) + ", is over",
			Advice:  "The next apply refreshes it, or logs in. If the token is a new one, set this machine's clock right.",
		}
	}
	if p.verifyPath == "" {
		return nil, nil
	}
	req, err := p.request(ctx, op, http.MethodGet, p.verifyPath, nil)
	if err != nil {
		return nil, err
	}
	req.Header.Set("Accept", "application/json")
	req.Header.Set("Authorization", "Bearer "+t.Access.Reveal())
	a, err := upstream.Do(ctx, p.env.Client, req, op)
	if err != nil {
		return nil, err
	}
	if !upstream.Success(a.Status) {
		return nil, refuse(a, (*response).readRefused)
	}
	// Whoever answers a token with a page has not looked at it.
	return nil, a.AnyJSON()
}

// op describes a request. The public client is no secret, and keeping it out
// of messages would hide every one that has the word "client" in it.
func (p *provider) op(name string, more ...credential.Secret) upstream.Op {
	secrets := append([]credential.Secret{p.username, p.password, p.hash}, more...)
	for _, s := range []credential.Secret{p.clientID, p.clientSecret} {
		if s.Reveal() != publicClient {
			secrets = append(secrets, s)
		}
	}
	return upstream.Op{Name: name, Secrets: secrets}
}

// post sends a form and asks for JSON.
func (p *provider) post(ctx context.Context, op upstream.Op, path string, form url.Values) (*upstream.Answer, error) {
	req, err := p.request(ctx, op, http.MethodPost, path, strings.NewReader(form.Encode()))
	if err != nil {
		return nil, err
	}
	req.Header.Set("Accept", "application/json")
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return upstream.Do(ctx, p.env.Client, req, op)
}

func (p *provider) request(ctx context.Context, op upstream.Op, method, path string, body io.Reader) (*http.Request, error) {
	req, err := http.NewRequestWithContext(ctx, method, upstream.URL(p.baseURL, path), body)
	if err != nil {
		// Not wrapped: it quotes the URL, whose query can hold the username.
		return nil, &failure.Error{Class: failure.Config, Op: op.Name, Attribute: "base_url", Message: "base_url is not a usable URL", Advice: "Correct base_url."}
	}
	// As the document asks, and what it calls turning compression off.
	req.Header.Set("Accept-Encoding", "deflate")
	req.Header.Set("User-Agent", p.env.UserAgent())
	return req, nil
}

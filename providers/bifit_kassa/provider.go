package bifit_kassa

import (
	"context"
	"net/http"
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
)

// Values of grant_type, besides that of the mfa_grant_type attribute.
const (
	grantPassword = "password"
	grantRefresh  = "refresh_token"
)

type provider struct {
	env      providers.Env
	username credential.Secret
	// One of these two is configured.
	password     credential.Secret
	passwordHash credential.Secret
	// hash is what is sent for a password.
	hash         credential.Secret
	clientID     credential.Secret
	clientSecret credential.Secret
	baseURL      string
	mfaGrant     string
	read         providers.TokenRead
}

func newProvider(v schema.Values, env providers.Env) (providers.Provider, error) {
	digest := digestOf(v.Secret("password"))
	if v.IsSet("password_hash") {
		// It has passed the table's check.
		digest, _ = parseDigest(v.Secret("password_hash"))
	}
	return &provider{
		env: env, username: v.Secret("username"), password: v.Secret("password"), passwordHash: v.Secret("password_hash"),
		hash:     sent(digest, v.String("password_encoding")),
		clientID: v.Secret("client_id"), clientSecret: v.Secret("client_secret"),
		baseURL: v.String("base_url"), mfaGrant: v.String("mfa_grant_type"), read: providers.NewTokenRead(v),
	}, nil
}

// Login sends the username and the password's digest, once. It has no SMS
// sent: an account that wants a code ends in class Human, reason NeedsCode.
func (p *provider) Login(ctx context.Context) (credential.Token, error) {
	return p.obtain(ctx, p.op(failure.LogIn), p.passwordForm(grantPassword), credential.Token{}, loginRefusals)
}

// Refresh trades the refresh token, exactly as it was received, for a new
// token. It is taken to be spent by that, whatever comes of it.
func (p *provider) Refresh(ctx context.Context, old credential.Token) (credential.Token, error) {
	op := p.op("refresh the token", old.Access, old.Refresh)
	if old.Refresh.IsZero() {
		return credential.Token{}, &failure.Error{
			Class: failure.Credentials, Op: op.Name, URL: p.baseURL,
			Message: "refresh unavailable: the service sent no refresh token with this " +
				"token", Advice: "credsync logs in to get a new one.",
		}
	}
	form := p.clientForm(grantRefresh)
	form["refresh_token"] = old.Refresh
	return p.obtain(ctx, op, form, old, refreshRefusals)
}

// obtain makes one token request.
func (p *provider) obtain(
	ctx context.Context, op upstream.Op, form map[string]credential.Secret, old credential.Token,
	refusals []upstream.Refusal,
) (credential.Token, error) {
	op.Once = true
	issuedAt := p.env.Now()
	a, err := p.send(ctx, upstream.Request{
		Op: op, Method: http.MethodPost, URL: upstream.URL(p.baseURL, tokenPath), Form: form,
	})
	if err != nil {
		return credential.Token{}, err
	}
	if !upstream.Success(a.Status) {
		return credential.Token{}, refused(a, refusals)
	}
	return readToken(a, issuedAt, old)
}

// passwordForm is a login; with a session and a code added to it, the second
// step of one.
func (p *provider) passwordForm(grant string) map[string]credential.Secret {
	form := p.clientForm(grant)
	form["username"], form["password"] = p.username, p.hash
	return form
}

// clientForm has what every token request needs.
func (p *provider) clientForm(grant string) map[string]credential.Secret {
	return map[string]credential.Secret{
		"client_id": p.clientID, "client_secret": p.clientSecret, "grant_type": upstream.Public(grant),
	}
}

// Verify looks at the token's own expiry and, where verify_path is set, reads
// that with it. Without one, the answer that brought the token is all there is:
// the document has no call that only checks.
func (p *provider) Verify(ctx context.Context, t credential.Token) (credential.Outputs, error) {
	op := p.op("check the token", t.Access, t.Refresh)
	if exp := upstream.JWTExpiry(t.Access); !exp.IsZero() && !exp.After(p.env.Now()) {
		return nil, &failure.Error{
			Class: failure.Credentials, Op: op.Name, URL: p.baseURL,
			Message: "the token expired at " + exp.Format(time.RFC3339),
			Advice: "The next apply refreshes it, or logs in. If the token is new, correct this machine's clock" +
				".",
		}
	}
	return nil, p.read.Verify(ctx, p.send, op, p.baseURL, t.Access,
		"Have the administrator of the organization at BIFIT Kassa give the account all rights")
}

func (p *provider) op(name string, more ...credential.Secret) upstream.Op {
	secrets := append(
		upstream.Unpublished(publicClient, p.clientID, p.clientSecret),
		p.username,
		p.password,
		p.passwordHash,
		p.hash,
	)
	return upstream.Op{Name: name, Secrets: append(secrets, more...)}
}

// send sends a request as the document asks: with what it calls turning
// compression off.
func (p *provider) send(ctx context.Context, r upstream.Request) (*upstream.Answer, error) {
	r.Header = map[string]credential.Secret{"Accept-Encoding": upstream.Public("deflate")}
	return p.env.Send(ctx, r)
}

package astana_plat

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"net/http"
	"time"

	"github.com/credsync/credsync/credential"
	"github.com/credsync/credsync/failure"
	"github.com/credsync/credsync/internal/upstream"
	"github.com/credsync/credsync/providers"
	"github.com/credsync/credsync/schema"
)

var (
	_ providers.Inspector  = (*provider)(nil)
	_ providers.Timekeeper = (*provider)(nil)
)

type provider struct {
	env      providers.Env
	login    credential.Secret
	password credential.Secret
	// certificate is nil for a login by password.
	certificate *tls.Certificate
	// withheld is what no message may repeat besides.
	withheld []credential.Secret
	baseURL  string
	path     string
	ttl      time.Duration
}

func newProvider(v schema.Values, env providers.Env) (providers.Provider, error) {
	cert, err := clientCertificate(v)
	if err != nil {
		return nil, err
	}
	p := &provider{
		env: env, login: v.Secret("login"), password: v.Secret("password"), certificate: cert,
		baseURL: v.String("base_url"), path: v.String("path"), ttl: v.Duration("token_ttl"),
	}
	for _, block := range v.Nested("certificate") {
		p.withheld = append(p.withheld, block.Secret("key_password"), block.Secret("pkcs12_password"))
	}
	return p, nil
}

// Login sends the login and the password, or presents the certificate, once.
// No call of the service tells whether a token is good, so there is no
// Verifier: the login's answer is all the proof there is.
func (p *provider) Login(ctx context.Context) (credential.Token, error) {
	issuedAt := p.env.Now()
	access, err := p.authorize(ctx)
	if err != nil {
		return credential.Token{}, err
	}
	t := credential.Token{Access: access, IssuedAt: issuedAt, ExpiresAt: upstream.JWTExpiry(access), Outputs: credential.Outputs{}}
	if t.ExpiresAt.IsZero() {
		t.ExpiresAt = issuedAt.Add(p.ttl)
	}
	if p.certificate != nil {
		t.Outputs["certificate_expires_at"] = p.certificate.Leaf.NotAfter.UTC().Format(time.RFC3339)
	}
	return t, nil
}

func (p *provider) authorize(ctx context.Context) (credential.Secret, error) {
	a, err := p.send(ctx)
	if err != nil {
		return credential.Secret{}, err
	}
	r, err := p.read(a)
	if err != nil {
		return credential.Secret{}, lost(a, err)
	}
	if !upstream.Success(a.Status) {
		return credential.Secret{}, r.refused()
	}
	access, err := r.token()
	return access, lost(a, err)
}

// lost marks an answer of success whose token cannot be had: the service made
// one, and the token before it is as dead as if no answer had come.
func lost(a *upstream.Answer, err error) error {
	var e *failure.Error
	if upstream.Success(a.Status) && errors.As(err, &e) {
		e.AnswerLost = true
	}
	return err
}

func (p *provider) send(ctx context.Context) (*upstream.Answer, error) {
	op := upstream.Op{Name: "log in", Once: true, Secrets: append([]credential.Secret{p.login, p.password}, p.withheld...)}
	login := loginRequest{AuthType: byPassword, Login: p.login.Reveal(), Password: p.password.Reveal()}
	if p.certificate != nil {
		login = loginRequest{AuthType: byCertificate}
	}
	body, err := json.Marshal(login)
	if err != nil {
		// Not wrapped: it could quote the body. Strings always encode.
		return nil, &failure.Error{Class: failure.Config, Op: op.Name, Message: "the credentials cannot be written as JSON"}
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, upstream.URL(p.baseURL, p.path), bytes.NewReader(body))
	if err != nil {
		return nil, &failure.Error{Class: failure.Config, Op: op.Name, Attribute: "base_url", Message: "base_url is not a usable URL", Advice: "Correct base_url."}
	}
	req.Header.Set("Accept", "application/json")
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("User-Agent", p.env.UserAgent())
	return upstream.Do(ctx, p.env.Client, req, op)
}

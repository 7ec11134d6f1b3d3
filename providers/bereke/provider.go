package bereke

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/credsync/credsync/credential"
	"github.com/credsync/credsync/failure"
	"github.com/credsync/credsync/internal/pemkey"
	"github.com/credsync/credsync/internal/upstream"
	"github.com/credsync/credsync/providers"
	"github.com/credsync/credsync/schema"
	"github.com/hashicorp/go-hclog"
)

var (
	_ providers.Verifier  = (*provider)(nil)
	_ providers.Inspector = (*provider)(nil)
)

// defaultBasicAuth is the bank's own web client.
const defaultBasicAuth = "WEB:"

type provider struct {
	env          providers.Env
	username     credential.Secret
	password     credential.Secret
	basicAuth    credential.Secret
	fingerprint  credential.Secret
	padding      pemkey.Padding
	baseURL      string
	path         string
	grantType    string
	userType     string
	keyURL       string
	published    publishedKey        // where keyURL is set
	configured   pemkey.RSAPublicKey // where it is not
	ignoreChains bool
	read         providers.TokenRead
	customerID   string
	customerName string
}

func newProvider(v schema.Values, env providers.Env) (providers.Provider, error) {
	if env.Log == nil {
		env.Log = hclog.NewNullLogger()
	}
	p := &provider{
		env: env, username: v.Secret("username"), password: v.Secret("password"),
		basicAuth: v.Secret("basic_auth"), fingerprint: v.Secret("device_fingerprint"),
		padding: pemkey.PaddingOf(v.String("padding"), v.String("mgf1_digest")), baseURL: v.String("base_url"), path: v.String("path"),
		grantType: v.String("grant_type"), userType: v.String("user_type"), keyURL: v.String("public_key_url"),
		published:    publishedKey{field: v.String("public_key_field"), id: v.String(keyID)},
		ignoreChains: v.Bool("ignore_possible_chains"), read: providers.NewTokenRead(v),
		customerID: v.String("customer_id"), customerName: v.String("customer_name"),
	}
	if p.keyURL != "" {
		return p, nil
	}
	var err error
	if p.configured, err = pemkey.ParseRSAPublicKey(v.Secret("public_key").Reveal()); err != nil {
		return nil, p.configError("prepare the login", "public_key", err.Error(), "Correct public_key.")
	}
	return p, nil
}

// Login sends the user name and the password, once. Only where the bank
// rejected them and has replaced its key meanwhile does it send them once
// more: the bank could not read the first ones.
//
// What it finds wrong with a token that did come it leaves to Verify: an error
// here would lose the token.
func (p *provider) Login(ctx context.Context) (credential.Token, error) {
	key, err := p.key(ctx)
	if err != nil {
		return credential.Token{}, err
	}
	token, err := p.loginWith(ctx, key)
	if !rejected(err) {
		return token, err
	}
	newer, keyErr := p.key(ctx)
	if keyErr != nil || newer.Same(key) {
		// Whatever went wrong with the key, the rejection is what must not be
		// forgotten.
		return token, err
	}
	p.env.Log.Info("The bank rejected the login and has replaced its public key; logging in with the new key")
	return p.loginWith(ctx, newer)
}

// rejected reports whether the bank said that the credentials are wrong.
func rejected(err error) bool {
	var e *failure.Error
	return errors.As(err, &e) && e.Class == failure.Credentials
}

func (p *provider) loginWith(ctx context.Context, key pemkey.RSAPublicKey) (credential.Token, error) {
	username, password, err := p.encrypted(key)
	if err != nil {
		return credential.Token{}, err
	}
	issuedAt := p.env.Now()
	a, err := p.env.Send(ctx, upstream.Request{
		Op: upstream.Op{
			Name:    failure.LogIn,
			Once:    true,
			Secrets: append(p.secrets(), p.username, username, password),
		},
		Method: http.MethodPost,
		URL:    upstream.URL(p.baseURL, p.path),
		Query: []upstream.Param{
			{Name: "grant_type", Value: upstream.Public(p.grantType)},
			{Name: "user_type", Value: upstream.Public(p.userType)},
			{Name: "username", Value: username},
			{Name: "password", Value: password},
		},
		Basic: p.basicAuth,
		// Empty unless configured, but always there, as in the bank's example.
		Header: map[string]credential.Secret{"Device-Fingerprint": p.fingerprint},
		JSON:   struct{}{},
	})
	if err != nil {
		return credential.Token{}, err
	}
	if !upstream.Success(a.Status) {
		return credential.Token{}, loginRefused(a)
	}
	return readToken(a, issuedAt)
}

// encrypted returns the user name and the password as they are sent.
func (p *provider) encrypted(key pemkey.RSAPublicKey) (username, password credential.Secret, err error) {
	attribute := "public_key"
	if p.keyURL != "" {
		attribute = "public_key_url"
	}
	fail := func(message string) error {
		return p.configError(failure.LogIn, attribute, message, "Nothing was sent. Check "+attribute+" and padding.")
	}
	if username, err = encrypt(key, "username", p.padding, p.username); err != nil {
		return username, password, fail(err.Error())
	}
	if password, err = encrypt(key, "password", p.padding, p.password); err != nil {
		return username, password, fail(err.Error())
	}
	return username, password, nil
}

// secrets are those of the account besides the user name, which no message may
// repeat.
func (p *provider) secrets() []credential.Secret {
	return append(upstream.Unpublished(defaultBasicAuth, p.basicAuth), p.password, p.fingerprint)
}

// configError is an error found before anything is sent.
func (p *provider) configError(op, attribute, message, advice string) *failure.Error {
	return &failure.Error{
		Class: failure.Config, Op: op, URL: p.baseURL, Attribute: attribute, Message: message, Advice: advice,
	}
}

// Inspect warns of a key that the bank has probably replaced: a login with it
// would be rejected, and might count towards a lock.
func (p *provider) Inspect(now time.Time, _ providers.Seen) []providers.Finding {
	expires := p.configured.Expires
	if expires.IsZero() || now.Before(expires) {
		return nil
	}
	return []providers.Finding{{
		Summary: "The certificate in public_key has expired",
		Detail: "It expired on " + expires.UTC().Format(time.DateOnly) + ". The bank rejects each login if it already uses " +
			"another key: ask it for the current certificate.",
		Attribute: "public_key",
	}}
}

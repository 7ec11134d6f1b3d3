package vault

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/credsync/credsync/credential"
	"github.com/credsync/credsync/sinks"
	"github.com/hashicorp/vault/api"
)

// rejectionMemory is how long a rejected login answers for all that follow, so
// that many accounts waiting for one sink do not lock its role out.
const rejectionMemory = time.Minute

// loginSession is a token and what is known of its life.
type loginSession struct {
	token credential.Secret
	// got is when its life of ttl began; ttl is 0 for one that does not end.
	got time.Time
	ttl time.Duration
	// full is the life it had at login: a renewal that gives less than a third
	// of it is not worth repeating.
	full      time.Duration
	renewable bool
	// blind sessions may not look themselves up, so a denial tells nothing
	// about whether they are alive.
	blind bool
}

func (s loginSession) expires() time.Time { return s.got.Add(s.ttl) }

// due reports whether less than a third of the life remains.
func (s loginSession) due(now time.Time) bool {
	return s.ttl > 0 && now.After(s.got.Add(s.ttl*2/3))
}

// sharedSession keeps the one session that all calls of a sink share.
type sharedSession struct {
	client *api.Client
	method loginMethod
	env    sinks.Env
	// turn guards what is below; a channel, because waiting must end with the
	// context.
	turn     chan struct{}
	now      loginSession
	open     bool
	rejected error
	until    time.Time
}

func newSharedSession(client *api.Client, m loginMethod, env sinks.Env) *sharedSession {
	return &sharedSession{client: client, method: m, env: env, turn: make(chan struct{}, 1)}
}

func (s *sharedSession) enter(ctx context.Context) (leave func(), err error) {
	select {
	case s.turn <- struct{}{}:
		return func() { <-s.turn }, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// current returns a token that should be good, logging in or renewing first
// where that is due.
func (s *sharedSession) current(ctx context.Context) (credential.Secret, error) {
	leave, err := s.enter(ctx)
	if err != nil {
		return credential.Secret{}, err
	}
	defer leave()
	switch {
	case !s.open:
		err = s.login(ctx)
	case s.now.due(s.env.Now()):
		err = s.prolong(ctx)
	}
	return s.now.token, err
}

// errStillGood means that a denial was not for want of a valid token.
var errStillGood = errors.New("the token is valid")

// replace returns another token for one that was denied something, or
// errStillGood if that token is alive: then it lacks a permission, and a login
// would change nothing.
func (s *sharedSession) replace(
	ctx context.Context, denied credential.Secret, denial error,
) (credential.Secret, error) {
	leave, err := s.enter(ctx)
	if err != nil {
		return credential.Secret{}, err
	}
	defer leave()
	if s.open && !s.now.token.Equal(denied) {
		return s.now.token, nil
	}
	if s.method.path == "" {
		return s.successor(ctx, denied)
	}
	// Newer servers name an invalid token; others must be asked.
	if !vaultSays(denial, invalidToken) {
		if s.now.blind {
			return credential.Secret{}, errStillGood
		}
		_, err := s.lookup(ctx, denied)
		switch {
		case err == nil:
			return credential.Secret{}, errStillGood
		case status(err) != 403:
			return credential.Secret{}, describe(ctx, err, request{op: "look up the token", client: s.client})
		}
	}
	s.env.Log.Info("The Vault token is no longer valid; logging in again", "method", s.method.name)
	s.open = false
	if err := s.login(ctx); err != nil {
		return credential.Secret{}, err
	}
	return s.now.token, nil
}

// successor is the token that has taken the place of one that was given. Most
// have none, dead or alive; the file of "vault login" may hold another by now.
func (s *sharedSession) successor(ctx context.Context, denied credential.Secret) (credential.Secret, error) {
	if s.method.reread == nil {
		return credential.Secret{}, errStillGood
	}
	token, err := s.method.reread()
	if err != nil || token.IsZero() || token.Equal(denied) {
		return credential.Secret{}, errStillGood
	}
	s.env.Log.Info("The Vault token was denied, but its file now holds another one; using that one")
	s.method.token, s.open = token, false
	if err := s.adopt(ctx); err != nil {
		return credential.Secret{}, err
	}
	return s.now.token, nil
}

// stillDenied notes that a token fresh from login was denied too: what had
// looked like a dead token was one without the right to look itself up.
func (s *sharedSession) stillDenied(ctx context.Context, token credential.Secret) {
	leave, err := s.enter(ctx)
	if err != nil {
		return
	}
	defer leave()
	if s.open && s.now.token.Equal(token) {
		s.now.blind = true
	}
}

// login opens a session. A rejection is remembered for a while.
func (s *sharedSession) login(ctx context.Context) error {
	if s.rejected != nil && s.env.Now().Before(s.until) {
		return s.rejected
	}
	if s.method.path == "" {
		return s.adopt(ctx)
	}
	body, err := s.method.body()
	if err != nil {
		return fmt.Errorf("log in to Vault at %s: %w", s.client.Address(), err)
	}
	at := s.env.Now()
	secret, err := s.as(credential.Secret{}).WriteWithContext(ctx, s.method.path, body)
	if err != nil {
		err = s.loginFailed(ctx, err)
		if errors.Is(err, sinks.ErrDenied) {
			s.rejected, s.until = err, at.Add(rejectionMemory)
		}
		return err
	}
	if secret == nil || secret.Auth == nil || secret.Auth.ClientToken == "" {
		return fmt.Errorf("log in to Vault at %s with %s: the answer has no token; use a login without a second factor, which credsync does not support", s.client.Address(), s.method.path)
	}
	life := time.Duration(secret.Auth.LeaseDuration) * time.Second
	s.rejected = nil
	s.now, s.open = loginSession{
		token: credential.NewSecret(
			secret.Auth.ClientToken,
		), got: at, ttl: life, full: life, renewable: secret.Auth.Renewable,
	}, true
	s.env.Log.Debug("Logged in to Vault", "method", s.method.name, "ttl", life)
	return nil
}

// adopt opens a session with the token that was given. How long it lives is
// asked for; a token that may not know is used as it is.
func (s *sharedSession) adopt(ctx context.Context) error {
	if s.method.token.IsZero() && !s.method.optional {
		return errNoToken
	}
	s.now, s.open = loginSession{token: s.method.token, got: s.env.Now()}, true
	if s.method.token.IsZero() {
		return nil
	}
	self, err := s.lookup(ctx, s.method.token)
	switch {
	case err == nil:
		s.now.ttl = max(self.created, self.left)
		s.now.full = s.now.ttl
		s.now.got = s.now.got.Add(self.left - s.now.ttl)
		s.now.renewable = self.renewable
	case status(err) != 403:
		s.open = false
		return describe(ctx, err, request{op: "look up the token", client: s.client})
	}
	return nil
}

// prolong renews the session, or replaces it where that cannot be done. What
// fails for now is left for the next call as long as the token lives.
func (s *sharedSession) prolong(ctx context.Context) error {
	if s.now.renewable {
		at := s.env.Now()
		secret, err := s.as(s.now.token).WriteWithContext(ctx, "auth/token/renew-self", nil)
		switch {
		case err == nil && secret != nil && secret.Auth != nil:
			s.now.got, s.now.ttl = at, time.Duration(secret.Auth.LeaseDuration)*time.Second
			s.now.renewable = secret.Auth.Renewable
			s.env.Log.Debug("Renewed the Vault token", "ttl", s.now.ttl)
			if s.now.ttl == 0 || s.now.ttl >= s.now.full/3 {
				return nil
			}
			s.now.renewable = false
		case status(err) == 400 || status(err) == 403:
			s.now.renewable = false
		}
	}
	if s.method.path == "" {
		// There is no other token. If it has expired Vault will say so.
		return nil
	}
	before := s.now
	if err := s.login(ctx); err != nil && !s.env.Now().Before(before.expires()) {
		return err
	}
	return nil
}

type tokenLookup struct {
	left, created time.Duration
	renewable     bool
}

// lookup asks Vault about a token. A 403 is a token that is dead, or that lacks
// the default policy.
func (s *sharedSession) lookup(ctx context.Context, token credential.Secret) (tokenLookup, error) {
	secret, err := s.as(token).ReadWithContext(ctx, "auth/token/lookup-self")
	if err != nil {
		return tokenLookup{}, err
	}
	if secret == nil {
		return tokenLookup{}, errors.New("an empty answer")
	}
	renewable, _ := secret.Data["renewable"].(bool)
	return tokenLookup{left: seconds(secret.Data["ttl"]), created: seconds(secret.Data["creation_ttl"]), renewable: renewable}, nil
}

func seconds(v any) time.Duration {
	n, ok := v.(json.Number)
	if !ok {
		return 0
	}
	i, err := n.Int64()
	if err != nil {
		return 0
	}
	return time.Duration(i) * time.Second
}

// as returns the API with that token, which may be none.
func (s *sharedSession) as(token credential.Secret) *api.Logical {
	return s.client.WithRequestCallbacks(func(r *api.Request) { r.ClientToken = token.Reveal() }).Logical()
}

// loginFailed describes a failed login. A rejection is one of the role or its
// secret, not of a path.
func (s *sharedSession) loginFailed(ctx context.Context, err error) error {
	r := request{op: "log in with " + s.method.path, client: s.client}
	if code := status(err); code == 400 || code == 401 || code == 403 {
		return fmt.Errorf("%s: %w: %s; check the auth %q block and the role in Vault", r, sinks.ErrDenied, vaultErrors(err), s.method.name)
	}
	if status(err) == 404 {
		return fmt.Errorf("%s: no auth method is mounted there: check mount in the auth %q block and the namespace, or enable the method with \"vault auth enable\"", r, s.method.name)
	}
	return describe(ctx, err, r)
}

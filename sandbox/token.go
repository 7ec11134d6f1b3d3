package sandbox

import (
	"crypto/rand"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

// token is one that was issued, or that an account has for ever.
type token struct {
	value    string
	upstream string
	account  string
	// loginAt is when the login was that it descends from.
	loginAt time.Time
	expires time.Time
	revoked bool
	// refresh tokens only get other tokens; spent ones have done so.
	refresh bool
	spent   bool
}

// issueJWT makes a token of an account and registers it.
func (s *Sandbox) issueJWT(a *account, lifetime time.Duration, loginAt time.Time) (string, time.Time) {
	now := s.now()
	expires := now.Add(lifetime).Truncate(time.Second).UTC()
	claims := jwt.RegisteredClaims{
		Subject: a.Name, ID: rand.Text(),
		IssuedAt: jwt.NewNumericDate(now), ExpiresAt: jwt.NewNumericDate(expires),
	}
	value, err := jwt.NewWithClaims(jwt.SigningMethodHS256, claims).SignedString(s.key)
	if err != nil {
		panic("sandbox: cannot sign a token: " + err.Error())
	}
	s.tokens[value] = &token{value: value, upstream: a.Upstream, account: a.Name, loginAt: loginAt, expires: expires}
	return value, expires
}

// issueOpaque makes a token of no form and registers it.
func (s *Sandbox) issueOpaque(a *account, lifetime time.Duration, loginAt time.Time) *token {
	value := rand.Text() + "_." + rand.Text()
	t := &token{value: value, upstream: a.Upstream, account: a.Name, loginAt: loginAt, expires: s.now().Add(lifetime)}
	s.tokens[value] = t
	return t
}

// issued returns the access token of that value, alive or not; nil if there is
// none.
func (s *Sandbox) issued(upstream, value string) *token {
	t := s.tokens[value]
	if t == nil || t.upstream != upstream || t.refresh {
		return nil
	}
	return t
}

// Live returns whose token it is, and whether the upstream accepts it now.
func (s *Sandbox) Live(upstream, value string) (name string, live bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if a := s.find(upstream, func(a *account) bool { return a.Token != "" && a.Token == value }); a != nil {
		return a.Name, !a.Locked
	}
	t := s.issued(upstream, value)
	if t == nil {
		return "", false
	}
	return t.account, t.alive(s.now())
}

func (t *token) alive(now time.Time) bool { return !t.revoked && now.Before(t.expires) }

// Revoke kills every token of an account. A static one is taken from it.
func (s *Sandbox) Revoke(upstream, name string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.revokeAll(upstream, name)
	if a, ok := s.accounts[upstream][name]; ok {
		a.Token = ""
	}
}

// revokeAll kills every token that was issued to an account.
func (s *Sandbox) revokeAll(upstream, name string) {
	for _, t := range s.tokens {
		if t.upstream == upstream && t.account == name {
			t.revoked = true
		}
	}
}

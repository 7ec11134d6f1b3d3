package sandbox

import (
	"cmp"
	"crypto/rand"
	"slices"
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
	// number counts the tokens in the order in which they were issued.
	number int
	// verified says that a request with it was accepted.
	verified bool
	// refresh tokens only get other tokens; spent ones have done so, for the first time
	// at spentAt.
	refresh bool
	spent   bool
	spentAt time.Time
	// family is the number of the first token of the chain that this one continues.
	family int
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
	s.register(&token{value: value, upstream: a.Upstream, account: a.Name, loginAt: loginAt, expires: expires})
	return value, expires
}

// issueOpaque makes a token of no form and registers it.
func (s *Sandbox) issueOpaque(a *account, lifetime time.Duration, loginAt time.Time) *token {
	value := rand.Text() + "_." + rand.Text()
	t := &token{value: value, upstream: a.Upstream, account: a.Name, loginAt: loginAt, expires: s.now().Add(lifetime)}
	s.register(t)
	return t
}

func (s *Sandbox) register(t *token) {
	t.number = len(s.tokens) + 1
	if t.family == 0 {
		t.family = t.number
	}
	s.tokens[t.value] = t
}

// IssuedToken is what an upstream knows of a token that it has handed out.
type IssuedToken struct {
	Value string `json:"value"`
	// Refresh tokens only get other tokens.
	Refresh bool `json:"refresh,omitempty"`
	// Live tokens are accepted now; a refresh token that was spent is not.
	Live bool `json:"live"`
	// Verified says that a request other than a login or a refresh was
	// accepted with it.
	Verified bool `json:"verified,omitempty"`
}

// Tokens returns all tokens that were issued to an account, in their order.
// One that the account has for ever is not among them.
func (s *Sandbox) Tokens(upstream, name string) []IssuedToken {
	s.mu.Lock()
	defer s.mu.Unlock()
	var of []*token
	for _, t := range s.tokens {
		if t.upstream == upstream && t.account == name {
			of = append(of, t)
		}
	}
	slices.SortFunc(of, func(a, b *token) int { return cmp.Compare(a.number, b.number) })
	list := []IssuedToken{}
	for _, t := range of {
		list = append(
			list,
			IssuedToken{Value: t.value, Refresh: t.refresh, Live: t.alive(s.now()) && !t.spent, Verified: t.verified},
		)
	}
	return list
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
	if a := s.find(upstream, func(a *account) bool { return a.forEver() != "" && a.forEver() == value }); a != nil {
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

// revokeFamily kills a token and all that came of it and before it.
func (s *Sandbox) revokeFamily(t *token) {
	for _, other := range s.tokens {
		if other.upstream == t.upstream && other.family == t.family {
			other.revoked = true
		}
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

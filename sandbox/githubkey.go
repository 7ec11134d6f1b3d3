package sandbox

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"errors"
	"fmt"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

const (
	// githubDrift is how far an app's clock may be ahead.
	githubDrift = time.Minute
	// githubLongest is how far in the future a JWT may end.
	githubLongest = 10 * time.Minute
)

func (g *GithubAccount) check() error {
	if g == nil {
		return nil
	}
	if g.AppID == "" {
		return errors.New("set the app_id of the installation")
	}
	if g.PublicKey == "" {
		return nil
	}
	if _, err := jwt.ParseRSAPublicKeyFromPEM([]byte(g.PublicKey)); err != nil {
		return errors.New("the public key of the app is not an RSA key in PEM")
	}
	return nil
}

// GithubPrivateKey returns the key, in PEM, by which the app of an installation signs. There
// is one only where the account came without a public key.
func (s *Sandbox) GithubPrivateKey(installation string) (string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	a := s.named("github", installation)
	if a == nil || a.Github == nil || a.Github.PublicKey != "" {
		return "", fmt.Errorf("the sandbox has no private key for installation %q", installation)
	}
	return encodePEM("RSA PRIVATE KEY", x509.MarshalPKCS1PrivateKey(a.githubKey())), nil
}

// githubKey makes the pair of keys when it is first needed: that takes a while.
func (a *account) githubKey() *rsa.PrivateKey {
	if a.privateKey == nil {
		key, err := rsa.GenerateKey(rand.Reader, 2048)
		if err != nil {
			panic("sandbox: cannot create a key: " + err.Error())
		}
		a.privateKey = key
	}
	return a.privateKey
}

// githubPublicKey is what the app's JWTs are checked with.
func (a *account) githubPublicKey() *rsa.PublicKey {
	if a.Github.PublicKey == "" {
		return &a.githubKey().PublicKey
	}
	key, err := jwt.ParseRSAPublicKeyFromPEM([]byte(a.Github.PublicKey))
	if err != nil {
		panic("sandbox: the public key was checked before: " + err.Error())
	}
	return key
}

// githubApp returns the app that signed the request's JWT, or what is wrong with it.
func (c *call) githubApp() (app, problem string) {
	now := c.now()
	claims := jwt.RegisteredClaims{}
	parser := jwt.NewParser(jwt.WithValidMethods([]string{"RS256"}), jwt.WithoutClaimsValidation())
	_, err := parser.ParseWithClaims(bearer(c.r), &claims, func(*jwt.Token) (any, error) {
		of := c.find(c.upstream, func(a *account) bool { return a.Github != nil && a.Github.AppID == claims.Issuer })
		if of == nil {
			return nil, errors.New("no such app")
		}
		return of.githubPublicKey(), nil
	})
	switch {
	case err != nil:
		return "", "A JSON web token could not be decoded"
	case claims.IssuedAt == nil || claims.IssuedAt.After(now.Add(githubDrift)):
		return "", "'Issued at' claim ('iat') must be an Integer representing the time that the assertion was issued"
	case claims.ExpiresAt == nil || !claims.ExpiresAt.After(now):
		return "", "'Expiration time' claim ('exp') must be a numeric value representing the future time at which the assertion expires"
	case claims.ExpiresAt.After(now.Add(githubLongest)):
		return "", "'Expiration time' claim ('exp') is too far in the future"
	}
	return claims.Issuer, ""
}

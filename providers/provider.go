// Package providers defines what an upstream is to credsync: something that
// can log in, and optionally refresh, verify and more. Each upstream lives in
// a folder of its own below; package providers/all lists them.
//
// A provider knows nothing of sinks, of state or of how HCL is evaluated.
package providers

import (
	"cmp"
	"context"
	"crypto/tls"
	"net/http"
	"time"

	"github.com/credsync/credsync/credential"
	"github.com/credsync/credsync/failure"
	"github.com/credsync/credsync/internal/upstream"
	"github.com/credsync/credsync/schema"
	"github.com/hashicorp/go-hclog"
)

// Provider is one configured account at one upstream. What only some upstreams
// can do is one of the optional interfaces below.
//
// Every method returns a *failure.Error for whatever the upstream said or failed to
// say, and the context's error once that is done. No error holds a secret or a
// response body.
type Provider interface {
	// Login authenticates with the configured credentials. It sends at most
	// one request that an upstream could count as a login attempt, unless it
	// knows that the earlier one was not processed.
	Login(ctx context.Context) (credential.Token, error)
}

// Refresher can trade a token for a newer one without the credentials. An
// error of class Credentials means that the refresh material is dead, not that
// the configured credentials are, unless it is failure.AboutLogin.
//
// The returned token carries over what the answer does not repeat.
type Refresher interface {
	Refresh(ctx context.Context, old credential.Token) (credential.Token, error)
}

// Verifier can ask the upstream, without any effect there, whether a token is
// good. Class Credentials means that the upstream rejects the token; the
// outputs are what it said of the token's owner.
type Verifier interface {
	Verify(ctx context.Context, t credential.Token) (credential.Outputs, error)
}

// ExpiryVerifier is a Verifier whose upstream may say besides when the token ends; zero
// where it did not. The earlier of that and of what the token has counts.
type ExpiryVerifier interface {
	Verifier
	VerifyExpiry(ctx context.Context, t credential.Token) (credential.Outputs, time.Time, error)
}

// Revoker can end a token at the upstream. An error of class Credentials means that the
// upstream rejects the token, so that it has ended already.
type Revoker interface {
	Revoke(ctx context.Context, old credential.Token) error
}

// The occasions of Spec.RevokeOn.
const (
	// RevokeReplaced: every target holds the token that came after it.
	RevokeReplaced = "replaced"
	// RevokeRemoved: its account was removed, with on_remove = "delete".
	RevokeRemoved = "removed"
)

// Challenger can log in with a second factor that a human holds. Login of such
// an account fails with class Human and reason NeedsCode, and sends no code.
//
// SendCode has the upstream send a code, once for each call. LoginWithCode
// finishes the login; a wrong code is class Human with reason NeedsCode, and
// the challenge can still be used.
type Challenger interface {
	SendCode(ctx context.Context) (credential.Challenge, error)
	LoginWithCode(ctx context.Context, c credential.Challenge, code credential.Secret) (credential.Token, error)
}

// Inspector finds what is wrong or worth a warning in the configured
// credentials with no request: a certificate that has expired, a token that
// was first seen long ago.
type Inspector interface {
	Inspect(now time.Time, seen Seen) []Finding
}

// Timekeeper knows, with no request, of something besides the token that ends
// or ages: a client certificate, a token that a person made. The end of a
// refresh is not among them: the token itself carries it.
type Timekeeper interface {
	Clocks(seen Seen) []Clock
}

// Clock is how long one thing lasts. A provider has at most one of each name.
type Clock struct {
	Name ClockName
	// Since is when it began, zero where nobody knows; At is when it ends, zero
	// where it has no end that is known.
	Since, At time.Time
	// Human says that somebody must have acted by At: nothing that runs by
	// itself can.
	Human bool
}

// ClockName says what lasts.
type ClockName string

// The clocks that providers keep.
const (
	// ClientCertificate is the one that the account logs in with.
	ClientCertificate ClockName = "client_certificate"
	// StaticToken is a token that stands in the configuration.
	StaticToken ClockName = "static_token"
)

// ClockNames are all of them.
var ClockNames = []ClockName{ClientCertificate, StaticToken}

// Seen is what the state remembers of an account, for an Inspector or a
// Timekeeper.
type Seen struct {
	// FirstAt is when these credentials were first used; zero if never.
	FirstAt time.Time
	// Outputs of the current token; nil if there is none.
	Outputs credential.Outputs
}

// Finding is something that an Inspector found.
type Finding struct {
	// Blocked is empty for a warning, or the reason why a login is pointless.
	Blocked failure.Reason
	Summary string
	// Detail says what to do.
	Detail string
	// Attribute that it is about; empty for none.
	Attribute string
}

// Env is what a provider gets besides its attributes.
type Env struct {
	// Client sends requests to the account's base_url: with its timeouts,
	// retries, rate limit, proxy and CAs applied, not following redirects.
	Client *http.Client
	// Now is the clock.
	Now func() time.Time
	// Previous are the outputs of the account's last token; nil at first.
	// Choices that must not change by themselves (a branch) are read from it.
	Previous credential.Outputs
	// Log never gets a secret, a body, or a URL with a query.
	Log hclog.Logger
	// Version of credsync, for User-Agent.
	Version string
}

// UserAgent is what requests name as their sender.
func (e Env) UserAgent() string { return "credsync/" + cmp.Or(e.Version, "dev") }

// Send sends a request with the account's client. It comes from credsync unless
// it names another sender. The errors are those of upstream.Send.
func (e Env) Send(ctx context.Context, r upstream.Request) (*upstream.Answer, error) {
	r.UserAgent = cmp.Or(r.UserAgent, e.UserAgent())
	return upstream.Send(ctx, e.Client, r)
}

// Spec describes a provider type to the rest of the program: it is what the
// registry holds.
type Spec struct {
	// Name is the first label of the account block.
	Name string
	// Doc is a paragraph of Markdown; Source names the upstream's document.
	Doc    string
	Source string
	// Attributes and Blocks of the account block that are this provider's
	// own. base_url is one of them, since its default differs.
	Attributes []schema.Attribute
	Blocks     []schema.Nested
	Check      func(schema.Values) error
	// Outputs of its tokens; "access_token" must be among them.
	Outputs []schema.Output
	// RotateBefore is the default of rotate_before; empty for a static token.
	RotateBefore string
	// Lifetime is how long the upstream's document says that a token lives, so
	// that a schedule can be judged before there is a token; 0 where the values
	// do not tell. Nil for a static token.
	Lifetime func(schema.Values) time.Duration
	// Static providers have no login: the token is in the configuration, so
	// an upstream that rejects it rejects the credentials.
	Static bool
	// Limit is kept per account where http.requests_per_second is not set.
	Limit upstream.Limit
	// OwnHeaders are headers, in canonical form, by which its requests say who logs in
	// or whose token it is, so that http.headers must not have them.
	OwnHeaders []string
	// ClientCertificate returns the certificate to present to the upstream,
	// nil for none; nil where the provider has no such attributes. Its errors
	// are shown to the user and hold no key.
	ClientCertificate func(schema.Values) (*tls.Certificate, error)
	// LoginRevokes reports whether a login kills the token before it, so that
	// no login is made unless every target can be written. Nil means no.
	LoginRevokes func(schema.Values) bool
	// RefreshSpends says that refresh material can be used only once.
	RefreshSpends bool
	// ReuseGrace is for how long the upstream takes refresh material again that was used,
	// for those whose answer was lost; 0 for never. Where it is set, and RefreshSpends,
	// the record says of each refresh that it was asked for, and material of which it is
	// not known whether it was used is presented again only within that time, or once
	// when the token is dead. Where it is nil a login follows a lost answer.
	ReuseGrace func(schema.Values) time.Duration
	// RefreshRevokes reports whether a refresh ends the access token before it. Nil means
	// no.
	RefreshRevokes func(schema.Values) bool
	// UnknownRefusals is how many refusals of a login in a row block the account of which
	// nothing says what they mean; 0 for two.
	UnknownRefusals int
	// LoginShape is what the requests of a login look like in the source, for upstreams
	// that a user describes: another shape is another login, which is tried though the
	// one before was rejected. It may have further bytes, secret ones too, that tell
	// logins apart: nothing but keyed fingerprints is made of it. Nil for a provider
	// whose requests are as its code has them.
	LoginShape []byte
	// Formerly is the name that the upstream had before, by which records may still know it;
	// empty for none.
	Formerly string
	// Described says that a user describes the upstream. DescriptionDigest changes with what
	// an upstream block means, and DescriptionPlace is where it stands; both are empty for a
	// description in an account.
	Described                           bool
	DescriptionDigest, DescriptionPlace string
	// LoginSpends reports whether a login works once, as with a refresh token that was
	// got elsewhere. The same one is never sent again, whatever came of it. Nil means no.
	LoginSpends func(schema.Values) bool
	// RevokeOn are the occasions on which a Revoker ends a token that is of no more use:
	// RevokeReplaced, RevokeRemoved. Nil means none.
	RevokeOn func(schema.Values) []string
	// RevokeUses reports whether a Revoker needs an attribute, besides base_url. For
	// RevokeRemoved the state keeps the values of those, since the block has gone from the
	// configuration by then. Nil means none.
	RevokeUses func(attribute string) bool
	// Destinations are the hosts that get secrets of its accounts, for the reference; nil
	// for those of the attributes that are endpoints.
	Destinations []Destination
	// Hosts returns the hosts that get secrets of one account; known is false where the
	// values do not tell. Nil for those of the attributes that are endpoints.
	Hosts func(schema.Values) (hosts []string, known bool)
	// Errors are what refusals mean, in the order in which they are tried, for the
	// reference; nil for a provider whose code says it.
	Errors []ErrorDoc
	// New makes the provider. It sends nothing. It is called only with values
	// that are wholly known and have passed the table's checks.
	New func(v schema.Values, env Env) (Provider, error)
}

// ErrorDoc is what one kind of refusal means.
type ErrorDoc struct {
	Name string
	// Operations are those that may be refused so; empty for all.
	Operations []string
	Class      failure.Class
	Reason     failure.Reason
	// Doc is what happened and what to do; may be empty.
	Doc string
}

// HasName reports whether a provider is or was called so.
func (s *Spec) HasName(name string) bool {
	return name == s.Name || s.Formerly != "" && name == s.Formerly
}

// Block is the whole table of an account block of this provider: the
// provider's own attributes.
func (s *Spec) Block() *schema.Block {
	return &schema.Block{
		Type: "account", Labels: []string{s.Name, "name"}, Doc: s.Doc,
		Attributes: s.Attributes, Blocks: s.Blocks, Check: s.Check,
	}
}

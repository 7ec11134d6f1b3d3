package described

import (
	"context"
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/credsync/credsync/credential"
	"github.com/credsync/credsync/failure"
	"github.com/credsync/credsync/internal/upstream"
	"github.com/credsync/credsync/providers"
	"github.com/credsync/credsync/providers/clientcertificate"
	"github.com/credsync/credsync/schema"
	"github.com/zclconf/go-cty/cty"
)

// core is one configured account: what every description has.
type core struct {
	*compiled
	env     providers.Env
	baseURL string
	// self is behind a function, so that nothing that prints an account reaches it.
	self func() cty.Value
	// secrets are the values of the sensitive attributes.
	secrets []credential.Secret
	// dated is nil but for a static token whose age is known.
	dated *datedToken
	// certificate has the dates of the client certificate; nil for an account without.
	certificate *clientcertificate.Dates
}

func (c *compiled) newProvider(v schema.Values, env providers.Env) (providers.Provider, error) {
	p := &core{compiled: c, env: env, baseURL: v.String("base_url"), secrets: secretsOf(v)}
	if c.takesCertificate() {
		cert, err := clientcertificate.Of(v)
		if err != nil {
			return nil, err
		}
		p.certificate = clientcertificate.NewDates(cert, "the upstream")
		p.secrets = append(p.secrets, clientcertificate.Secrets(v)...)
	}
	p.self = sync.OnceValue(func() cty.Value { return c.selfValue(v, p.certificate) })
	if c.Static != nil && v.Has(expiryOutput) {
		p.dated = &datedToken{remindAfter: v.Duration("remind_after"), attribute: c.tokenAttribute}
		p.dated.expiresAt, _ = upstream.RFC3339(v.String(expiryOutput))
	}
	return p.withAbilities(), nil
}

// secretsOf are the texts in the values of sensitive attributes.
func secretsOf(v schema.Values) []credential.Secret {
	var secrets []credential.Secret
	for i, a := range v.Block().Attributes {
		switch {
		case a.Captured && a.Public:
			secrets = append(secrets, schema.MarkedTexts(v.MarkedAt(i))...)
		case a.Sensitive:
			secrets = append(secrets, secretsIn(v.RawAt(i), a.Default)...)
		}
	}
	return secrets
}

// secretsIn are the texts in the value of a sensitive attribute, but for what the
// definition publishes as its default.
func secretsIn(v, published cty.Value) []credential.Secret {
	var secrets []credential.Secret
	switch {
	case v.IsNull() || !v.IsWhollyKnown():
	case published != cty.NilVal && v.RawEquals(published):
	case v.Type() == cty.String:
		secrets = append(secrets, credential.NewSecret(v.AsString()))
	case v.CanIterateElements():
		for it := v.ElementIterator(); it.Next(); {
			_, element := it.Element()
			secrets = append(secrets, secretsIn(element, cty.NilVal)...)
		}
	}
	return secrets
}

// Format implements fmt.Formatter for every verb: an account holds secrets.
func (p *core) Format(f fmt.State, _ rune) {
	_, _ = io.WriteString(f, "described.provider{"+p.Type+"}")
}

// newScope is what the account's expressions see before anything is answered.
func (p *core) newScope() *scope {
	s := p.compiled.newScope(p.self())
	s.set("previous", p.previous(p.env.Previous))
	return s
}

// Login is providers.Provider's. Of a static upstream it returns the configured token and
// sends nothing.
func (p *core) Login(ctx context.Context) (credential.Token, error) {
	o := p.begin(OpLogin)
	if err := o.broken(p.Checks); err != nil {
		return credential.Token{}, err
	}
	if p.Static != nil {
		return o.configured()
	}
	return o.obtain(ctx, p.Definition.Login, credential.Token{})
}

// configured is the token that stands in the configuration.
func (o *operation) configured() (credential.Token, error) {
	v, err := o.scope.eval(o.Static)
	text := ""
	if err == nil {
		text, err = textOf(v)
	}
	if err != nil {
		return credential.Token{}, o.mistake("", fmt.Sprintf("access_token (%s): %s", o.Static.Place(), withoutPlace(o.Static, err)))
	}
	token := credential.NewSecret(text)
	if token.IsZero() {
		return credential.Token{}, o.mistake("", fmt.Sprintf("access_token (%s) is empty", o.Static.Place()))
	}
	outputs := credential.Outputs{}
	if o.dated != nil && !o.dated.expiresAt.IsZero() {
		outputs[expiryOutput] = o.dated.expiresAt.UTC().Format(time.RFC3339)
	}
	return credential.Token{Access: token, IssuedAt: o.env.Now(), Outputs: outputs}, nil
}

// refresher is core with a refresh.
type refresher struct{ *core }

// Refresh is providers.Refresher's.
func (p refresher) Refresh(ctx context.Context, old credential.Token) (credential.Token, error) {
	o := p.begin(OpRefresh, old)
	if err := o.broken(p.Checks); err != nil {
		return credential.Token{}, err
	}
	uses := p.uses(&p.refresh.Requests[0])
	if old.Refresh.IsZero() && uses.part("token.refresh_token") && !uses.part("token.access_token") {
		return credential.Token{}, &failure.Error{
			Class: failure.Credentials, Op: opNames[o.kind], URL: p.baseURL,
			Message: "the upstream sent no refresh token with this token, so it cannot be refreshed",
			Advice:  "credsync logs in to get a new one.",
		}
	}
	return o.obtain(ctx, p.refresh, old)
}

// revoker is core with a revocation.
type revoker struct{ *core }

// Revoke is providers.Revoker's. The checks are those of whoever got the token: what they
// look at may be gone with the account.
func (p revoker) Revoke(ctx context.Context, old credential.Token) error {
	o := p.begin(OpRevoke, old)
	_, err := o.send(ctx, p.Definition.Revoke.Requests)
	return err
}

// Inspect is providers.Inspector's: the dates of the client certificate and of a static
// token, and the warnings that the token's outputs give cause for.
func (p *core) Inspect(now time.Time, seen providers.Seen) []providers.Finding {
	found := p.certificate.Inspect(now)
	if p.dated != nil {
		found = append(found, p.dated.inspect(now, seen)...)
	}
	return append(found, p.warnings(seen)...)
}

// warnings are those of the warn blocks.
func (p *core) warnings(seen providers.Seen) []providers.Finding {
	if seen.Outputs == nil {
		return nil
	}
	s := p.newScope()
	s.set("token", p.tokenValue(credential.Token{Outputs: seen.Outputs}))
	var found []providers.Finding
	for _, w := range p.Warns {
		// One that cannot be evaluated speaks of an output that is not there.
		if ok, err := s.holds(w.When); err == nil && ok {
			found = append(found, providers.Finding{
				Summary: upstream.Clean(w.Summary, p.secrets...), Detail: w.Detail, Attribute: w.Attribute,
			})
		}
	}
	return found
}

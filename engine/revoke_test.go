package engine_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/credsync/credsync/credential"
	"github.com/credsync/credsync/engine"
	"github.com/credsync/credsync/failure"
	"github.com/credsync/credsync/providers"
	"github.com/credsync/credsync/schema"
	"github.com/credsync/credsync/sinks"
	"github.com/credsync/credsync/testkit/memorysink"
)

// revoker is a fake that can end a token.
type revoker struct {
	providers.Provider
	providers.Verifier
	revoke func(string) error
}

func (r revoker) Revoke(_ context.Context, old credential.Token) error {
	return r.revoke(old.Access.Reveal())
}

func revoking(t *testing.T, revoke func(string) error, on ...string) *world {
	w := newWorld(t, strings.Replace(oneAccount, `user     = "u"`, "user = \"u\"\n  on_remove = \"delete\"", 1))
	w.up.spec = func(s *providers.Spec) {
		s.RevokeOn = func(schema.Values) []string { return on }
		s.New = func(v schema.Values, _ providers.Env) (providers.Provider, error) {
			f := fake{u: w.up, user: v.String("user"), password: v.Secret("password"), now: w.Now}
			return revoker{f, f, revoke}, nil
		}
	}
	w.mustApply()
	w.advance(29 * 24 * time.Hour)
	return w
}

func TestAReplacedTokenIsRevokedWhereThatIsAskedForAndNobodyHoldsIt(t *testing.T) {
	for name, c := range map[string]struct {
		on      []string
		prepare func(*world)
		err     error
		revoked string
		warns   bool
	}{
		"asked for":     {on: []string{"replaced"}, revoked: "token-1"},
		"not asked for": {on: []string{"removed"}},
		"over already":  {on: []string{"replaced"}, prepare: func(w *world) { w.advance(3 * 24 * time.Hour) }},
		"a target was not written": {on: []string{"replaced"}, warns: true, prepare: func(w *world) {
			w.sinks["main"].Fail = failing(memorysink.Write, 1, sinks.ErrUnavailable)
		}},
		"it had ended": {on: []string{"replaced"}, revoked: "token-1", err: refuse(failure.Credentials, "revoke the token")},
		"out of reach": {on: []string{"replaced"}, revoked: "token-1", warns: true, err: refuse(failure.Retryable, "revoke the token")},
	} {
		t.Run(name, func(t *testing.T) {
			revoked := ""
			var w *world
			w = revoking(t, func(access string) error {
				revoked += access
				if w.delivered("a") != "token-2" || w.record("a").Current.Token.Access.Reveal() != "token-2" {
					t.Error("it is revoked before the new one is in its place")
				}
				return c.err
			}, c.on...)
			if c.prepare != nil {
				c.prepare(w)
			}
			s := w.apply()
			if revoked != c.revoked {
				t.Errorf("revoked %q", revoked)
			}
			if got := hasWarning(s.Outcomes[0].Diagnostics, "The previous token was not revoked"); got != c.warns {
				t.Errorf("warns %t: %+v", got, s.Outcomes[0].Diagnostics)
			}
		})
	}
}

func TestARemovalSaysThatTheTokenLivesOn(t *testing.T) {
	w := revoking(t, func(string) error { return nil }, "removed")
	w.hcl, _, _ = strings.Cut(w.hcl, "account")
	s := w.applyWith(context.Background(), engine.Request{})
	if !hasWarning(s.Outcomes[0].Diagnostics, "The token was not revoked") {
		t.Errorf("%+v", s.Outcomes)
	}
}

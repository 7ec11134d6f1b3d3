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

// removing is a world in which the only account's token is revoked once it is removed.
// given is called with the attributes of each provider that is made.
func removing(t *testing.T, revoke func(string) error, given ...func(schema.Values)) *world {
	w := revoking(t, revoke, "removed")
	with := w.up.spec
	w.up.spec = func(s *providers.Spec) {
		with(s)
		s.RevokeUses = func(attribute string) bool { return attribute == "user" }
		makes := s.New
		s.New = func(v schema.Values, env providers.Env) (providers.Provider, error) {
			for _, f := range given {
				f(v)
			}
			return makes(v, env)
		}
	}
	w.mustApply()
	return w
}

func (w *world) removeAccounts() { w.hcl, _, _ = strings.Cut(w.hcl, "account") }

func TestTheTokenOfARemovedAccountIsRevokedOnceItsTargetsAreGone(t *testing.T) {
	var revoked []string
	var w *world
	var given schema.Values
	w = removing(t, func(access string) error {
		revoked = append(revoked, access)
		if _, there := w.sinks["main"].Get("a"); there {
			t.Error("a target still has the token")
		}
		if got := given.String("user"); got != "u" {
			t.Errorf("the provider was given the user %q", got)
		}
		if given.IsSet("password") {
			t.Error("the state has kept a password that revoking does not need")
		}
		return nil
	}, func(v schema.Values) { given = v })
	current := w.record("a").Current.Token.Access.Reveal()
	w.removeAccounts()
	w.expect("a delete removed")
	s := w.mustApply()
	if len(revoked) != 1 || revoked[0] != current || len(s.Outcomes[0].Diagnostics) > 0 {
		t.Errorf("revoked %q of %q: %+v", revoked, current, s.Outcomes)
	}
	if w.record("a") != nil {
		t.Error("the record is still there")
	}
}

func TestARevocationThatFailsIsTriedAgainByTheNextApply(t *testing.T) {
	calls, answer := 0, error(refuse(failure.Retryable, "revoke the token"))
	w := removing(t, func(string) error { calls++; return answer })
	w.removeAccounts()
	for i := range 2 {
		s := w.apply()
		d := s.Outcomes[0].Diagnostics
		if s.Count(engine.Failed) != 1 || len(d) != 1 || d[0].Summary != "The token could not be revoked" ||
			!strings.Contains(d[0].Detail, "credsync state rm fake.a") && !strings.Contains(d[0].Detail, "credsync state rm account.fake.a") {
			t.Fatalf("%+v", s.Outcomes)
		}
		if _, there := w.sinks["main"].Get("a"); there || calls != i+1 || w.record("a") == nil {
			t.Errorf("the target is there %t, %d calls", there, calls)
		}
		w.expect("a delete removed")
	}
	answer = refuse(failure.Credentials, "revoke the token") // it has ended meanwhile
	w.mustApply()
	if calls != 3 || w.record("a") != nil {
		t.Errorf("%d calls", calls)
	}
}

func TestATokenThatCannotOrMustNotBeRevokedIsSaidToLiveOn(t *testing.T) {
	other := "\naccount \"fake\" \"b\" {\n  user = \"u\"\n  password = \"pw\"\n  deliver \"memory\" \"main\" { path = \"b\" }\n}\n"
	for name, c := range map[string]struct {
		change func(*world)
		warns  string
		stays  string
	}{
		"the upstream is no longer described": {
			func(w *world) { w.up.spec = func(s *providers.Spec) { s.Name = "other" } }, "is no longer in the configuration", "",
		},
		"it can no longer revoke": {
			func(w *world) { w.up.spec = nil }, "no longer has a revoke block", "",
		},
		"a target was changed by someone else": {
			func(w *world) {
				w.sinks["main"].Put("a", map[string]credential.Secret{"theirs": credential.NewSecret("x")})
			}, "was left alone and may hold it", "",
		},
		"another account has the same token": {
			func(w *world) {
				w.up.n-- // the next login yields it again
				w.hcl += other
				w.mustApply()
			}, "has the same token", other,
		},
		"it has ended": {func(w *world) { w.advance(60 * 24 * time.Hour) }, "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			w := removing(t, func(string) error { t.Error("it was revoked"); return nil })
			c.change(w)
			w.removeAccounts()
			w.hcl += c.stays
			s := w.apply()
			said := ""
			for _, o := range s.Outcomes {
				for _, d := range o.Diagnostics {
					if d.Summary == "The token was not revoked" {
						said += d.Detail
					}
				}
			}
			if !strings.Contains(said, c.warns) || (said == "") != (c.warns == "") || w.record("a") != nil {
				t.Errorf("%q\n%+v", said, s.Outcomes)
			}
		})
	}
}

func TestThatATokenIsToBeRevokedIsRememberedAndForgottenWithoutARotation(t *testing.T) {
	w := removing(t, func(string) error { t.Error("it was revoked"); return nil })
	if w.record("a").Revocation == nil {
		t.Fatal("nothing is remembered")
	}
	w.hcl = strings.Replace(w.hcl, "on_remove = \"delete\"", "", 1)
	w.mustApply()
	if w.record("a").Revocation != nil {
		t.Error("it is still to be revoked")
	}
	w.hcl = strings.Replace(w.hcl, "user =", "on_remove = \"delete\"\n  user =", 1)
	before := w.up.counts()
	w.mustApply()
	if after := w.up.counts(); w.record("a").Revocation == nil || after != before {
		t.Errorf("it is not remembered, or took a rotation: %s, %s", before, after)
	}
}

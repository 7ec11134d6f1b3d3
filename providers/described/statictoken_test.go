package described_test

import (
	"context"
	"testing"
	"time"

	"github.com/credsync/credsync/credential"
	"github.com/credsync/credsync/failure"
	"github.com/credsync/credsync/providers"
	"github.com/credsync/credsync/providers/described"
	"github.com/credsync/credsync/schema"
	"github.com/google/go-cmp/cmp"
	"github.com/zclconf/go-cty/cty"
)

// datedAccount is a token that stands in the configuration, with no request.
func datedAccount(t *testing.T, attrs map[string]cty.Value) providers.Provider {
	t.Helper()
	d := &described.Definition{
		Type: "static", Title: `account "static" "key"`, Place: "main.hcl:1", BaseURLUnused: true,
		Attributes: schema.StaticAccountRows(), Static: configuredToken{},
	}
	spec := d.Spec()
	attrs["token"] = cty.StringVal("tok-canary")
	p, err := spec.New(schema.NewValues(spec.Block(), "", attrs, nil), providers.Env{Now: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

type configuredToken struct{ schema.Expr }

func (configuredToken) References() []string { return []string{"self.token"} }
func (configuredToken) Place() string        { return "main.hcl:2" }
func (configuredToken) Eval(scope map[string]cty.Value) (cty.Value, error) {
	return scope["self"].GetAttr("token"), nil
}

// A static token has no end of its own, as nothing could replace it: its age and its end
// are a person's clock.
func TestTheAgeOfAStaticToken(t *testing.T) {
	first := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	day := 24 * time.Hour
	ends := first.Add(60 * day)
	said := credential.Outputs{"expires_at": first.Add(30 * day).Format(time.RFC3339)}
	clock := func(since, at time.Time) []providers.Clock {
		return []providers.Clock{{Name: providers.StaticToken, Since: since, At: at, Human: !at.IsZero()}}
	}
	for name, c := range map[string]struct {
		expires, remind string
		seen            providers.Seen
		after           time.Duration
		clocks          []providers.Clock
		found           string
		blocked         failure.Reason
	}{
		"never used": {},
		"used":       {seen: providers.Seen{FirstAt: first}, clocks: clock(first, time.Time{})},
		"reminder": {
			remind: "90d", seen: providers.Seen{FirstAt: first},
			clocks: clock(first, first.Add(90*day)),
		},
		"old": {
			remind: "90d", seen: providers.Seen{FirstAt: first},
			after: 91 * day, clocks: clock(first, first.Add(90*day)), found: "The token is due for replacement",
		},
		"an end, never used": {expires: ends.Format(time.RFC3339), clocks: clock(time.Time{}, ends)},
		"the earlier end": {
			expires: ends.Format(time.RFC3339), seen: providers.Seen{FirstAt: first, Outputs: said},
			clocks: clock(first, first.Add(30*day)),
		},
		"what was said of another": {
			expires: ends.Format(time.RFC3339), seen: providers.Seen{Outputs: said},
			clocks: clock(time.Time{}, ends),
		},
		"about to end": {
			expires: ends.Format(time.RFC3339),
			after:   50 * day, clocks: clock(time.Time{}, ends), found: "The token expires soon",
		},
		"ended": {
			expires: ends.Format(time.RFC3339),
			after:   60 * day, clocks: clock(time.Time{}, ends), found: "The token has expired", blocked: failure.CredentialsRejected,
		},
		"ended by the upstream's word": {
			seen:  providers.Seen{FirstAt: first, Outputs: said},
			after: 31 * day, clocks: clock(first, first.Add(30*day)), found: "The token has expired",
		},
		"the upstream says what is odd": {
			seen:   providers.Seen{FirstAt: first, Outputs: credential.Outputs{"expires_at": "soon"}},
			clocks: clock(first, time.Time{}),
		},
	} {
		t.Run(name, func(t *testing.T) {
			attrs := map[string]cty.Value{}
			if c.expires != "" {
				attrs["expires_at"] = cty.StringVal(c.expires)
			}
			if c.remind != "" {
				attrs["remind_after"] = cty.StringVal(c.remind)
			}
			p := datedAccount(t, attrs)
			if diff := cmp.Diff(c.clocks, p.(providers.Timekeeper).Clocks(c.seen)); diff != "" {
				t.Error(diff)
			}
			found := p.(providers.Inspector).Inspect(first.Add(c.after), c.seen)
			summary, blocked := "", failure.Reason("")
			if len(found) > 0 {
				summary, blocked = found[0].Summary, found[0].Blocked
			}
			if summary != c.found || blocked != c.blocked {
				t.Errorf("found %q, blocked %q", summary, blocked)
			}
			token, err := p.Login(context.Background())
			if err != nil || token.Access.Reveal() != "tok-canary" || !token.ExpiresAt.IsZero() {
				t.Errorf("the token is not the configured one: %v", err)
			}
			if at, _ := token.Outputs["expires_at"].(string); at != c.expires {
				t.Errorf("it is said to expire at %q", at)
			}
		})
	}
}

package invoicebox_test

import (
	"strings"
	"testing"
	"time"

	"github.com/credsync/credsync/credential"
	"github.com/credsync/credsync/failure"
	"github.com/credsync/credsync/internal/upstream"
	"github.com/credsync/credsync/providers"
	"github.com/credsync/credsync/providers/invoicebox"
	"github.com/credsync/credsync/sandbox"
	"github.com/credsync/credsync/schema"
	"github.com/credsync/credsync/testkit/providertest"
	"github.com/google/go-cmp/cmp"
	"github.com/zclconf/go-cty/cty"
)

const (
	tokenV3 = "0a1b2c3d4e5f60718293a4b5c6d7e8f9"
	tokenL3 = "29078-API:0a1b2c3d4e5f60718293a4b5c6d7e8f9"
	userID  = "01771533-8e75-3234-8e3d-9213ae2d7c52"
)

func target(token, version string) providertest.Target {
	return providertest.Target{
		Spec: invoicebox.Spec(),
		Account: sandbox.Account{
			Upstream: "invoicebox", Name: "shop", Token: token,
			Invoicebox: &sandbox.InvoiceboxAccount{UserID: userID},
		},
		Attributes: map[string]cty.Value{"token": cty.StringVal(token), "merchant_id": cty.StringVal("ffffffff-ffff")},
		Secrets:    []string{token},
		Requests: []providertest.Request{{
			Op: sandbox.OpVerify, Method: "GET", Path: "/" + version + "/security/api/auth/auth",
			Header: map[string]string{
				"Accept": "application/json", "User-Agent": "credsync/1.2.3", "Authorization": "Bearer {token}", "Content-Type": "",
			},
		}},
		Outputs: credential.Outputs{"api_version": version, "user_id": userID, "merchant_id": "ffffffff-ffff"},
		Errors:  refusals(),
	}
}

func refusals() []providertest.Case {
	answer := providertest.Answer
	refusal := `{"error":{"message":"Text","code":"code"}}`
	return []providertest.Case{
		{Name: "unknown token", Op: sandbox.OpVerify, Class: failure.Credentials,
			Arrange: func(_ *testing.T, s *sandbox.Sandbox) { s.Revoke("invoicebox", "shop") }},
		{Name: "revoked token", Op: sandbox.OpVerify, Class: failure.Credentials,
			Arrange: providertest.Fault(sandbox.Fault{Kind: sandbox.RevokedToken})},
		{Name: "forbidden", Op: sandbox.OpVerify, Class: failure.Human, Reason: failure.NoAccess,
			Arrange: func(_ *testing.T, s *sandbox.Sandbox) {
				s.Update("invoicebox", "shop", func(a *sandbox.Account) { a.Invoicebox.Forbidden = true })
			}},
		{Name: "not found", Op: sandbox.OpVerify, Class: failure.Config, Attribute: "base_url", Arrange: answer(404, refusal)},
		{Name: "anonymous 200 is no success", Op: sandbox.OpVerify, Class: failure.Config, Attribute: "token",
			Arrange: providertest.Fault(sandbox.Fault{Kind: sandbox.Anonymous})},
		{
			Name:      "200 without userId",
			Op:        sandbox.OpVerify,
			Class:     failure.Config,
			Attribute: "token",
			Arrange:   answer(200, `{"data":{"profile":null}}`),
		},
		{
			Name:      "200 with an empty userId",
			Op:        sandbox.OpVerify,
			Class:     failure.Config,
			Attribute: "token",
			Arrange:   answer(200, `{"data":{"userId":""}}`),
		},
		{
			Name:    "200 without data",
			Op:      sandbox.OpVerify,
			Class:   failure.Server,
			Reason:  failure.UnclassifiedRefusal,
			Arrange: answer(200, `{}`),
		},
		{
			Name:    "userId of another type",
			Op:      sandbox.OpVerify,
			Class:   failure.Server,
			Arrange: answer(200, `{"data":{"userId":[17]}}`),
		},
		{
			Name:    "401 without an error object",
			Op:      sandbox.OpVerify,
			Class:   failure.Server,
			Reason:  failure.UnclassifiedRefusal,
			Arrange: answer(401, `{"data":{}}`),
		},
		{
			Name:    "undocumented status",
			Op:      sandbox.OpVerify,
			Class:   failure.Server,
			Reason:  failure.UnclassifiedRefusal,
			Arrange: answer(418, refusal),
		},
		{Name: "500", Op: sandbox.OpVerify, Class: failure.Server, Arrange: answer(500, refusal)},
	}
}

func TestConformanceV3(t *testing.T) { providertest.Run(t, target(tokenV3, "v3")) }

func TestConformanceL3(t *testing.T) { providertest.Run(t, target(tokenL3, "l3")) }

func TestLoginSendsNothing(t *testing.T) {
	h := providertest.New(t, target(tokenV3, "v3"))
	token := h.Login(t)
	if token.Access.Reveal() != tokenV3 || !token.ExpiresAt.IsZero() || !token.RefreshableUntil.IsZero() {
		t.Error("want the configured token, without an end")
	}
	if diff := cmp.Diff(sandbox.Counters{}, h.Sandbox.Counters("invoicebox", "shop")); diff != "" {
		t.Errorf("a request was sent:\n%s", diff)
	}
}

func TestTokenShapeAndVersionMustAgree(t *testing.T) { testShapes(t, invoicebox.Spec()) }

func testShapes(t *testing.T, spec *providers.Spec) {
	t.Helper()
	for _, c := range []struct {
		token, version string
		ok             bool
	}{
		{tokenV3, "auto", true},
		{tokenL3, "auto", true},
		{"ab", "auto", true}, // no length is documented
		{"1-API:AB", "auto", true},
		{"not hex", "auto", false},
		{"29078-API:", "auto", false},
		{"API:ab12", "auto", false},
		{tokenV3, "v3", true},
		{tokenV3, "l3", false},
		{tokenL3, "l3", true},
		{tokenL3, "v3", false},
		{"some.new.shape", "v3", true},
	} {
		t.Run(c.version+" "+c.token, func(t *testing.T) {
			err := spec.Check(schema.NewValues(spec.Block(), "", map[string]cty.Value{
				"token": cty.StringVal(c.token), "api_version": cty.StringVal(c.version),
			}, nil))
			if (err == nil) != c.ok {
				t.Errorf("got %v, want ok = %v", err, c.ok)
			}
		})
	}
}

func TestWhatIsNotKnownYetIsLeftForLater(t *testing.T) { testUnknown(t, invoicebox.Spec()) }

func testUnknown(t *testing.T, spec *providers.Spec) {
	t.Helper()
	unknown := cty.UnknownVal(cty.String)
	for name, attrs := range map[string]map[string]cty.Value{
		"token":       {"token": unknown, "api_version": cty.StringVal("l3")},
		"api_version": {"token": cty.StringVal(tokenL3), "api_version": unknown},
	} {
		if err := spec.Check(schema.NewValues(spec.Block(), "", attrs, nil)); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// The service's documentation names the limit, and refuses what is beyond it.
func TestNoMoreIsSentThanTheServiceAllows(t *testing.T) {
	if got, want := invoicebox.Spec().Limit, (upstream.Limit{Requests: 100, Per: 30 * time.Second}); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

// A token has an age from its first use on, and an end that a person sees to where
// remind_after names one.
func TestAgeOfAToken(t *testing.T) { testAge(t, target(tokenV3, "v3")) }

func testAge(t *testing.T, of providertest.Target) {
	first := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	for name, c := range map[string]struct {
		remind string
		first  time.Time
		want   []providers.Clock
	}{
		"never used":  {"90d", time.Time{}, nil},
		"no reminder": {"", first, []providers.Clock{{Name: providers.StaticToken, Since: first}}},
		"zero":        {"0s", first, []providers.Clock{{Name: providers.StaticToken, Since: first}}},
		"with an end": {"90d", first, []providers.Clock{{Name: providers.StaticToken, Since: first, At: first.AddDate(0, 0, 90),
			Human: true}}},
		"of one hour": {"1h", first, []providers.Clock{{Name: providers.StaticToken, Since: first, At: first.Add(time.Hour),
			Human: true}}},
	} {
		t.Run(name, func(t *testing.T) {
			attrs := map[string]cty.Value{}
			if c.remind != "" {
				attrs["remind_after"] = cty.StringVal(c.remind)
			}
			h := providertest.New(t, of, providertest.WithAttributes(attrs))
			got := h.Provider.(providers.Timekeeper).Clocks(providers.Seen{FirstAt: c.first})
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestReminderNamesTheAge(t *testing.T) { testReminder(t, target(tokenV3, "v3")) }

func testReminder(t *testing.T, of providertest.Target) {
	first := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	h := providertest.New(
		t, of, providertest.WithAttributes(map[string]cty.Value{"remind_after": cty.StringVal("90d")}),
	)
	found := h.Provider.(providers.Inspector).Inspect(
		first.Add(100*24*time.Hour+time.Hour),
		providers.Seen{FirstAt: first},
	)
	if len(found) != 1 || found[0].Attribute != "token" ||
		!strings.Contains(found[0].Detail, "100 days ago, on 2026-01-01") {
		t.Errorf("found %+v", found)
	}
}

func TestAttributeChecks(t *testing.T) {
	accepted := [][2]string{
		{"token", "ab12"},
		{"user_agent", "MyApp/1.0"},
		{"user_agent", "MyApp 1.0"},
		{"user_agent", "Invoicebox MCP Server/1"},
		{"base_url", "https://api.invoicebox.ru"},
		{"remind_after", "90d"},
		{"api_version", "auto"},
		{"api_version", "v3"},
		{"api_version", "l3"},
	}
	refused := [][2]string{
		{"token", ""},
		{"token", "ab12\n"},
		{"token", "ab 12"},
		{"token", "ключ"},
		{"user_agent", " MyApp"},
		{"user_agent", ""},
		{"user_agent", "MyApp/1.0\r\nX: y"},
		{"base_url", "api.invoicebox.ru"},
		{"remind_after", "soon"},
		{"api_version", "v4"},
	}
	providertest.CheckAttributes(t, invoicebox.Spec(), accepted, refused)
}

func TestReminderOfAnOldToken(t *testing.T) { testOldToken(t, target(tokenV3, "v3")) }

func testOldToken(t *testing.T, of providertest.Target) {
	first := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	for _, c := range []struct {
		name   string
		remind string
		first  time.Time
		after  time.Duration
		warns  bool
	}{
		{"not asked for", "", first, 1000 * 24 * time.Hour, false},
		{"never used", "90d", time.Time{}, 0, false},
		{"young", "90d", first, 90 * 24 * time.Hour, false},
		{"old", "90d", first, 91 * 24 * time.Hour, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			attrs := map[string]cty.Value{}
			if c.remind != "" {
				attrs["remind_after"] = cty.StringVal(c.remind)
			}
			h := providertest.New(t, of, providertest.WithAttributes(attrs))
			found := h.Provider.(providers.Inspector).Inspect(first.Add(c.after), providers.Seen{FirstAt: c.first})
			if (len(found) > 0) != c.warns {
				t.Errorf("found %+v", found)
			}
			for _, f := range found {
				if f.Blocked != "" {
					t.Error("a reminder must not block")
				}
			}
		})
	}
}

func FuzzVerify(f *testing.F) {
	old := credential.Token{Access: credential.NewSecret(tokenV3)}
	providertest.Fuzz(f, target(tokenV3, "v3"), sandbox.OpVerify, old,
		`{"data":{"userId":"`+userID+`","profile":null,"accessToken":null},"extendedData":[]}`,
		`{"error":{"message":"Unauthorized","code":"unauthorized"}}`,
		`{"data":{"userId":1,"userId":"second"}}`)
}

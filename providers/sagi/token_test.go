package sagi_test

import (
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/credsync/credsync/credential"
	"github.com/credsync/credsync/failure"
	"github.com/credsync/credsync/providers"
	"github.com/credsync/credsync/sandbox"
	"github.com/credsync/credsync/testkit/providertest"
	"github.com/google/go-cmp/cmp"
	"github.com/zclconf/go-cty/cty"
)

const day = 24 * time.Hour

func TestEnvelopes(t *testing.T) {
	for _, c := range []struct {
		envelope string
		kind     sandbox.Kind
	}{{"auto", sandbox.Bare}, {"auto", sandbox.Wrapped}, {"wrapped", sandbox.Wrapped}, {"bare", sandbox.Bare}} {
		t.Run(c.envelope+" "+string(c.kind), func(t *testing.T) {
			h := providertest.New(
				t,
				target(),
				providertest.WithAttributes(map[string]cty.Value{"envelope": cty.StringVal(c.envelope)}),
			)
			providertest.Fault(sandbox.Fault{Kind: c.kind})(t, h.Sandbox)
			token := h.Login(t)
			out, err := h.Verify(t.Context(), token)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(target().Outputs, out); diff != "" {
				t.Error(diff)
			}
			if _, err := h.Do(t.Context(), sandbox.OpRefresh, token); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestSuccessCodes(t *testing.T) {
	for _, code := range []string{"0", "200", "201", `"200"`, "null"} {
		h := providertest.New(t, target())
		providertest.Answer(200, `{"code":`+code+`,"data":{"access_token":"x","organization":{}}}`)(t, h.Sandbox)
		if token := h.Login(t); token.Access.Reveal() != "x" {
			t.Errorf("code %s: another token", code)
		}
	}
}

// A refusal can arrive as HTTP 200 with its status inside, from 400 on as HTTP has them.
// What is none of these says nothing about the login.
func TestCodesOfRefusal(t *testing.T) {
	for code, want := range map[string]struct {
		class  failure.Class
		reason failure.Reason
	}{
		"400": {failure.Config, ""}, "401": {failure.Credentials, failure.CredentialsRejected}, "403": {failure.Human, failure.NoAccess},
		"500": {failure.Retryable, ""}, "599": {failure.Retryable, ""},
	} {
		h := providertest.New(t, target())
		providertest.Answer(200, `{"code":`+code+`,"message":"no"}`)(t, h.Sandbox)
		_, err := h.Do(t.Context(), sandbox.OpLogin, credential.Token{})
		var e *failure.Error
		if !errors.As(err, &e) || e.Class != want.class || e.Reason != want.reason {
			t.Errorf("code %s: %v of class %v, want %s %s", code, err, e, want.class, want.reason)
		}
	}
}

func TestRefreshKeepsWhatTheLoginSaid(t *testing.T) {
	h := providertest.New(t, target())
	old := h.Login(t)
	old.Outputs, _ = h.Verify(t.Context(), old)
	// Expired tokens can be refreshed too.
	h.Sandbox.Advance(40 * day)
	token, err := h.Do(t.Context(), sandbox.OpRefresh, old)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(target().Outputs, token.Outputs); diff != "" {
		t.Error(diff)
	}
	if token.Access.Equal(old.Access) || !token.ExpiresAt.After(old.ExpiresAt) {
		t.Error("the token is not a newer one")
	}
	if !token.RefreshableUntil.Equal(old.IssuedAt.Add(365 * day)) {
		t.Errorf("refreshable until %v: the 365 days count from the login at %v", token.RefreshableUntil, old.IssuedAt)
	}
	if name, live := h.Sandbox.Live("sagi", token.Access.Reveal()); !live || name != phone {
		t.Error("the upstream does not know the token")
	}
}

func TestEarlierExpiryCounts(t *testing.T) {
	exp := time.Date(2027, 3, 1, 0, 0, 0, 0, time.UTC)
	token := providertest.JWT(t, exp)
	for _, c := range []struct {
		name, token, expire string
		want                time.Time
	}{
		{"the claim is earlier", token, `"2027-04-01T00:00:00Z"`, exp},
		{"the answer is earlier", token, `"2027-02-01T05:00:00+05:00"`, time.Date(2027, 2, 1, 0, 0, 0, 0, time.UTC)},
		{"only the claim", token, `null`, exp},
		{"only the answer", "opaque", `"2027-04-01T00:00:00.5Z"`, time.Date(2027, 4, 1, 0, 0, 0, 5e8, time.UTC)},
	} {
		t.Run(c.name, func(t *testing.T) {
			h := providertest.New(t, target())
			providertest.Answer(200, `{"access_token":"`+c.token+`","expire":`+c.expire+`,"organization":{}}`)(t, h.Sandbox)
			if got := h.Login(t).ExpiresAt; !got.Equal(c.want) {
				t.Errorf("expires at %v, want %v", got, c.want)
			}
		})
	}
	t.Run("neither", func(t *testing.T) {
		h := providertest.New(t, target())
		providertest.Answer(200, `{"access_token":"opaque","organization":{}}`)(t, h.Sandbox)
		if got := h.Login(t); got.Lifetime() != 30*day {
			t.Errorf("lives %v, want the documented 30 days", got.Lifetime())
		}
	})
}

func TestBranchIsPinned(t *testing.T) {
	reorder := func(s *sandbox.Sandbox) {
		s.Update("sagi", phone, func(a *sandbox.Account) { slices.Reverse(a.Sagi.Branches) })
	}
	for _, c := range []struct {
		name     string
		attrs    map[string]cty.Value
		previous credential.Outputs
		branch   string
		group    string
	}{
		{"first login takes the first", nil, nil, secondBranch, secondGroup},
		{"later ones keep it", nil, credential.Outputs{"branch_id": firstBranch}, firstBranch, firstGroup},
		{"the configured one wins", map[string]cty.Value{"branch_id": cty.StringVal(secondBranch)},
			credential.Outputs{"branch_id": firstBranch}, secondBranch, secondGroup},
	} {
		t.Run(c.name, func(t *testing.T) {
			h := providertest.New(
				t,
				target(),
				providertest.WithAttributes(c.attrs),
				providertest.WithPrevious(c.previous),
			)
			reorder(h.Sandbox)
			out, err := h.Verify(t.Context(), h.Login(t))
			if err != nil {
				t.Fatal(err)
			}
			if out.String("branch_id") != c.branch || out.String("group_id") != c.group {
				t.Errorf("branch %s of group %s, want %s of %s", out.String("branch_id"), out.String("group_id"), c.branch, c.group)
			}
		})
	}
}

// The login has succeeded by then: its token must not be lost with an error.
func TestLostBranchIsFoundByVerifyNotLogin(t *testing.T) {
	for _, c := range []struct {
		name     string
		branches []sandbox.SagiBranch
		previous credential.Outputs
	}{
		{"no branches", nil, nil},
		{"no branches, one pinned", nil, credential.Outputs{"branch_id": firstBranch}},
		{"pinned one gone", account().Sagi.Branches[1:], credential.Outputs{"branch_id": firstBranch}},
	} {
		t.Run(c.name, func(t *testing.T) {
			h := providertest.New(t, target(), providertest.WithPrevious(c.previous))
			h.Sandbox.Update("sagi", phone, func(a *sandbox.Account) { a.Sagi.Branches = c.branches })
			_, err := h.Verify(t.Context(), h.Login(t))
			var e *failure.Error
			if !errors.As(err, &e) || e.Class != failure.Human || e.Reason != failure.NoAccess {
				t.Errorf("got %v, want class human, no_access", err)
			}
			if n := h.Sandbox.Counters("sagi", phone).Verifications.Received; n != 0 {
				t.Errorf("%d lookups were sent for a branch that is known to be gone", n)
			}
		})
	}
}

func TestIdentifiersAsStrings(t *testing.T) {
	h := providertest.New(t, target())
	providertest.Fault(sandbox.Fault{Kind: sandbox.Status, Status: 200, Count: 1,
		Body: `{"access_token":"x","organization":{"id":"7","branches":["` + firstBranch + `"]}}`})(t, h.Sandbox)
	token := h.Login(t)
	if token.Outputs.String("branch_id") != firstBranch || token.Outputs.String("organization_id") != "7" {
		t.Errorf("outputs %v", token.Outputs)
	}
}

func TestOptionalFieldsMayBeNullOrAbsent(t *testing.T) {
	for _, org := range []string{
		`{"branches":[5]}`,
		`{"id":null,"role":null,"branches":[5],"branches_details":null}`,
		`{"branches":[5],"branches_details":[{"id":5,"name":null,"subscription_active":null}]}`,
		`{"branches":[5],"branches_details":[{"id":6,"name":"another"}],"new field":{}}`,
	} {
		h := providertest.New(t, target())
		providertest.Answer(200, `{"access_token":"x","muted":null,"organization":`+org+`}`)(t, h.Sandbox)
		want := credential.Outputs{"branches": []string{"5"}, "branch_id": "5"}
		if diff := cmp.Diff(want, h.Login(t).Outputs); diff != "" {
			t.Errorf("%s:\n%s", org, diff)
		}
	}
}

func TestWarnings(t *testing.T) {
	for _, c := range []struct {
		name    string
		outputs credential.Outputs
		want    int
	}{
		{"no token yet", nil, 0},
		{"all well", credential.Outputs{"muted": false, "subscription_active": true}, 0},
		{"not said", credential.Outputs{"branch_id": "5"}, 0},
		{"muted", credential.Outputs{"muted": true}, 1},
		{"no subscription", credential.Outputs{"subscription_active": false}, 1},
		{"both", credential.Outputs{"muted": true, "subscription_active": false}, 2},
	} {
		t.Run(c.name, func(t *testing.T) {
			h := providertest.New(t, target())
			found := h.Provider.(providers.Inspector).Inspect(time.Now(), providers.Seen{Outputs: c.outputs})
			if len(found) != c.want {
				t.Errorf("found %+v, want %d", found, c.want)
			}
			for _, f := range found {
				if f.Blocked != "" {
					t.Error("a warning must not block")
				}
			}
		})
	}
}

// loginSample is the document's example, with its ids larger than an int64.
const loginSample = `{"access_token":"eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9...","expire":"2024-10-15T10:30:00Z","muted":false,
"organization":{"id":1231456789,"role":"administrator","branches":[1234567890123456789,9876543210987654321],
"branches_details":[{"id":1988850967616950272,"name":"BranchName","subscription_active":true}]}}`

func TestDocumentedSample(t *testing.T) {
	h := providertest.New(t, target())
	providertest.Answer(200, loginSample)(t, h.Sandbox)
	token := h.Login(t)
	want := credential.Outputs{
		"organization_id": "1231456789", "role": "administrator", "muted": false, "branch_id": "1234567890123456789",
		"branches": []string{"1234567890123456789", "9876543210987654321"},
	}
	if diff := cmp.Diff(want, token.Outputs); diff != "" {
		t.Error(diff)
	}
	if !token.ExpiresAt.Equal(time.Date(2024, 10, 15, 10, 30, 0, 0, time.UTC)) {
		t.Errorf("expires at %v", token.ExpiresAt)
	}
}

func FuzzLogin(f *testing.F) {
	providertest.Fuzz(f, target(), sandbox.OpLogin, credential.Token{}, loginSample,
		`{"code":200,"message":"OK","data":`+loginSample+`}`, `{"code":401,"message":"no"}`, `{"access_token":1,"access_token":"x"}`)
}

func FuzzVerify(f *testing.F) {
	old := credential.Token{
		Access:  credential.NewSecret("a-token-0123456789"),
		Outputs: credential.Outputs{"branch_id": firstBranch, "branches": []string{firstBranch}},
	}
	providertest.Fuzz(f, target(), sandbox.OpVerify, old,
		`{"id":9876543210987654321,"group_id":18446744073709551557}`, `{"data":{"id":"9876543210987654321","group_id":"1"}}`, `{"code":404}`)
}

func FuzzRefresh(f *testing.F) {
	old := credential.Token{Access: credential.NewSecret("a-token-0123456789"), Refresh: credential.NewSecret("another-token-0123456789")}
	providertest.Fuzz(f, target(), sandbox.OpRefresh, old, loginSample,
		`{"code":401,"message":"another-token-0123456789"}`, `{"access_token":"","refresh_token":null}`)
}

// A token has been issued, however it is wrapped.
func TestTokenIsTakenWhereItIs(t *testing.T) {
	for envelope, body := range map[string]string{
		"wrapped": `{"access_token":"x","organization":{"branches":[1]}}`,
		"bare":    `{"code":0,"data":{"access_token":"x","organization":{"branches":[1]}}}`,
	} {
		t.Run(envelope, func(t *testing.T) {
			h := providertest.New(t, target(), providertest.WithAttributes(providertest.Set("envelope", envelope)))
			providertest.Answer(200, body)(t, h.Sandbox)
			token, err := h.Do(t.Context(), sandbox.OpLogin, credential.Token{})
			if err != nil || token.Access.Reveal() != "x" || token.Outputs.String("branch_id") != "1" {
				t.Errorf("got %+v, %v", token.Outputs, err)
			}
		})
	}
}

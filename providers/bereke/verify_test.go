package bereke_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/credsync/credsync/credential"
	"github.com/credsync/credsync/failure"
	"github.com/credsync/credsync/sandbox"
	"github.com/credsync/credsync/testkit/providertest"
	"github.com/google/go-cmp/cmp"
	"github.com/zclconf/go-cty/cty"
)

// byName replaces the target's customer_id.
func byName(name string) map[string]cty.Value {
	return map[string]cty.Value{"customer_id": cty.NullVal(cty.String), "customer_name": cty.StringVal(name)}
}

func verifyErrors() []providertest.Case {
	return providertest.WithOp(sandbox.OpVerify, []providertest.Case{
		{Name: "customer_id not in the list", Class: failure.Config, Attribute: "customer_id",
			Attributes: map[string]cty.Value{"customer_id": cty.StringVal("5")}},
		{Name: "customer_name not in the list", Class: failure.Config, Attribute: "customer_name", Attributes: byName("ИП Test")},
	})
}

// The login has succeeded by then: its token must not be lost with an error.
func TestWhatIsWrongWithATokenIsFoundByVerifyNotLogin(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(*sandbox.Account)
		reason failure.Reason
	}{
		{"no customers", func(a *sandbox.Account) { a.Bereke.Customers = nil }, failure.NoAccess},
		{"password change", func(a *sandbox.Account) { a.Bereke.PasswordChange = true }, failure.PasswordChangeRequired},
		{"second factor", func(a *sandbox.Account) { a.Bereke.PossibleChains = []string{"SMS"} }, failure.SecondFactorUnsupported},
		{"all of it", func(a *sandbox.Account) {
			a.Bereke.Customers, a.Bereke.PasswordChange, a.Bereke.PossibleChains = nil, true, []string{"SMS"}
		}, failure.PasswordChangeRequired},
	} {
		t.Run(c.name, func(t *testing.T) {
			h := providertest.New(t, target())
			h.Sandbox.Update("bereke", username, c.change)
			token := h.Login(t)
			if err := token.Outputs.Check(); err != nil {
				t.Error(err)
			}
			_, err := h.Verify(t.Context(), token)
			var e *failure.Error
			if !errors.As(err, &e) || e.Class != failure.Human || e.Reason != c.reason || e.Message == "" ||
				e.Advice == "" ||
				e.URL == "" {
				t.Errorf("got %v, want class human, %s", err, c.reason)
			}
		})
	}
}

// Only what the attribute names is left aside.
func TestPossibleChainsCanBeIgnored(t *testing.T) {
	ignoring := providertest.WithAttributes(map[string]cty.Value{"ignore_possible_chains": cty.True})
	for _, c := range []struct {
		name   string
		change func(*sandbox.Account)
		reason failure.Reason
	}{
		{"a chain", func(a *sandbox.Account) { a.Bereke.PossibleChains = []string{"SMS"} }, ""},
		{"a chain and a new password", func(a *sandbox.Account) {
			a.Bereke.PossibleChains, a.Bereke.PasswordChange = []string{"SMS"}, true
		}, failure.PasswordChangeRequired},
		{"a chain and no customers", func(a *sandbox.Account) {
			a.Bereke.PossibleChains, a.Bereke.Customers = []string{"SMS"}, nil
		}, failure.NoAccess},
	} {
		t.Run(c.name, func(t *testing.T) {
			h := providertest.New(t, target(), ignoring)
			h.Sandbox.Update("bereke", username, c.change)
			_, err := h.Verify(t.Context(), h.Login(t))
			if c.reason == "" {
				if err != nil {
					t.Error(err)
				}
				return
			}
			providertest.WantClass(t, err, failure.Human, c.reason)
		})
	}
}

func TestChoiceOfTheCustomer(t *testing.T) {
	two := account().Bereke.Customers
	none := map[string]cty.Value{"customer_id": cty.NullVal(cty.String)}
	for _, c := range []struct {
		name      string
		attrs     map[string]cty.Value
		customers []sandbox.BerekeCustomer
		id, named any
	}{
		{"by id", map[string]cty.Value{"customer_id": cty.StringVal(secondCustomer)}, two, secondCustomer, "ИП Test."},
		{"by name, with its tab", byName(tabbed), two, firstCustomer, tabbed},
		{"by a name that is listed twice for one id", byName("Test"),
			[]sandbox.BerekeCustomer{{ID: "1", Name: "Test"}, {ID: "2", Name: "Other"}, {ID: "1", Name: "Test"}}, "1", "Test"},
		{"by a name in another Unicode form", byName("Ай"), []sandbox.BerekeCustomer{{ID: "1", Name: "Аи\u0306"}}, "1", "Аи\u0306"},
		{"by an id with several names", map[string]cty.Value{"customer_id": cty.StringVal("1")},
			[]sandbox.BerekeCustomer{{ID: "1", Name: "A"}, {ID: "1", Name: "B"}}, "1", nil},
		{"none asked for, one there", none, two[:1], firstCustomer, tabbed},
		{"none asked for, several there", none, two, nil, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			h := providertest.New(t, target(), providertest.WithAttributes(c.attrs))
			h.Sandbox.Update("bereke", username, func(a *sandbox.Account) { a.Bereke.Customers = c.customers })
			out, err := h.Verify(t.Context(), h.Login(t))
			if err != nil {
				t.Fatal(err)
			}
			if out["customer_id"] != c.id || out["customer_name"] != c.named {
				t.Errorf("got %v %v, want %v %v", out["customer_id"], out["customer_name"], c.id, c.named)
			}
		})
	}
}

func TestCandidatesAreListed(t *testing.T) {
	var many []map[string]string
	for i := range 20 {
		many = append(many, map[string]string{"id": fmt.Sprint(100 + i), "name": fmt.Sprintf("Клиент %d ", i)})
	}
	twins := []map[string]string{{"id": "1", "name": "Twin"}, {"id": "2", "name": "Twin"}, {"id": "3", "name": "Third"}}
	for _, c := range []struct {
		name      string
		attrs     map[string]cty.Value
		customers []map[string]string
		attribute string
		shown     []string
		hidden    []string
	}{
		{"unknown name", byName("клиент 0"), many, "customer_name", []string{`100 "Клиент 0 "`, "and 12 more"}, []string{"Клиент 8", "клиент 0"}},
		{"tab", byName("x"), []map[string]string{{"id": "7", "name": tabbed}}, "customer_name", []string{`7 "ТОО \test\""`}, []string{"more"}},
		{"ambiguous name", byName("Twin"), twins, "customer_name", []string{`1 "Twin"`, `2 "Twin"`, "customer_id"}, []string{"Third"}},
		{"a name that repeats the password", byName("x"), []map[string]string{{"id": "7", "name": "is " + password}}, "customer_name",
			[]string{"7 "}, []string{password}},
		{"a name that repeats the user name", byName("x"), []map[string]string{{"id": "7", "name": "is " + strings.ToUpper(username)}}, "customer_name",
			[]string{"7 "}, []string{"ROBOT"}},
		{"a name that has a piece of the user name", byName("x"), []map[string]string{{"id": "7", "name": "Robot-77"}}, "customer_name",
			[]string{`7 "Robot-77"`}, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			h := providertest.New(t, target(), providertest.WithAttributes(c.attrs))
			token := credential.Token{Access: credential.NewSecret("x"), Outputs: credential.Outputs{"customers": c.customers}}
			_, err := h.Verify(t.Context(), token)
			var e *failure.Error
			if !errors.As(err, &e) || e.Class != failure.Config || e.Attribute != c.attribute {
				t.Fatalf("got %v", err)
			}
			for _, want := range c.shown {
				if !strings.Contains(e.Advice, want) {
					t.Errorf("%s is not in: %s", want, e.Advice)
				}
			}
			for _, not := range c.hidden {
				if strings.Contains(e.Error()+e.Advice, not) {
					t.Errorf("%s is in: %s, %s", not, e.Error(), e.Advice)
				}
			}
		})
	}
}

func TestExpiredOrAbsentTokensAreRejected(t *testing.T) {
	h := providertest.New(t, target())
	good := h.Login(t)
	expired, claimed, absent := good, good, good
	expired.ExpiresAt = time.Now()
	claimed.ExpiresAt, claimed.Access = time.Time{}, credential.NewSecret(
		providertest.JWT(t, time.Now().Add(-time.Minute)),
	)
	absent.Access = credential.Secret{}
	for name, token := range map[string]credential.Token{"by the answer": expired, "by its claim": claimed, "absent": absent} {
		_, err := h.Verify(t.Context(), token)
		if failure.ClassOf(err) != failure.Credentials {
			t.Errorf("%s: got %v, want class credentials", name, err)
		}
	}
	if _, err := h.Verify(t.Context(), good); err != nil {
		t.Error(err)
	}
}

func TestVerifySendsNothing(t *testing.T) {
	h := providertest.New(t, target())
	token := h.Login(t)
	before := h.Sandbox.AllCounters()
	if _, err := h.Verify(t.Context(), token); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(before, h.Sandbox.AllCounters()); diff != "" {
		t.Error(diff)
	}
}

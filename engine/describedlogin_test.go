package engine_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/credsync/credsync/credential"
	"github.com/credsync/credsync/engine"
	"github.com/credsync/credsync/failure"
	"github.com/credsync/credsync/providers"
	"github.com/credsync/credsync/state"
)

// record is what the state has of an account.
func (w *world) record(address string) *state.Record {
	w.t.Helper()
	data, ok := w.sinks["state"].Get("state/" + state.RecordName("default", "account.fake."+address))
	if !ok {
		return nil
	}
	rec, err := state.Decode(data["record"])
	if err != nil {
		w.t.Fatal(err)
	}
	return rec
}

// describe makes the provider one that a user has described, with that shape.
func (w *world) describe(shape string) {
	w.up.spec = func(s *providers.Spec) { s.LoginShape = []byte(shape) }
}

func TestAsManyUnclassifiedRefusalsBlockAsTheProviderSays(t *testing.T) {
	for enough := 1; enough <= 5; enough++ {
		t.Run(fmt.Sprint(enough), func(t *testing.T) {
			w := newWorld(t, oneAccount)
			w.up.spec = func(s *providers.Spec) { s.UnknownRefusals = enough }
			w.up.onLogin = undocumented
			for i := 1; i < enough; i++ {
				if s := w.apply(); s.Count(engine.Failed) != 1 || !strings.Contains(s.Outcomes[0].Message, "blocks the account") {
					t.Fatalf("refusal %d: %+v", i, s.Outcomes)
				}
				if p := w.plan(engine.Request{}); !hasWarning(p.Diagnostics, "The upstream refused the last login") {
					t.Errorf("the plan does not warn: %+v", p.Diagnostics)
				}
			}
			for range 3 {
				if s := w.apply(); s.Count(engine.Blocked) != 1 || s.Outcomes[0].Reason != "unclassified_refusal" {
					t.Fatalf("%+v", s.Outcomes)
				}
			}
			w.wantLogins(enough)
		})
	}
}

// Each account's refusal is one of the login that they share.
func TestUnclassifiedRefusalsOfAccountsWithOneLoginAddUpToTheProvidersNumber(t *testing.T) {
	w := newWorld(t, manyAlike)
	w.up.spec = func(s *providers.Spec) { s.UnknownRefusals = 4 }
	w.up.onLogin = undocumented
	for range 8 {
		w.apply()
	}
	w.wantLogins(4)
}

func TestBlockOfADescribedUpstreamSaysWhereToDescribeTheAnswer(t *testing.T) {
	w := newWorld(t, oneAccount)
	w.describe("POST /login")
	err := undocumented().(*failure.Error)
	err.Message = `upstream "acme" (acme.hcl:4) does not describe this answer`
	w.up.onLogin = func() error { return err }
	w.apply()
	s := w.apply()
	for _, want := range []string{"twice in a row", "HTTP 422", "acme.hcl:4", "Add an error block", "credsync apply --replace account.fake.a"} {
		if !strings.Contains(s.Outcomes[0].Message, want) {
			t.Errorf("no %q in: %s", want, s.Outcomes[0].Message)
		}
	}
}

func TestAnotherShapeOfTheRequestsIsAnotherLogin(t *testing.T) {
	w := newWorld(t, strings.Replace(oneAccount, `"pw"`, `"wrong"`, 1))
	w.describe("POST /login")
	for range 2 {
		w.apply()
	}
	w.wantLogins(1)
	w.describe("POST /v2/login")
	for range 2 {
		w.apply()
	}
	w.wantLogins(2)
	w.describe("POST /login")
	w.apply()
	w.wantLogins(2)
}

// An output may fail that is taken from the answer to the login. The answer does not come
// again.
func TestWhatOutputsAreTakenFromIsKeptUntilAVerificationPasses(t *testing.T) {
	w := newWorld(t, oneAccount)
	w.up.answers = "the answer"
	w.up.onVerify = only(1, &failure.Error{Class: failure.Server, Op: "take the outputs", Message: "no such field"})
	w.apply()
	if g := w.record("a").Pending; g == nil || !g.Token.Answers.Equal(credential.NewSecret("the answer")) {
		t.Fatalf("the record does not keep the answer")
	}
	w.advance(time.Minute)
	w.mustApply()
	w.wantLogins(1)
	if g := w.record("a").Newest(); !g.Token.Answers.IsZero() {
		t.Error("the answer is kept for longer than it is of use")
	}
	if got := strings.Join(w.up.verified, ","); got != "the answer,the answer" {
		t.Errorf("the checks were given %q", got)
	}
	w.applyWith(context.Background(), engine.Request{Replace: []string{"fake.a"}})
	if g := w.record("a").Newest(); !g.Token.Answers.IsZero() {
		t.Error("the answer is kept though the first check has passed")
	}
}

// A thousand runs, each with another description, a day in all: the password is the same.
func TestEditingTheDescriptionSendsTheSameSecretThreeTimesADay(t *testing.T) {
	for name, refuse := range map[string]func() error{
		"rejected":     func() error { return refuse(failure.Credentials, failure.LogIn) },
		"unclassified": undocumented,
		"locked": func() error {
			return &failure.Error{Class: failure.Human, Reason: failure.AccountLocked, Op: failure.LogIn, Status: 423}
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, oneAccount)
			w.up.onLogin = refuse
			for i := range 1000 {
				w.describe(fmt.Sprintf("POST /login/%d", i))
				w.apply()
				w.advance(time.Minute)
			}
			w.wantLogins(3)
			s := w.apply()
			for _, want := range []string{"refused 3 times", "does not make the same secret safe", "--replace account.fake.a"} {
				if s.Count(engine.Blocked) != 1 || !strings.Contains(s.Outcomes[0].Message, want) {
					t.Errorf("no %q in %+v", want, s.Outcomes)
				}
			}
			w.expect("a blocked unclassified_refusal")
			w.advance(8 * time.Hour)
			for i := range 1000 {
				w.describe(fmt.Sprintf("POST /again/%d", i))
				w.apply()
			}
			w.wantLogins(6)
		})
	}
}

func TestEachReplaceSendsASpentSecretOnceMoreAndASuccessClearsTheCount(t *testing.T) {
	w := newWorld(t, oneAccount)
	w.up.onLogin = undocumented
	edit := 0
	apply := func(req engine.Request) {
		edit++
		w.describe(fmt.Sprint(edit))
		w.advance(time.Minute)
		w.applyWith(context.Background(), req)
	}
	for range 5 {
		apply(engine.Request{})
	}
	w.wantLogins(3)
	replace := engine.Request{Replace: []string{"fake.a"}}
	for i := range 3 {
		apply(replace)
		apply(engine.Request{})
		w.wantLogins(4 + i)
	}
	w.up.onLogin = nil
	apply(replace)
	w.wantLogins(7)
	w.expectAllCurrent()
	w.up.onLogin = undocumented
	for range 5 {
		apply(engine.Request{})
	}
	w.wantLogins(10)
	w.hcl = strings.Replace(w.hcl, `"pw"`, `"another"`, 1)
	apply(engine.Request{})
	w.wantLogins(11)
}

// What the secrets are called, where they are sent and of which account they are is no
// difference to who counts wrong passwords.
func TestAccountsWithOneSecretShareItsRefusals(t *testing.T) {
	w := newWorld(t, manyAlike)
	w.hcl = strings.Replace(w.hcl, `user     = "u"`, `user = "u${each.key}"`, 1)
	w.describe("POST /login")
	w.up.onLogin = undocumented
	for range 3 {
		w.apply()
	}
	w.wantLogins(3)
	// One run tells the others, and of several accounts one --replace sends it once.
	w.applyWith(context.Background(), engine.Request{Replace: []string{"fake.a*"}})
	w.wantLogins(4)
}

func TestRenamedAccountGoesOnCountingRefusalsOfItsSecret(t *testing.T) {
	w := newWorld(t, oneAccount)
	w.up.onLogin = undocumented
	for i := range 10 {
		w.describe(fmt.Sprint(i))
		w.hcl = strings.Replace(oneAccount, `"fake" "a"`, fmt.Sprintf(`"fake" "a%d"`, i), 1)
		w.apply()
		w.advance(time.Minute)
	}
	w.wantLogins(3)
}

// A time that has yet to come was written by a machine with another clock.
func TestRefusalsOfASecretWithWrongTimesCountAsOfNowAndNotForEver(t *testing.T) {
	for name, off := range map[string]time.Duration{"ahead": 10 * 365 * 24 * time.Hour, "just now": 0} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, oneAccount)
			w.up.onLogin = undocumented
			w.setClock(off)
			for i := range 3 {
				w.describe(fmt.Sprint(i))
				w.apply()
				w.advance(time.Second)
			}
			w.setClock(-off)
			for i := range 48 {
				w.describe(fmt.Sprintf("later %d", i))
				w.advance(29 * time.Minute)
				w.apply()
			}
			w.wantLogins(3)
			w.advance(2 * time.Hour)
			w.describe("at last")
			w.apply()
			w.wantLogins(4)
		})
	}
}

// Their authors know what an answer means, and nobody edits what they send.
func TestBuiltInProvidersHaveNoBudgetOfSecrets(t *testing.T) {
	w := newWorld(t, oneAccount)
	w.up.onLogin = undocumented
	for i := range 5 {
		w.hcl = strings.Replace(oneAccount, `"u"`, fmt.Sprintf(`"u%d"`, i), 1)
		w.apply()
	}
	w.wantLogins(5)
	if n := len(w.record("a").SecretRefusals); n != 0 {
		t.Errorf("%d secrets are in the record", n)
	}
}

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
	"github.com/credsync/credsync/plan"
	"github.com/credsync/credsync/sinks"
	"github.com/credsync/credsync/testkit/memorysink"
)

// stateSink is what the configurations of these tests begin with.
const stateSink = `
sink "memory" "state" { name = "state" }
state "memory" "state" { path = "state" }
`

// accountAt is an account that delivers to one place of sink main.
func accountAt(name, path, more string) string {
	return fmt.Sprintf("account \"fake\" %q {\n  user = \"u\"\n  password = \"pw\"\n  %s\n  deliver \"memory\" \"main\" { path = %q }\n}\n", name, more, path)
}

// eachWay runs a test with a sink that marks owners and one that cannot.
func eachWay(t *testing.T, hcl string, test func(t *testing.T, w *world)) {
	for _, marks := range []bool{true, false} {
		t.Run(fmt.Sprintf("marks=%t", marks), func(t *testing.T) {
			w := newWorld(t, hcl)
			w.unmarked["main"] = !marks
			test(t, w)
		})
	}
}

func TestRenamedSinkBlockIsTheSamePlace(t *testing.T) {
	eachWay(t, "sink \"memory\" \"main\" {}\n"+stateSink+accountAt("a", "a", `on_remove = "delete"`), func(t *testing.T, w *world) {
		w.mustApply()
		w.hcl = strings.ReplaceAll(w.hcl, `"memory" "main"`, `"memory" "renamed"`)
		w.expect("a none current")
		w.mustApply()
		if got := w.delivered("a"); got != "token-1" {
			t.Errorf("the target holds %q", got)
		}
	})
}

func TestSwappedLabelsOfSinksChangeNothing(t *testing.T) {
	hcl := "sink \"memory\" \"main\" {}\nsink \"memory\" \"other\" { name = \"other\" }\n" + stateSink + `
account "fake" "a" {
  user      = "u"
  password  = "pw"
  on_remove = "delete"
  deliver "memory" "main" { path = "a" }
  deliver "memory" "other" { path = "b" }
}
`
	eachWay(t, hcl, func(_ *testing.T, w *world) {
		w.mustApply()
		w.hcl = strings.NewReplacer(
			"sink \"memory\" \"main\" {}", "sink \"memory\" \"other\" {}", "sink \"memory\" \"other\" { name", "sink \"memory\" \"main\" { name",
			`deliver "memory" "main"`, `deliver "memory" "other"`, `deliver "memory" "other"`, `deliver "memory" "main"`).Replace(w.hcl)
		w.expect("a none current")
	})
}

func TestSinkThatLeadsToAnotherServer(t *testing.T) {
	eachWay(
		t,
		"sink \"memory\" \"main\" {}\n"+stateSink+accountAt("a", "a", `on_remove = "delete"`),
		func(t *testing.T, w *world) {
			w.mustApply()
			there := w.sinks["main"]
			w.sinks["main"] = w.sinks["other"]
			w.sinks["main"].Put("a", map[string]credential.Secret{"access_token": credential.NewSecret("a stranger's")})
			p := w.plan(engine.Request{})
			a := p.Accounts[0]
			if a.Action != plan.BlockedAction || a.Reason != plan.TargetNotOwned {
				t.Fatalf("planned %s %s: %s", a.Action, a.Reason, a.Message)
			}
			if t2 := a.Targets[1]; t2.Action != plan.None {
				t.Errorf("what is there: %s %s", t2.Action, t2.Reason)
			}
			w.apply()
			if got := w.delivered("a"); got != "a stranger's" {
				t.Errorf("the stranger's secret holds %q", got)
			}
			w.sinks["main"].Remove("a")
			w.mustApply()
			if got := w.delivered("a"); got != "token-1" {
				t.Errorf("the new place holds %q", got)
			}
			if data, _ := there.Get("a"); data["access_token"].Reveal() != "token-1" {
				t.Error("the place that cannot be reached here has changed")
			}
			w.expect("a none current")
			if left := w.plan(engine.Request{}).Accounts[0].Targets[1]; left.Reason != plan.UnreachableHere ||
				left.Action != plan.None {
				t.Errorf("the place that cannot be reached here: %s %s", left.Action, left.Reason)
			}
			// Back again it is known.
			w.sinks["main"] = there
			w.expect("a none current")
		},
	)
}

// Someone who removed the secret with its metadata and created it again owns it.
func TestSecretCreatedAgainWithoutTheMarkIsSomeoneElses(t *testing.T) {
	w := newWorld(t, "sink \"memory\" \"main\" {}\n"+stateSink+accountAt("a", "a", `on_remove = "delete"`))
	w.mustApply()
	w.sinks["main"].Remove("a")
	w.sinks["main"].Put("a", map[string]credential.Secret{"access_token": credential.NewSecret("theirs")})
	w.expect("a blocked target_not_owned")
	w.apply()
	w.hcl = strings.Split(w.hcl, "account")[0]
	w.apply()
	if got := w.delivered("a"); got != "theirs" {
		t.Errorf("the target holds %q", got)
	}
}

func TestRenamedAccountTakesItsPlacesOver(t *testing.T) {
	for _, remove := range []string{"", `on_remove = "delete"`} {
		eachWay(t, "sink \"memory\" \"main\" {}\n"+stateSink+accountAt("a", "a", remove), func(t *testing.T, w *world) {
			w.mustApply()
			w.hcl = "sink \"memory\" \"main\" {}\n" + stateSink + accountAt("b", "a", remove)
			w.expect("a forget moved", "b issue no_token")
			p := w.plan(engine.Request{})
			if b := p.Accounts[1]; b.Targets[0].Reason != plan.Moved {
				t.Errorf("the target of b: %s %s", b.Targets[0].Action, b.Targets[0].Reason)
			}
			if d := diagnosticOf(p, "Accounts seem to have been renamed"); !strings.Contains(d, "from = account.fake.a\n  to   = account.fake.b") {
				t.Errorf("the moved block is not suggested: %s", d)
			}
			w.mustApply()
			w.expect("b none current")
			if got := w.delivered("a"); got != "token-2" || w.up.counts() != "logins=2 refreshes=0" {
				t.Errorf("the target holds %q after %s", got, w.up.counts())
			}
		})
	}
}

func diagnosticOf(p *engine.Plan, summary string) string {
	for _, d := range p.Diagnostics {
		if d.Summary == summary {
			return d.Detail
		}
	}
	return fmt.Sprintf("no diagnostic %q in %+v", summary, p.Diagnostics)
}

// Until the new account has a token, what is known of the old one is kept.
func TestRecordOfARenamedAccountIsKeptUntilItIsTakenOver(t *testing.T) {
	eachWay(t, "sink \"memory\" \"main\" {}\n"+stateSink+accountAt("a", "a", `on_remove = "delete"`), func(t *testing.T, w *world) {
		w.mustApply()
		w.hcl = "sink \"memory\" \"main\" {}\n" + stateSink + accountAt("b", "a", "")
		w.up.onLogin = func() error { return refuse(failure.Unavailable, "log in") }
		w.apply()
		if got := w.delivered("a"); got != "token-1" {
			t.Fatalf("the target holds %q", got)
		}
		w.up.onLogin = nil
		w.expect("a forget moved", "b issue no_token")
		w.mustApply()
		w.expect("b none current")
	})
}

func TestRenamedAccountInheritsRejections(t *testing.T) {
	for _, way := range []string{"all", "chosen", "one"} {
		t.Run(way, func(t *testing.T) {
			bad := func(name string) string {
				return "sink \"memory\" \"main\" {}\n" + stateSink + strings.Replace(accountAt(name, "a", ""), `"pw"`, `"bad"`, 1)
			}
			w := newWorld(t, bad("a"))
			w.apply()
			w.hcl = bad("b")
			switch way {
			case "chosen":
				w.applyWith(context.Background(), engine.Request{Targets: []string{"fake.b"}})
			case "one":
				e := w.engine()
				e.ApplyAccount(context.Background(), e.PlanAccount(context.Background(), "account.fake.b", false))
			}
			w.apply()
			w.apply()
			if got := w.up.counts(); got != "logins=1 refreshes=0" {
				t.Errorf("a password that was rejected was tried again: %s", got)
			}
			// Another password in between changes nothing.
			w.hcl = strings.Replace(bad("b"), `"bad"`, `"pw"`, 1)
			w.mustApply()
			w.hcl = bad("b")
			w.apply()
			if got := w.up.counts(); got != "logins=2 refreshes=0" {
				t.Errorf("the rejection was forgotten with the old record: %s", got)
			}
		})
	}
}

func TestAccountsExchangePlaces(t *testing.T) {
	hcl := func(a, b string) string {
		return "sink \"memory\" \"main\" {}\n" + stateSink + accountAt("a", a, `on_remove = "delete"`) + strings.Replace(accountAt("b", b, `on_remove = "delete"`), `"u"`, `"v"`, 1)
	}
	eachWay(t, hcl("one", "two"), func(t *testing.T, w *world) {
		w.mustApply()
		one, two := w.delivered("one"), w.delivered("two")
		w.hcl = hcl("two", "one")
		w.expect("a deliver moved", "b deliver moved")
		w.mustApply()
		w.mustApply()
		if w.delivered("one") != two || w.delivered("two") != one || w.up.counts() != "logins=2 refreshes=0" {
			t.Errorf("places hold %q and %q after %s", w.delivered("one"), w.delivered("two"), w.up.counts())
		}
		w.expect("a none current", "b none current")
	})
}

func TestAccountTakesWhatAnotherGivesUp(t *testing.T) {
	hcl := func(a, b string) string {
		return "sink \"memory\" \"main\" {}\n" + stateSink + accountAt("a", a, `on_remove = "delete"`) + strings.Replace(accountAt("b", b, `on_remove = "delete"`), `"u"`, `"v"`, 1)
	}
	eachWay(t, hcl("one", "two"), func(t *testing.T, w *world) {
		w.mustApply()
		one, two := w.delivered("one"), w.delivered("two")
		w.hcl = hcl("two", "three")
		w.mustApply()
		w.mustApply()
		if w.delivered("two") != one || w.delivered("three") != two || w.delivered("one") != "" || w.up.counts() != "logins=2 refreshes=0" {
			t.Errorf("places hold %q, %q and %q after %s", w.delivered("one"), w.delivered("two"), w.delivered("three"), w.up.counts())
		}
		w.expect("a none current", "b none current")
	})
}

func TestSinkAndAccountRemovedTogether(t *testing.T) {
	w := newWorld(t, "sink \"memory\" \"main\" {}\n"+stateSink+accountAt("a", "a", `on_remove = "delete"`))
	w.mustApply()
	w.hcl = stateSink
	w.sinks["state-only"] = w.sinks["state"]
	p := w.plan(engine.Request{})
	a := p.Accounts[0]
	if a.Action != plan.BlockedAction || a.Reason != plan.UnreachableHere || a.Health != plan.Critical ||
		!strings.Contains(a.Message, "credsync state rm account.fake.a") {
		t.Errorf("planned %s %s, health %s: %s", a.Action, a.Reason, a.Health, a.Message)
	}
	w.apply()
	// The remedy works, under any name.
	w.hcl = "sink \"memory\" \"again\" {}\n" + stateSink
	w.expect("a delete removed")
	w.mustApply()
	if w.delivered("a") != "" {
		t.Error("the target is still there")
	}
}

// What was changed since is not what was to be deleted.
func TestPlaceThatWasChangedIsNotDeleted(t *testing.T) {
	eachWay(t, "sink \"memory\" \"main\" {}\n"+stateSink+accountAt("a", "a", `on_remove = "delete"`), func(t *testing.T, w *world) {
		w.mustApply()
		w.sinks["main"].Put("a", map[string]credential.Secret{"access_token": credential.NewSecret("theirs")})
		w.hcl = strings.Split(w.hcl, "account")[0]
		w.apply()
		if got := w.delivered("a"); got != "theirs" {
			t.Errorf("the target holds %q", got)
		}
		w.expect()
	})
}

func TestSoftlyDeletedPlaceIsRemovedWhole(t *testing.T) {
	w := newWorld(t, "sink \"memory\" \"main\" {}\n"+stateSink+accountAt("a", "a", `on_remove = "delete"`))
	w.mustApply()
	w.sinks["main"].SoftRemove("a")
	w.hcl = strings.Split(w.hcl, "account")[0]
	w.mustApply()
	if info, _ := w.sinks["main"].Stat(context.Background(), memoryTarget("a")); info.Version != "" || info.Owner != "" {
		t.Errorf("%+v is left", info)
	}
}

func memoryTarget(path string) sinks.Target {
	return sinks.Target{Path: path, Location: "memory/" + path}
}

// secrets makes data of pairs: key, value, ….
func secrets(pairs ...string) map[string]credential.Secret {
	data := map[string]credential.Secret{}
	for i := 0; i+1 < len(pairs); i += 2 {
		data[pairs[i]] = credential.NewSecret(pairs[i+1])
	}
	return data
}

// A place that is reached by two names is one place.
func TestPlaceThatTwoAccountsNameDifferently(t *testing.T) {
	two := "sink \"memory\" \"main\" {}\nsink \"memory\" \"alias\" { name = \"main\" }\n" + stateSink + accountAt("a", "a", "") +
		strings.NewReplacer(`"memory" "main"`, `"memory" "alias"`, `"u"`, `"v"`).Replace(accountAt("b", "a", ""))
	eachWay(t, two, func(t *testing.T, w *world) {
		w.unmarked["alias"] = w.unmarked["main"]
		w.expect("a issue no_token", "b blocked target_not_owned")
		w.apply()
		w.apply()
		if got := w.delivered("a"); got != "token-1" || w.up.counts() != "logins=1 refreshes=0" {
			t.Errorf("the target holds %q after %s", got, w.up.counts())
		}
		if b := w.plan(engine.Request{}).Accounts[1]; !strings.Contains(b.Message, "is also the target of a deliver block of account.fake.a") {
			t.Error(b.Message)
		}
	})
}

// What is left behind at one server after the other does not grow for ever.
func TestPlacesOutOfReachAreBounded(t *testing.T) {
	w := newWorld(t, "sink \"memory\" \"main\" {}\n"+stateSink+accountAt("a", "a", ""))
	for range 60 {
		w.sinks["main"] = memorysink.New()
		w.advance(time.Second)
		w.mustApply()
	}
	if n := len(w.plan(engine.Request{}).Accounts[0].Targets); n != 51 && n != 52 {
		t.Errorf("%d targets are known", n)
	}
}

// A run that is killed between the write of a target and the commit has written what
// it said in the state that it would, also where the target does not say its key.
func TestTargetWithoutAKeyThatAKilledRunWroteIsOurs(t *testing.T) {
	raw := strings.Replace(accountAt("a", "a", ""), `{ path = "a" }`, "{\n    path = \"a\"\n    data = { TOKEN = token.access_token }\n  }", 1)
	w := newWorld(t, mainSink+raw)
	w.raw = map[string]bool{"main": true}
	w.sinks["state"].Fail = func(op string, _ sinks.Target) error {
		if _, written := w.sinks["main"].Get("a"); written && op == memorysink.Write {
			return sinks.ErrDenied
		}
		return nil
	}
	w.apply()
	w.sinks["state"].Fail = nil
	w.advance(5 * time.Minute)
	w.mustApply()
	w.expect("a none current")
}

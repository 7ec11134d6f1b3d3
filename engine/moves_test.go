package engine_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/credsync/credsync/engine"
)

const mainSink = "sink \"memory\" \"main\" {}\n" + stateSink

func movedBlock(from, to string) string {
	return fmt.Sprintf("moved {\n  from = account.fake.%s\n  to = account.fake.%s\n}\n", from, to)
}

// applyEachWay applies as the command does, or as the daemon, or only for a chosen account.
func (w *world) applyEachWay(way, address string) {
	w.t.Helper()
	switch way {
	case "all":
		w.mustApply()
	case "chosen":
		w.applyWith(context.Background(), engine.Request{Targets: []string{"fake." + address}})
	case "daemon":
		e := w.engine()
		e.ApplyAccount(context.Background(), e.PlanAccount(context.Background(), "account.fake."+address, false))
		p, err := e.PlanRemoved(context.Background(), nil)
		if err != nil {
			w.t.Fatal(err)
		}
		for _, ap := range p.Accounts {
			e.ApplyAccount(context.Background(), ap)
		}
	}
}

func TestMovedAccountGoesOnWithoutALogin(t *testing.T) {
	for _, way := range []string{"all", "chosen", "daemon"} {
		t.Run(way, func(t *testing.T) {
			eachWay(t, mainSink+accountAt("a", "a", `on_remove = "delete"`), func(t *testing.T, w *world) {
				w.mustApply()
				w.hcl = mainSink + accountAt("b", "a", `on_remove = "delete"`) + movedBlock("a", "b")
				w.expect("b deliver moved")
				w.applyEachWay(way, "b")
				w.expect("b none current")
				if got := w.delivered("a"); got != "token-1" || w.up.counts() != "logins=1 refreshes=0" {
					t.Errorf("the target holds %q after %s", got, w.up.counts())
				}
				if n := len(w.sinks["state"].Paths()); n != 1 {
					t.Errorf("%d records", n)
				}
				// The block may stay, and go.
				w.mustApply()
				w.hcl = mainSink + accountAt("b", "a", `on_remove = "delete"`)
				w.mustApply()
				w.expect("b none current")
				// What is removed now is deleted, with its mark.
				w.hcl = mainSink
				w.mustApply()
				if got := w.delivered("a"); got != "" {
					t.Errorf("the target holds %q", got)
				}
			})
		})
	}
}

func TestMovedAlongAChainAndWithABlock(t *testing.T) {
	w := newWorld(t, mainSink+accountAt("a", "a", ""))
	w.mustApply()
	w.hcl = mainSink + accountAt("c", "a", "") + movedBlock("a", "b") + movedBlock("b", "c")
	w.expect("c deliver moved")
	w.mustApply()
	w.expect("c none current")

	each := strings.Replace(accountAt("shops", "X", `for_each = toset(["one", "two"])`), `"X"`, `"${each.key}"`, 1)
	w = newWorld(t, mainSink+each)
	w.mustApply()
	w.hcl = mainSink + strings.Replace(each, `"shops"`, `"stores"`, 1) + movedBlock("shops", "stores")
	w.expect(`stores["one"] deliver moved`, `stores["two"] deliver moved`)
	w.mustApply()
	w.expect(`stores["one"] none current`, `stores["two"] none current`)
	if w.up.counts() != "logins=2 refreshes=0" {
		t.Error(w.up.counts())
	}
}

func TestExchangedAccountsExchangeTheirRecords(t *testing.T) {
	two := func(a, b string) string {
		return mainSink + accountAt(a, "one", `on_remove = "delete"`) + strings.Replace(accountAt(b, "two", `on_remove = "delete"`), `"u"`, `"v"`, 1)
	}
	for _, way := range []string{"all", "chosen", "daemon"} {
		t.Run(way, func(t *testing.T) {
			eachWay(t, two("a", "b"), func(t *testing.T, w *world) {
				w.mustApply()
				one, two2 := w.delivered("one"), w.delivered("two")
				w.hcl = two("b", "a") + movedBlock("a", "b") + movedBlock("b", "a")
				w.expect("a deliver moved", "b deliver moved")
				w.applyEachWay(way, "a")
				w.applyEachWay(way, "b")
				w.mustApply()
				w.expect("a none current", "b none current")
				if w.delivered("one") != one || w.delivered("two") != two2 || w.up.counts() != "logins=2 refreshes=0" {
					t.Errorf("places hold %q and %q after %s", w.delivered("one"), w.delivered("two"), w.up.counts())
				}
				// Once taken out and put in again, the blocks exchange them again.
				w.hcl = two("b", "a")
				w.mustApply()
				w.hcl = two("a", "b") + movedBlock("a", "b") + movedBlock("b", "a")
				w.expect("a deliver moved", "b deliver moved")
				w.mustApply()
				w.expect("a none current", "b none current")
			})
		})
	}
}

func TestMovedOntoALivingAccountDoesNothing(t *testing.T) {
	w := newWorld(t, mainSink+accountAt("a", "one", "")+strings.Replace(accountAt("b", "two", ""), `"u"`, `"v"`, 1))
	w.mustApply()
	w.hcl = mainSink + strings.Replace(accountAt("b", "two", ""), `"u"`, `"v"`, 1) + movedBlock("a", "b")
	w.expect("a forget removed", "b none current")
	if d := diagnosticOf(w.plan(engine.Request{}), "A moved block had no effect"); !strings.Contains(d, "account.fake.a") {
		t.Error(d)
	}
	w.mustApply()
	w.expect("b none current")
}

// A record at the new address without a token gives way, but for what it knows.
func TestMovedOntoAnAccountThatWasRejected(t *testing.T) {
	bad := strings.Replace(accountAt("b", "a", ""), `"pw"`, `"bad"`, 1)
	w := newWorld(t, mainSink+accountAt("a", "one", "")+bad)
	w.apply()
	w.hcl = mainSink + accountAt("b", "one", "") + movedBlock("a", "b")
	w.expect("b deliver moved")
	w.mustApply()
	w.expect("b none current")
	w.hcl = mainSink + strings.Replace(accountAt("b", "one", ""), `"pw"`, `"bad"`, 1)
	w.apply()
	if got := w.up.counts(); got != "logins=2 refreshes=0" {
		t.Errorf("the rejected password was tried again: %s", got)
	}
}

func TestRenamedProject(t *testing.T) {
	named := func(settings, name string) string {
		return "credsync {\n" + settings + "\n}\n" + mainSink + accountAt(name, "a", `on_remove = "delete"`)
	}
	eachWay(t, named(`project = "old"`, "a"), func(t *testing.T, w *world) {
		w.mustApply()
		w.hcl = named(`project = "new"`, "a")
		w.expect("a blocked target_not_owned")
		if a := w.plan(engine.Request{}).Accounts[0]; !w.unmarked["main"] && !strings.Contains(a.Message, `formerly = ["old"]`) {
			t.Errorf("nothing leads to formerly: %s", a.Message)
		}
		w.apply()
		w.hcl = strings.Replace(named(`project = "new"`, "b"), "project = \"new\"", "project = \"new\"\n  formerly = [\"old\"]\n", 1) + movedBlock("a", "b")
		w.expect("b deliver moved")
		w.mustApply()
		w.expect("b none current")
		w.hcl = named(`project = "new"`, "b")
		w.mustApply()
		w.expect("b none current")
		if got := w.delivered("a"); got != "token-1" || w.up.counts() != "logins=1 refreshes=0" {
			t.Errorf("the target holds %q after %s", got, w.up.counts())
		}
	})
}

func TestAccountOfAFormerProjectThatHasGoneIsRemoved(t *testing.T) {
	w := newWorld(t, "credsync { project = \"old\" }\n"+mainSink+accountAt("a", "a", `on_remove = "delete"`)+strings.Replace(accountAt("b", "b", `on_remove = "delete"`), `"u"`, `"v"`, 1))
	w.mustApply()
	w.hcl = "credsync {\n  project = \"new\"\n  formerly = [\"old\"]\n}\n" + mainSink + accountAt("a", "a", `on_remove = "delete"`)
	w.expect("a deliver moved", "b delete removed")
	w.mustApply()
	w.expect("a none current")
	if w.delivered("b") != "" || w.delivered("a") != "token-1" && w.delivered("a") != "token-2" {
		t.Errorf("places hold %q and %q", w.delivered("a"), w.delivered("b"))
	}
	if n := len(w.sinks["state"].Paths()); n != 1 {
		t.Errorf("%d records", n)
	}
}

func importOf(to, token string) string {
	return fmt.Sprintf("import {\n  to = account.fake.%s\n  access_token = %q\n}\n", to, token)
}

func TestImportedTokenIsDeliveredWithoutALogin(t *testing.T) {
	for _, way := range []string{"all", "chosen", "daemon"} {
		t.Run(way, func(t *testing.T) {
			w := newWorld(t, mainSink+accountAt("a", "a", "")+importOf("a", "from-a-script"))
			w.up.revokes = true
			w.up.live["from-a-script"] = true
			w.expect("a deliver imported")
			w.applyEachWay(way, "a")
			w.expect("a none current")
			if got := w.delivered("a"); got != "from-a-script" || w.up.counts() != "logins=0 refreshes=0" {
				t.Errorf("the target holds %q after %s", got, w.up.counts())
			}
			// An account with a token has no use for it.
			w.hcl = strings.Replace(w.hcl, "from-a-script", "another", 1)
			w.expect("a none current")
		})
	}
}

func TestDeadTokenToImportIsToldAndALoginFollows(t *testing.T) {
	w := newWorld(t, mainSink+accountAt("a", "a", "")+importOf("a", "dead"))
	w.expect("a issue no_token")
	if d := diagnosticOf(w.plan(engine.Request{}), "The token to import is not valid"); strings.Contains(d, "no diagnostic") {
		t.Error(d)
	}
	w.mustApply()
	if got := w.delivered("a"); got != "token-1" || w.up.counts() != "logins=1 refreshes=0" {
		t.Errorf("the target holds %q after %s", got, w.up.counts())
	}
	w.expect("a none current")
}

// A login could kill the token that is to be imported.
func TestImportThatLacksAnOutputDoesNotLogIn(t *testing.T) {
	needs := strings.Replace(accountAt("a", "a", ""), `{ path = "a" }`, "{\n    path = \"a\"\n    data = { t = token.access_token, g = token.group_id }\n  }", 1)
	w := newWorld(t, mainSink+needs+importOf("a", "script"))
	w.up.live["script"] = true
	w.up.unverifiable = true
	w.expect("a blocked imported")
	if a := w.plan(engine.Request{}).Accounts[0]; !strings.Contains(a.Message, "outputs = { group_id = … }") {
		t.Error(a.Message)
	}
	w.apply()
	if w.up.counts() != "logins=0 refreshes=0" {
		t.Error(w.up.counts())
	}
	w.hcl = strings.Replace(w.hcl, "\"script\"\n", "\"script\"\n  outputs = { group_id = \"7\" }\n", 1)
	w.expect("a deliver imported")
	w.mustApply()
	w.expect("a none current")
	if data, _ := w.sinks["main"].Get("a"); data["g"].Reveal() != "7" {
		t.Errorf("the target holds %v keys", len(data))
	}
}

func TestCodeThatWasSentIsStillAwaitedAfterAMove(t *testing.T) {
	w := newWorld(t, mainSink+accountAt("a", "a", ""))
	w.up.secondFactor = true
	w.engine().BeginLogin(context.Background(), "fake.a")
	w.hcl = mainSink + accountAt("b", "a", "") + movedBlock("a", "b")
	w.engine().BeginLogin(context.Background(), "fake.b")
	if w.up.codes != 1 {
		t.Errorf("%d codes were sent", w.up.codes)
	}
}

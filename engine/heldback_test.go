package engine_test

import (
	"strings"
	"testing"
)

// wrong gives the accounts of a configuration a password that is rejected.
func wrong(hcl string) string { return strings.ReplaceAll(hcl, `"pw"`, `"bad"`) }

// later are configurations that are applied one after another, the first one in order.
type later []string

func (w *world) applyLater(hcl later) {
	w.t.Helper()
	w.hcl = hcl[0]
	w.apply()
	for _, w.hcl = range hcl[1:] {
		w.apply()
	}
}

// What an account that is blocked or disabled is told by an edit must not be lost, though
// nothing else can be done with it.
func TestEditsOfAnAccountThatIsHeldBackCount(t *testing.T) {
	a, b := mainSink+accountAt("a", "a", ""), mainSink+accountAt("b", "a", "")
	off := func(hcl string) string { return strings.Replace(hcl, `user =`, "enabled = false\n  user =", 1) }
	moved := movedBlock("a", "b")
	for name, c := range map[string]struct {
		edits later
		want  string
	}{
		"moved while it is blocked":             {later{a, wrong(a), wrong(b) + moved, wrong(b), b}, "logins=2 refreshes=0"},
		"moved while it is disabled":            {later{a, off(b) + moved, off(b), b}, "logins=1 refreshes=0"},
		"renamed while it is blocked":           {later{wrong(a), wrong(b), mainSink + accountAt("b", "b", ""), wrong(b)}, "logins=2 refreshes=0"},
		"renamed and corrected, and taken back": {later{a, wrong(a), b, wrong(b)}, "logins=3 refreshes=0"},
	} {
		t.Run(name, func(t *testing.T) {
			eachWay(t, "", func(t *testing.T, w *world) {
				w.applyLater(c.edits)
				if got := w.up.counts(); got != c.want {
					t.Errorf("%s, want %s", got, c.want)
				}
			})
		})
	}
}

// Two accounts exchange names, one of them blocked; the blocks are taken out, and later
// they exchange names again.
func TestBlockedAccountsExchangeNamesTwice(t *testing.T) {
	two := func(a, b string) string {
		return mainSink + accountAt(a, "one", "") + wrong(strings.Replace(accountAt(b, "two", ""), `"u"`, `"v"`, 1))
	}
	exchange := movedBlock("a", "b") + movedBlock("b", "a")
	w := newWorld(t, "")
	w.applyLater(later{strings.ReplaceAll(two("a", "b"), "bad", "pw"), two("a", "b"), two("b", "a") + exchange, two("b", "a"), two("a", "b") + exchange})
	if got := w.up.counts(); got != "logins=3 refreshes=0" {
		t.Error(got)
	}
}

// That nothing is to be deleted counts from when it was first said.
func TestBlockedAccountThatIsToKeepItsTargetsKeepsThem(t *testing.T) {
	hcl := mainSink + accountAt("a", "a", `on_remove = "delete"`)
	retained := strings.Replace(wrong(hcl), `"delete"`, `"retain"`, 1)
	for name, edits := range map[string]later{
		"blocked in the same edit": {hcl, retained, mainSink},
		"blocked before":           {hcl, wrong(hcl), retained, mainSink},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, "")
			w.applyLater(edits)
			if got := w.delivered("a"); got != "token-1" {
				t.Errorf("the target holds %q", got)
			}
		})
	}
}

// A place is known to the account that gives it up until the one that is to have it has
// come to it, which it may never do.
func TestPlaceThatItsTakerNeverCameToIsNotForgotten(t *testing.T) {
	hcl := func(a, b string) string {
		return mainSink + accountAt("a", a, `on_remove = "delete"`) + strings.Replace(accountAt("b", b, `on_remove = "delete"`), `"u"`, `"v"`, 1)
	}
	blocked := func(a, b string) string { return strings.Replace(hcl(a, b), `"pw"`, `"bad"`, 1) }
	eachWay(t, "", func(t *testing.T, w *world) {
		w.concurrency = 1
		w.applyLater(later{hcl("one", "two"), blocked("two", "three"), blocked("two", "three")})
		if w.delivered("two") == "" {
			t.Fatal("a place that is wanted is empty")
		}
		w.hcl = hcl("two", "three")
		w.mustApply()
		if got := w.delivered("two"); got != "token-1" {
			t.Errorf("the place holds %q", got)
		}
	})
	eachWay(t, "", func(t *testing.T, w *world) {
		w.concurrency = 1
		w.applyLater(later{hcl("one", "two"), blocked("two", "three"), blocked("four", "three"), blocked("four", "three")})
		if got := w.delivered("two"); got != "" {
			t.Errorf("the place is left with %q", got)
		}
	})
}

// A place that is merged into keeps the mark that it bore before.
func TestMergedPlaceWithAFormerMarkIsTakenOverOnce(t *testing.T) {
	w := newWorld(t, "")
	plain := func(name, settings string) string {
		return "credsync {\n" + settings + "\n}\n" + mainSink + accountAt(name, "a", "")
	}
	merging := strings.Replace(plain("b", "project = \"new\"\n  formerly = [\"old\"]"), `path = "a" }`, "\n    path = \"a\"\n    merge = true\n  }", 1)
	w.applyLater(later{plain("b", `project = "old"`), merging})
	w.expect("b none current")
}

// Where a record was before says nothing of an exchange that is new, and an exchange that
// was made before the project was renamed is not made again.
func TestExchangeIsMadeOnceAndOnlyOnce(t *testing.T) {
	as := func(project, one, two string) string {
		return "credsync {\n" + project + "\n}\n" + mainSink + accountAt(one, "one", "") + strings.Replace(accountAt(two, "two", ""), `"u"`, `"v"`, 1)
	}
	exchange := func(a, b string) string { return movedBlock(a, b) + movedBlock(b, a) }
	const old, renamed = `project = "old"`, "project = \"new\"\n  formerly = [\"old\"]"
	for name, edits := range map[string]later{
		"after another exchange and a move": {
			as(old, "a", "b"), as(old, "b", "a") + exchange("a", "b"),
			as(old, "b", "c") + movedBlock("a", "c"), as(old, "c", "b") + exchange("b", "c"),
		},
		"before there was a record": {as(old, "b", "a") + exchange("a", "b")},
		"in a project that is renamed": {
			as(old, "a", "b"), as(old, "b", "a") + exchange("a", "b"), as(renamed, "b", "a") + exchange("a", "b"),
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, "")
			w.applyLater(edits)
			w.apply()
			if got := w.up.counts(); got != "logins=2 refreshes=0" {
				t.Error(got)
			}
		})
	}
}

// An account that had no record before an exchange of names has none that says so.
func TestExchangeWithNobodyIsNotMadeAgainInARenamedProject(t *testing.T) {
	only := mainSink + accountAt("b", "one", "") + strings.Replace(accountAt("a", "two", ""), `"u"`, `"v"`, 1) + movedBlock("a", "b") + movedBlock("b", "a")
	w := newWorld(t, "credsync { project = \"old\" }\n"+mainSink+accountAt("a", "one", ""))
	w.mustApply()
	w.hcl = "credsync { project = \"old\" }\n" + only
	w.mustApply()
	w.hcl = "credsync {\n  project = \"new\"\n  formerly = [\"old\"]\n}\n" + only
	w.applyEachWay("chosen", "a")
	w.mustApply()
	if got := w.up.counts(); got != "logins=2 refreshes=0" {
		t.Error(got)
	}
}

// A key that was delivered before merge was turned on is ours as one that was merged.
func TestKeysFromBeforeMergeWasTurnedOnAreRemoved(t *testing.T) {
	with := func(settings string) string {
		return strings.Replace(mainSink+accountAt("a", "a", ""), `path = "a" }`, "\n    path = \"a\"\n"+settings+"\n  }", 1)
	}
	eachWay(t, "", func(t *testing.T, w *world) {
		w.applyLater(later{with(`data = { A = token.access_token }`), with("data = { B = token.access_token }\nmerge = true")})
		if data, _ := w.sinks["main"].Get("a"); len(data) != 1 || data["B"].Reveal() != "token-1" {
			t.Errorf("%d keys are there", len(data))
		}
	})
}

package engine_test

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/credsync/credsync/credential"
	"github.com/credsync/credsync/engine"
	"github.com/credsync/credsync/failure"
	"github.com/credsync/credsync/schema/diag"
	"github.com/credsync/credsync/sinks"
	"github.com/credsync/credsync/testkit/memorysink"
)

const twoMerging = `
sink "memory" "main" {}
sink "memory" "state" { name = "state" }
state "memory" "state" { path = "state" }
account "fake" "a" {
  password = "pw"
  deliver "memory" "main" {
    path  = "s"
    merge = true
    data  = { A = token.access_token }
  }
}
account "fake" "b" {
  password = "pw"
  deliver "memory" "main" {
    path  = "s"
    merge = true
    data  = { B = token.access_token }
  }
}
`

func TestAccountsThatMergeIntoOneTargetSettle(t *testing.T) {
	w := newWorld(t, twoMerging)
	w.mustApply()
	writes := w.sinks["main"].Calls(memorysink.Write)
	w.expect("a none current", "b none current")
	w.mustApply()
	if got := w.sinks["main"].Calls(memorysink.Write); got != writes {
		t.Errorf("the second apply wrote %d times", got-writes)
	}
}

func TestMergedTargetThatCannotBeReadIsWarnedOf(t *testing.T) {
	w := newWorld(t, twoMerging)
	w.sinks["main"].Fail = failing(memorysink.Read, 1000, sinks.ErrDenied)
	w.mustApply()
	p := w.plan(engine.Request{})
	if !slices.ContainsFunc(p.Diagnostics, func(d diag.Diagnostic) bool {
		return d.Severity == diag.Warning && d.Summary == "A merged target cannot be compared"
	}) {
		t.Errorf("%+v", p.Diagnostics)
	}
}

// What a deliver block says of its target, besides the data, is part of what the
// target should be: a change of it is no reason to log in, and none to wait for
// the next rotation.
func TestTargetIsWrittenAgainWhenItsBlockAsksForAnotherLook(t *testing.T) {
	with := func(attribute string) string {
		return strings.Replace(oneAccount, `path = "a"`, "\n path = \"a\"\n "+attribute+"\n", 1)
	}
	for name, c := range map[string]struct{ before, after string }{
		"an option is set":     {"", `look = "new"`},
		"an option is changed": {`look = "old"`, `look = "new"`},
		"an option is unset":   {`look = "old"`, ""},
		"merge is turned on":   {"", "merge = true"},
		"merge is turned off":  {"merge = true", ""},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, with(c.before))
			w.mustApply()
			logins := w.up.logins
			w.hcl = with(c.after)
			w.expect("a deliver target_changed")
			w.mustApply()
			w.expect("a none current")
			if w.up.logins != logins {
				t.Errorf("%d logins", w.up.logins-logins)
			}
		})
	}
}

func TestARestartIsNoLookOfATarget(t *testing.T) {
	w := newWorld(t, oneAccount)
	w.mustApply()
	writes := w.sinks["main"].Calls(memorysink.Write)
	w.hcl = strings.Replace(oneAccount, `path = "a"`, "\n path = \"a\"\n restart = [\"deployment/a\"]\n", 1)
	w.apply()
	if got := w.sinks["main"].Calls(memorysink.Write); got != writes {
		t.Errorf("%d writes of the target", got-writes)
	}
}

// The keys of others stay when merge is turned off, and when the account goes
// afterwards.
func TestTurningMergeOffTakesNoKeysAway(t *testing.T) {
	merging := strings.Replace(strings.Replace(oneAccount, `path = "a"`, "\n path = \"a\"\n merge = true\n", 1), `user     = "u"`, "user = \"u\"\n on_remove = \"delete\"", 1)
	w := newWorld(t, merging)
	w.sinks["main"].Put("a", map[string]credential.Secret{"theirs": credential.NewSecret("kept")})
	w.hcl = strings.Replace(merging, "merge = true", "merge = true\n adopt = true", 1)
	w.mustApply()
	w.hcl = strings.Replace(merging, "merge = true", "", 1)
	w.expect("a blocked target_not_owned")
	w.apply()
	w.hcl = strings.Split(oneAccount, "account")[0]
	w.apply()
	if data, _ := w.sinks["main"].Get("a"); data["theirs"].Reveal() != "kept" {
		t.Errorf("the keys of others are gone: %d keys", len(data))
	}
}

// A key that a deliver block no longer has would stay with a live token that nobody
// remembers.
func TestKeyThatIsNoLongerWantedIsTakenOut(t *testing.T) {
	w := newWorld(t, twoMerging)
	w.sinks["main"].Put("s", secrets("THEIRS", "x"))
	w.hcl = strings.ReplaceAll(w.hcl, "merge = true", "merge = true\n    adopt = true")
	w.mustApply()
	w.hcl = strings.Replace(w.hcl, "{ A =", "{ A2 =", 1)
	w.expect("a deliver target_changed", "b none current")
	w.mustApply()
	w.wantKeys("s", "A2", "B", "THEIRS")
	// What one gives up another may take in the same edit.
	w.hcl = strings.Replace(strings.Replace(w.hcl, "{ B =", "{ A2 =", 1), "{ A2 =", "{ C =", 1)
	w.mustApply()
	w.mustApply()
	w.wantKeys("s", "A2", "C", "THEIRS")
	w.expect("a none current", "b none current")
}

func (w *world) wantKeys(path string, want ...string) {
	w.t.Helper()
	data, _ := w.sinks["main"].Get(path)
	if got := slices.Sorted(maps.Keys(data)); !slices.Equal(got, want) {
		w.t.Errorf("%s has the keys %v, want %v", path, got, want)
	}
}

// The keys of an account that has gone follow on_remove; what others have there is
// theirs.
func TestKeysOfARemovedAccountFollowOnRemove(t *testing.T) {
	for remove, want := range map[string][]string{"": {"A", "B"}, `on_remove = "delete"`: {"B"}} {
		w := newWorld(t, strings.Replace(twoMerging, `password = "pw"`, `password = "pw"`+"\n  "+remove, 1))
		w.mustApply()
		w.hcl = strings.Split(w.hcl, `account "fake" "a"`)[0] + `account "fake" "b"` + strings.Split(w.hcl, `account "fake" "b"`)[1]
		w.mustApply()
		w.wantKeys("s", want...)
		w.expect("b none current")
	}
}

// merging is one account of many that merge into one place.
func merging(n int) string {
	return fmt.Sprintf("account \"fake\" \"m%02d\" {\n  user = \"u%d\"\n  password = \"pw\"\n  deliver \"memory\" \"main\" {\n    path = \"s\"\n    merge = true\n    data = { K%02d = token.access_token }\n  }\n}\n", n, n, n)
}

func TestManyAccountsMergeIntoOnePlace(t *testing.T) {
	hcl := mainSink
	for i := range 60 {
		hcl += merging(i)
	}
	for _, seed := range []string{"nothing", "first one fails"} {
		w := newWorld(t, hcl)
		w.frozen = true
		if seed != "nothing" {
			w.up.onLogin = only(1, refuse(failure.Retryable, "log in"))
			w.apply()
		}
		w.mustApply()
		w.expectAllCurrent()
		// One that is added later finds what the project has delivered.
		w.hcl = hcl + merging(60)
		w.mustApply()
		w.expectAllCurrent()
	}
}

// A stranger who makes the place between the plan and the write keeps his keys.
func TestStrangerWhoMakesAMergedPlaceKeepsIt(t *testing.T) {
	w := newWorld(t, twoMerging)
	e := w.engine()
	p := e.Plan(context.Background(), engine.Request{})
	w.sinks["main"].Put("s", secrets("THEIRS", "x"))
	e.Apply(context.Background(), p, ignore{})
	data, _ := w.sinks["main"].Get("s")
	if data["THEIRS"].Reveal() != "x" || len(data) != 1 {
		t.Errorf("the stranger's secret has %v", slices.Sorted(maps.Keys(data)))
	}
	w.expect("a blocked target_not_owned", "b blocked target_not_owned")
}

// A key that someone else has in a merged place is not taken over by a new key of
// that name.
func TestNewKeyThatSomeoneElseHasNeedsAdopt(t *testing.T) {
	w := newWorld(t, twoMerging)
	w.mustApply()
	data, _ := w.sinks["main"].Get("s")
	data["C"] = credential.NewSecret("theirs")
	w.sinks["main"].Put("s", data)
	w.hcl = strings.Replace(w.hcl, "{ A =", "{ C =", 1)
	w.expect("a blocked target_not_owned", "b none current")
	w.apply()
	if data, _ := w.sinks["main"].Get("s"); data["C"].Reveal() != "theirs" || data["A"].IsZero() {
		t.Errorf("the place has %v", slices.Sorted(maps.Keys(data)))
	}
	w.hcl = strings.Replace(w.hcl, "merge = true", "merge = true\n    adopt = true", 1)
	w.mustApply()
	w.wantKeys("s", "B", "C")
}

// Of several accounts that merge into one place, each takes over from its own
// predecessor, in one apply.
func TestRenamedAccountsThatMergeIntoOnePlace(t *testing.T) {
	w := newWorld(t, twoMerging)
	w.mustApply()
	w.hcl = strings.NewReplacer(`"fake" "a"`, `"fake" "x"`, `"fake" "b"`, `"fake" "y"`).Replace(w.hcl)
	w.expect("a forget moved", "b forget moved", "x issue no_token", "y issue no_token")
	w.mustApply()
	w.expect("x none current", "y none current")
	w.wantKeys("s", "A", "B")
}

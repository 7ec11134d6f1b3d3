package engine_test

import (
	"errors"
	"testing"

	"github.com/credsync/credsync/engine"
	"github.com/credsync/credsync/sinks"
	"github.com/credsync/credsync/testkit/memorysink"
)

const manyAccounts = `
sink "memory" "main" {}
sink "memory" "state" { name = "state" }
state "memory" "state" { path = "state" }
account "fake" "a" {
  for_each = toset(["1", "2", "3", "4", "5"])
  user     = "u${each.key}"
  password = "pw"
  deliver "memory" "main" { path = "a${each.key}" }
}
`

func bulkWorld(t *testing.T) *world {
	w := newWorld(t, manyAccounts)
	w.bulk = map[string]bool{"main": true, "state": true}
	return w
}

func TestPlanOfManyAccountsAsksForAllAtOnce(t *testing.T) {
	w := bulkWorld(t)
	w.apply()
	before := func(sink, op string) int { return w.sinks[sink].Calls(op) }
	reads, stats := before("state", memorysink.Read), before("main", memorysink.Stat)
	w.expect(`a["1"] none current`, `a["2"] none current`, `a["3"] none current`, `a["4"] none current`, `a["5"] none current`)
	if n := before("state", memorysink.Read) - reads; n != 0 {
		t.Errorf("%d records were read one by one", n)
	}
	if n := before("main", memorysink.Stat) - stats; n != 0 {
		t.Errorf("%d targets were looked at one by one", n)
	}
}

// What was seen at once is not believed when something is done about it.
func TestWhatChangesAfterThePlanIsSeenUnderTheLease(t *testing.T) {
	w := bulkWorld(t)
	first, second := w.engine(), w.engine()
	p := first.Plan(t.Context(), engine.Request{})
	second.Apply(t.Context(), second.Plan(t.Context(), engine.Request{}), ignore{})
	if s := first.Apply(t.Context(), p, ignore{}); s.Count(engine.Failed) > 0 {
		t.Errorf("the second apply of one plan failed: %+v", s.Outcomes)
	}
	if n := w.up.logins; n != 5 {
		t.Errorf("%d logins, want one for each account", n)
	}
}

func TestTargetThatABulkStatLeavesOutIsLookedAt(t *testing.T) {
	w := bulkWorld(t)
	w.apply()
	w.sinks["main"].Remove("a3")
	w.expect(`a["1"] none current`, `a["2"] none current`, `a["3"] deliver target_missing`, `a["4"] none current`, `a["5"] none current`)
}

func TestStateThatCannotBeScannedIsNotTakenForEmpty(t *testing.T) {
	w := bulkWorld(t)
	w.apply()
	w.sinks["state"].Fail = func(op string, _ sinks.Target) error {
		if op == memorysink.Scan {
			return errors.Join(errors.New("page 2 of 3"), sinks.ErrUnavailable)
		}
		return nil
	}
	if s := w.apply(); s.Count(engine.Failed) != 5 || w.up.logins != 5 {
		t.Errorf("%d failed, %d logins in all; want 5 failed and no further login", s.Count(engine.Failed), w.up.logins)
	}
}

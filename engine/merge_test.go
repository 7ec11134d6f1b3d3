package engine_test

import (
	"slices"
	"testing"

	"github.com/credsync/credsync/engine"
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

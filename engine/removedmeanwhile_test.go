package engine_test

import (
	"context"
	"strings"
	"testing"

	"github.com/credsync/credsync/engine"
	"github.com/credsync/credsync/state"
)

// One file of several, which declares every account that the state knows: there is
// nothing to warn of, and nobody to name.
func TestOneFileOfSeveralWithNobodyLeftOver(t *testing.T) {
	w := newWorld(t, oneAccount)
	w.partial = true
	w.mustApply()
	if p := w.plan(engine.Request{}); len(p.Diagnostics) != 0 || len(p.Accounts) != 1 {
		t.Errorf("%d accounts, %+v", len(p.Accounts), p.Diagnostics)
	}
	if p, err := w.engine().PlanRemoved(t.Context(), nil); err != nil || len(p.Accounts) != 0 ||
		len(p.Diagnostics) != 0 {
		t.Errorf("%+v, %v", p, err)
	}
}

func TestAccountsOfOtherFilesAreCountedAndOneIsNamed(t *testing.T) {
	w := newWorld(t, mainSink+accountAt("a", "a", "")+accountAt("b", "b", ""))
	w.mustApply()
	w.partial = true
	w.hcl = mainSink
	if p := w.plan(engine.Request{}); len(p.Diagnostics) != 1 ||
		!strings.Contains(p.Diagnostics[0].Detail, "2 accounts") ||
		!strings.Contains(p.Diagnostics[0].Detail, "account.fake.a") {
		t.Errorf("%+v", p.Diagnostics)
	}
	w.hcl = mainSink + accountAt("b", "b", "")
	if p := w.plan(engine.Request{}); len(p.Diagnostics) != 1 ||
		strings.Contains(p.Diagnostics[0].Detail, "1 accounts") ||
		!strings.Contains(p.Diagnostics[0].Detail, "account.fake.a") {
		t.Errorf("%+v", p.Diagnostics)
	}
}

// Between the plan of a removal and the removal another run can change the record, or
// carry it all out. What is done is what the record says then.
func TestARemovalGoesByTheRecordAsItIsThen(t *testing.T) {
	for name, tt := range map[string]struct {
		meanwhile func(*world)
		left      bool // the target
		records   int
		ends      engine.Result
	}{
		"nothing":                      {func(*world) {}, false, 0, engine.Done},
		"its targets are to be kept":   {func(w *world) { w.edit(func(r *state.Record) { r.DeleteOnRemove = false }) }, true, 0, engine.Done},
		"its target is no longer its":  {func(w *world) { w.edit(func(r *state.Record) { r.Targets = nil }) }, true, 0, engine.Done},
		"another run has removed it":   {func(w *world) { w.mustApply() }, false, 0, engine.Done},
		"another run has forgotten it": {func(w *world) { w.sinks["state"].Remove(w.sinks["state"].Paths()[0]) }, true, 0, engine.Done},
		"its record cannot be read any more": {func(w *world) {
			path := w.sinks["state"].Paths()[0]
			w.sinks["state"].Put(path, nil)
		}, true, 1, engine.Failed},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, mainSink+accountAt("a", "a", `on_remove = "delete"`))
			w.mustApply()
			w.hcl = mainSink
			e := w.engine()
			p := e.Plan(context.Background(), engine.Request{})
			if len(p.Accounts) != 1 {
				t.Fatalf("%d accounts", len(p.Accounts))
			}
			tt.meanwhile(w)
			s := e.Apply(context.Background(), p, ignore{})
			for _, o := range s.Outcomes {
				// What another run has done is nothing that this one has failed to do.
				if o.Result != tt.ends || o.Result == engine.Failed && len(o.Diagnostics) != 1 {
					t.Errorf("it ended %s: %s, %v", o.Result, o.Message, o.Diagnostics)
				}
			}
			if left := w.delivered("a") != ""; left != tt.left {
				t.Errorf("the target is there: %t", left)
			}
			if n := len(w.sinks["state"].Paths()); n != tt.records {
				t.Errorf("%d records are left, want %d", n, tt.records)
			}
		})
	}
}

package render

import (
	"encoding/json"
	"sync"
	"time"

	"github.com/credsync/credsync/engine"
	"github.com/credsync/credsync/plan"
	"github.com/credsync/credsync/schema/diag"
)

// event is one line of apply --json. Every field is present in each line; what
// does not apply is null.
type event struct {
	Type    string         `json:"type"`
	Address *string        `json:"address"`
	Action  *plan.Action   `json:"action"`
	Reason  *plan.Reason   `json:"reason"`
	Outcome *engine.Result `json:"outcome"`
	Message string         `json:"message"`
	Time    time.Time      `json:"time"`
	// Diagnostic is there in lines of type diagnostic, Summary in the last.
	Diagnostic *diag.Diagnostic `json:"diagnostic"`
	Summary    *eventSummary    `json:"summary"`
}

// eventSummary counts accounts by how they ended, and what was done.
type eventSummary struct {
	Done    int                 `json:"done"`
	Failed  int                 `json:"failed"`
	Blocked int                 `json:"blocked"`
	Actions map[plan.Action]int `json:"actions"`
}

// applyJSON prints one event per line, each in one write.
type applyJSON struct {
	*Output
	mu   sync.Mutex
	told told
	// reported are the accounts that had an account_done.
	reported map[string]bool
}

func (v *applyJSON) emit(e event) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if e.Time.IsZero() {
		e.Time = v.Now()
	}
	e.Time = e.Time.UTC()
	enc := json.NewEncoder(v.Out.Writer)
	enc.SetEscapeHTML(false)
	_ = enc.Encode(e)
}

func (v *applyJSON) Diagnostics(list diag.List) {
	v.mu.Lock()
	fresh := v.told.fresh(list)
	v.mu.Unlock()
	for _, d := range fresh {
		v.emit(event{Type: "diagnostic", Address: optional(d.Address), Message: d.Summary, Diagnostic: &d})
	}
}

func (v *applyJSON) Planned(d plan.Document) { v.Diagnostics(d.Diagnostics) }

// Failed ends the stream with a summary too, so that a reader always finds one.
func (v *applyJSON) Failed(list diag.List) {
	v.Diagnostics(list)
	failed := engine.Failed
	v.emit(event{Type: "summary", Outcome: &failed, Message: "Nothing was done.", Summary: summarise(&engine.Summary{})})
}

func (v *applyJSON) Begin(int) {}

func (v *applyJSON) AccountStarted(p *engine.AccountPlan) {
	v.emit(event{Type: "account_start", Address: &p.Address, Action: &p.Action, Reason: &p.Reason, Message: p.Message})
}

func (v *applyJSON) AccountDone(o engine.Outcome) {
	v.mu.Lock()
	if v.reported == nil {
		v.reported = make(map[string]bool)
	}
	v.reported[o.Address] = true
	v.mu.Unlock()
	v.emit(
		event{
			Type:    "account_done",
			Address: &o.Address,
			Action:  &o.Action,
			Reason:  &o.Reason,
			Outcome: &o.Result,
			Message: o.Message,
			Time:    o.At,
		},
	)
	v.Diagnostics(o.Diagnostics)
}

// Finish also reports the accounts that were never begun.
func (v *applyJSON) Finish(s *engine.Summary) {
	for _, o := range s.Outcomes {
		if !v.reported[o.Address] {
			v.AccountDone(o)
		}
	}
	result, message := engine.Done, "Apply complete: "
	if s.Count(engine.Blocked) > 0 {
		result = engine.Blocked
	}
	if v.told.errors || s.Count(engine.Failed) > 0 {
		result, message = engine.Failed, "Apply incomplete: "
	}
	v.emit(event{Type: "summary", Outcome: &result, Message: message + applyCounts(s), Summary: summarise(s)})
}

func summarise(s *engine.Summary) *eventSummary {
	done := doneActions(s)
	actions := make(map[plan.Action]int, len(plan.Actions))
	for _, a := range plan.Actions {
		if a != plan.None && a != plan.BlockedAction {
			actions[a] = done[a]
		}
	}
	return &eventSummary{
		Done: s.Count(engine.Done), Failed: s.Count(engine.Failed), Blocked: s.Count(engine.Blocked),
		Actions: actions,
	}
}

func optional(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

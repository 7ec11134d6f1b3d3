package render

import (
	"strings"
	"time"

	"github.com/credsync/credsync/engine"
	"github.com/credsync/credsync/plan"
	"github.com/credsync/credsync/schema/diag"
)

// PlanView shows a plan.
type PlanView interface {
	// Show prints the document with its diagnostics. A document that has
	// nothing but errors stands for a plan that could not be made.
	Show(plan.Document)
}

// NewPlan returns the view of the plan command.
func NewPlan(o *Output, asJSON bool) PlanView {
	if asJSON {
		return documentJSON{o}
	}
	return planText{o}
}

// documentJSON prints a plan.Document as it is.
type documentJSON struct{ *Output }

func (v documentJSON) Show(d plan.Document) {
	d.Diagnostics = notNil(d.Diagnostics)
	if d.Accounts == nil {
		d.Accounts = []plan.DocumentAccount{}
	}
	if d.Sinks == nil {
		d.Sinks = []plan.DocumentSink{}
	}
	if d.NextRuns == nil {
		d.NextRuns = []time.Time{}
	}
	d.Health = d.Worst()
	v.indentedJSON(d)
}

type planText struct{ *Output }

func (v planText) Show(d plan.Document) {
	v.Diagnostics(d.Diagnostics)
	if d.Diagnostics.HasErrors() && len(d.Accounts) == 0 {
		return
	}
	out, flush := v.Out.buffered()
	defer flush()
	planPrinter{Stream: out, now: v.Now()}.print(d)
}

// NoPlan is the document to show where no plan could be made.
func NoPlan(list diag.List) plan.Document {
	d := plan.Document{FormatVersion: plan.FormatVersion, Summary: map[plan.Action]int{}, Diagnostics: list}
	for _, a := range plan.Actions {
		d.Summary[a] = 0
	}
	return d
}

// PlanPlace says where the configuration of a saved plan is, as it was named then.
func PlanPlace(s *engine.Saved) string {
	if s.Path == "." {
		return "in the directory where it was made"
	}
	return "at " + clean(s.Path)
}

// SavedPlan says what a saved plan was made of; the plan itself is shown as the
// plan command does.
func (o *Output) SavedPlan(s *engine.Saved) {
	p := planPrinter{Stream: o.Out, now: o.Now()}
	line := "Saved plan, "
	if !s.CreatedAt.IsZero() {
		line += "made " + exactAndRelative(s.CreatedAt, p.now) + ", "
	}
	line += "from the configuration " + PlanPlace(s)
	for _, given := range []struct {
		flag string
		list []string
	}{{"--target", s.Targets}, {"--replace", s.Replace}} {
		if len(given.list) > 0 {
			line += ", with " + given.flag + " " + clean(strings.Join(given.list, " "))
		}
	}
	if s.Offline {
		line += ", with --offline"
	}
	p.paragraph(0, line+".")
	p.printf("\n")
}

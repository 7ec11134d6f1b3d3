package render

import (
	"fmt"
	"slices"
	"strings"

	"github.com/credsync/credsync/engine"
	"github.com/credsync/credsync/plan"
	"github.com/credsync/credsync/schema/diag"
)

// ApplyView shows an apply from its plan to its end.
type ApplyView interface {
	engine.Observer
	// Planned shows what is about to be done.
	Planned(plan.Document)
	// Failed shows why nothing was done.
	Failed(diag.List)
	// Begin is called before the first account; total is how many there are
	// to work on.
	Begin(total int)
	// Finish shows how it ended. Every AccountDone has been called before.
	Finish(*engine.Summary)
}

// NewApply returns the view of the apply command.
func NewApply(o *Output, asJSON bool) ApplyView {
	if asJSON {
		return &applyJSON{Output: o}
	}
	return &applyText{Output: o}
}

type applyText struct {
	*Output
	progress *Progress
}

func (v *applyText) Planned(d plan.Document) { planText{v.Output}.Show(d) }

func (v *applyText) Failed(list diag.List) { v.Diagnostics(list) }

func (v *applyText) Begin(total int) { v.progress = NewProgress(v.Output, total) }

func (v *applyText) AccountStarted(p *engine.AccountPlan) { v.progress.AccountStarted(p) }

func (v *applyText) AccountDone(o engine.Outcome) { v.progress.AccountDone(o) }

// Finish lists what was not done and what a human has to do, and ends with the
// counts, the line that is looked for.
func (v *applyText) Finish(s *engine.Summary) {
	if v.progress != nil {
		v.progress.Close()
	}
	v.Output.outcomeDiagnostics(s)
	p := planPrinter{Stream: v.Out, now: v.Now()}
	for _, result := range []engine.Result{engine.Failed, engine.Blocked} {
		for _, o := range s.Outcomes {
			if o.Result == result {
				p.outcome(o)
			}
		}
	}
	p.printf("\n%s\n", applyLine(p.style(), s))
}

func (o *Output) outcomeDiagnostics(s *engine.Summary) {
	for _, outcome := range s.Outcomes {
		o.Diagnostics(outcome.Diagnostics)
	}
}

// outcome tells of one account that did not end well.
func (p planPrinter) outcome(o engine.Outcome) {
	st := p.style()
	words := "failed"
	if o.Result == engine.Blocked {
		words = fmt.Sprintf("needs a human (%s)", o.Reason)
	}
	p.printf("\n  %s %s  %s\n", st.red("!"), st.bold(clean(o.Address)), st.red(words))
	p.paragraph(6, sentence(o.Message))
	if o.Result != engine.Blocked {
		return
	}
	if r := remedy(o.Reason, o.Address); r != "" {
		p.paragraph(6, "What to do: "+r)
	}
}

func applyLine(st style, s *engine.Summary) string {
	title := st.green("Apply complete:")
	if s.Count(engine.Failed) > 0 {
		title = st.red("Apply incomplete:")
	}
	return title + " " + applyCounts(s)
}

// applyCounts is "2 issued, 1 refreshed, …". What is done every day is always
// named; the rest only where there is any.
func applyCounts(s *engine.Summary) string {
	done := doneActions(s)
	var parts []string
	for _, a := range plan.Actions {
		always := a == plan.Issue || a == plan.Refresh || a == plan.Reissue || a == plan.Deliver
		if past := pastTense(a); past != "" && (always || done[a] > 0) {
			parts = append(parts, fmt.Sprintf("%d %s", done[a], past))
		}
	}
	if n := s.Count(engine.Failed); n > 0 {
		parts = append(parts, fmt.Sprintf("%d failed", n))
	}
	line := strings.Join(parts, ", ") + "."
	if n := s.Count(engine.Blocked); n > 0 {
		line += " " + needHuman(n)
	}
	return line
}

// doneActions counts what was done. A blocked account may have had its targets
// repaired meanwhile.
func doneActions(s *engine.Summary) map[plan.Action]int {
	done := make(map[plan.Action]int, len(plan.Actions))
	for _, o := range s.Outcomes {
		if o.Result == engine.Done || o.Result == engine.Blocked && o.Action == plan.Deliver {
			done[o.Action]++
		}
	}
	return done
}

func pastTense(a plan.Action) string {
	switch a {
	case plan.Issue:
		return "issued"
	case plan.Refresh:
		return "refreshed"
	case plan.Reissue:
		return "reissued"
	case plan.Deliver:
		return "delivered"
	case plan.Forget:
		return "forgotten"
	case plan.Delete:
		return "deleted"
	default:
		return ""
	}
}

// Authenticated shows on standard error how plan --authenticate went; the plan
// that follows on standard output tells what is left.
func (o *Output) Authenticated(s *engine.Summary) {
	o.outcomeDiagnostics(s)
	p := planPrinter{Stream: o.Err, now: o.Now()}
	tried := slices.DeleteFunc(slices.Clone(s.Outcomes), func(x engine.Outcome) bool { return x.Result == engine.Done })
	for _, x := range tried {
		p.outcome(x)
	}
	if len(tried) > 0 {
		p.printf("\n")
	}
}

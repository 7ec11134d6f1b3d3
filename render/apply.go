package render

import (
	"cmp"
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
	// Diagnostics shows what came up in the meantime.
	Diagnostics(diag.List)
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
	told     told
	// shown are the messages of the blocked accounts that the plan showed.
	shown map[string]string
}

func (v *applyText) Planned(d plan.Document) {
	v.told.fresh(d.Diagnostics)
	v.shown = make(map[string]string)
	for _, a := range d.Accounts {
		if a.Blocker != nil {
			v.shown[a.Address] = a.Blocker.Message
		}
	}
	planText{v.Output}.Show(d)
}

func (v *applyText) Failed(list diag.List) { v.Output.Diagnostics(list) }

func (v *applyText) Diagnostics(list diag.List) { v.Output.Diagnostics(v.told.fresh(list)) }

func (v *applyText) Begin(total int) { v.progress = newReportProgress(v.Output, total) }

func (v *applyText) AccountStarted(p *engine.AccountPlan) { v.progress.AccountStarted(p) }

func (v *applyText) AccountDone(o engine.Outcome) { v.progress.AccountDone(o) }

// Finish says why what failed did, and what a human has to do, each once, and
// ends with the counts, the line that is looked for.
func (v *applyText) Finish(s *engine.Summary) {
	if v.progress != nil {
		v.progress.Close()
	}
	explained := map[string]bool{}
	for _, o := range s.Outcomes {
		if !o.NotBegun {
			fresh := v.told.fresh(o.Diagnostics)
			v.Output.Diagnostics(fresh)
			explained[o.Address] = o.Blocker == nil && fresh.HasErrors()
		}
	}
	v.Diagnostics(notBegun(s))
	p := planPrinter{Stream: v.Out, now: v.Now()}
	var known []string
	for _, result := range []engine.Result{engine.Failed, engine.Blocked} {
		for _, o := range s.Outcomes {
			switch {
			case o.Result != result || o.NotBegun || explained[o.Address]:
			case o.Blocker == nil:
				known = append(known, o.Address)
			default:
				v.outcome(p, o)
			}
		}
	}
	if len(known) > 0 {
		p.printf("\n")
		p.paragraph(2, "Failed as shown above: "+nameSome(known)+".")
	}
	title, paint := "Apply complete:", p.style().green
	// An error that is about no account, or about one with nothing to do,
	// counts too.
	if v.told.errors || s.Count(engine.Failed) > 0 {
		title, paint = "Apply incomplete:", p.style().red
	}
	p.printf("\n")
	p.closing(title, paint, applyCounts(s))
}

// namedAccounts is how many of the accounts that were not started are named.
const namedAccounts = 3

// notBegun tells in one diagnostic of the accounts that a run which was told to
// stop did not come to: of thousands, one for each would hide everything else.
func notBegun(s *engine.Summary) diag.List {
	var names []string
	for _, o := range s.Outcomes {
		if o.NotBegun {
			names = append(names, o.Address)
		}
	}
	if len(names) == 0 {
		return nil
	}
	return diag.List{diag.Errorf(Plural(len(names), "account")+" not started", "The run was told to stop before it reached %s. Run apply again.", nameSome(names))}
}

// nameSome names the first few of a list, and how many more there are.
func nameSome(names []string) string {
	if more := len(names) - namedAccounts; more > 0 {
		names = append(slices.Clone(names[:namedAccounts]), fmt.Sprintf("%d more", more))
	}
	return strings.Join(names, ", ")
}

// told remembers the diagnostics that were shown: what a plan found, the work
// on an account finds again.
type told struct {
	seen   map[[3]string]bool
	errors bool
}

// fresh returns those that were not shown before.
func (t *told) fresh(list diag.List) diag.List {
	if t.seen == nil {
		t.seen = make(map[[3]string]bool)
	}
	var fresh diag.List
	for _, d := range list {
		key := [3]string{d.Summary, d.Detail, d.Address}
		if !t.seen[key] {
			t.seen[key] = true
			t.errors = t.errors || d.Severity == diag.Error
			fresh = append(fresh, d)
		}
	}
	return fresh
}

// outcome reports one account that needs a human. What the plan has just told at length
// is not told again.
func (v *applyText) outcome(p planPrinter, o engine.Outcome) {
	st := p.style()
	p.printf("\n  %s %s  %s\n", st.red("!"), st.bold(clean(o.Address)), st.red(needsHuman(o.Blocker.Reason)))
	if v.shown[o.Address] == o.Blocker.Message {
		p.printf("      As shown above.\n")
		return
	}
	p.paragraph(6, diag.Sentence(o.Blocker.Message))
	p.remedy(o.Blocker.Reason, cmp.Or(o.Blocker.Address, o.Address), !o.Blocker.CodeSentAt.IsZero())
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
	if n := s.Count(engine.Failed) - s.NotBegun(); n > 0 {
		parts = append(parts, fmt.Sprintf("%d failed", n))
	}
	if n := s.NotBegun(); n > 0 {
		parts = append(parts, fmt.Sprintf("%d not started", n))
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

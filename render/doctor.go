package render

import (
	"fmt"
	"strings"

	"github.com/credsync/credsync/doctor"
	"github.com/credsync/credsync/plan"
)

// listedOK is how many checks of each group that are ok are listed one by one; JSON
// has all.
const listedOK = 12

// Doctor shows what a doctor found.
func (o *Output) Doctor(r doctor.Report, asJSON bool) {
	if asJSON {
		o.doctorJSON(r)
		return
	}
	p := planPrinter{Stream: o.Out, now: o.Now()}
	for _, g := range doctor.Groups {
		p.checks(g, r)
	}
	p.printf("%s\n", wrap(doctorSummary(r), 0, p.width()))
}

// checks prints a group: what is wrong first, each with what to do.
func (p planPrinter) checks(g doctor.Group, r doctor.Report) {
	var wrong, fine []doctor.Check
	for _, c := range r.Checks {
		switch {
		case c.Group != g:
		case c.Outcome == doctor.OK:
			fine = append(fine, c)
		default:
			wrong = append(wrong, c)
		}
	}
	if len(wrong)+len(fine) == 0 {
		return
	}
	p.printf("%s\n", p.style().bold(strings.ToUpper(string(g[:1]))+string(g[1:])))
	more := 0
	if len(fine) > listedOK {
		more, fine = len(fine)-listedOK, fine[:listedOK]
	}
	for _, c := range append(wrong, fine...) {
		p.doctorCheck(c)
	}
	if more > 0 {
		p.printf("  %s %d more are ok\n", p.outcome(doctor.OK), more)
	}
	p.printf("\n")
}

// outcomeWidth is that of the longest outcome.
const outcomeWidth = len("warning")

// outcome is the word that each line begins with.
func (p planPrinter) outcome(o doctor.Outcome) string {
	st, text := p.style(), padRight(string(o), outcomeWidth)
	switch o {
	case doctor.OK:
		return st.green(text)
	case doctor.Warning:
		return st.yellow(text)
	case doctor.Failed:
		return st.red(text)
	}
	return text
}

// doctorCheck prints one check; lines of its message after the first, such as a
// policy, stay as they are.
func (p planPrinter) doctorCheck(c doctor.Check) {
	const indent = 2 + outcomeWidth + 1
	first, rest, _ := strings.Cut(c.Message, "\n")
	text := first
	if c.Subject != "" {
		text = c.Subject + ": " + first
	}
	body := wrap(clean(text), indent, p.width())
	p.printf("  %s %s\n", p.outcome(c.Outcome), strings.TrimLeft(body, " "))
	for line := range strings.Lines(rest) {
		p.printf("%s%s\n", strings.Repeat(" ", indent+2), clean(strings.TrimRight(line, "\n")))
	}
	advice, command := doctorRemedy(c)
	if advice != "" {
		p.paragraph(indent, "-> "+advice)
	}
	if command != "" {
		p.printf("%s%s\n", strings.Repeat(" ", indent+3), command)
	}
}

// doctorRemedy is a check's advice, and the command that it ends with.
func doctorRemedy(c doctor.Check) (advice, command string) {
	if c.Blocker == nil {
		if c.Command != nil {
			command = "credsync"
		}
		for _, arg := range c.Command {
			command += " " + quoteArgument(arg)
		}
		return c.Remedy, command
	}
	address := c.Subject
	if c.Blocker.Address != "" {
		address = c.Blocker.Address
	}
	advice, command = remedy(c.Blocker.Reason, address, !c.Blocker.CodeSentAt.IsZero())
	if advice == "" {
		return "", command
	}
	return strings.ToUpper(advice[:1]) + advice[1:], command
}

// doctorSummary is "Project payments: 2 failed, 1 warning, 11 ok."
func doctorSummary(r doctor.Report) string {
	var words []string
	for _, o := range []doctor.Outcome{doctor.Failed, doctor.Warning, doctor.Skipped, doctor.OK} {
		n := r.Count(o)
		switch {
		case n == 0:
		case o == doctor.Warning:
			words = append(words, Plural(n, "warning"))
		default:
			words = append(words, fmt.Sprintf("%d %s", n, o))
		}
	}
	text := strings.Join(words, ", ") + "."
	if r.Project != "" {
		text = "Project " + clean(r.Project) + ": " + text
	}
	if r.Offline {
		text += " No server was contacted (--offline)."
	}
	return text
}

// doctorCheckJSON is one check of doctor --json. Every field is present.
type doctorCheckJSON struct {
	Group   doctor.Group   `json:"group"`
	Subject string         `json:"subject"`
	Outcome doctor.Outcome `json:"outcome"`
	Human   bool           `json:"human"`
	Message string         `json:"message"`
	Remedy  *string        `json:"remedy"`
	Command *string        `json:"command"`
	Reason  *plan.Reason   `json:"reason"`
}

func (o *Output) doctorJSON(r doctor.Report) {
	d := struct {
		FormatVersion string                 `json:"format_version"`
		Project       string                 `json:"project"`
		Offline       bool                   `json:"offline"`
		Checks        []doctorCheckJSON      `json:"checks"`
		Summary       map[doctor.Outcome]int `json:"summary"`
	}{plan.FormatVersion, r.Project, r.Offline, []doctorCheckJSON{}, map[doctor.Outcome]int{}}
	for _, outcome := range doctor.Outcomes {
		d.Summary[outcome] = r.Count(outcome)
	}
	for _, c := range r.Checks {
		one := doctorCheckJSON{
			Group:   c.Group,
			Subject: c.Subject,
			Outcome: c.Outcome,
			Human:   c.Human,
			Message: c.Message,
		}
		advice, command := doctorRemedy(c)
		if advice != "" {
			one.Remedy = &advice
		}
		if command != "" {
			one.Command = &command
		}
		if c.Blocker != nil {
			one.Reason = &c.Blocker.Reason
		}
		d.Checks = append(d.Checks, one)
	}
	o.indentedJSON(d)
}

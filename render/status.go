package render

import (
	"fmt"
	"strings"
	"time"

	"github.com/credsync/credsync/plan"
)

// StatusOptions say how the status is shown.
type StatusOptions struct {
	// JSON prints the document as it is.
	JSON bool
	// Details shows every clock and every target of each account.
	Details bool
	// Monitor begins with the line that monitoring systems read.
	Monitor bool
}

// NewStatus returns the view of the status command.
func NewStatus(o *Output, options StatusOptions) PlanView {
	if options.JSON {
		return documentJSON{o}
	}
	return statusText{o, options}
}

type statusText struct {
	*Output
	StatusOptions
}

func (v statusText) Show(d plan.Document) {
	if v.Monitor {
		v.Out.printf("%s\n\n", monitorLine(d))
	}
	v.Diagnostics(d.Diagnostics)
	if d.Diagnostics.HasErrors() && len(d.Accounts) == 0 {
		return
	}
	if len(d.Accounts) == 0 {
		v.Out.printf("Project %s declares no accounts.\n", clean(d.Project))
		return
	}
	out, flush := v.Out.buffered()
	defer flush()
	p := planPrinter{Stream: out, now: v.Now()}
	accounts := byHealth(d.Accounts)
	if v.Details {
		for _, a := range accounts {
			p.status(a, true)
		}
	} else {
		p.attention(accounts)
	}
	p.table(accounts)
	p.printf("\n")
	p.schedule(d)
	p.statusLine(d)
}

// row is one line of the table; its cells after the address have a fixed order.
type row struct {
	health  plan.Health
	address string
	cells   [5]string
}

func (p planPrinter) table(accounts []plan.DocumentAccount) {
	rows := p.rows(accounts, stateWord)
	first, widths, wrapped := p.layOut(rows)
	if 4*wrapped > len(rows) {
		// Rather than give so many accounts two lines, leave the reasons out.
		rows = p.rows(accounts, shortStateWord)
		first, widths, _ = p.layOut(rows)
	}
	for i, r := range rows {
		p.writeRow(r, first, widths, i == 0)
	}
}

// rows are the heading and a row for each account, whose state is told by a word
// of the caller's choice.
func (p planPrinter) rows(accounts []plan.DocumentAccount, state func(plan.DocumentAccount) string) []row {
	rows := make([]row, 0, len(accounts)+1)
	rows = append(rows, row{address: "ACCOUNT", cells: [5]string{"STATE", "EXPIRES", "ROTATES", "HUMAN BY", "TARGETS"}})
	for _, a := range accounts {
		r := p.row(a)
		r.cells[0] = state(a)
		rows = append(rows, r)
	}
	return rows
}

// layOut returns the widths of the columns, that of the addresses first, and how
// many addresses are too long for theirs.
func (p planPrinter) layOut(rows []row) (first int, widths [5]int, wrapped int) {
	longest := 0
	for _, r := range rows {
		longest = max(longest, columns(r.address))
		for i, c := range r.cells {
			widths[i] = max(widths[i], columns(c))
		}
	}
	rest := 2
	for _, w := range widths {
		rest += w + 2
	}
	first = max(min(longest, p.width()-rest), len("ACCOUNT"))
	for _, r := range rows {
		if columns(r.address) > first {
			wrapped++
		}
	}
	return first, widths, wrapped
}

// writeRow prints a row; an address too long for its column has a line of its own.
func (p planPrinter) writeRow(r row, first int, widths [5]int, heading bool) {
	st := p.style()
	before := st.health(r.health, mark(r.health)) + " "
	address := r.address
	if columns(address) > first {
		p.printf("%s%s\n", before, address)
		before, address = "  ", ""
	}
	var b strings.Builder
	for i, c := range r.cells {
		b.WriteString("  ")
		padded := padRight(c, widths[i])
		if i == 0 {
			padded = st.health(r.health, padded)
		}
		b.WriteString(padded)
	}
	line := padRight(address, first) + strings.TrimRight(b.String(), " ")
	if heading {
		line = st.bold(line)
	}
	p.printf("%s%s\n", before, line)
}

func (p planPrinter) row(a plan.DocumentAccount) row {
	return row{
		health:  a.Health,
		address: strings.TrimPrefix(clean(a.Address), "account."),
		cells: [5]string{
			"",
			expiryCell(a, p.now),
			rotationCell(a, p.now),
			humanCell(a, p.now),
			targetsCell(a),
		},
	}
}

// stateWord is the reason of an account with nothing to do, and otherwise what
// apply would do; the reason of a block stands above the table.
func stateWord(a plan.DocumentAccount) string {
	switch a.Action {
	case plan.None:
		return string(a.Reason)
	case plan.BlockedAction:
		return string(a.Action)
	}
	return fmt.Sprintf("%s (%s)", a.Action, a.Reason)
}

// shortStateWord leaves the reason of an action out.
func shortStateWord(a plan.DocumentAccount) string {
	if a.Action == plan.None {
		return string(a.Reason)
	}
	return string(a.Action)
}

func expiryCell(a plan.DocumentAccount, now time.Time) string {
	switch {
	case a.ExpiresAt != nil:
		return relativeTime(*a.ExpiresAt, now)
	case a.IssuedAt != nil:
		return "never"
	}
	return "-"
}

func rotationCell(a plan.DocumentAccount, now time.Time) string {
	switch {
	case a.RotateAt == nil:
		return "-"
	case a.RotateAt.After(now):
		return relativeTime(*a.RotateAt, now)
	}
	return "due"
}

func humanCell(a plan.DocumentAccount, now time.Time) string {
	switch {
	case a.HumanNeededBy == nil:
		return "-"
	case a.HumanNeededBy.After(now):
		return relativeTime(*a.HumanNeededBy, now)
	}
	return "now"
}

// targetsCell is how many targets hold the token, of how many.
func targetsCell(a plan.DocumentAccount) string {
	held := 0
	for _, t := range a.Targets {
		if t.Action == plan.None && t.Reason == plan.Current {
			held++
		}
	}
	return fmt.Sprintf("%d/%d", held, len(a.Targets))
}

// schedule tells the next runs.
func (p planPrinter) schedule(d plan.Document) {
	if d.Schedule == nil {
		return
	}
	p.paragraph(0, scheduleText(d, p.now))
}

// scheduleText leaves the day out of what runs today.
func scheduleText(d plan.Document, now time.Time) string {
	if len(d.NextRuns) == 0 {
		return fmt.Sprintf("Schedule %s: never runs.", *d.Schedule)
	}
	runs := make([]string, len(d.NextRuns))
	for i, at := range d.NextRuns {
		layout := "2006-01-02 15:04"
		if at.UTC().Format(time.DateOnly) == now.UTC().Format(time.DateOnly) {
			layout = "15:04"
		}
		runs[i] = at.UTC().Format(layout)
	}
	at := runs[0]
	if len(runs) > 1 {
		at += "; then at " + strings.Join(runs[1:], ", ")
	}
	return fmt.Sprintf("Schedule %s: next run %s, at %s UTC.", *d.Schedule, relativeTime(d.NextRuns[0], now), at)
}

// statusLine is looked for first by those who read from the end.
func (p planPrinter) statusLine(d plan.Document) {
	title := fmt.Sprintf("Project %s, %s:", clean(d.Project), exactTime(p.now))
	p.closing(title, func(text string) string { return p.style().health(d.Worst(), text) }, healthCounts(d.Accounts)+".")
}

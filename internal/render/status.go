package render

import (
	"fmt"
	"strings"
	"time"

	"github.com/credsync/credsync/plan"
)

// NewStatus returns the view of the status command.
func NewStatus(o *Output, asJSON bool) PlanView {
	if asJSON {
		return documentJSON{o}
	}
	return statusText{o}
}

type statusText struct{ *Output }

func (v statusText) Show(d plan.Document) {
	v.Diagnostics(d.Diagnostics)
	if d.Diagnostics.HasErrors() && len(d.Accounts) == 0 {
		return
	}
	if len(d.Accounts) == 0 {
		v.Out.printf("Project %s declares no account.\n", clean(d.Project))
		return
	}
	p := planPrinter{Stream: v.Out, now: v.Now()}
	p.blockers(d.Accounts)
	p.table(d.Accounts)
	p.printf("\n%s\n", statusLine(d))
}

// blockers come first: they are what a person reads status for.
func (p planPrinter) blockers(accounts []plan.DocumentAccount) {
	st := p.style()
	for _, a := range accounts {
		if a.Blocker == nil {
			continue
		}
		p.printf("%s %s  %s\n", st.red("!"), st.bold(clean(a.Address)), st.red(needs(a.Blocker.Reason)))
		p.blocker(a)
		p.printf("\n")
	}
}

// row is one line of the table; its last cells have a fixed order.
type row struct {
	address string
	action  plan.Action
	cells   [4]string
}

func (p planPrinter) table(accounts []plan.DocumentAccount) {
	rows := make([]row, 0, len(accounts)+1)
	rows = append(rows, row{address: "ACCOUNT", cells: [4]string{"STATE", "EXPIRES", "ROTATES", "TARGETS"}})
	for _, a := range accounts {
		rows = append(rows, p.row(a))
	}
	var widths [4]int
	longest := 0
	for _, r := range rows {
		longest = max(longest, columns(r.address))
		for i, c := range r.cells {
			widths[i] = max(widths[i], columns(c))
		}
	}
	rest := 0
	for _, w := range widths {
		rest += w + 2
	}
	first := max(min(longest, p.width()-rest), len("ACCOUNT"))
	for i, r := range rows {
		p.writeRow(r, first, widths, i == 0)
	}
}

// writeRow prints a row; an address too long for its column has a line of its own.
func (p planPrinter) writeRow(r row, first int, widths [4]int, heading bool) {
	address := r.address
	if columns(address) > first {
		p.printf("%s\n", address)
		address = ""
	}
	var b strings.Builder
	for i, c := range r.cells {
		b.WriteString("  ")
		padded := padRight(c, widths[i])
		if i == 0 {
			padded = p.style().action(r.action, padded)
		}
		b.WriteString(padded)
	}
	line := padRight(address, first) + strings.TrimRight(b.String(), " ")
	if heading {
		line = p.style().bold(line)
	}
	p.printf("%s\n", line)
}

func (p planPrinter) row(a plan.DocumentAccount) row {
	held := 0
	for _, t := range a.Targets {
		if t.Action == plan.None && t.Reason == plan.Current {
			held++
		}
	}
	return row{
		address: strings.TrimPrefix(clean(a.Address), "account."),
		action:  a.Action,
		cells: [4]string{
			stateWord(a),
			expiryCell(a, p.now),
			rotationCell(a, p.now),
			fmt.Sprintf("%d/%d", held, len(a.Targets)),
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

func expiryCell(a plan.DocumentAccount, now time.Time) string {
	switch {
	case a.ExpiresAt != nil:
		return relative(*a.ExpiresAt, now)
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
		return relative(*a.RotateAt, now)
	}
	return "due"
}

func statusLine(d plan.Document) string {
	busy, blocked, idle := group(d.Accounts)
	current := 0
	for _, a := range idle {
		if a.Reason == plan.Current {
			current++
		}
	}
	line := fmt.Sprintf("Project %s: %s, %d current, %d due", clean(d.Project), plural(len(d.Accounts), "account"), current, len(busy))
	if len(blocked) > 0 {
		line += fmt.Sprintf(", %d blocked", len(blocked))
	}
	return line + "."
}

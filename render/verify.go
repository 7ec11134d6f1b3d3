package render

import (
	"cmp"
	"fmt"
	"strings"
	"time"

	"github.com/credsync/credsync/engine"
	"github.com/credsync/credsync/plan"
	"github.com/credsync/credsync/schema/diag"
)

// VerifyView shows how far the verify command has got and what it found.
type VerifyView interface {
	engine.CheckObserver
	// Show is called once, after all AccountChecked.
	Show(project string, checks []engine.Check, list diag.List)
}

// NewVerify returns the view of the verify command.
func NewVerify(o *Output, asJSON bool) VerifyView {
	if asJSON {
		return verifyJSON{o}
	}
	return &verifyText{Output: o}
}

type verifyJSON struct{ *Output }

// CheckBegun and AccountChecked show nothing: the one object has all.
func (verifyJSON) CheckBegun(int)              {}
func (verifyJSON) AccountChecked(engine.Check) {}

// checkJSON is one account of verify --json. Every field is present.
type checkJSON struct {
	Address   string                `json:"address"`
	Provider  string                `json:"provider"`
	Finding   engine.Finding        `json:"finding"`
	Message   string                `json:"message"`
	Blocker   *plan.DocumentBlocker `json:"blocker"`
	IssuedAt  *time.Time            `json:"issued_at"`
	ExpiresAt *time.Time            `json:"expires_at"`
	CheckedAt *time.Time            `json:"checked_at"`
}

func (v verifyJSON) Show(project string, checks []engine.Check, list diag.List) {
	d := struct {
		FormatVersion string                 `json:"format_version"`
		Project       string                 `json:"project"`
		Accounts      []checkJSON            `json:"accounts"`
		Summary       map[engine.Finding]int `json:"summary"`
		Diagnostics   diag.List              `json:"diagnostics"`
	}{plan.FormatVersion, project, []checkJSON{}, map[engine.Finding]int{}, notNil(list)}
	for _, f := range engine.Findings {
		d.Summary[f] = 0
	}
	for _, c := range checks {
		d.Summary[c.Finding]++
		a := checkJSON{
			Address: c.Address, Provider: c.Provider, Finding: c.Finding, Message: c.Message,
			IssuedAt: plan.Time(c.IssuedAt), ExpiresAt: plan.Time(c.ExpiresAt), CheckedAt: plan.Time(c.At),
		}
		if b := c.Blocker; b != nil {
			a.Blocker = engine.DocumentBlocker(c.Address, b)
		}
		d.Accounts = append(d.Accounts, a)
	}
	v.indentedJSON(d)
}

type verifyText struct {
	*Output
	progress *Progress
}

func (v *verifyText) CheckBegun(total int) { v.progress = NewProgress(v.Output, total) }

func (v *verifyText) AccountChecked(c engine.Check) { v.progress.AccountChecked(c) }

func (v *verifyText) Show(project string, checks []engine.Check, list diag.List) {
	if v.progress != nil {
		v.progress.Close()
	}
	v.Diagnostics(list)
	if checks == nil && list.HasErrors() {
		return
	}
	p := planPrinter{Stream: v.Out, now: v.Now()}
	width := 0
	for _, c := range checks {
		width = max(width, columns(strings.TrimPrefix(clean(c.Address), "account.")))
	}
	for _, c := range checks {
		p.check(c, min(width, p.width()-40))
	}
	if len(checks) > 0 {
		p.printf("\n")
	}
	p.printf("%s\n", wrap(fmt.Sprintf("Project %s: %s.", clean(project), findingCounts(checks)), 0, p.width()))
}

// check prints one account, and under one that is not good what to do.
func (p planPrinter) check(c engine.Check, width int) {
	st := p.style()
	symbol, paint := " ", st.green
	if !c.Good() {
		symbol, paint = "!", st.red
	}
	address := strings.TrimPrefix(clean(c.Address), "account.")
	if columns(address) > width {
		p.printf("%s %s\n", paint(symbol), address)
		symbol, address = " ", ""
	}
	line := padRight(address, width) + "  " + paint(string(c.Finding))
	if c.Good() && !c.ExpiresAt.IsZero() {
		line += ", expires " + relativeTime(c.ExpiresAt, p.now)
	}
	p.printf("%s %s\n", paint(symbol), line)
	if c.Good() && c.Blocker != nil {
		p.paragraph(6, fmt.Sprintf("The next login %s.", needsHuman(c.Blocker.Reason)))
	}
	if c.Good() {
		return
	}
	p.paragraph(6, explanation(c, p.now))
	if c.Blocker == nil {
		return
	}
	if c.Blocker.Message != c.Message {
		p.paragraph(6, diag.Sentence(c.Blocker.Message))
	}
	p.remedy(c.Blocker.Reason, cmp.Or(c.Blocker.Address, c.Address), !c.Blocker.CodeSentAt.IsZero())
}

// explanation says what is wrong and, where no human is needed, what to do.
func explanation(c engine.Check, now time.Time) string {
	next, then := "", "credsync apply gets a new one."
	switch c.Finding {
	case engine.TokenMissing:
		next, then = "There is no token yet.", "credsync apply gets one."
	case engine.TokenExpired:
		next = "The token expired " + relativeTime(c.ExpiresAt, now) + "."
	case engine.TokenOutdated:
		next = "The configuration has changed since this token was issued, so the token was not checked."
	case engine.TokenRejected:
		next = "The upstream rejects the token."
	case engine.TokenUnclear:
		return "The upstream gave no clear answer. " + diag.Sentence(c.Message) + " Try again later."
	default:
		return diag.Sentence(c.Message)
	}
	if c.Message != "" {
		next += " " + diag.Sentence(c.Message)
	}
	if c.Blocker == nil {
		next += " " + then
	}
	return next
}

// findingCounts is "3 accounts, 2 valid, 1 rejected".
func findingCounts(checks []engine.Check) string {
	n := map[engine.Finding]int{}
	for _, c := range checks {
		n[c.Finding]++
	}
	text := Plural(len(checks), "account")
	for _, f := range engine.Findings {
		if n[f] > 0 {
			text += fmt.Sprintf(", %d %s", n[f], f)
		}
	}
	return text
}

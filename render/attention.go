package render

import (
	"cmp"
	"fmt"
	"strings"
	"time"

	"github.com/credsync/credsync/plan"
	"github.com/credsync/credsync/providers"
	"github.com/credsync/credsync/schema/diag"
)

// The clocks that only a person can wind up.
const (
	clientCertificate = plan.ClockName(providers.ClientCertificate)
	staticToken       = plan.ClockName(providers.StaticToken)
)

// listedAttention is how many accounts are described at length; the table has all.
const listedAttention = 20

// attention comes first: it is what a person reads status for. What could not
// be looked at is told by diagnostics.
func (p planPrinter) attention(accounts []plan.DocumentAccount) {
	told := 0
	for _, a := range accounts {
		if !needsAttention(a) {
			continue
		}
		if told++; told <= listedAttention {
			p.status(a, false)
		}
	}
	if more := told - listedAttention; more > 0 {
		p.paragraph(0, fmt.Sprintf("%d more need attention: the table lists them, and --details or --target ADDR shows more.", more))
		p.printf("\n")
	}
}

func needsAttention(a plan.DocumentAccount) bool {
	return a.Health == plan.Critical || a.Health == plan.Warn || failing(a)
}

// failing reports whether a run has tried in vain what is still to be done, though no
// human is needed.
func failing(a plan.DocumentAccount) bool {
	return a.LastFailure != nil && a.Blocker == nil && a.Health != plan.Unknown
}

// status reports one account: how it is, why, until when, and what to do; in
// full also what is well.
func (p planPrinter) status(a plan.DocumentAccount, full bool) {
	const width = len("client certificate")
	st := p.style()
	words := string(a.Health)
	switch {
	case a.Blocker != nil:
		words = needsHuman(a.Blocker.Reason)
	case full, a.Health == plan.OK:
		words = stateWord(a)
	}
	p.printf("%s %s  %s\n", st.health(a.Health, mark(a.Health)), st.bold(clean(a.Address)), st.health(a.Health, words))
	p.why(a)
	p.lastFailure(a)
	p.about(a.Description, "description", width)
	p.about(a.Contact, "contact", width)
	for _, c := range a.Clocks {
		if full || c.At != nil && (c.Human || c.Name == plan.AccessToken) {
			p.fact(clockWords(c.Name), clockText(c, p.now), width)
		}
	}
	p.fact("human needed by", momentText(a.HumanNeededBy, p.now), width)
	if b := a.Blocker; b != nil && b.Since != nil && (a.HumanNeededBy == nil || !b.Since.Equal(*a.HumanNeededBy)) {
		p.fact("blocked since", momentText(b.Since, p.now), width)
	}
	if full {
		p.fact("next rotation", momentText(a.RotateAt, p.now), width)
		p.fact("last verified", momentText(a.VerifiedAt, p.now), width)
		for _, t := range a.Targets {
			p.target(a, t)
		}
	}
	p.whatToDo(a)
	p.printf("\n")
}

// why is the blocker's message where there is one: it says most.
func (p planPrinter) why(a plan.DocumentAccount) {
	switch {
	case a.Blocker != nil:
		p.paragraph(6, diag.Sentence(a.Blocker.Message))
	case a.HealthMessage != nil:
		p.paragraph(6, diag.Sentence(*a.HealthMessage))
	default:
		p.paragraph(6, diag.Sentence(a.Message))
	}
}

// lastFailure tells why what is to be done has not been done yet. Where a human is
// needed, that is why.
func (p planPrinter) lastFailure(a plan.DocumentAccount) {
	if f := a.LastFailure; f != nil && failing(a) {
		p.paragraph(6, "The last run failed, "+exactAndRelative(f.At, p.now)+": "+diag.Sentence(f.Message))
	}
}

func (p planPrinter) whatToDo(a plan.DocumentAccount) {
	switch {
	case a.Blocker != nil:
		p.advice(remedy(a.Blocker.Reason, cmp.Or(a.Blocker.Address, a.Address), a.Blocker.CodeSentAt != nil))
	case needsAttention(a):
		p.advice(remedyOfWarning(a, p.now))
	}
}

// about prints what the configuration says of an account for people.
func (p planPrinter) about(text *string, name string, width int) {
	if text == nil {
		return
	}
	lines := wrap(clean(*text), 6+width+2, p.width())
	p.printf("      %s  %s\n", padRight(name, width), strings.TrimLeft(lines, " "))
}

// fact is one line, or none where there is nothing to say.
func (p planPrinter) fact(name, text string, width int) {
	if text != "" {
		p.printf("      %s  %s\n", padRight(name, width), text)
	}
}

func momentText(at *time.Time, now time.Time) string {
	if at == nil {
		return ""
	}
	return exactAndRelative(*at, now)
}

func clockText(c plan.DocumentClock, now time.Time) string {
	since := ""
	if c.Since != nil {
		since = "since " + c.Since.UTC().Format(time.DateOnly)
	}
	switch {
	case c.At == nil:
		return fmt.Sprintf("%s, %s", since, relativeTime(*c.Since, now))
	case c.Name == staticToken && since == "":
		return fmt.Sprintf("replace by %s, %s", c.At.UTC().Format(time.DateOnly), relativeTime(*c.At, now))
	case c.Name == staticToken:
		return fmt.Sprintf("%s, replace by %s, %s", since, c.At.UTC().Format(time.DateOnly), relativeTime(*c.At, now))
	case c.At.After(now):
		return "expires " + exactAndRelative(*c.At, now)
	}
	return "expired " + exactAndRelative(*c.At, now)
}

// remedyOfWarning says what fixes an account that no upstream blocks.
func remedyOfWarning(a plan.DocumentAccount, now time.Time) (advice, command string) {
	for _, c := range a.Clocks {
		if !c.Human || c.At == nil || c.At.Sub(now) > plan.HumanNotice {
			continue
		}
		switch c.Name {
		case clientCertificate:
			return "have the upstream issue a new certificate, put it into the configuration and run apply.", ""
		case staticToken:
			return "create a new token at the upstream, put it into the configuration and run apply.", ""
		}
	}
	if a.Action == plan.None {
		return "", ""
	}
	if a.LastFailure != nil {
		return "fix it if needed, then try again, or leave it to the next run:", "credsync apply --target " + quoteArgument(a.Address)
	}
	return "find out why no run has done this, or do it now:", "credsync apply --target " + quoteArgument(a.Address)
}

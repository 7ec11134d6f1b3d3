package doctor

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/credsync/credsync/config"
	"github.com/credsync/credsync/engine"
	"github.com/credsync/credsync/failure"
	"github.com/credsync/credsync/plan"
	"github.com/credsync/credsync/schema/diag"
)

// accounts looks at the credentials, and at what the state remembers of them.
// No upstream is asked. Without a state there are only the credentials.
func (d *doctor) accounts(ctx context.Context, state bool) {
	if !d.Whole || d.Engine == nil {
		d.add(Check{Group: Accounts, Subject: "credentials", Outcome: Skipped, Message: "not looked at: the configuration depends on values that could not be read"})
		return
	}
	if !state {
		if !d.Offline {
			d.add(Check{Group: Targets, Subject: "owners", Outcome: Skipped, Message: "whose the targets are is not known without the state"})
		}
		for _, a := range d.enabled() {
			d.inspect(a)
		}
		return
	}
	d.within(ctx, func(ctx context.Context) {
		// Of one account and target after the other; what is not done by then
		// is told as such.
		p := d.Engine.Plan(ctx, engine.Request{Offline: true})
		d.planned(ctx, p)
	})
}

func (d *doctor) planned(ctx context.Context, p *engine.Plan) {
	configured := map[string]*config.Account{}
	for _, a := range d.enabled() {
		configured[a.Address] = a
	}
	told, linted := map[string]bool{}, d.linted()
	for _, one := range p.Diagnostics {
		if configured[one.Address] == nil || one.Summary == engine.TokenInEmergencyFile || one.Summary == engine.StateUnreadable || linted[lint{one.Address, one.Summary}] || d.expected(one, configured[one.Address]) {
			continue
		}
		told[one.Address] = true
		d.add(ofDiagnostic(Accounts, one))
	}
	for _, ap := range p.Accounts {
		a := configured[ap.Address]
		switch {
		case a == nil:
		case ap.Reason == plan.Unreadable && !told[ap.Address]:
			d.inspect(a)
		case ap.Reason != plan.Unreadable:
			d.owned(ap)
			d.standing(ap, told[ap.Address])
		}
	}
	if ctx.Err() != nil {
		d.add(Check{Group: Accounts, Subject: "all of them", Outcome: Failed, Message: fmt.Sprintf("could not be looked at within %s", d.Timeout), Remedy: "Give each check more time with --timeout."})
	}
}

// lint is a warning about the schedule, of which configuration tells.
type lint struct{ address, summary string }

func (d *doctor) linted() map[lint]bool {
	found := map[lint]bool{}
	for _, one := range engine.Lint(d.Config, d.Now()) {
		found[lint{one.Address, one.Summary}] = true
	}
	return found
}

// expected reports whether it tells of a target whose sink is known to be of no
// use.
func (d *doctor) expected(one diag.Diagnostic, a *config.Account) bool {
	for _, t := range a.Deliveries {
		if d.Gate.Down(t.Sink) != nil && one.Range != nil && t.Range != nil && one.Range.String() == t.Range.String() {
			return true
		}
	}
	return false
}

// standing says how an account's credentials stand.
func (d *doctor) standing(ap *engine.AccountPlan, told bool) {
	if b := ap.Blocker; b != nil && b.Reason != plan.TargetNotOwned {
		d.add(Check{Group: Accounts, Subject: ap.Address, Outcome: Failed, Human: true, Message: fmt.Sprintf("blocked (%s): %s", b.Reason, b.Message), Blocker: b})
		return
	}
	if told {
		return
	}
	var ends []string
	for _, c := range ap.Clocks {
		if c.Human && !c.At.IsZero() {
			ends = append(ends, lasts(string(c.Name), c.At))
		}
	}
	d.add(sound(ap.Address, ends))
}

// inspect looks at credentials alone, where there is nothing else to look at.
func (d *doctor) inspect(a *config.Account) {
	clocks, findings, err := d.Engine.Inspect(a)
	if err != nil {
		c := Check{Group: Accounts, Subject: a.Address, Outcome: Failed, Message: err.Error()}
		var e *failure.Error
		if errors.As(err, &e) {
			c.Remedy = e.Advice
		}
		d.add(c)
		return
	}
	for _, f := range findings {
		c := Check{Group: Accounts, Subject: a.Address, Outcome: Warning, Message: f.Summary, Remedy: diag.Sentence(f.Detail)}
		if f.Blocked != "" {
			c.Outcome, c.Human = Failed, true
		}
		d.add(c)
	}
	if len(findings) > 0 {
		return
	}
	var ends []string
	for _, c := range clocks {
		if c.Human && !c.At.IsZero() {
			ends = append(ends, lasts(string(c.Name), c.At))
		}
	}
	d.add(sound(a.Address, ends))
}

func lasts(name string, end time.Time) string {
	return strings.ReplaceAll(name, "_", " ") + " until " + day(end)
}

func sound(address string, ends []string) Check {
	message := "nothing is known against its credentials"
	if len(ends) > 0 {
		message += ", " + strings.Join(ends, ", ")
	}
	return Check{Group: Accounts, Subject: address, Outcome: OK, Message: message}
}

// placed is an account with the place of its block.
func placed(ap *engine.AccountPlan) string {
	if ap.Range == nil {
		return ap.Address
	}
	return fmt.Sprintf("%s (%s:%d)", ap.Address, ap.Range.Filename, ap.Range.Start.Line)
}

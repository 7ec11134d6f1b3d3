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

// checkAccounts looks at the credentials, and at what the state remembers of them.
// No upstream is asked. Without a state there are only the credentials.
func (d *doctor) checkAccounts(ctx context.Context, state bool) {
	if !d.Whole || d.Engine == nil {
		d.add(Check{Group: Accounts, Subject: "credentials", Outcome: Skipped, Message: "not checked: the configuration depends on values that could not be read"})
		return
	}
	if !state {
		if !d.Offline {
			d.add(Check{Group: Targets, Subject: "owners", Outcome: Skipped, Message: "the owners of the targets are unknown without the state"})
		}
		for _, a := range d.enabledAccounts() {
			d.inspectCredentials(a)
		}
		return
	}
	d.boundedInTime(ctx, func(ctx context.Context) {
		// Of one account and target after the other; what is not done by then
		// is told as such.
		p := d.Engine.Plan(ctx, engine.Request{Offline: true})
		d.checkPlan(ctx, p)
	})
}

func (d *doctor) checkPlan(ctx context.Context, p *engine.Plan) {
	configured := map[string]*config.Account{}
	for _, a := range d.enabledAccounts() {
		configured[a.Address] = a
	}
	told, linted := map[string]bool{}, d.scheduleWarnings()
	for _, one := range p.Diagnostics {
		if configured[one.Address] == nil || one.Summary == engine.TokenInEmergencyFile ||
			one.Summary == engine.StateUnreadable ||
			linted[scheduleWarning{one.Address, one.Summary}] ||
			d.knownFromSink(one, configured[one.Address]) {
			continue
		}
		told[one.Address] = true
		d.add(checkOfDiagnostic(Accounts, one))
	}
	for _, ap := range p.Accounts {
		a := configured[ap.Address]
		switch {
		case a == nil:
		case ap.Reason == plan.Unreadable && !told[ap.Address]:
			d.inspectCredentials(a)
		case ap.Reason != plan.Unreadable:
			d.checkOwners(ap)
			d.checkCredentials(ap, told[ap.Address])
		}
	}
	if ctx.Err() != nil {
		d.add(Check{Group: Accounts, Subject: "all of them", Outcome: Failed, Message: fmt.Sprintf("could not be checked within %s", d.Timeout), Remedy: "Allow more time with --timeout."})
	}
}

// scheduleWarning is a warning about the schedule, of which configuration tells.
type scheduleWarning struct{ address, summary string }

func (d *doctor) scheduleWarnings() map[scheduleWarning]bool {
	found := map[scheduleWarning]bool{}
	for _, one := range engine.Lint(d.Config, d.Now()) {
		found[scheduleWarning{one.Address, one.Summary}] = true
	}
	return found
}

// knownFromSink reports whether it is about a target whose sink is known to be of no
// use.
func (d *doctor) knownFromSink(one diag.Diagnostic, a *config.Account) bool {
	for _, t := range a.Deliveries {
		if d.Gate.Down(t.Sink) != nil && one.Range != nil && t.Range != nil && one.Range.String() == t.Range.String() {
			return true
		}
	}
	return false
}

// checkCredentials says how an account's credentials stand.
func (d *doctor) checkCredentials(ap *engine.AccountPlan, told bool) {
	if b := ap.Blocker; b != nil && b.Reason != plan.TargetNotOwned && b.Reason != plan.UnreachableHere {
		d.add(
			Check{
				Group:   Accounts,
				Subject: ap.Address,
				Outcome: Failed,
				Human:   true,
				Message: fmt.Sprintf("blocked (%s): %s", b.Reason, b.Message),
				Blocker: b,
			},
		)
		return
	}
	if told {
		return
	}
	var ends []string
	for _, c := range ap.Clocks {
		if c.Human && !c.At.IsZero() {
			ends = append(ends, expiryText(string(c.Name), c.At))
		}
	}
	d.add(healthyAccount(ap.Address, ends))
}

// inspectCredentials looks at credentials alone, where there is nothing else to look at.
func (d *doctor) inspectCredentials(a *config.Account) {
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
		c := Check{
			Group:   Accounts,
			Subject: a.Address,
			Outcome: Warning,
			Message: f.Summary,
			Remedy:  diag.Sentence(f.Detail),
		}
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
			ends = append(ends, expiryText(string(c.Name), c.At))
		}
	}
	d.add(healthyAccount(a.Address, ends))
}

func expiryText(name string, end time.Time) string {
	return strings.ReplaceAll(name, "_", " ") + " until " + dateText(end)
}

func healthyAccount(address string, ends []string) Check {
	message := "no known problem with its credentials"
	if len(ends) > 0 {
		message += ", " + strings.Join(ends, ", ")
	}
	return Check{Group: Accounts, Subject: address, Outcome: OK, Message: message}
}

// addressWithPlace is an account with the place of its block.
func addressWithPlace(ap *engine.AccountPlan) string {
	if ap.Range == nil {
		return ap.Address
	}
	return fmt.Sprintf("%s (%s:%d)", ap.Address, ap.Range.Filename, ap.Range.Start.Line)
}

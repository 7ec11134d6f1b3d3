package doctor

import (
	"fmt"
	"time"

	"github.com/credsync/credsync/config"
	"github.com/credsync/credsync/engine"
	"github.com/credsync/credsync/plan"
	"github.com/credsync/credsync/schema/diag"
)

// checkConfiguration says whether it could be read, and whether its schedule serves
// its accounts.
func (d *doctor) checkConfiguration() {
	list := d.Loading
	if d.Config != nil {
		list = append(append(diag.List{}, list...), engine.Lint(d.Config, d.Now())...)
	}
	for _, one := range list {
		d.add(checkOfDiagnostic(Configuration, one))
	}
	if d.Config == nil {
		return
	}
	if !d.Loading.HasErrors() {
		d.add(
			Check{
				Group:   Configuration,
				Subject: "configuration",
				Outcome: OK,
				Message: fmt.Sprintf(
					"valid (%s, project %s)",
					counted(len(d.Config.Accounts), "account"),
					d.Config.Project,
				),
			},
		)
	}
	if d.Config.Schedule == "" || len(list) > len(d.Loading) {
		return
	}
	message := "serves every account"
	if next, err := plan.NextRuns(d.Config.Schedule, d.Now(), 1); err == nil && len(next) > 0 {
		message += ", next run at " + next[0].Format("2006-01-02 15:04 MST")
	}
	d.add(Check{Group: Configuration, Subject: "schedule " + d.Config.Schedule, Outcome: OK, Message: message})
}

// checkOfDiagnostic makes a check of a diagnostic: its detail says what to do.
func checkOfDiagnostic(g Group, from diag.Diagnostic) Check {
	c := Check{Group: g, Subject: from.Address, Outcome: Warning, Message: from.Summary, Remedy: from.Detail}
	if from.Severity == diag.Error {
		c.Outcome = Failed
	}
	if from.Range != nil {
		place := fmt.Sprintf("%s:%d", from.Range.Filename, from.Range.Start.Line)
		if c.Subject == "" {
			c.Subject = place
		} else {
			c.Message += " (" + place + ")"
		}
	}
	return c
}

func counted(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

// enabledAccounts are the accounts that credsync works on.
func (d *doctor) enabledAccounts() (list []*config.Account) {
	for _, a := range d.Config.Accounts {
		if a.Enabled {
			list = append(list, a)
		}
	}
	return list
}

// dateText is how dates are told.
func dateText(t time.Time) string { return t.UTC().Format(time.DateOnly) }

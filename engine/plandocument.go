package engine

import (
	"cmp"
	"time"

	"github.com/credsync/credsync/plan"
	"github.com/credsync/credsync/schema/diag"
)

// Document returns the plan as it is printed in JSON and saved.
func Document(p *Plan) plan.Document {
	d := plan.Document{
		FormatVersion: plan.FormatVersion, Project: p.Project,
		State: p.State, Sinks: append([]plan.DocumentSink{}, p.Sinks...),
		Accounts: make([]plan.DocumentAccount, 0, len(p.Accounts)), Summary: make(map[plan.Action]int),
		Diagnostics: append(diag.List{}, p.Diagnostics...), NextRuns: append([]time.Time{}, p.NextRuns...),
	}
	if p.Schedule != "" {
		d.Schedule = &p.Schedule
	}
	for _, a := range plan.Actions {
		d.Summary[a] = 0
	}
	for _, ap := range p.Accounts {
		d.Summary[ap.Action]++
		d.Accounts = append(d.Accounts, documentAccount(ap))
	}
	d.Health = d.Worst()
	return d
}

func documentAccount(ap *AccountPlan) plan.DocumentAccount {
	a := plan.DocumentAccount{
		Address: ap.Address, Provider: ap.Provider,
		Action: ap.Action, Reason: ap.Reason, Message: ap.Message,
		IssuedAt: plan.Time(ap.IssuedAt), ExpiresAt: plan.Time(ap.ExpiresAt),
		RotateAt: plan.Time(ap.RotateAt), VerifiedAt: plan.Time(ap.VerifiedAt),
		HumanNeededBy: plan.Time(ap.HumanNeededBy), Health: ap.Health,
		SecretHosts: ap.SecretHosts, UpstreamChanged: ap.UpstreamChanged,
		Clocks: []plan.DocumentClock{}, Targets: []plan.DocumentTarget{},
	}
	if ap.HealthMessage != "" {
		a.HealthMessage = &ap.HealthMessage
	}
	for _, c := range ap.Clocks {
		a.Clocks = append(
			a.Clocks,
			plan.DocumentClock{Name: c.Name, Since: plan.Time(c.Since), At: plan.Time(c.At), Human: c.Human},
		)
	}
	if b := ap.Blocker; b != nil {
		a.Blocker = DocumentBlocker(ap.Address, b)
	}
	a.Description, a.Contact = nonEmpty(ap.Description), nonEmpty(ap.Contact)
	if f := ap.LastFailure; f != nil {
		a.LastFailure = &plan.DocumentFailure{At: f.At.UTC(), Message: f.Message}
	}
	for _, t := range ap.Targets {
		a.Targets = append(a.Targets, plan.DocumentTarget(t))
	}
	return a
}

// nonEmpty is nil for "".
func nonEmpty(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

// DocumentBlocker returns a block as it is printed in JSON; address is the
// account that it stands in the way of.
func DocumentBlocker(address string, b *plan.Block) *plan.DocumentBlocker {
	return &plan.DocumentBlocker{
		Reason: b.Reason, Message: b.Message, Since: plan.Time(b.Since),
		Address: cmp.Or(b.Address, address), CodeSentAt: plan.Time(b.CodeSentAt),
	}
}

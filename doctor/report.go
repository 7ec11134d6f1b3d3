// Package doctor finds out why credsync could not do its work: it looks at the
// configuration, the upstreams, the sinks, the state, the targets and the
// credentials, and says of each what is wrong and what to do. It logs in to no
// upstream and changes nothing.
//
// Each check is bounded in time and stands for itself, so that it works also
// where everything is down.
package doctor

import (
	"cmp"
	"slices"
	"strings"

	"github.com/credsync/credsync/plan"
)

// Outcome says how a check ended.
type Outcome string

// The outcomes.
const (
	OK      Outcome = "ok"
	Warning Outcome = "warning"
	Failed  Outcome = "failed"
	// Skipped checks could not be made for a reason that another check tells.
	Skipped Outcome = "skipped"
)

// Outcomes are all of them, in the order in which they are counted.
var Outcomes = []Outcome{OK, Warning, Failed, Skipped}

// Group is what checks are about.
type Group string

// The groups.
const (
	Configuration Group = "configuration"
	Clock         Group = "clock"
	Upstreams     Group = "upstreams"
	Sinks         Group = "sinks"
	State         Group = "state"
	Targets       Group = "targets"
	Accounts      Group = "accounts"
	Audit         Group = "audit"
	Notify        Group = "notify"
)

// Groups are all of them, in the order in which they are shown: what others
// depend on comes first.
var Groups = []Group{Configuration, Clock, Upstreams, Sinks, State, Targets, Accounts, Audit, Notify}

// Check is one thing that was looked at.
type Check struct {
	Group Group
	// Subject is what it was: a host, a sink, a place, an address.
	Subject string
	Outcome Outcome
	// Human says of a failed check that nothing is broken except for what a person
	// has to do at an upstream or decide about a target.
	Human bool
	// Message says what was found; Remedy what to do about it, in sentences, ""
	// where there is nothing to do.
	Message, Remedy string
	// Command are the arguments of the credsync command that Remedy ends with;
	// nil where there is none.
	Command []string
	// Blocker is why an account needs a human; nil for others. It says what to
	// do in place of Remedy and Command.
	Blocker *plan.Block
}

// Report is what a doctor found.
type Report struct {
	Project string
	// Offline says that no server was contacted.
	Offline bool
	// Checks are ordered by group, and within one by subject.
	Checks []Check
}

// Count returns how many checks ended so.
func (r Report) Count(o Outcome) (n int) {
	for _, c := range r.Checks {
		if c.Outcome == o {
			n++
		}
	}
	return n
}

// Broken reports whether something failed that more than a person's decision
// has to fix; Human whether a person is needed.
func (r Report) Broken() bool {
	return slices.ContainsFunc(r.Checks, func(c Check) bool { return c.Outcome == Failed && !c.Human })
}

// Human reports whether a person is needed.
func (r Report) Human() bool {
	return slices.ContainsFunc(r.Checks, func(c Check) bool { return c.Outcome == Failed && c.Human })
}

// dropRepeated drops checks that passed if another check of the same place did not, and
// orders the rest.
func (r *Report) dropRepeated() {
	type place struct {
		group   Group
		subject string
	}
	failed := map[place]bool{}
	for _, c := range r.Checks {
		failed[place{c.Group, c.Subject}] = failed[place{c.Group, c.Subject}] || c.Outcome == Failed
	}
	r.Checks = slices.DeleteFunc(r.Checks, func(c Check) bool {
		return c.Group == Targets && c.Outcome == OK && failed[place{c.Group, c.Subject}]
	})
	order := map[Group]int{}
	for i, g := range Groups {
		order[g] = i
	}
	slices.SortStableFunc(r.Checks, func(a, b Check) int {
		return cmp.Or(cmp.Compare(order[a.Group], order[b.Group]), strings.Compare(a.Subject, b.Subject))
	})
}

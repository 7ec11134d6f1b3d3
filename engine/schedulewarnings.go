package engine

import (
	"fmt"
	"time"

	"github.com/credsync/credsync/config"
	"github.com/credsync/credsync/plan"
	"github.com/credsync/credsync/schema/diag"
)

// nextRuns is how many runs of the schedule a plan names.
const nextRuns = 3

// Lint says which accounts of a configuration its schedule and its windows
// cannot serve, by what the upstreams' documents say of their tokens. It
// contacts nothing; values of the configuration may be unknown.
func Lint(cfg *config.Config, now time.Time) diag.List {
	// What is wrong with the schedule itself was said when it was read.
	gap, _ := plan.LongestGap(cfg.Schedule, now)
	var list diag.List
	for _, a := range cfg.Accounts {
		if !a.Enabled {
			continue
		}
		life := plan.Life{Lifetime: documentedLifetime(a), Documented: true, RotateBefore: a.RotateBefore, RunsEvery: gap}
		for _, w := range life.Warnings() {
			list = append(list, diag.Warningf(w.Summary, "%s", w.Detail).About(a.Address, a.Range))
		}
	}
	return foldInstances(list)
}

// documentedLifetime is 0 where the provider's document does not tell.
func documentedLifetime(a *config.Account) time.Duration {
	if a.Spec.Lifetime == nil {
		return 0
	}
	return a.Spec.Lifetime(a.Values)
}

// foldInstances keeps one of the warnings that say the same of several
// instances of one block: ten thousand of them would bury the rest.
func foldInstances(list diag.List) diag.List {
	type key struct {
		summary, detail string
		place           diag.Range
	}
	first := make(map[key]int)
	more := make(map[int]int)
	var viewOnly diag.List
	for _, d := range list {
		if d.Severity != diag.Warning || d.Range == nil || d.Address == "" {
			viewOnly = append(viewOnly, d)
			continue
		}
		k := key{d.Summary, d.Detail, *d.Range}
		if i, ok := first[k]; ok {
			more[i]++
			continue
		}
		first[k] = len(viewOnly)
		viewOnly = append(viewOnly, d)
	}
	for i, n := range more {
		instances := "another instance"
		if n > 1 {
			instances = fmt.Sprintf("%d other instances", n)
		}
		viewOnly[i].Detail += " The same goes for " + instances + " of this block."
	}
	return viewOnly
}

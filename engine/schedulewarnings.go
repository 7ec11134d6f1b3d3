package engine

import (
	"fmt"
	"strings"
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
		life := plan.Life{
			Lifetime:     documentedLifetime(a),
			Documented:   true,
			RotateBefore: a.RotateBefore,
			RunsEvery:    gap,
		}
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

// foldInstances keeps one of the warnings that say the same of several accounts:
// ten thousand of them would bury the rest.
func foldInstances(list diag.List) diag.List {
	type key struct{ summary, detail string }
	first := make(map[key]int)
	same := make(map[int]*sameWarnings)
	var folded diag.List
	for _, d := range list {
		if d.Severity != diag.Warning || d.Range == nil || d.Address == "" {
			folded = append(folded, d)
			continue
		}
		k := key{d.Summary, d.Detail}
		i, ok := first[k]
		if !ok {
			first[k] = len(folded)
			folded = append(folded, d)
			continue
		}
		if same[i] == nil {
			same[i] = &sameWarnings{places: map[diag.Range]bool{*folded[i].Range: true}}
		}
		same[i].add(d, *folded[i].Range)
	}
	for i, s := range same {
		folded[i].Detail += s.String()
	}
	return folded
}

// sameWarnings are those that say what another one says.
type sameWarnings struct {
	// instances is how many are of the same block.
	instances int
	// others are addresses of other blocks, one each.
	others []string
	places map[diag.Range]bool
}

func (s *sameWarnings) add(d diag.Diagnostic, first diag.Range) {
	switch {
	case *d.Range == first:
		s.instances++
	case !s.places[*d.Range]:
		s.places[*d.Range] = true
		block, _, _ := strings.Cut(d.Address, "[")
		s.others = append(s.others, block)
	}
}

// mostOthers is how many other blocks are named.
const mostOthers = 5

func (s *sameWarnings) String() string {
	text := ""
	switch {
	case s.instances == 1:
		text = " The same applies to another instance of this block."
	case s.instances > 1:
		text = fmt.Sprintf(" The same applies to %d other instances of this block.", s.instances)
	}
	if len(s.others) == 0 {
		return text
	}
	named := strings.Join(s.others[:min(len(s.others), mostOthers)], ", ")
	if more := len(s.others) - mostOthers; more > 0 {
		named += fmt.Sprintf(" and %d more", more)
	}
	return text + " The same applies to " + named + "."
}

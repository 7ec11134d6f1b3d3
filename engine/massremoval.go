package engine

import (
	"fmt"
	"slices"

	"github.com/credsync/credsync/plan"
	"github.com/credsync/credsync/schema/diag"
)

// An apply that nobody looks at removes up to fewRemovals accounts, or a share of
// one in removalShare.
const fewRemovals, removalShare = 3, 4

// RemovesMany reports whether so many of the project's accounts would be removed that
// somebody should look: a table that became empty, or the wrong directory, looks
// like this.
func (p *Plan) RemovesMany() bool {
	return p.removals > fewRemovals && p.removals*removalShare > p.records
}

// removalAdvice says that many would be removed, and what to do.
func (p *Plan) removalAdvice() (summary, detail string) {
	return "Many accounts would be removed", fmt.Sprintf(
		"%d of the %d accounts in the state of project %s are not in the configuration. An empty table or the wrong directory can cause this. If they are to be removed, run: credsync apply --allow-removal",
		p.removals, p.records, p.Project)
}

// WithoutRemovals leaves the accounts that have gone as they are, and says so.
func (p *Plan) WithoutRemovals() diag.List {
	p.Accounts = slices.DeleteFunc(
		p.Accounts,
		func(ap *AccountPlan) bool { return ap.seen.account == nil && ap.Reason != plan.Moved },
	)
	summary, detail := p.removalAdvice()
	return diag.List{diag.Errorf(summary, "None was removed: %s", detail)}
}

// countRemovals counts the accounts of all shards that would be removed. What
// another account continues with, or takes over, is not removed.
func (p *Plan) countRemovals(e *Engine, ahead *readAhead) {
	for _, v := range ahead.views {
		p.records += v.Count()
	}
	if e.Config.Partial {
		return
	}
	kept := map[string]bool{}
	for _, ap := range p.Accounts {
		kept[ap.Address] = ap.seen.account == nil && (ap.Action == plan.None || ap.Action == plan.BlockedAction)
	}
	for _, g := range ahead.gone {
		if kept[g.of.address] {
			continue
		}
		taken := len(e.successors[g.of]) > 0
		for i := range g.snap.Record.Targets {
			taker, shares := ahead.places.takerOf(&g.snap.Record.Targets[i], nil)
			taken = taken || taker != nil && shares
		}
		if !taken {
			p.removals++
		}
	}
	if p.RemovesMany() {
		summary, detail := p.removalAdvice()
		p.Diagnostics = append(p.Diagnostics, diag.Warningf(summary, "%s", detail))
	}
}

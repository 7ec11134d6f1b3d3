package engine

import (
	"context"
	"sync"

	"github.com/credsync/credsync/sinks"
	"github.com/credsync/credsync/state"
)

// readAhead is what was seen of many accounts at once, in fewer requests than one
// by one. It serves a plan planOnly: what is done about an account later rests on
// compare-and-set, and on looking at it again where that fails.
type readAhead struct {
	// views are the records, by project; gone are those of accounts that are not in
	// the configuration.
	views map[string]*state.View
	gone  []goneRecord
	// places are what the targets are.
	places *places
	// index is what the records say of each place, once somebody has asked.
	indexOnce sync.Once
	index     map[sinks.Place][]recorded
	// infos has the targets that a sink reported without being asked for each.
	infos map[*target]sinks.Info
	// emergencies are the emergency files of all accounts.
	emergencies []string
}

func (g *readAhead) info(t *target) (sinks.Info, bool) {
	if g == nil {
		return sinks.Info{}, false
	}
	info, ok := g.infos[t]
	return info, ok
}

// statInBulk asks the sinks that can report many targets at once about those of
// the accounts.
func (e *Engine) statInBulk(ctx context.Context, accounts []*account) map[*target]sinks.Info {
	targets := make(map[sinks.BulkStatter][]*target)
	var order []sinks.BulkStatter
	for _, a := range accounts {
		if !a.cfg.Enabled {
			continue
		}
		for _, t := range a.targets {
			// A sink that cannot be made is reported by each account's own look.
			s, err := e.Sink(t.Sink)
			if err != nil {
				continue
			}
			statter, ok := s.(sinks.BulkStatter)
			if !ok {
				continue
			}
			if targets[statter] == nil {
				order = append(order, statter)
			}
			targets[statter] = append(targets[statter], t)
		}
	}
	infos := make(map[*target]sinks.Info, len(accounts))
	for _, statter := range order {
		chosen := targets[statter]
		places := make([]sinks.Target, len(chosen))
		for i, t := range chosen {
			places[i] = t.Target
		}
		statter.StatMany(ctx, places, func(i int, info sinks.Info) { infos[chosen[i]] = info })
	}
	return infos
}

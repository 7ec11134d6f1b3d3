package engine

import (
	"context"
	"slices"

	"github.com/credsync/credsync/sinks"
	"github.com/credsync/credsync/state"
)

// rival is the account of which a deliver block comes before this one and names the same
// target, by another sink block or another path, unless both merge into it; nil for
// none. Of those in one sink the configuration's check has told.
func (p *places) rival(t *target, at sinks.Place) *account {
	for _, a := range p.wantedBy[at] {
		for _, other := range a.targets {
			switch {
			case other.Delivery == t.Delivery:
				return nil
			case p.errs[other.Delivery] == nil && p.of[other.Delivery] == at && !(other.Target.Merge && t.Target.Merge):
				return a
			}
		}
	}
	return nil
}

// taker is who delivers to a place instead of an account; nil where nobody does.
func (p *places) taker(at sinks.Place, instead *account) *account {
	for _, a := range p.wantedBy[at] {
		if a != instead {
			return a
		}
	}
	return nil
}

// takerOf is who delivers to a recorded place instead of an account, and whether
// what is recorded is what it delivers. Of a place that is merged into only the keys
// that are recorded count.
func (p *places) takerOf(t *state.Target, instead *account) (taker *account, shares bool) {
	if !t.Merge {
		taker = p.taker(t.Place, instead)
		return taker, taker != nil
	}
	if len(p.unwantedKeys(t, instead)) > 0 {
		return nil, false
	}
	for _, a := range p.wantedBy[t.Place] {
		if a == instead {
			continue
		}
		for _, d := range a.targets {
			if p.of[d.Delivery] == t.Place && (!d.Target.Merge || shareKeys(d, t.Keys)) {
				return a, true
			}
		}
		taker = a
	}
	return taker, false
}

// unwantedKeys are the keys that were merged into a place and that nobody but
// perhaps one account still delivers there. Where it is not known which keys
// somebody delivers, there are none.
func (p *places) unwantedKeys(t *state.Target, but *account) []string {
	rest := slices.Clone(t.Keys)
	for _, a := range p.wantedBy[t.Place] {
		if a == but {
			continue
		}
		for _, d := range a.targets {
			if p.of[d.Delivery] != t.Place {
				continue
			}
			keys, known := d.Keys()
			if !known || !d.Target.Merge {
				return nil
			}
			rest = slices.DeleteFunc(rest, func(k string) bool { return slices.Contains(keys, k) })
		}
	}
	return rest
}

// shareKeys reports whether a target may have one of those keys.
func shareKeys(t *target, keys []string) bool {
	mine, known := t.Keys()
	return !known || slices.ContainsFunc(mine, func(k string) bool { return slices.Contains(keys, k) })
}

// holdsThere reports whether an account is known to hold its newest token at a place.
func (e *Engine) holdsThere(ctx context.Context, a *account, at sinks.Place, read recordReader) bool {
	snap, err := read(ctx, owner{e.Config.Project, a.cfg.Address})
	if err != nil || snap.Record == nil {
		return false
	}
	newest, entry := snap.Record.Newest(), snap.Record.Target(at)
	return newest != nil && entry != nil && entry.GrantID == newest.ID
}

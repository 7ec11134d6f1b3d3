package engine

import (
	"context"
	"fmt"

	"github.com/credsync/credsync/plan"
	"github.com/credsync/credsync/schema/diag"
	"github.com/credsync/credsync/state"
)

// removedPlace describes a place in the state that its account no longer delivers
// to.
func (e *Engine) removedPlace(ctx context.Context, o *observation, t *state.Target, read recordReader) plan.Target {
	pt := plan.Target{
		Place: string(t.Place), Sink: t.Sink, Location: t.Location, Recorded: true, Ours: true, Removed: true,
	}
	taker, shares := o.places.takerOf(t, o.account)
	// While a sink of its type does not tell its places, it may be wanted.
	pt.Wanted = taker != nil || o.places.unknownTypes[sinkType(t.Sink)]
	if taker != nil {
		pt.TakenBy = taker.cfg.Address
		pt.Awaited = shares && !e.holdsThere(ctx, taker, t.Place, read)
		return pt
	}
	if o.account == nil && !o.input.DeleteOnRemove {
		return pt // it is forgotten, wherever it is
	}
	to, found, err := e.reach(ctx, t)
	if err == nil && found && o.input.DeleteOnRemove && !pt.Wanted {
		pt.LeftAlone, err = e.leftAlone(ctx, o, to, t)
	}
	switch {
	case err != nil:
		pt.Unreadable = firstLine(err)
		if o.account == nil {
			o.diagnostics = append(
				o.diagnostics,
				diag.Errorf("A target could not be checked", "%s", diag.Sentence(err.Error())).
					About(o.input.Address, nil),
			)
		}
	case !found:
		// A sink block can have been renamed and pointed elsewhere since: of an account
		// that is still there only the last sink of the type is missed.
		pt.Unreachable, pt.NoSink = true, !e.hasSink(t.Sink) && (o.account == nil || len(e.sinksOfType(t.Sink)) == 0)
	}
	return pt
}

// leftAlone says why a place is not deleted though it was to be; "" where it is.
func (e *Engine) leftAlone(
	ctx context.Context,
	o *observation,
	to reached,
	entry *state.Target,
) (why string, err error) {
	info, err := to.opened.Stat(ctx, to.target)
	if err != nil {
		return "", fmt.Errorf("%s: %w", to.sink.Name, err)
	}
	if alreadyGone(info, markOf(o.record)) || entry.Merge && len(o.places.unwantedKeys(entry, o.account)) == 0 {
		return "", nil
	}
	return e.changedSince(ctx, o.record, to, info, entry), nil
}

// goneTargets are the places in the state that no deliver block names.
func (e *Engine) goneTargets(ctx context.Context, o *observation) []plan.Target {
	var gone []plan.Target
	for i := range o.record.Targets {
		rec := &o.record.Targets[i]
		if o.places.wants(o.account, rec.Place) {
			continue
		}
		if len(o.account.unplaced) > 0 {
			continue // it may be one of those
		}
		if !o.places.known(o.account) {
			// It may be one of those whose place is not known now.
			gone = append(gone, plan.Target{
				Place: string(
					rec.Place,
				), Sink: rec.Sink, Location: rec.Location, Recorded: true, Ours: true, Removed: true,
				Unreadable: "its sink cannot report its locations now",
			})
			continue
		}
		gone = append(gone, e.removedPlace(ctx, o, rec, e.reader(o.ahead)))
	}
	return gone
}

package engine

import (
	"context"
	"slices"
	"strings"

	"github.com/credsync/credsync/sinks"
	"github.com/credsync/credsync/state"
)

// ownership is whose a target is.
type ownership struct {
	ours bool
	// from is the account that gives it up, as people know it; "" for none.
	from string
	// predecessor is the same, to look up its record.
	predecessor *owner
	// former is the project of the owner's mark, where this one may once have been
	// that; "" otherwise.
	former string
	// othersKeys says that a write would take away keys that others merged into it.
	othersKeys bool
}

// ownership tells whose a target is. Where the sink marks owners the mark tells,
// and nothing else; where it cannot, the records of the project do.
func (e *Engine) ownership(
	ctx context.Context,
	o *observation,
	t *target,
	at sinks.Place,
	info sinks.Info,
	rec *state.Target,
) ownership {
	if rec != nil && rec.Merge && !t.Target.Merge && info.Exists && !e.holdsOnly(ctx, t, rec.Keys) {
		// Neither a mark that is older nor the record says whose the others are.
		return ownership{othersKeys: true}
	}
	if info.Owner != "" {
		w := e.ownershipByMark(o.account, o.places, t, at, info.Owner)
		if w.ours && t.Target.Merge && rec != nil && !rec.DeliveredAt.IsZero() {
			// What is merged into keeps the mark from before it was: it is taken
			// over once, and not at each apply.
			return ownership{ours: true}
		}
		return w
	}
	switch {
	case info.Marks:
		// Keys that were merged into it are no mark; that there are no others was
		// seen above.
		return ownership{ours: rec != nil && rec.Merge && !t.Target.Merge && info.Exists}
	case rec == nil:
		return e.ownershipByOthers(ctx, o, t, at, info)
	case !rec.DeliveredAt.IsZero():
		return ownership{ours: true}
	}
	// Claimed, and the run ended before its commit: what is there is ours if
	// it is what that run was about to write, or what another left that it was about
	// to write over.
	if info.Exists && e.holds(ctx, o.record.Key, t, rec) {
		return ownership{ours: true}
	}
	return e.ownershipByOthers(ctx, o, t, at, info)
}

// ownershipByMark tells it by a mark.
func (e *Engine) ownershipByMark(a *account, p *places, t *target, at sinks.Place, mark string) ownership {
	if mark == a.owner {
		return ownership{ours: true}
	}
	project, address, ok := strings.Cut(mark, "/")
	if !ok || !strings.HasPrefix(address, "account.") {
		return ownership{}
	}
	by := owner{project, address}
	if slices.Contains(e.projects(), project) {
		return e.givenUp(a, p, t, at, by)
	}
	return ownership{former: project}
}

// ownershipByOthers tells it by the records of the project's other accounts, at a sink that
// cannot mark.
func (e *Engine) ownershipByOthers(
	ctx context.Context,
	o *observation,
	t *target,
	at sinks.Place,
	info sinks.Info,
) ownership {
	if !info.Exists && !info.Unguarded && !info.Unseen {
		return ownership{}
	}
	if e.movedAlong(o, t, info) {
		return ownership{ours: true}
	}
	var shared ownership
	for _, r := range e.recordedAt(ctx, o.ahead, at) {
		if r.of == (owner{e.Config.Project, o.account.cfg.Address}) {
			continue
		}
		delivered := !r.entry.DeliveredAt.IsZero() || info.Exists && e.holds(ctx, r.key, t, &r.entry)
		if !delivered || r.entry.Merge && !t.Target.Merge && !e.holdsOnly(ctx, t, r.entry.Keys) {
			continue
		}
		if w := e.givenUp(o.account, o.places, t, at, r.of); w.ours {
			if t.Target.Merge && !shareKeys(t, r.entry.Keys) {
				// They have other keys there, and nothing is taken over from them.
				shared = ownership{ours: true}
				continue
			}
			return w
		}
	}
	return shared
}

// movedAlong reports whether a target is where it was known to be, and holds just
// what it was given, but for the directory that all is in: that was moved.
func (e *Engine) movedAlong(o *observation, t *target, info sinks.Info) bool {
	return info.Exists && !info.Marks && slices.ContainsFunc(o.record.Targets, func(was state.Target) bool {
		return sinkType(was.Sink) == t.Sink.Spec.Type && was.Location == t.Target.Location &&
			was.Version == info.Version &&
			t.Sink.Spec.Tree && len(o.places.wantedBy[was.Place]) == 0
	})
}

// givenUp tells whether a target that is, or was, another account's may be written:
// that account has gone, or delivers elsewhere now, or both merge into it.
func (e *Engine) givenUp(a *account, p *places, t *target, at sinks.Place, by owner) ownership {
	given := ownership{ours: true, from: by.of(e.Config.Project), predecessor: &by}
	other := e.byAddress[by.address]
	switch {
	case other == a, slices.Contains(e.sourcesOf[a], by):
		return given
	case other == nil && e.Config.Partial:
		// Another file may have it.
		return ownership{}
	case other == nil:
		return given
	case t.Target.Merge && p.wants(other, at):
		return ownership{ours: true}
	case p.wants(other, at) || !p.known(other):
		return ownership{}
	}
	return given
}

// recorded is what a record says of one place.
type recorded struct {
	of    owner
	key   []byte
	entry state.Target
}

// recordedAt is what the records of the project say of a place. They are all read for
// it, once for a plan: it is asked for only where something is in the way.
func (e *Engine) recordedAt(ctx context.Context, ahead *readAhead, at sinks.Place) []recorded {
	if ahead != nil {
		ahead.indexOnce.Do(func() { ahead.index = e.indexRecords(ctx, ahead) })
		return ahead.index[at]
	}
	return e.indexRecords(ctx, &readAhead{views: e.viewAll(ctx)})[at]
}

// viewAll looks at the records of the project, by each name that it has had.
func (e *Engine) viewAll(ctx context.Context) map[string]*state.View {
	views := map[string]*state.View{}
	for _, p := range e.projects() {
		views[p] = e.Store.For(p).View(ctx)
	}
	return views
}

func (e *Engine) indexRecords(ctx context.Context, ahead *readAhead) map[sinks.Place][]recorded {
	index := map[sinks.Place][]recorded{}
	for project, view := range ahead.views {
		// What cannot be read says nothing, and is reported elsewhere.
		snaps, _ := view.Others(ctx, nil)
		for _, snap := range snaps {
			for _, entry := range snap.Record.Targets {
				index[entry.Place] = append(
					index[entry.Place],
					recorded{owner{project, snap.Record.Address}, snap.Record.Key, entry},
				)
			}
		}
	}
	return index
}

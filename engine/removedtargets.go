package engine

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/credsync/credsync/audit"
	"github.com/credsync/credsync/config"
	"github.com/credsync/credsync/credential"
	"github.com/credsync/credsync/plan"
	"github.com/credsync/credsync/schema/diag"
	"github.com/credsync/credsync/sinks"
	"github.com/credsync/credsync/state"
)

// remove forgets what has gone from the configuration, and deletes it at the
// sinks where that was asked for.
func (r *run) remove(ctx context.Context) {
	if r.seen.heir != "" {
		// They are that account's now.
		r.seen.record.Targets = nil
	}
	if r.seen.account == nil && r.awaitsTakers(ctx) {
		return
	}
	removed := r.removeTargets(ctx)
	if !removed || r.seen.account != nil || len(r.seen.record.Targets) > 0 {
		// What is left cannot be reached from here.
		r.saveAndRelease(ctx)
		return
	}
	if !r.revokeRemoved(ctx) {
		r.saveAndRelease(ctx)
		return
	}
	if err := r.bequeath(ctx); err != nil {
		r.fail(r.failure("The account's record was kept: its remembered rejections could not be passed on", err))
		return
	}
	if err := r.e.Store.For(r.seen.record.Project).Delete(ctx, r.plan.Address, r.seen.version); err != nil {
		r.fail(r.failure("The state could not be removed", err))
		return
	}
	r.leased = false
	r.e.queueNoticesOfRemoval(r.seen.record)
}

// awaitsTakers reports whether an account that has gone has to be kept, since one
// that takes over a place of it does not hold its token there yet: with the record
// would go what is known of the place, and of rejected logins.
func (r *run) awaitsTakers(ctx context.Context) bool {
	for i := range r.seen.record.Targets {
		t := &r.seen.record.Targets[i]
		taker, shares := r.seen.places.takerOf(t, nil)
		if taker == nil || !shares || r.e.holdsThere(ctx, taker, t.Place, r.e.reader(nil)) {
			continue
		}
		r.plan.Action, r.plan.Reason = plan.None, plan.Moved
		r.plan.Message = "kept until " + taker.cfg.Address + " has taken over its targets"
		return true
	}
	return false
}

// removeTargets drops from the record the targets that no deliver block names
// any longer, and deletes those that were to be. It reports false where one
// could not be deleted; that one stays in the record.
//
// Before every wanted target holds the token, nothing is removed: an old place
// may be all that consumers have.
func (r *run) removeTargets(ctx context.Context) bool {
	if r.seen.account != nil && !r.allHoldToken() {
		return true
	}
	ok := true
	for _, t := range r.plan.Targets {
		if t.Action != plan.Forget && t.Action != plan.Delete {
			continue
		}
		entry := r.seen.record.Target(sinks.Place(t.Place))
		if entry == nil {
			continue
		}
		if t.Action == plan.Delete {
			if err := r.deleteTarget(ctx, *entry); err != nil {
				r.fail(r.failure("A target could not be deleted", err))
				ok = false
				continue
			}
		} else {
			if t.Reason == plan.TargetDrifted {
				r.warnLeftAlone(*entry, t.Message)
			}
			r.recordTarget("", audit.Forget, t.Sink, t.Location, credential.Secret{}, nil)
		}
		r.seen.record.DropTarget(sinks.Place(t.Place))
	}
	return ok
}

// allHoldToken reports whether every wanted target holds the newest token.
func (r *run) allHoldToken() bool {
	newest := r.seen.record.Newest()
	for i, t := range r.seen.account.targets {
		entry := r.seen.record.Target(r.seen.places.of[t.Delivery])
		if !r.writable(i) || entry == nil || newest == nil || entry.GrantID != newest.ID {
			return false
		}
	}
	return true
}

// deleteTarget deletes a place that only the state knows, unless it is not as this
// project has left it.
func (r *run) deleteTarget(ctx context.Context, entry state.Target) error {
	to, found, err := r.e.reach(ctx, &entry)
	switch {
	case err != nil:
		return err
	case !found:
		return fmt.Errorf("no sink block of the configuration points to %s %s; declare one again, under any name, for one apply, or delete the target by hand", entry.Sink, entry.Location)
	}
	if entry.Merge {
		// Of this process one at a time, so that none finds it changed.
		defer r.e.turnAt(entry.Place)()
	}
	info, err := to.opened.Stat(ctx, to.target)
	if err != nil {
		return fmt.Errorf("%s: %w", to.sink.Name, err)
	}
	keys := r.seen.places.unwantedKeys(&entry, r.seen.account)
	if alreadyGone(info, markOf(r.seen.record)) || entry.Merge && len(keys) == 0 {
		return nil
	}
	if why := r.e.changedSince(ctx, r.seen.record, to, info, &entry); why != "" {
		r.warnLeftAlone(entry, why)
		return nil
	}
	removal := sinks.Removal{If: info.Version}
	if entry.Merge {
		// But for what others of the configuration merge there too.
		removal.Keys = keys
	}
	return r.deleteRecorded(ctx, to.opened, to.target, removal, entry)
}

// markOf is what a record's account marks its places with.
func markOf(rec *state.Record) string { return rec.Project + "/" + rec.Address }

// alreadyGone reports whether nothing is left of a place that would have to be deleted.
func alreadyGone(info sinks.Info, mark string) bool {
	return !info.Exists && !info.Unseen && info.Owner != mark
}

// changedSince says in what a place is not as the record's account has left it; "" if
// in nothing. What bears our mark is ours at the version that we wrote, and softly
// deleted it is still there. Of a place that is merged into only our keys are ours,
// whatever version it is at.
func (e *Engine) changedSince(
	ctx context.Context,
	rec *state.Record,
	to reached,
	info sinks.Info,
	entry *state.Target,
) string {
	mark := markOf(rec)
	switch {
	case entry.Merge && e.claimedInVain(ctx, rec, to, entry):
		return "was written by someone else"
	case entry.Merge:
		return ""
	case info.Owner != "" && info.Owner != mark && !movedMark(rec, info.Owner):
		return "now belongs to " + info.Owner
	case info.Marks && info.Owner == "":
		return "no longer has the owner mark of credsync"
	case !info.Exists || info.Unseen:
		return ""
	case entry.DeliveredAt.IsZero() && info.Marks && entry.Version != "" && entry.Version == info.Version:
		// It was marked, and still holds what it was taken over with.
		return ""
	case e.claimedInVain(ctx, rec, to, entry):
		return "was written by someone else"
	case entry.DeliveredAt.IsZero():
		return ""
	case info.Version != entry.Version:
		return "was changed by someone else since credsync wrote it"
	}
	return ""
}

// claimedInVain reports whether a place was only claimed, and holds something else than
// was to be written.
func (e *Engine) claimedInVain(ctx context.Context, rec *state.Record, to reached, entry *state.Target) bool {
	t := &target{&config.Delivery{Sink: to.sink, Target: to.target}}
	return entry.DeliveredAt.IsZero() && !e.holds(ctx, rec.Key, t, entry)
}

// movedMark reports whether a mark is that of an account from which a record was moved.
func movedMark(rec *state.Record, mark string) bool {
	project, address, _ := strings.Cut(mark, "/")
	return slices.Contains(rec.Moved, owner{project, address}.id(rec.Project))
}

// deleteRecorded deletes a target, unless that cannot be recorded.
func (r *run) deleteRecorded(
	ctx context.Context,
	s sinks.Sink,
	t sinks.Target,
	removal sinks.Removal,
	entry state.Target,
) error {
	trail := r.audit()
	id, err := trail.begin(trail.event("", audit.Delete, credential.Secret{}, nil).OfTarget(entry.Sink, entry.Location))
	if err != nil {
		return err
	}
	err = s.Delete(ctx, t, removal)
	r.recordTarget(id, audit.Delete, entry.Sink, entry.Location, credential.Secret{}, err)
	if err != nil {
		return fmt.Errorf("%s: %w", entry.Sink, err)
	}
	return nil
}

func (r *run) warnLeftAlone(entry state.Target, why string) {
	r.fail(diag.Warningf("A target was left alone", "%s %s %s.", entry.Sink, entry.Location, why).About(r.plan.Address, r.plan.Range))
}

// mostUnreachable bounds the places that a record keeps though no sink leads there: a
// runner that works in another directory each time would leave one behind at each run.
const mostUnreachable = 50

// forgetOldestUnreachable forgets the places that were delivered to longest ago, of
// those that cannot be reached from here.
func (r *run) forgetOldestUnreachable(rec *state.Record) {
	var left []*state.Target
	for _, t := range r.plan.Targets {
		if entry := rec.Target(sinks.Place(t.Place)); entry != nil && t.Reason == plan.UnreachableHere &&
			t.Action == plan.None {
			left = append(left, entry)
		}
	}
	if len(left) <= mostUnreachable {
		return
	}
	slices.SortFunc(left, func(a, b *state.Target) int { return a.DeliveredAt.Compare(b.DeliveredAt) })
	var oldest []sinks.Place
	for _, entry := range left[:len(left)-mostUnreachable] {
		oldest = append(oldest, entry.Place)
	}
	for _, p := range oldest {
		rec.DropTarget(p)
	}
}

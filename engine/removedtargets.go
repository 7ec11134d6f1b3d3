package engine

import (
	"context"
	"fmt"

	"github.com/credsync/credsync/audit"
	"github.com/credsync/credsync/config"
	"github.com/credsync/credsync/credential"
	"github.com/credsync/credsync/plan"
	"github.com/credsync/credsync/schema"
	"github.com/credsync/credsync/schema/diag"
	"github.com/credsync/credsync/sinks"
	"github.com/credsync/credsync/state"
)

// remove forgets what has gone from the configuration, and deletes it at the
// sinks where that was asked for.
func (r *run) remove(ctx context.Context) {
	removed := r.removeTargets(ctx)
	if !removed || r.seen.account != nil {
		r.saveAndRelease(ctx)
		return
	}
	if err := r.e.Store.Delete(ctx, r.plan.Address, r.seen.version); err != nil {
		r.fail(r.failure("The state could not be removed", err))
		return
	}
	r.leased = false
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
		if t.Reason != plan.Removed {
			continue
		}
		entry := r.seen.record.Target(t.Sink, t.Location)
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
			r.recordTarget("", audit.Forget, t.Sink, t.Location, credential.Secret{}, nil)
		}
		r.seen.record.DropTarget(t.Sink, t.Location)
	}
	return ok
}

// allHoldToken reports whether every wanted target holds the newest token.
func (r *run) allHoldToken() bool {
	newest := r.seen.record.Newest()
	for i, t := range r.seen.account.targets {
		entry := r.seen.record.Target(t.Sink.Name, t.Target.Location)
		if !r.writable(i) || entry == nil || newest == nil || entry.GrantID != newest.ID {
			return false
		}
	}
	return true
}

// deleteTarget deletes a place that only the state knows, unless it has become
// someone else's.
func (r *run) deleteTarget(ctx context.Context, entry state.Target) error {
	sink, err := r.e.sinkNamed(entry.Sink)
	if err != nil {
		return err
	}
	t, err := removedTarget(sink, entry)
	if err != nil {
		return err
	}
	s, err := r.e.Sink(sink)
	if err != nil {
		return err
	}
	info, err := s.Stat(ctx, t)
	if err != nil {
		return fmt.Errorf("%s: %w", entry.Sink, err)
	}
	owner := r.seen.record.Project + "/" + r.seen.record.Address
	switch {
	case !info.Exists && !info.Unseen && info.Owner == "":
		return nil
	case info.Owner != "" && info.Owner != owner && !entry.Merge:
		if info.Exists {
			r.warnLeftAlone(entry, "now belongs to "+info.Owner)
		}
		return nil
	case info.Owner == "" && entry.DeliveredAt.IsZero() && !r.e.holds(ctx, r.seen.record.Key, &target{Delivery: &config.Delivery{Sink: sink, Target: t}}, entry.Keys, entry.Digest):
		// It was only claimed, and what is there is not what was to be written.
		r.warnLeftAlone(entry, "was written by someone else")
		return nil
	}
	removal := sinks.Removal{If: info.Version}
	if entry.Merge {
		removal.Keys = entry.Keys
	}
	return r.deleteRecorded(ctx, s, t, removal, entry)
}

// deleteRecorded deletes a target, unless that cannot be recorded.
func (r *run) deleteRecorded(ctx context.Context, s sinks.Sink, t sinks.Target, removal sinks.Removal, entry state.Target) error {
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

func (e *Engine) sinkNamed(name string) (*config.Sink, error) {
	for _, s := range e.Config.Sinks {
		if s.Name == name {
			return s, nil
		}
	}
	return nil, fmt.Errorf("the sink %s is no longer in the configuration; put it back for one apply, or remove what was delivered there by hand", name)
}

// removedTarget makes the target that the record's options describe.
func removedTarget(sink *config.Sink, entry state.Target) (sinks.Target, error) {
	values, err := schema.DecodeValues(&sink.Spec.Deliver, entry.Options)
	if err != nil {
		return sinks.Target{}, fmt.Errorf("find %s %s: %w", entry.Sink, entry.Location, err)
	}
	t, err := sink.Spec.Target(sink.Values, values)
	if err != nil {
		return sinks.Target{}, fmt.Errorf("find %s %s: %w", entry.Sink, entry.Location, err)
	}
	if t.Location != entry.Location {
		return sinks.Target{}, fmt.Errorf("find %s %s: the sink's block has changed, and the same options now mean %s; remove it by hand", entry.Sink, entry.Location, t.Location)
	}
	t.Merge = entry.Merge
	return t, nil
}

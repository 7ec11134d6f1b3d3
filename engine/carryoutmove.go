package engine

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/credsync/credsync/audit"
	"github.com/credsync/credsync/credential"
	"github.com/credsync/credsync/sinks"
	"github.com/credsync/credsync/state"
)

// carryOutMove brings the record that the account continues with to its address,
// before anything else is done with it, under the leases of both. The caller looks
// again afterwards, whatever came of it.
//
// At no moment is a token in no record: the new one is written before the old one
// goes. A run that is killed in between leaves two, of which the one that says that
// it was moved counts.
func (r *run) carryOutMove(ctx context.Context) error {
	m := r.seen.moving
	err := r.moveRecord(ctx, m)
	var wait errHeld
	switch {
	case err == nil:
		r.moved = m.from.of(r.e.Config.Project)
		return nil
	case errors.As(err, &wait):
		if r.impatient {
			r.heldUntil = r.e.Now().Add(wait.left)
			return fmt.Errorf("could not move the record of %s: another run (%s) is working on it", wait.of.address, wait.lease.Holder)
		}
		return r.awaitReleaseOf(ctx, wait.of, wait.lease)
	case errors.Is(err, sinks.ErrConflict):
		return nil
	}
	return fmt.Errorf("could not move the record of %s to %s: %w", m.from.address, r.plan.Address, err)
}

// errHeld says that another run has the lease of a record.
type errHeld struct {
	of    owner
	lease state.Lease
	left  time.Duration
}

func (e errHeld) Error() string { return "another run is working on " + e.of.address }

func (r *run) moveRecord(ctx context.Context, m *move) (err error) {
	self := owner{r.e.Config.Project, r.plan.Address}
	trail := r.audit()
	id, err := trail.begin(trail.event("", audit.Move, credential.Secret{}, nil).OfMove(m.from.id(self.project)))
	if err != nil {
		return err
	}
	defer func() {
		trail.record(trail.event(id, audit.Move, credential.Secret{}, err).OfMove(m.from.id(self.project)))
	}()
	first, second := self, m.from
	if m.exchange && m.from.address < self.address {
		// Both runs of an exchange take the leases in this order.
		first, second = second, first
	}
	held := map[owner]state.Snapshot{}
	defer func() { r.letGo(context.WithoutCancel(ctx), held) }()
	for _, of := range []owner{first, second} {
		snap, err := r.hold(ctx, of)
		if err != nil {
			return err
		}
		held[of] = snap
	}
	if m.exchange {
		return r.exchangeHeld(ctx, self, m.from, held)
	}
	return r.moveHeld(ctx, self, m.from, held)
}

// hold takes the lease of a record that is there, by compare-and-set. The record
// comes back as it was.
func (r *run) hold(ctx context.Context, of owner) (state.Snapshot, error) {
	store := r.e.Store.For(of.project)
	snap, err := store.Load(ctx, of.address)
	if err != nil || snap.Record == nil {
		return snap, err
	}
	if left := r.e.heldFor(snap.Record); left > 0 {
		return state.Snapshot{}, errHeld{of, *snap.Record.Lease, left}
	}
	leased := snap.Record.Clone()
	leased.Lease = r.e.newLease()
	snap.Version, err = store.Save(ctx, leased, snap.Version)
	return snap, err
}

// letGo ends the leases that are still held. One that stays runs out.
func (r *run) letGo(ctx context.Context, held map[owner]state.Snapshot) {
	for of, snap := range held {
		if snap.Record == nil {
			continue
		}
		rec := snap.Record.Clone()
		rec.Lease = nil
		if _, err := r.e.Store.For(of.project).Save(ctx, rec, snap.Version); err != nil {
			r.e.Log.Warn("the lease could not be released and will expire", "address", of.address, "error", err)
		}
	}
}

// put writes a record and keeps it as held.
func (r *run) put(ctx context.Context, rec *state.Record, held map[owner]state.Snapshot) error {
	of := owner{rec.Project, rec.Address}
	leased := rec.Clone()
	leased.Lease = r.e.newLease()
	version, err := r.e.Store.For(of.project).Save(ctx, leased, held[of].Version)
	if err != nil {
		return err
	}
	held[of] = state.Snapshot{Record: rec, Version: version}
	return nil
}

// drop removes a record that is held, if it is there.
func (r *run) drop(ctx context.Context, of owner, held map[owner]state.Snapshot) error {
	if held[of].Record == nil {
		return nil
	}
	if err := r.e.Store.For(of.project).Delete(ctx, of.address, held[of].Version); err != nil {
		return err
	}
	delete(held, of)
	return nil
}

func (r *run) moveHeld(ctx context.Context, self, from owner, held map[owner]state.Snapshot) error {
	own, theirs := held[self].Record, held[from].Record
	if theirs == nil || own != nil && own.Newest() != nil {
		return nil // another run has done it
	}
	rec := movedRecord(theirs, from, self)
	if own != nil {
		rec.Inherit(own)
	}
	if err := r.put(ctx, rec, held); err != nil {
		return err
	}
	return r.drop(ctx, from, held)
}

// exchangeHeld writes one record with the other's in keeping, then the other, and
// then takes out what was in keeping.
func (r *run) exchangeHeld(ctx context.Context, self, other owner, held map[owner]state.Snapshot) error {
	own, theirs := held[self].Record, held[other].Record
	x := exchangeOf(self, own, other, theirs)
	keeper := owner{}
	switch {
	case x.done:
		return nil
	case own != nil && own.Parked != nil:
		keeper = self
	case theirs != nil && theirs.Parked != nil:
		keeper = other
	case x.ours == nil || x.theirs == nil:
		return r.exchangeWithNobody(ctx, x, held)
	default:
		keeper = self
		parked := x.ours.Clone()
		parked.Parked = own
		if err := r.put(ctx, parked, held); err != nil {
			return err
		}
	}
	kept, rest := x.ours, x.theirs
	if keeper == other {
		kept, rest = rest, kept
	}
	if err := r.put(ctx, rest, held); err != nil {
		return err
	}
	return r.put(ctx, kept, held)
}

// exchangeWithNobody is for two accounts of which only one has a record.
func (r *run) exchangeWithNobody(ctx context.Context, x exchange, held map[owner]state.Snapshot) error {
	rec := x.ours
	if rec == nil {
		rec = x.theirs
	}
	if err := r.put(ctx, rec, held); err != nil {
		return err
	}
	for of := range held {
		if of.address != rec.Address {
			return r.drop(ctx, of, held)
		}
	}
	return nil
}

// Package admin is what people do to the state by hand: look into it, forget a
// record, end a lease.
package admin

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/credsync/credsync/audit"
	"github.com/credsync/credsync/internal/processid"
	"github.com/credsync/credsync/schema/address"
	"github.com/credsync/credsync/sinks"
	"github.com/credsync/credsync/state"
)

// Records inspects and repairs the state. It needs neither the accounts of the
// configuration nor any upstream, so that it works where they do not.
type Records struct {
	Store   *state.Store
	Project string
	Now     func() time.Time
	// Where tells the whereabouts of a lease's holder; see processid.WhereIs.
	Where func(holder string) processid.Whereabouts
	// Audit keeps the audit trail, in which Holder stands for this process; nil
	// for none.
	Audit  audit.Recorder
	Holder string
}

// Found is one record as it was found.
type Found struct {
	Address string
	// Record is nil where what is there cannot be understood: Damage says why.
	Record *state.Record
	Damage error

	version string
}

// List returns the records of the project in the order of their addresses. What
// cannot be read is in the errors and hides nothing else.
func (r *Records) List(ctx context.Context) ([]*state.Record, []error) {
	snaps, errs := r.Store.View(ctx).Others(ctx, nil)
	var records []*state.Record
	for _, s := range snaps {
		if s.Record.Project == r.Project {
			records = append(records, s.Record)
		}
	}
	slices.SortFunc(records, func(a, b *state.Record) int { return strings.Compare(a.Address, b.Address) })
	return records, errs
}

// Find returns the record of an account, given as address.Full takes it. A
// damaged one is found too. It is an error if there is none, or one of another
// project.
func (r *Records) Find(ctx context.Context, given string) (*Found, error) {
	account := address.Full(given)
	snap, err := r.Store.Load(ctx, account)
	if errors.Is(err, state.ErrCorrupt) && snap.Version == "" {
		// The sink could not read it at all. Its version is asked for before
		// it is read again, so that it is of what was found damaged.
		version, statErr := r.Store.Version(ctx, account)
		if statErr != nil {
			return nil, statErr
		}
		if snap, err = r.Store.Load(ctx, account); err != nil {
			snap.Version = version
		}
	}
	f := &Found{Address: account, Record: snap.Record, version: snap.Version}
	switch {
	case errors.Is(err, state.ErrCorrupt):
		f.Damage = err
		return f, nil
	case err != nil:
		return nil, err
	case snap.Record == nil:
		return nil, fmt.Errorf("the state has no record of %s; run credsync state list to see the records it has", account)
	case snap.Record.Project != r.Project:
		return nil, fmt.Errorf("the record of %s belongs to project %q, but this configuration is project %q; nothing was changed", account, snap.Record.Project, r.Project)
	}
	return f, nil
}

// Removable says why a record cannot be removed now; nil if it can.
func (r *Records) Removable(f *Found) error {
	if f.Record != nil && r.Held(f.Record.Lease) {
		return fmt.Errorf("%s is working on %s; wait for it to end. If that run is dead, end its lease with credsync state unlock", processid.Describe(f.Record.Lease.Holder), f.Address)
	}
	return nil
}

// Remove forgets a record, if it is still the one that was found and no run is
// working on its account. What was delivered stays where it is.
func (r *Records) Remove(ctx context.Context, f *Found) error {
	if err := r.Removable(f); err != nil {
		return err
	}
	return r.recorded(f, audit.StateRemove, func() error { return r.Store.Delete(ctx, f.Address, f.version) })
}

// Unlockable says why a record's lease cannot be ended; nil if it can, or if
// there is none. A holder that is known to be at work is a reason: ending the
// process is the way to end its lease.
func (r *Records) Unlockable(f *Found) error {
	switch {
	case f.Record == nil:
		return f.Damage
	case r.Held(f.Record.Lease) && r.Where(f.Record.Lease.Holder) == processid.Running:
		return fmt.Errorf("%s, on this machine, is working on %s; wait for it to end, or stop it, which also ends its lease", processid.Describe(f.Record.Lease.Holder), f.Address)
	}
	return nil
}

// Unlock ends the lease of a record, if it is still the one that was found.
func (r *Records) Unlock(ctx context.Context, f *Found) error {
	if err := r.Unlockable(f); err != nil || f.Record.Lease == nil {
		return err
	}
	rec := f.Record.Clone()
	rec.Lease = nil
	return r.recorded(f, audit.StateUnlock, func() error {
		_, err := r.Store.Save(ctx, rec, f.version)
		return err
	})
}

// recorded changes a record, with a line in the audit trail before it and one
// after. What could not be recorded before is not done.
func (r *Records) recorded(f *Found, action audit.Action, change func() error) error {
	if r.Audit == nil {
		return changedMeanwhile(f, change())
	}
	ev := r.event(f, action)
	if err := r.Audit.Record(ev); err != nil {
		return audit.NotTried(err)
	}
	err := change()
	ev.Time, ev.Outcome = r.Now(), audit.Done
	if err != nil {
		ev.Outcome, ev.Class = audit.Failed, state.FailureClass(err)
	}
	if lost := r.Audit.Record(ev); err == nil && lost != nil {
		return audit.UnrecordedAfter(lost)
	}
	return changedMeanwhile(f, err)
}

// event is about a record that is about to be changed, even a damaged one.
func (r *Records) event(f *Found, action audit.Action) audit.Event {
	ev := audit.Event{
		Time: r.Now(), ID: rand.Text(), Project: r.Project, Holder: r.Holder,
		Address: f.Address, Action: action, Outcome: audit.Started,
	}
	if f.Record == nil {
		ev.Provider = address.Provider(f.Address)
		return ev
	}
	ev.Provider = f.Record.Provider
	if g := f.Record.Newest(); g != nil {
		ev.Token = audit.TokenFingerprint(f.Record.Key, g.Token.Access)
	}
	return ev
}

// Held reports whether a lease keeps other runs off; false for nil.
func (r *Records) Held(l *state.Lease) bool {
	return l != nil && r.Now().Before(l.ExpiresAt) && r.Where(l.Holder) != processid.Gone
}

// LeaseEnds is when a lease is over if its holder does not write again. What a machine
// with another clock has written is believed for one life of a lease.
func (r *Records) LeaseEnds(l *state.Lease) time.Time {
	if latest := r.Now().Add(state.LeaseLife); l.ExpiresAt.After(latest) {
		return latest
	}
	return l.ExpiresAt
}

func changedMeanwhile(f *Found, err error) error {
	if errors.Is(err, sinks.ErrConflict) {
		return fmt.Errorf("another run has written the record of %s in the meantime, so nothing was done; check it and run the command again", f.Address)
	}
	return err
}

package engine

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/credsync/credsync/sinks"
	"github.com/credsync/credsync/state"
)

const (
	// persistPatience is for how long a write of the state is tried again;
	// deniedPatience where it is not out of reach, but refused, which seldom
	// passes by itself.
	persistPatience, deniedPatience = 10 * time.Minute, 10 * time.Second
	// persistPause grows from the first to the second between two tries.
	persistPause, persistLongestPause = time.Second, 15 * time.Second
	// persistTry bounds one try.
	persistTry = 15 * time.Second
)

// journal writes a new token to the state as pending, before anything else is
// done with it. If the state does not take it, it goes into an emergency file
// at once, and the state is tried again until the run is stopped.
//
// It reports false where the token must not be used further, having said why.
func (r *run) journal(ctx context.Context, g *state.Grant) bool {
	r.seen.record.Pending = g
	err := r.journalOnce(ctx)
	if err == nil {
		return true
	}
	if !isLostLease(err) {
		err = r.journalLate(ctx, err)
	}
	switch {
	case err == nil:
		return true
	case isLostLease(err):
		r.leased = false
		r.fail(r.failure("The lease was lost", err))
	default:
		r.fail(r.failure("The new token could not be journaled", err))
	}
	return false
}

// journalLate is for a state that did not take the token at once. An error says
// where the token is instead.
func (r *run) journalLate(ctx context.Context, err error) error {
	file, emergencyErr := r.e.writeEmergency(r.seen.record)
	if emergencyErr != nil {
		r.e.Log.Error("the emergency file could not be written; trying the state until this run is stopped", "address", r.plan.Address, "error", emergencyErr)
	} else {
		r.e.Log.Warn("the state did not take a new token; it is in an emergency file, and the state is tried again", "address", r.plan.Address, "file", file)
	}
	settled := func(err error) bool { return err == nil || isLostLease(err) }
	err = r.retryWrite(err, r.journalOnce)
	if !settled(err) && file == "" {
		// The run ends and nothing has the token: one last try of both. The
		// file is first, as a state that is out of reach takes its time.
		if file, emergencyErr = r.e.writeEmergency(r.seen.record); emergencyErr != nil {
			err = r.journalOnce(ctx)
		}
	}
	if settled(err) {
		removeEmergency(file)
		return err
	}
	return whereabouts(r.plan.Address, err, file, emergencyErr)
}

// whereabouts adds to an error of the state where the token is that it did not
// take: in an emergency file, or nowhere.
func whereabouts(address string, err error, file string, emergencyErr error) error {
	if file != "" {
		return fmt.Errorf("%w. The new token is safe in %s; once the state can be written, the next apply on this machine brings it back, as does: credsync state recover %s", err, file, file)
	}
	return fmt.Errorf("%w, and the emergency file could not be written either: %w. The new token is lost; log in again with: credsync apply --replace %s", err, emergencyErr, quote(address))
}

// lostLease is the error of a run that was held up until its lease ran out, so
// that another has taken the account over. Its token is where it belongs: in
// the journal, or given up for a newer one.
type lostLease struct{ detail string }

func (e lostLease) Error() string { return e.detail }

func isLostLease(err error) bool {
	var lost lostLease
	return errors.As(err, &lost)
}

// journalOnce tries once to write the record with its new token.
func (r *run) journalOnce(ctx context.Context) error {
	err := r.save(ctx)
	for range writeTries {
		if !errors.Is(err, sinks.ErrConflict) {
			break
		}
		err = r.journalOver(ctx)
	}
	return err
}

// journalOver is for a record that is not at the version it was, though this
// run held the lease. Either it is ours, since an earlier write did arrive and
// only its answer was lost. Or it was deleted. Or this run was held up until
// the lease ran out, and another has taken it.
func (r *run) journalOver(ctx context.Context) error {
	snap, err := r.reload(ctx)
	if err != nil {
		return err
	}
	theirs, g := snap.Record, r.seen.record.Pending
	if theirs == nil {
		// By hand, or by a configuration that knows the account no longer. The
		// token is the only one there is, so the record is written again.
		r.e.Log.Warn("the record was deleted while this run was at work; writing it again", "address", r.plan.Address)
		r.seen.version = snap.Version
		return r.save(ctx)
	}
	if r.isOwnWrite(theirs) {
		r.seen.version = snap.Version
		return r.save(ctx)
	}
	if n := theirs.Newest(); n != nil && n.ID == g.ID {
		return lostLeaseWithToken(false)
	}
	return r.journalBeside(ctx, snap)
}

// journalBeside puts the token into a record that another run has written since.
// The newer token wins, whoever got it, unless one of them has killed the other.
func (r *run) journalBeside(ctx context.Context, snap state.Snapshot) error {
	theirs, g := snap.Record, r.seen.record.Pending
	uncertain := r.overtaken(theirs)
	if n := theirs.Newest(); !uncertain && n != nil && n.Token.IssuedAt.After(g.Token.IssuedAt) {
		return lostLease{fmt.Sprintf("this run was held up for longer than its lease, and %s has been rotated since; the newer token is kept", r.plan.Address)}
	}
	// A record that was made anew has another key.
	p := fingerprintsOf(theirs.Key, r.seen.account.cfg)
	pending := *g
	pending.LoginPrint, pending.ShapePrint, pending.Rejected = p.login, p.shape, uncertain
	theirs.Pending = &pending
	if _, err := r.e.Store.Save(ctx, theirs, snap.Version); err != nil {
		return err
	}
	return lostLeaseWithToken(uncertain)
}

func lostLeaseWithToken(uncertain bool) error {
	if uncertain {
		return lostLease{"this run was held up for longer than its lease, and another may have logged in meanwhile; only one of the two tokens is alive, so the next apply logs in again"}
	}
	return lostLease{"this run was held up for longer than its lease; the token is in the journal, and the next apply delivers it"}
}

// overtaken reports whether another run may have logged in meanwhile where a
// login kills the token before it. Which of the two reached the upstream last
// cannot be known, so the one that is viewOnly is journaled as dead.
func (r *run) overtaken(theirs *state.Record) bool {
	newest := theirs.Newest()
	another := newest != nil && (r.before == nil || newest.ID != r.before.ID)
	return r.seen.account.loginRevokes() && (another || theirs.Lease != nil && theirs.Lease.Holder != r.e.Holder)
}

// save writes the record once. The work that follows has the whole life of the
// lease before it again.
func (r *run) save(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), persistTry)
	defer cancel()
	if l := r.seen.record.Lease; l != nil {
		l.ExpiresAt = r.e.Now().Add(state.LeaseLife)
	}
	version, err := r.e.Store.Save(ctx, r.seen.record, r.seen.version)
	if err != nil {
		if sent, encodeErr := state.Encode(r.seen.record); encodeErr == nil {
			r.unconfirmed = append(r.unconfirmed, sent)
		}
		return err
	}
	r.seen.version = version
	return nil
}

// isOwnWrite reports whether a record that is found in the state is one that this run
// wrote, though it was told of an error: only the answer was lost. Nothing less
// than the whole record shows it. Another run may have gone on from ours, with
// the same token and no lease any more, and what it has added must stay.
func (r *run) isOwnWrite(rec *state.Record) bool {
	found, err := state.Encode(rec)
	return err == nil && slices.ContainsFunc(r.unconfirmed, found.Equal)
}

// reload reads the record as it is now.
func (r *run) reload(ctx context.Context) (state.Snapshot, error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), persistTry)
	defer cancel()
	return r.e.Store.Load(ctx, r.plan.Address)
}

// persist writes the record, trying again until the run is stopped. The error
// is sinks.ErrConflict where another run has written it.
func (r *run) persist(ctx context.Context) error {
	err := r.persistOnce(ctx)
	if err == nil || errors.Is(err, sinks.ErrConflict) {
		return err
	}
	return r.retryWrite(err, r.persistOnce)
}

// persistOnce tries once to write the record. Where an earlier write did arrive,
// and only its answer was lost, the version has moved on.
func (r *run) persistOnce(ctx context.Context) error {
	err := r.save(ctx)
	if !errors.Is(err, sinks.ErrConflict) {
		return err
	}
	snap, loadErr := r.reload(ctx)
	switch {
	case loadErr != nil:
		return loadErr
	case snap.Record == nil || !r.isOwnWrite(snap.Record):
		return err
	}
	r.seen.version = snap.Version
	return r.save(ctx)
}

// retryWrite goes on trying what has failed with err, until it succeeds, fails for
// good (another run has the account), or the run is stopped.
func (r *run) retryWrite(err error, try func(context.Context) error) error {
	pause := persistPause
	patience := func() time.Duration {
		if errors.Is(err, sinks.ErrDenied) || errors.Is(err, sinks.ErrUnsupported) {
			return deniedPatience
		}
		return persistPatience
	}
	for waited := time.Duration(0); waited < patience(); waited += pause {
		if r.e.Sleep(r.stop, pause) != nil {
			return err
		}
		if err = try(r.stop); err == nil || errors.Is(err, sinks.ErrConflict) || isLostLease(err) {
			return err
		}
		pause = min(2*pause, persistLongestPause)
	}
	return err
}

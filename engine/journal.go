package engine

import (
	"context"
	"errors"
	"fmt"
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
	r.o.record.Pending = g
	err := r.save(ctx)
	if err == nil {
		return true
	}
	if errors.Is(err, sinks.ErrConflict) {
		return r.journalOver(ctx, g)
	}
	file, emergencyErr := r.e.writeEmergency(r.o.record)
	if emergencyErr != nil {
		r.e.Log.Error("the emergency file could not be written; trying the state until this run is stopped", "address", r.p.Address, "error", emergencyErr)
	} else {
		r.e.Log.Warn("the state did not take a new token; it is in an emergency file, and the state is tried again", "address", r.p.Address, "file", file)
	}
	err = r.persistAfter(err)
	if err != nil && file == "" {
		// The run ends and nothing has the token: one last try of both. The
		// file is first, as a state that is out of reach takes its time.
		if file, emergencyErr = r.e.writeEmergency(r.o.record); emergencyErr != nil {
			err = r.save(ctx)
		}
	}
	if err == nil {
		removeEmergency(file)
		return true
	}
	r.fail(r.failure("The new token could not be journaled", r.whereabouts(err, file, emergencyErr)))
	return false
}

// whereabouts adds to an error of the state where the token is that it did not
// take: in an emergency file, or nowhere.
func (r *run) whereabouts(err error, file string, emergencyErr error) error {
	if file != "" {
		return fmt.Errorf("%w. The new token is safe in %s; once the state can be written, the next apply on this machine brings it back, as does: credsync state recover %s", err, file, file)
	}
	return fmt.Errorf("%w, and the emergency file could not be written either: %w. The new token is lost; log in again with: credsync apply --replace %s", err, emergencyErr, quote(r.p.Address))
}

// journalOver is for a record that someone else has written though this run
// held the lease: it was held up until the lease ran out. The newer token
// wins, whoever got it, unless one of them has killed the other.
func (r *run) journalOver(ctx context.Context, g *state.Grant) bool {
	var err error
	for range writeTries {
		var snap state.Snapshot
		if snap, err = r.e.Store.Load(ctx, r.p.Address); err != nil {
			break
		}
		theirs := snap.Record
		if theirs == nil {
			return r.journalAnew(ctx, snap.Version)
		}
		uncertain := r.overtaken(theirs)
		if n := theirs.Newest(); !uncertain && n != nil && n.Token.IssuedAt.After(g.Token.IssuedAt) {
			r.fail(r.failure("Another run got a newer token", fmt.Errorf("this run was held up for longer than its lease, and %s has been rotated since; the newer token is kept", r.p.Address)))
			r.leased = false
			return false
		}
		// A record that was made anew has another key.
		p := fingerprints(theirs.Key, r.o.account.cfg)
		g.LoginPrint, g.ShapePrint, g.Rejected = p.login, p.shape, uncertain
		theirs.Pending = g
		if _, err = r.e.Store.Save(ctx, theirs, snap.Version); err == nil {
			r.leased = false
			r.fail(r.failure("The lease was lost", lostLease(uncertain)))
			return false
		}
		if !errors.Is(err, sinks.ErrConflict) {
			break
		}
	}
	r.leased = false
	r.fail(r.failure("The lease was lost", r.rescue(err)))
	return false
}

func lostLease(uncertain bool) error {
	if uncertain {
		return errors.New("this run was held up for longer than its lease, and another may have logged in meanwhile; only one of the two tokens is alive, so the next apply logs in again")
	}
	return errors.New("this run was held up for longer than its lease; the token is in the journal, and the next apply delivers it")
}

// overtaken reports whether another run may have logged in meanwhile where a
// login kills the token before it. Which of the two reached the upstream last
// cannot be known, so the one that is kept is journaled as dead.
func (r *run) overtaken(theirs *state.Record) bool {
	newest := theirs.Newest()
	another := newest != nil && (r.before == nil || newest.ID != r.before.ID)
	return r.o.account.loginRevokes() && (another || theirs.Lease != nil && theirs.Lease.Holder != r.e.Holder)
}

// journalAnew is for a record that was deleted though this run held the lease:
// by hand, or by a configuration that knows the account no longer. The token is
// the only one there is, so the record is written again, lease and all.
func (r *run) journalAnew(ctx context.Context, version string) bool {
	r.e.Log.Warn("the record was deleted while this run was at work; writing it again", "address", r.p.Address)
	r.o.version = version
	err := r.save(ctx)
	if err == nil {
		return true
	}
	r.leased = false
	r.fail(r.failure("The new token could not be journaled", r.rescue(err)))
	return false
}

// rescue writes the emergency file for a token that the state does not take,
// and adds to the error where it is.
func (r *run) rescue(err error) error {
	file, emergencyErr := r.e.writeEmergency(r.o.record)
	return r.whereabouts(err, file, emergencyErr)
}

// save writes the record once. The work that follows has the whole life of the
// lease before it again.
func (r *run) save(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), persistTry)
	defer cancel()
	if l := r.o.record.Lease; l != nil {
		l.ExpiresAt = r.e.Now().Add(leaseLife)
	}
	version, err := r.e.Store.Save(ctx, r.o.record, r.o.version)
	if err == nil {
		r.o.version = version
	}
	return err
}

// persist writes the record, trying again until the run is stopped.
func (r *run) persist(ctx context.Context) error {
	err := r.save(ctx)
	if err == nil || errors.Is(err, sinks.ErrConflict) {
		return err
	}
	return r.persistAfter(err)
}

// persistAfter tries again after a first failure.
func (r *run) persistAfter(err error) error {
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
		// A write whose answer was lost has moved the version on.
		if errors.Is(err, sinks.ErrConflict) {
			if ours, looked := r.catchUp(); looked && !ours {
				return err
			}
		}
		if err = r.save(r.stop); err == nil {
			return nil
		}
		pause = min(2*pause, persistLongestPause)
	}
	return err
}

// catchUp takes over the version of a record that already holds our lease and
// our token: an earlier write did arrive, and only its answer was lost. looked
// is false where the state could not be read.
func (r *run) catchUp() (ours, looked bool) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(r.stop), persistTry)
	defer cancel()
	snap, err := r.e.Store.Load(ctx, r.p.Address)
	if err != nil {
		return false, false
	}
	if snap.Record == nil {
		return false, true
	}
	theirs, token := snap.Record.Newest(), r.o.record.Newest()
	sameToken := theirs != nil && token != nil && theirs.ID == token.ID
	sameLease := snap.Record.Lease != nil && snap.Record.Lease.Holder == r.e.Holder
	if !sameToken && !sameLease {
		return false, true
	}
	r.o.version = snap.Version
	return true, true
}

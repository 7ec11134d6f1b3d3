package engine

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/credsync/credsync/plan"
	"github.com/credsync/credsync/sinks"
	"github.com/credsync/credsync/state"
)

// This file has every way in which a run writes the record of an account. Each
// is a compare-and-set. docs/protocol.md, "Who writes the record", has who uses
// which, over which version, and what a conflict means there.

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

// replaceRecord writes a record once, over the version that was seen, and goes
// on from it. sinks.ErrConflict means that someone else has written the record.
func (r *run) replaceRecord(ctx context.Context, rec *state.Record) error {
	version, err := r.e.Store.Save(ctx, rec, r.seen.version)
	if err != nil {
		return err
	}
	r.seen.record, r.seen.version = rec, version
	return nil
}

// save writes the record once. The work that follows has the whole life of the
// lease before it again.
func (r *run) save(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), persistTry)
	defer cancel()
	if l := r.seen.record.Lease; l != nil {
		l.ExpiresAt = r.e.Now().Add(state.LeaseLife)
		r.renewed()
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
// wrote, though it got an error: only the answer was lost. Nothing less
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

// persistOrFail is persist where nothing is left to do about an error than to report it.
func (r *run) persistOrFail(ctx context.Context) (written bool) {
	err := r.persist(ctx)
	if err != nil {
		r.fail(r.failure("The state could not be written", err))
	}
	return err == nil
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

// saveAndRelease writes the record for the last time, which also ends the lease. If
// the state does not take it, the lease runs out.
func (r *run) saveAndRelease(ctx context.Context) {
	r.seen.record.Lease, r.leased = nil, false
	r.noteFailure(r.seen.record)
	r.persistOrFail(ctx)
}

// longestFailure bounds what is kept of a message.
const longestFailure = 1000

// noteFailure keeps in the record, which is about to be written for the last time, why
// the run did not do what was to be done; nothing where it did.
func (r *run) noteFailure(rec *state.Record) {
	rec.LastFailure = nil
	if message := []rune(firstError(r.diagnostics)); len(message) > 0 {
		rec.LastFailure = &state.LastFailure{
			At:      r.e.Now(),
			Message: string(message[:min(len(message), longestFailure)]),
		}
	}
}

// updateIdleRecord records what an account with nothing to do has to say: what is to
// become of its targets, when it was verified, that it is no longer blocked.
// It is a single compare-and-set write, and mostly none. If another run writes
// at the same time, that run notes it.
func (r *run) updateIdleRecord(ctx context.Context) {
	if r.seen.account == nil || r.plan.Reason != plan.Current {
		return
	}
	r.noteInRecord(ctx, r.idleRecord)
}

// updateHeldBackRecord records of an account that can or is to do nothing what a later
// edit rests on; see heldBackRecord.
func (r *run) updateHeldBackRecord(ctx context.Context) {
	// A token that came from elsewhere is not journaled on the way.
	elsewhere := r.seen.moving != nil || r.seen.imported || len(r.seen.emergencyFiles) > 0
	if r.seen.account != nil && (r.seen.known || r.seen.inherited) && !elsewhere {
		r.noteInRecord(ctx, r.heldBackRecord)
	}
}

// noteInRecord writes a record that is made without a lease, where it is another one.
func (r *run) noteInRecord(ctx context.Context, made func() (rec *state.Record, dirty bool)) {
	if r.e.held(r.seen.record) {
		// Writing now would make the holder believe that it lost its lease.
		return
	}
	rec, dirty := made()
	if !r.e.withoutEndedLease(rec) && !dirty {
		return
	}
	if err := r.replaceRecord(ctx, rec); err != nil {
		r.e.Log.Warn("the state could not be brought up to date", "address", r.plan.Address, "error", err)
	}
}

// idleRecord is the record as an account with nothing to do leaves it; dirty says
// that this is not how it was found.
func (r *run) idleRecord() (rec *state.Record, dirty bool) {
	rec = r.seen.record.Clone()
	dirty = rememberRemoval(rec, r.seen.account.cfg)
	if standing := r.e.standing(r.seen.account, rec.Moved); len(standing) != len(rec.Moved) {
		rec.Moved, dirty = standing, true
	}
	if rec.LastFailure != nil {
		rec.LastFailure, dirty = nil, true
	}
	dirty = r.liftBlock(rec) || dirty
	dirty = r.e.correctTimes(rec) || dirty
	if r.seen.account.cfg.VerifyEvery > 0 && r.seen.verification.Outcome == plan.Confirmed {
		rec.Newest().VerifiedAt, dirty = r.seen.at, true
	}
	return rec, dirty
}

// correctTimes has the present credentials begin now where a machine whose clock was
// ahead says that they will: else what a human has to replace by a certain age would never
// seem to grow older. Refusals of a secret likewise.
func (e *Engine) correctTimes(rec *state.Record) (dirty bool) {
	now := e.Now()
	dirty = rec.CorrectSecretRefusals(now)
	if rec.FirstSeenAt.Sub(now) > plan.ClockTolerance {
		rec.FirstSeenAt, dirty = now, true
	}
	return dirty
}

// heldBackRecord is the record of an account that is blocked or disabled, with what the
// configuration no longer says taken out: moves, of which the same ones may be asked for
// again, and that targets are to be deleted. That they are is remembered only once the
// account is up to date. What was inherited is put in: the record that it is from may go
// with an edit that takes away what the two have in common.
func (r *run) heldBackRecord() (rec *state.Record, dirty bool) {
	rec, dirty = r.seen.record.Clone(), r.seen.inherited
	dirty = rec.CorrectSecretRefusals(r.e.Now()) || dirty
	dirty = forgetRemoval(rec, r.seen.account.cfg) || dirty
	if standing := r.e.standing(r.seen.account, rec.Moved); len(standing) != len(rec.Moved) {
		rec.Moved, dirty = standing, true
	}
	return rec, dirty
}

// errAtWork asks updateRecord to wait, since writing now would make the holder of
// the lease believe that it lost it.
var errAtWork = errors.New("other runs were working on the account for too long")

// updateRecord changes an account's record as it is now, whoever wrote it last.
// It begins again where another run writes it meanwhile, and waits where change
// returns errAtWork, as often as tries says. change gets nil where there is no
// record, and returns nil where there is nothing to write.
func (e *Engine) updateRecord(
	ctx context.Context, address string, tries int, change func(*state.Record) (*state.Record, error),
) error {
	err := errAtWork
	for range tries {
		snap, loadErr := e.Store.Load(ctx, address)
		if loadErr != nil {
			return loadErr
		}
		rec, changeErr := change(snap.Record)
		if errors.Is(changeErr, errAtWork) {
			if err := e.Sleep(ctx, leasePoll); err != nil {
				return err
			}
			continue
		}
		if changeErr != nil || rec == nil {
			return changeErr
		}
		e.withoutEndedLease(rec)
		if _, err = e.Store.Save(ctx, rec, snap.Version); !errors.Is(err, sinks.ErrConflict) {
			return err
		}
	}
	return err
}

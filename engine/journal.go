package engine

import (
	"context"
	"errors"
	"fmt"

	"github.com/credsync/credsync/schema/address"
	"github.com/credsync/credsync/sinks"
	"github.com/credsync/credsync/state"
)

// journal writes a new token to the state as pending, before anything else is
// done with it. If the state does not take it, it goes into an emergency file
// at once, and the state is tried again until the run is stopped.
//
// It reports false where the token must not be used further, having said why.
func (r *run) journal(ctx context.Context, g, before *state.Grant) bool {
	r.seen.record.Pending, r.seen.record.RefreshAsked = g, nil
	tryOnce := func(ctx context.Context) error { return r.journalOnce(ctx, g, before) }
	err := tryOnce(ctx)
	if err == nil {
		return true
	}
	if !isLostLease(err) {
		err = r.journalLate(ctx, err, tryOnce)
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

// journalOnce tries once to write the record with its new token. before is the
// token that there was, nil for none.
func (r *run) journalOnce(ctx context.Context, g, before *state.Grant) error {
	err := r.save(ctx)
	for range writeTries {
		if !errors.Is(err, sinks.ErrConflict) {
			break
		}
		err = r.journalOver(ctx, g, before)
	}
	return err
}

// journalLate is for a state that did not take the token at once. An error says
// where the token is instead.
func (r *run) journalLate(ctx context.Context, err error, tryOnce func(context.Context) error) error {
	file, emergencyErr := r.e.writeEmergency(r.seen.record)
	if emergencyErr != nil {
		r.e.Log.Error("the emergency file could not be written; trying the state until this run is stopped", "address", r.plan.Address, "error", emergencyErr)
	} else {
		r.e.Log.Warn("a new token could not be written to the state; it is in an emergency file, and the write is tried again", "address", r.plan.Address, "file", file)
	}
	settled := func(err error) bool { return err == nil || isLostLease(err) }
	err = r.retryWrite(err, tryOnce)
	if !settled(err) && file == "" {
		// The run ends and nothing has the token: one last try of both. The
		// file is first, as a state that is out of reach takes its time.
		if file, emergencyErr = r.e.writeEmergency(r.seen.record); emergencyErr != nil {
			err = tryOnce(ctx)
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
func whereabouts(of string, err error, file string, emergencyErr error) error {
	if file != "" {
		return fmt.Errorf("%w. The new token is safe in %s; once the state can be written, the next apply on this machine recovers it, as does: credsync state recover %s", err, file, file)
	}
	return fmt.Errorf("%w, and the emergency file could not be written either: %w. The new token is lost; log in again with: credsync apply --replace %s", err, emergencyErr, address.ShellWord(of))
}

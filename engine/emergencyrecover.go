package engine

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/credsync/credsync/audit"
	"github.com/credsync/credsync/credential"
	"github.com/credsync/credsync/internal/agearmor"
	"github.com/credsync/credsync/sinks"
	"github.com/credsync/credsync/state"
)

// ErrRecovered says that there is nothing to bring back.
var ErrRecovered = errors.New("already has this token")

// Recover brings the record of an emergency file back into the state: its
// token becomes the pending one of its account, and the next apply delivers
// it. It is refused with ErrRecovered where the state already has that token, and
// where it has a newer one. With audit.ErrUnrecorded it is done.
func (e *Engine) Recover(ctx context.Context, content []byte, identity credential.Secret) (address string, err error) {
	if bytes.HasPrefix(content, []byte(agearmor.Header)) {
		if content, err = decrypt(content, identity); err != nil {
			return "", err
		}
	}
	rescued, err := decodeEmergency(content)
	if errors.Is(err, state.ErrTooNew) {
		return "", errors.New("the emergency file was written by a newer credsync; use that version")
	}
	if err != nil {
		return "", err
	}
	of := owner{rescued.Project, rescued.Address}
	a := e.accountOf(of)
	switch {
	case a == nil && of.project != e.Config.Project && !slices.Contains(e.Config.Formerly, of.project):
		return "", fmt.Errorf("the emergency file belongs to project %q, but this configuration is project %q; if the project was renamed, set formerly = [%q] in the credsync block", of.project, e.Config.Project, of.project)
	case a == nil:
		// The next apply would take it for an account that has been removed.
		return "", fmt.Errorf("the emergency file belongs to %s, which this configuration does not have; recover it with the configuration that declares that account", rescued.Address)
	}
	if self := (owner{e.Config.Project, a.cfg.Address}); of != self {
		rescued = movedRecord(rescued, of, self)
	}
	snap, err := e.load(ctx, a, e.reader(nil))
	if err != nil {
		return "", err
	}
	if snap.moving != nil {
		return "", fmt.Errorf("the record of %s has yet to be moved to %s; run credsync apply, which recovers the token too", snap.moving.from.of(e.Config.Project), rescued.Address)
	}
	rec, err := mergeEmergency(a, snap.Record, rescued)
	if err != nil {
		return rescued.Address, err
	}
	return rescued.Address, e.saveRecovered(ctx, rec, snap.Version)
}

// accountOf is the account of the configuration that continues with a record; nil for
// none.
func (e *Engine) accountOf(of owner) *account {
	if of.project == e.Config.Project && e.byAddress[of.address] != nil {
		return e.byAddress[of.address]
	}
	if next := e.successors[of]; len(next) > 0 {
		return next[0]
	}
	return nil
}

// saveRecovered writes a record with a token that was brought back, with a line
// in the audit trail before it and one after.
func (e *Engine) saveRecovered(ctx context.Context, rec *state.Record, version string) error {
	t := e.newTrail(rec, nil)
	token := rec.Pending.Token.Access
	id, err := t.begin(t.event("", audit.StateRecover, token, nil))
	if err != nil {
		return err
	}
	_, err = e.Store.Save(ctx, rec, version)
	t.record(t.event(id, audit.StateRecover, token, err))
	switch {
	case errors.Is(err, sinks.ErrConflict):
		return fmt.Errorf("another run wrote the state of %s at the same time; try again once it has finished: %w", rec.Address, err)
	case err != nil:
		return err
	}
	if lost := t.takeErr(); lost != nil {
		return audit.UnrecordedAfter(lost)
	}
	return nil
}

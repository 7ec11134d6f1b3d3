package engine

import (
	"context"
	"errors"
	"fmt"

	"github.com/credsync/credsync/plan"
	"github.com/credsync/credsync/state"
)

// lostLease is the error of a run that was held up until its lease ran out, so
// that another has taken the account over. Its token is where it belongs: in
// the journal, or given up for a newer one.
type lostLease struct{ detail string }

func (e lostLease) Error() string { return e.detail }

func isLostLease(err error) bool {
	var lost lostLease
	return errors.As(err, &lost)
}

func lostLeaseWithToken(uncertain bool) error {
	if uncertain {
		return lostLease{"this run was delayed for longer than its lease, and another run may have logged in meanwhile; only one of the two tokens is valid, so the next apply logs in again"}
	}
	return lostLease{"this run was delayed for longer than its lease; the token is in the journal, and the next apply delivers it"}
}

// journalOver is for a record that is not at the version it was, though this
// run held the lease. Either it is ours, since an earlier write did arrive and
// only its answer was lost. Or it was deleted. Or this run was held up until
// the lease ran out, and another has taken it.
func (r *run) journalOver(ctx context.Context, g, before *state.Grant) error {
	snap, err := r.reload(ctx)
	if err != nil {
		return err
	}
	theirs := snap.Record
	if theirs == nil {
		// By hand, or by a configuration that knows the account no longer. The
		// token is the only one there is, so the record is written again.
		r.e.Log.Warn("the record was deleted during this run; writing it again", "address", r.plan.Address)
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
	return r.journalBeside(ctx, snap, g, before)
}

// journalBeside puts the token into a record that another run has written since. Where
// that run has replaced the token that ours has replaced too, its token stands, unless it
// is no good, or one of the two has killed the other.
func (r *run) journalBeside(ctx context.Context, snap state.Snapshot, g, before *state.Grant) error {
	theirs := snap.Record
	uncertain := r.overtaken(theirs, before)
	n := theirs.Newest()
	forked := n != nil && !g.HasReplaced(n.ID)
	if forked && !uncertain && !n.Rejected {
		return lostLease{fmt.Sprintf("this run was delayed for longer than its lease, and %s has been rotated since; that token is kept", r.plan.Address)}
	}
	// A record that was made again has another key.
	p := fingerprintsOf(theirs.Key, r.seen.account.cfg)
	pending := *g
	pending.LoginPrint, pending.ShapePrint, pending.Rejected = p.login, p.shape, uncertain
	if forked {
		pending.Replace(n)
	}
	theirs.Pending = &pending
	if _, err := r.e.Store.Save(ctx, theirs, snap.Version); err != nil {
		return err
	}
	return lostLeaseWithToken(uncertain)
}

// overtaken reports whether another run may have logged in meanwhile where a
// login kills the token before it. Which of the two reached the upstream last
// cannot be known, so the one that is viewOnly is journaled as dead.
func (r *run) overtaken(theirs *state.Record, before *state.Grant) bool {
	newest := theirs.Newest()
	another := newest != nil && (before == nil || newest.ID != before.ID)
	revokes := r.seen.account.loginRevokes() || r.plan.Action == plan.Refresh && r.seen.account.refreshRevokes()
	return revokes && (another || theirs.Lease != nil && theirs.Lease.Holder != r.e.Holder)
}

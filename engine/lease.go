package engine

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/credsync/credsync/internal/processid"
	"github.com/credsync/credsync/plan"
	"github.com/credsync/credsync/sinks"
	"github.com/credsync/credsync/state"
)

const (
	// leaseMargin is how long before the lease's end work at the upstream ends,
	// so that nobody else can have begun by then. Should a holder be held up
	// for longer all the same, compare-and-set keeps it from writing over its
	// successor.
	leaseMargin = 10 * time.Second
	// leasePoll is how often a lease held by another run is looked at.
	leasePoll = 500 * time.Millisecond
	// leaseTries bounds how often the lease is fought for.
	leaseTries = 20
	// planFresh is for how long a plan is acted on without looking again. A
	// longer pause, such as a person at the prompt, means to look again.
	planFresh = 30 * time.Second
)

// takeLease takes the account's lease for what was planned, and returns what is
// planned under it. While another run holds the lease it waits; what that run
// has done is then observed and planned again, so that the result may be that
// nothing is left to do, and then no lease is held.
//
// The write succeeds only if the record is as it was observed. Nobody has
// worked on the account since, and there is no need to look a second time.
func (r *run) takeLease(ctx context.Context) error {
	if r.needsLease() && r.e.Now().Sub(r.seen.at) > planFresh && !r.restsOnRecordAlone() {
		r.observeAgain(ctx)
	}
	known := r.seen.known
	for range leaseTries {
		if !r.needsLease() && (r.impatient || !r.e.outlasts(r.seen.record)) {
			return nil
		}
		if known && !r.seen.known && r.seen.observeErr == nil {
			// Starting over could kill a token that another configuration still uses.
			return fmt.Errorf("could not take the lease of %s: a run with another configuration has moved or removed its record meanwhile; if this configuration is the right one, run credsync apply again", r.plan.Address)
		}
		if r.seen.moving != nil {
			if err := r.carryOutMove(ctx); err != nil {
				return err
			}
			r.observeAgain(ctx)
			continue
		}
		if left := r.e.heldFor(r.seen.record); left > 0 {
			l := r.seen.record.Lease
			if r.impatient {
				r.heldUntil = r.e.Now().Add(left)
				return fmt.Errorf("could not take the lease of %s: another run (%s) is working on it", r.plan.Address, l.Holder)
			}
			if err := r.awaitReleaseOf(ctx, r.recordOwner(), *l); err != nil {
				return err
			}
			r.observeAgain(ctx)
			continue
		}
		err := r.writeLease(ctx)
		if err == nil {
			return nil
		}
		if !errors.Is(err, sinks.ErrConflict) {
			return err
		}
		r.observeAgain(ctx)
	}
	return fmt.Errorf("could not take the lease of %s: other runs took it first %d times; is something applying this configuration in a loop?", r.plan.Address, leaseTries)
}

// restsOnRecordAlone reports whether what is planned rests on the record alone,
// which the lease's write compares: there is no token that time or anyone could
// have made anything of, and a target is looked at again before it is claimed.
func (r *run) restsOnRecordAlone() bool {
	return r.plan.Action == plan.Issue && r.plan.Reason == plan.NoToken && r.seen.record.Newest() == nil
}

// needsLease reports whether what is planned writes anything. A record that is to be
// moved is, whatever else stands in the way: the moved block may be gone by the time
// that nothing does.
func (r *run) needsLease() bool {
	if r.seen.moving != nil {
		return true
	}
	switch r.plan.Action {
	case plan.None:
		return false
	case plan.BlockedAction:
		return r.newBlock() != nil
	}
	return true
}

// newLease is a lease of this process.
func (e *Engine) newLease() *state.Lease {
	return &state.Lease{Holder: e.Holder, ExpiresAt: e.Now().Add(state.LeaseLife)}
}

func (r *run) writeLease(ctx context.Context) error {
	rec := r.seen.record.Clone()
	rec.Lease = r.e.newLease()
	r.e.correctTimes(rec)
	if r.seen.account != nil {
		forgetRemoval(rec, r.seen.account.cfg)
		// However the work ends: the same moves may be asked for again later.
		rec.Moved = r.e.standing(r.seen.account, rec.Moved)
	}
	written := rec
	if g := rec.Newest(); g != nil && r.plan.Action.Contacts() && r.seen.account.loginRevokes() {
		// If this is all that comes of this run, its login may have killed the
		// token. Each later write says what has become of it.
		written = rec.Clone()
		written.Newest().Rejected = true
	}
	written = r.withRefreshIntent(written)
	if r.seen.account != nil && loginSpends(r.seen.account.cfg) &&
		(r.plan.Action == plan.Issue || r.plan.Action == plan.Reissue) {
		written = written.Clone()
		written.SpendLogin(r.seen.fingerprints.login)
		r.spendRecorded = true
	}
	if err := r.replaceRecord(ctx, written); err != nil {
		return err
	}
	r.seen.record, r.leased = rec, true
	r.renewed()
	return nil
}

// recordOwner is whose record the run works with.
func (r *run) recordOwner() owner { return owner{r.seen.record.Project, r.plan.Address} }

// awaitReleaseOf returns when a lease that was seen is no longer held, or has been
// held too long.
func (r *run) awaitReleaseOf(ctx context.Context, of owner, seen state.Lease) error {
	held := r.e.describeLease(seen)
	r.e.Log.Info("waiting for another run to finish with the account", "address", of.address, "holder", seen.Holder, "expires_at", seen.ExpiresAt.UTC().Format(time.RFC3339))
	if r.e.Waiting != nil {
		r.e.Waiting(of.address, held)
	}
	for range 2 * state.LeaseLife / leasePoll {
		if err := r.e.Sleep(ctx, leasePoll); err != nil {
			return fmt.Errorf("this run was told to stop while it waited for another run that is working on the account: %s. Nothing was done; let that run finish, then run credsync apply again", held)
		}
		snap, err := r.e.Store.For(of.project).Load(ctx, of.address)
		if err != nil {
			return err
		}
		if !r.e.held(snap.Record) {
			return nil
		}
	}
	return fmt.Errorf("could not take the lease of %s: another run (%s) has held it for more than %s; if that run is gone, wait until its lease expires", of.address, seen.Holder, plan.Duration(2*state.LeaseLife))
}

// describeLease says whose a lease is, since when and until when. A holder that
// continues to work writes the lease again, which renews both times.
func (e *Engine) describeLease(l state.Lease) string {
	clock := func(t time.Time) string { return t.UTC().Format("15:04:05 MST") }
	return fmt.Sprintf("%s has held its lease since %s, until %s", processid.Describe(l.Holder), clock(l.ExpiresAt.Add(-state.LeaseLife)), clock(l.ExpiresAt))
}

// observeAgain observes and plans the account again.
func (r *run) observeAgain(ctx context.Context) {
	if r.seen.account == nil {
		r.observeRemovedAgain(ctx)
	} else {
		r.seen = r.e.observe(ctx, r.seen.account, r.options)
		r.e.applySharedBlock(r.seen)
	}
	r.plan = decide(r.seen)
}

func (r *run) observeRemovedAgain(ctx context.Context) {
	snap, err := r.e.Store.For(r.seen.of.project).Load(ctx, r.plan.Address)
	switch {
	case err != nil:
		r.seen.unreadable(StateUnreadable, err)
	case snap.Record == nil:
		// Another run has removed it.
		r.seen.input.Removed = false
		r.seen.input.Enabled = false
	default:
		of, heir := r.seen.of, r.seen.heir
		read := r.e.reader(nil)
		r.seen = r.e.observeRemoved(ctx, snap, r.e.places(ctx, nil), read)
		r.seen.of = of
		if heir != "" && r.e.goesOnAs(ctx, snap.Record, heir, read) {
			r.seen.leaveTo(heir)
		}
	}
}

// release ends the lease where the work ends early. Nothing depends on it: a
// lease that stays runs out.
func (r *run) release(ctx context.Context) {
	if !r.leased {
		return
	}
	rec := r.seen.record.Clone()
	rec.Lease = nil
	r.noteFailure(rec)
	if err := r.replaceRecord(ctx, rec); err != nil {
		r.e.Log.Warn("the lease could not be released and will expire", "address", r.plan.Address, "expires_at", r.seen.record.Lease.ExpiresAt.UTC().Format(time.RFC3339), "error", err)
		return
	}
	r.leased = false
}

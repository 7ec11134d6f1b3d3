package engine

import (
	"sync"
	"time"

	"github.com/credsync/credsync/plan"
	"github.com/credsync/credsync/state"
)

// leaseWatch is what this process has seen of the leases of other runs. Their expiries
// are by other machines' clocks, which can be hours ahead or behind, so that they are
// believed within bounds only: a lease is over once it was seen unchanged for one life,
// as Kubernetes' leader election has it too, and is not over before where what this
// process knows says that its holder's clock is behind.
type leaseWatch struct {
	mu     sync.Mutex
	leases map[owner]watchedLease
	// looked are when this process has last read records, by its own clock: a lease that
	// is new since was written since.
	looked map[owner]time.Time
}

// watchedLease is a lease, and when it is over unless it is written again, as
// Options.Elapsed counts: this machine's clock may be set meanwhile.
type watchedLease struct {
	lease state.Lease
	over  time.Duration
}

// see notes the lease of a record that was read, if any, and returns when it is over.
func (w *leaseWatch) see(rec *state.Record, now time.Time, elapsed time.Duration) time.Duration {
	of := owner{rec.Project, rec.Address}
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.looked == nil {
		w.leases, w.looked = map[owner]watchedLease{}, map[owner]time.Time{}
	}
	looked := w.looked[of]
	w.looked[of] = now
	if rec.Lease == nil {
		delete(w.leases, of)
		return elapsed
	}
	known, ok := w.leases[of]
	if !ok || known.lease.Holder != rec.Lease.Holder || !known.lease.ExpiresAt.Equal(rec.Lease.ExpiresAt) {
		known = watchedLease{lease: *rec.Lease, over: elapsed + believedLife(rec, now, looked)}
		w.leases[of] = known
	}
	return known.over
}

// believedLife is for how long a lease that is seen for the first time keeps this run off,
// if its holder does not write again. looked is when the record was last read without it.
func believedLife(rec *state.Record, now, looked time.Time) time.Duration {
	written := rec.Lease.WrittenAt()
	if written.Before(looked) || written.Before(rec.LatestEvent(now)) {
		// It was written later than it says: by a clock that is behind.
		return state.LeaseLife
	}
	return min(state.LeaseLife, rec.Lease.ExpiresAt.Sub(now))
}

// held reports whether the lease of a record that was read keeps this run off; false
// where there is no record.
func (e *Engine) held(rec *state.Record) bool { return e.heldFor(rec) > 0 }

// heldFor is for how long the lease of a record still keeps this run off, if its holder
// does not write again; not above 0 where it does not.
func (e *Engine) heldFor(rec *state.Record) time.Duration {
	if rec == nil {
		return 0
	}
	elapsed := e.Elapsed()
	over := e.leases.see(rec, e.Now(), elapsed)
	if l := rec.Lease; l == nil || e.Alive != nil && !e.Alive(l.Holder) {
		return 0
	}
	return over - elapsed
}

// outlasts reports whether a lease keeps this run off only since its holder's clock goes
// otherwise than this machine's. Whoever has nothing else to do waits for its end too:
// the next process would see it for the first time again.
func (e *Engine) outlasts(rec *state.Record) bool {
	if !e.held(rec) {
		return false
	}
	left := rec.Lease.ExpiresAt.Sub(e.Now())
	return left <= 0 || left > state.LeaseLife+plan.ClockTolerance
}

// withoutEndedLease takes a lease that is over out of a record that is written without
// one: what is written later than the lease would make it look like one of a clock that
// is behind.
func (e *Engine) withoutEndedLease(rec *state.Record) (dropped bool) {
	if rec.Lease == nil || e.held(rec) {
		return false
	}
	rec.Lease = nil
	return true
}

// renewed notes that this run's lease was written at its present length. Its own clock
// can be set meanwhile too, and stand still while the machine sleeps.
func (r *run) renewed() { r.leaseEnds = r.e.Elapsed() + state.LeaseLife }

// leaseRest is for how long this run still holds its lease. Of the clock on the wall and
// the one that nobody sets, the one that says less counts.
func (r *run) leaseRest() time.Duration {
	wall := r.seen.record.Lease.ExpiresAt.Round(0).Sub(r.e.Now().Round(0))
	return min(wall, r.leaseEnds-r.e.Elapsed())
}

// leaseLeft is for how long work at the upstream may still go on.
func (r *run) leaseLeft() time.Duration { return r.leaseRest() - leaseMargin }

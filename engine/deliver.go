package engine

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/credsync/credsync/audit"
	"github.com/credsync/credsync/credential"
	"github.com/credsync/credsync/plan"
	"github.com/credsync/credsync/sinks"
	"github.com/credsync/credsync/state"
)

const (
	// writeTries bounds how often a write is tried that finds the target changed:
	// other processes may be merging into it at the same time.
	writeTries = 12
	// The pauses between two tries grow from the first to the longest.
	firstWritePause, longestWritePause = 20 * time.Millisecond, 2 * time.Second
)

// delivery is one target's part of a deliver step.
type delivery struct {
	t    *target
	info sinks.Info
	// grant is the token that data is made of, which is what to write; entry is
	// what the record says once it is there.
	grant *state.Grant
	data  map[string]credential.Secret
	// drop are keys that were merged into the target before and no longer are.
	drop  []string
	entry state.Target
}

// deliver writes a verified token to the targets, all at the same time; one
// that fails does not hold back another. onlyWanted leaves out those that the
// plan found in order.
func (r *run) deliver(ctx context.Context, g *state.Grant, onlyWanted bool) {
	r.reportTargetErrs()
	work := r.prepare(g, onlyWanted)
	if !r.claimInState(ctx, work) {
		return
	}
	errs := make([]error, len(work))
	var writes sync.WaitGroup
	for i, d := range work {
		writes.Go(func() {
			errs[i] = r.e.write(ctx, r.seen, d, r.leaseRest)
			r.recordTarget("", audit.Deliver, d.entry.Sink, d.entry.Location, g.Token.Access, errs[i])
		})
	}
	writes.Wait()
	for i, d := range work {
		if errs[i] != nil {
			f := r.failure("A target could not be written", errs[i])
			f.Range = d.t.Range
			r.fail(f)
			continue
		}
		r.seen.record.PutTarget(d.entry)
	}
}

// reportTargetErrs reports the targets that are left out because they could not be
// looked at.
func (r *run) reportTargetErrs() {
	for _, err := range r.seen.targetErrs {
		if err != nil {
			r.result.noteClass(err)
		}
	}
	r.diagnostics = append(r.diagnostics, r.seen.targetFailures(func(error) bool { return true })...)
}

// prepare renders what is to be written, and says of the targets that it
// leaves out why.
func (r *run) prepare(g *state.Grant, onlyWanted bool) []*delivery {
	var work []*delivery
	for i, t := range r.seen.account.targets {
		wanted := r.plan.Targets[i].Action == plan.Deliver && r.plan.Targets[i].Reason != plan.RestartDue
		if !r.writable(i) || onlyWanted && !wanted {
			continue
		}
		data, diags := t.Render(g.Token)
		for _, d := range diags {
			r.fail(d.About(r.plan.Address, t.Range))
		}
		if diags.HasErrors() {
			continue
		}
		at := r.seen.places.of[t.Delivery]
		entry, err := r.entryOf(t, g, data)
		if err != nil {
			r.fail(r.failure("A target could not be written", err))
			continue
		}
		var drop []string
		if old := r.seen.record.Target(at); old != nil {
			entry.RestartedID = old.RestartedID
			drop = r.dropped(t, at, old, data)
		}
		entry.Version = r.takenOver[i]
		work = append(work, &delivery{t: t, info: r.seen.infos[i], grant: g, data: data, drop: drop, entry: entry})
	}
	return work
}

// entryOf is what the record says of a target once a token is there.
func (r *run) entryOf(t *target, g *state.Grant, data map[string]credential.Secret) (state.Target, error) {
	options, err := t.Target.Options.Encode()
	return state.Target{
		Place: r.seen.places.of[t.Delivery], Sink: t.Sink.Name, Location: t.Target.Location, Options: options,
		Merge: t.Target.Merge,
		Keys:  slices.Sorted(maps.Keys(data)), GrantID: g.ID, Digest: digest(r.seen.record.Key, data),
	}, err
}

// dropped are the keys of a target that is merged into which the account no longer
// wants, and nobody else of the configuration does. They are ours too where the target
// was ours as a whole when they were written.
func (r *run) dropped(t *target, at sinks.Place, old *state.Target, data map[string]credential.Secret) []string {
	if !t.Target.Merge {
		return nil
	}
	was := *old
	was.Keys = slices.DeleteFunc(slices.Clone(old.Keys), func(k string) bool { _, still := data[k]; return still })
	return r.seen.places.unwantedKeys(&was, r.seen.account)
}

// claimWithToken claims in the record that is about to be journaled the targets that do
// not exist for it yet and whose sink marks owners: it costs no write of its own. Where
// nothing marks them a claim makes them ours, so it waits for the verification.
func (r *run) claimWithToken(g *state.Grant) {
	for i, t := range r.seen.account.targets {
		if !r.writable(i) || !r.seen.infos[i].Marks || r.seen.record.Target(r.seen.places.of[t.Delivery]) != nil {
			continue
		}
		data, diags := t.Render(g.Token)
		entry, err := r.entryOf(t, g, data)
		if err == nil && !diags.HasErrors() {
			entry.Version, entry.LaterKeys = r.takenOver[i], laterKeys(t, data)
			r.claim(entry)
		}
	}
}

// laterKeys are the keys that data does not have yet and may have once the token is
// verified. Of a target that is merged into none is named: only its own keys are ours.
func laterKeys(t *target, data map[string]credential.Secret) []string {
	keys, known := t.Keys()
	if !known || t.Target.Merge {
		return nil
	}
	return slices.DeleteFunc(slices.Clone(keys), func(k string) bool { _, there := data[k]; return there })
}

// claim notes that a target is about to come into being.
func (r *run) claim(entry state.Target) {
	rec := r.seen.record
	if len(rec.Targets) == 0 {
		// There was nothing of which it could say what is to become of it.
		rememberRemoval(rec, r.seen.account.cfg)
	}
	entry.GrantID, entry.RestartedID = "", ""
	rec.PutTarget(entry)
}

// seeTakenOver notes the versions of targets that an account of this project wrote and that
// this one takes over. Should this run end between its mark and its write, the mark alone
// would not tell what is there from a stranger's. It is done before a token is asked for:
// nothing may come between a token and its journal.
func (r *run) seeTakenOver(ctx context.Context) {
	r.takenOver = make([]string, len(r.seen.account.targets))
	for _, by := range r.seen.predecessors {
		snap, err := r.e.reader(nil)(ctx, by)
		if err != nil || snap.Record == nil {
			continue
		}
		for i, t := range r.seen.account.targets {
			info, was := r.seen.infos[i], snap.Record.Target(r.seen.places.of[t.Delivery])
			if r.seen.input.Targets[i].From != "" && info.Marks && info.Exists && !t.Target.Merge && was != nil &&
				was.Version == info.Version {
				r.takenOver[i] = info.Version
			}
		}
	}
}

// claimInState records the targets that are about to come into being, so that they
// are known even if this run ends before its commit: as ours where no owner is marked
// (at a sink that cannot, or merged into what others use too), and everywhere as what is
// to be deleted when it is no longer wanted. Only the first delivery to a target needs it.
func (r *run) claimInState(ctx context.Context, work []*delivery) bool {
	claimed := false
	for _, d := range work {
		old := r.seen.record.Target(d.entry.Place)
		// Where nothing is marked, an older claim may be what says that the place is ours.
		outdated := old != nil && d.info.Marks && old.DeliveredAt.IsZero() &&
			digestOf(r.seen.record.Key, old, d.data) != old.Digest
		if old != nil && !outdated {
			continue
		}
		r.claim(d.entry)
		claimed = true
	}
	return !claimed || r.persistOrFail(ctx)
}

// write brings one target to its content, by compare-and-set, and tries again
// only while the run's lease lasts.
func (e *Engine) write(ctx context.Context, o *observation, d *delivery, leaseRest func() time.Duration) error {
	s, err := e.Sink(d.t.Sink)
	if err != nil {
		return err
	}
	if o.places.shared(d.entry.Place) {
		// Of this process one at a time, so that they need not try again.
		defer e.turnAt(d.entry.Place)()
		if err := e.lookAgain(ctx, s, o, d); err != nil {
			return err
		}
	}
	pause := firstWritePause
	for range writeTries {
		err = e.writeOnce(ctx, s, o, d)
		if !errors.Is(err, sinks.ErrConflict) {
			break
		}
		if !d.t.Target.Merge {
			pause = 0
		}
		if waitErr := e.Sleep(ctx, pause); waitErr != nil {
			break
		}
		pause = min(2*pause, longestWritePause)
		if leaseRest() <= 0 {
			return fmt.Errorf("%s %s was written by another run while this run was delayed for longer than its lease; the other run's version stays: %w", d.t.Sink.Name, d.t.Target.Location, err)
		}
		if lookErr := e.lookAgain(ctx, s, o, d); lookErr != nil {
			return lookErr
		}
	}
	if err != nil {
		return fmt.Errorf("%s: %w", d.t.Sink.Name, err)
	}
	d.entry.DeliveredAt = e.Now()
	e.noteWritten(d.entry.Place)
	return nil
}

// lookAgain looks at a target before it is written. It is an error where it has
// become someone else's since.
func (e *Engine) lookAgain(ctx context.Context, s sinks.Sink, o *observation, d *delivery) error {
	info, err := s.Stat(ctx, d.t.Target)
	if err != nil {
		return fmt.Errorf("%s: %w", d.t.Sink.Name, err)
	}
	if info != d.info && !e.stillOurs(ctx, o, d, info) {
		return fmt.Errorf("%s %s was created by someone else in the meantime and is left alone; set adopt = true in the deliver block to take it over: %w", d.t.Sink.Name, d.t.Target.Location, sinks.ErrConflict)
	}
	d.info = info
	return nil
}

func (e *Engine) writeOnce(ctx context.Context, s sinks.Sink, o *observation, d *delivery) (err error) {
	marked := d.info.Owner == o.account.owner
	w := sinks.Write{
		Data: d.data, Drop: d.drop, If: d.info.Version, Owner: o.account.owner, Adopt: d.t.Adopt,
		ExpiresAt: d.grant.Token.ExpiresAt, RotatedAt: d.grant.Token.IssuedAt,
	}
	if c, ok := s.(sinks.Claimer); ok && !marked && !d.t.Target.Merge {
		d.entry.Version, err = c.Claim(ctx, d.t.Target, w, d.info)
	} else {
		d.entry.Version, err = s.Write(ctx, d.t.Target, w)
	}
	return err
}

// stillOurs reports whether a target that has changed since it was looked at
// may be written all the same.
func (e *Engine) stillOurs(ctx context.Context, o *observation, d *delivery, info sinks.Info) bool {
	switch {
	case d.t.Adopt || !info.Exists && info.Owner == "":
		return true
	case info.Owner == o.account.owner:
		return true
	case info.Owner != "":
		// Whoever has marked or written it since is at work on it.
		same := info.Owner == d.info.Owner && info.Version == d.info.Version
		return (same || d.t.Target.Merge) && e.ownershipByMark(o.account, o.places, d.t, d.entry.Place, info.Owner).ours
	case info.Marks:
		return false
	case d.info.Exists:
		// What was there before was ours.
		return true
	}
	// It has come into being: by an account that merges into the same place, in
	// this process or another one, or by a stranger.
	return d.t.Target.Merge && (e.hasWritten(d.entry.Place) || e.deliveredByProject(ctx, o, d, info))
}

// restart has what reads the targets restarted for a delivered token, once, and
// only when every target that may be written holds it: a consumer that reads
// two of them must not start with one old token.
func (r *run) restart(ctx context.Context, g *state.Grant) {
	for i, t := range r.seen.account.targets {
		entry := r.seen.record.Target(r.seen.places.of[t.Delivery])
		if r.seen.targetErrs[i] != nil || r.writable(i) && (entry == nil || entry.GrantID != g.ID) {
			return
		}
	}
	if r.diagnostics.HasErrors() {
		return
	}
	for i, t := range r.seen.account.targets {
		entry := r.seen.record.Target(r.seen.places.of[t.Delivery])
		if !r.writable(i) || len(t.Target.Restarts) == 0 || entry.RestartedID == g.ID {
			continue
		}
		err := r.e.restart(ctx, t, g.Token.IssuedAt)
		r.recordTarget("", audit.Restart, t.Sink.Name, t.Target.Location, g.Token.Access, err)
		if err != nil {
			f := r.failure("A workload that reads this target could not be restarted", err)
			f.Range = t.Range
			r.fail(f)
			continue
		}
		entry.RestartedID = g.ID
	}
}

func (e *Engine) restart(ctx context.Context, t *target, stamp time.Time) error {
	s, err := e.Sink(t.Sink)
	if err != nil {
		return err
	}
	restarter, ok := s.(sinks.Restarter)
	if !ok {
		return fmt.Errorf("%s cannot restart anything; remove restart from the deliver block", t.Sink.Name)
	}
	if err := restarter.Restart(ctx, t.Target, stamp); err != nil {
		return fmt.Errorf("%s: %w", t.Sink.Name, err)
	}
	return nil
}

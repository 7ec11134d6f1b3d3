package admin

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/credsync/credsync/audit"
	"github.com/credsync/credsync/internal/processid"
	"github.com/credsync/credsync/sinks"
	"github.com/credsync/credsync/state"
	"golang.org/x/sync/errgroup"
)

// Migration moves the records of a project to another place.
//
// Each is copied under its lease at the old place, and that place is emptied only once
// all are at the new one. So a migration that ends anywhere loses nothing, and the
// next one goes on from there.
type Migration struct {
	// From has the records now; the embedded Records are of the place they go to.
	From *state.Store
	Records
	// ToSink names the sink of that place in the audit trail.
	ToSink string
	// Along are other projects whose records are moved as well, by migrations of their
	// own.
	Along []string
}

// Migrated is what a migration is about to do.
type Migrated struct {
	// Same says that both places are one, so there is nothing to do.
	Same bool
	// Steps are the records that can be moved, by address.
	Steps []*MigrationStep
	// Problems are what keeps others from being moved.
	Problems []error
	// Foreign counts the records of other projects, which stay.
	Foreign int
}

// MigrationStep is one record that is about to be moved.
type MigrationStep struct {
	Address string
	// There says that the new place has the record already, or a newer one, so that it
	// only has to be removed from the old one.
	There bool

	// old is the record at the old place, and oldVersion what is there now.
	old        *state.Record
	oldVersion string
	// write is what the new place is to have over newVersion; nil for nothing.
	write      *state.Record
	newVersion string
	// leased says that the lease at the old place is ours.
	leased bool
	event  *audit.Event
}

// errClash is a record of which both places have a token.
var errClash = errors.New("both locations have a token of this account")

// Look finds out what there is to move. It changes nothing. An error says that not even
// that could be found out, or that a run is at work.
func (m *Migration) Look(ctx context.Context) (*Migrated, error) {
	from, err := m.From.Place(ctx)
	if err != nil {
		return nil, err
	}
	to, err := m.Store.Place(ctx)
	if err != nil {
		return nil, err
	}
	if from == to {
		return &Migrated{Same: true}, nil
	}
	out := &Migrated{}
	snaps, problems := m.From.View(ctx).Others(ctx, nil)
	out.Problems = problems
	slices.SortFunc(snaps, func(a, b state.Snapshot) int { return strings.Compare(a.Record.Address, b.Record.Address) })
	there := m.Store.View(ctx)
	for _, s := range snaps {
		if m.Held(s.Record.Lease) {
			return nil, fmt.Errorf("%s is working on %s at the old location; wait for it to end, or stop it", processid.Describe(s.Record.Lease.Holder), s.Record.Address)
		}
		step, err := m.step(ctx, s, there)
		if err != nil {
			out.Problems = append(out.Problems, err)
			continue
		}
		out.Steps = append(out.Steps, step)
	}
	// Where the names cannot be listed nothing was found either, and that has been said.
	others, _ := m.From.OtherProjects(ctx)
	for project, n := range others {
		if !slices.Contains(m.Along, project) {
			out.Foreign += n
		}
	}
	return out, nil
}

// step decides what is to become of one record.
func (m *Migration) step(ctx context.Context, s state.Snapshot, there *state.View) (*MigrationStep, error) {
	old := s.Record
	snap, err := there.Load(ctx, old.Address)
	if err != nil {
		return nil, fmt.Errorf("the record of %s at the new location cannot be used: %w", old.Address, err)
	}
	step := &MigrationStep{Address: old.Address, old: old, oldVersion: s.Version, newVersion: snap.Version}
	now := snap.Record
	if now == nil {
		step.write = old.Clone()
		step.write.Lease = nil
		return step, nil
	}
	step.There = true
	switch merged, err := mergeRecords(old, now); {
	case err != nil:
		return nil, fmt.Errorf("%s: %w; %s", old.Address, err, m.clashAdvice(old.Address))
	case merged == nil:
		return step, nil
	case m.Held(now.Lease):
		return nil, fmt.Errorf("%s is working on %s at the new location; wait for it to end, then run the command again", processid.Describe(now.Lease.Holder), old.Address)
	default:
		step.write = merged
		return step, nil
	}
}

// clashAdvice says what to do where both places have a token.
func (m *Migration) clashAdvice(address string) string {
	advice := fmt.Sprintf("neither record was changed. To keep the token at the old location, run credsync state rm '%s' and migrate again. "+
		"To keep the token at the new location, run credsync state rm '%s' with a configuration that keeps its state at the old location", address, address)
	if t, err := m.From.Target(address); err == nil {
		advice += ", which has the record at " + t.Location
	}
	return advice
}

// mergeRecords returns what the new place is to have where both have a record; nil for
// what it has now. Of a token one record at most may be without the other's knowing.
func mergeRecords(old, now *state.Record) (*state.Record, error) {
	was, is := old.Newest(), now.Newest()
	copied := string(old.Key) == string(now.Key)
	switch {
	case was == nil && is == nil && copied,
		was != nil && is != nil && was.ID == is.ID,
		was != nil && is != nil && copied && knows(now, was.ID):
		return nil, nil
	case is == nil:
		return inherit(old, now), nil
	case was == nil:
		if merged := inherit(now, old); merged.KnownOfLogins() != now.KnownOfLogins() {
			return merged, nil
		}
		return nil, nil
	}
	return nil, errClash
}

// knows reports whether a record has, or has had, the token of that id.
func knows(r *state.Record, id string) bool {
	return r.Current != nil && r.Current.ID == id || r.Pending != nil && r.Pending.ID == id ||
		slices.ContainsFunc(r.Targets, func(t state.Target) bool { return t.GrantID == id })
}

// inherit is a record that stays, without lease, with the rejections of one that goes.
func inherit(stays, goes *state.Record) *state.Record {
	r := stays.Clone()
	r.Lease = nil
	r.Inherit(goes)
	return r
}

// migratedAtOnce is how many records are worked on at a time, so that the leases of
// many do not run out before all are copied.
const migratedAtOnce = 8

// Migrate does what Look has found. It returns the addresses that are done, even if
// it fails; the next migration continues with the others.
func (m *Migration) Migrate(ctx context.Context, found *Migrated) (done []string, err error) {
	errs := make([]error, len(found.Steps))
	var stopped atomic.Bool
	var work errgroup.Group
	work.SetLimit(migratedAtOnce)
	for i, s := range found.Steps {
		work.Go(func() error {
			if stopped.Load() {
				return nil
			}
			if err := m.copy(ctx, s); err != nil {
				stopped.Store(true)
				errs[i] = fmt.Errorf("%s: %w", s.Address, err)
			}
			return nil
		})
	}
	_ = work.Wait() // each error is in its place
	if err := firstError(errs); err != nil {
		for _, s := range found.Steps {
			m.release(ctx, s)
			_ = m.ended(s, err) // that it was not done is what matters
		}
		return nil, fmt.Errorf("%w; nothing was removed from the old location. Run the command again: it continues where it stopped", err)
	}
	unrecorded := make([]error, len(found.Steps))
	for i, s := range found.Steps {
		work.Go(func() error {
			errs[i], unrecorded[i] = m.empty(ctx, s)
			return nil
		})
	}
	_ = work.Wait() // as above
	for i, s := range found.Steps {
		if errs[i] == nil {
			done = append(done, s.Address)
		}
	}
	if err := firstError(errs); err != nil {
		return done, err
	}
	return done, firstError(unrecorded)
}

func firstError(errs []error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

// empty removes a record from the old place. lost is why the audit trail lacks that it
// was done.
func (m *Migration) empty(ctx context.Context, s *MigrationStep) (err, lost error) {
	if err := m.From.Delete(ctx, s.Address, s.oldVersion); err != nil {
		m.release(ctx, s)
		_ = m.ended(s, err) // the other error is what matters
		return fmt.Errorf("the record of %s is at the new location, but could not be removed from the old one: %w", s.Address, writtenMeanwhile(err)), nil
	}
	s.leased = false
	if err := m.ended(s, nil); err != nil {
		return nil, audit.UnrecordedAfter(err)
	}
	return nil, nil
}

// copy brings one record to the new place, under its lease at the old one.
func (m *Migration) copy(ctx context.Context, s *MigrationStep) error {
	if err := m.begun(s); err != nil {
		return audit.NotTried(err)
	}
	leased := s.old.Clone()
	leased.Lease = &state.Lease{Holder: m.Holder, ExpiresAt: m.Now().Add(state.LeaseLife)}
	version, err := m.From.Save(ctx, leased, s.oldVersion)
	if err != nil {
		return fmt.Errorf("its lease at the old location could not be taken: %w", writtenMeanwhile(err))
	}
	s.oldVersion, s.leased = version, true
	if s.write == nil {
		return m.stillThere(ctx, s)
	}
	if _, err := m.Store.Save(ctx, s.write, s.newVersion); err != nil {
		return fmt.Errorf("it could not be written at the new location: %w", writtenMeanwhile(err))
	}
	return nil
}

// stillThere makes sure that what the old place is about to lose has not been removed
// from the new one meanwhile.
func (m *Migration) stillThere(ctx context.Context, s *MigrationStep) error {
	snap, err := m.Store.Load(ctx, s.Address)
	switch {
	case err != nil:
		return fmt.Errorf("the record at the new location cannot be used: %w", err)
	case snap.Record == nil:
		return errors.New("the record at the new location was removed in the meantime")
	}
	merged, err := mergeRecords(s.old, snap.Record)
	if err == nil && merged != nil {
		err = writtenMeanwhile(sinks.ErrConflict)
	}
	return err
}

// release ends the lease at the old place, if it is there still. That it cannot is no
// harm: it runs out by itself, and this process soon is gone.
func (m *Migration) release(ctx context.Context, s *MigrationStep) {
	if !s.leased {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
	defer cancel()
	r := s.old.Clone()
	r.Lease = nil
	_, _ = m.From.Save(ctx, r, s.oldVersion)
	s.leased = false
}

// begun records that a record is about to be moved.
func (m *Migration) begun(s *MigrationStep) error {
	if m.Audit == nil {
		return nil
	}
	to, err := m.Store.Target(s.Address)
	if err != nil {
		return err
	}
	ev := audit.Event{
		Time: m.Now(), ID: rand.Text(), Project: m.Project, Holder: m.Holder, Address: s.Address,
		Provider: s.old.Provider,
		Action:   audit.StateMigrate, Outcome: audit.Started,
	}.OfTarget(m.ToSink, to.Location)
	if g := s.old.Newest(); g != nil {
		ev.Token = audit.TokenFingerprint(s.old.Key, g.Token.Access)
	}
	if err := m.Audit.Record(ev); err != nil {
		return err
	}
	s.event = &ev
	return nil
}

// ended records what came of it, where it was begun.
func (m *Migration) ended(s *MigrationStep, err error) error {
	if s.event == nil {
		return nil
	}
	ev := *s.event
	s.event = nil
	ev.Time, ev.Outcome = m.Now(), audit.Done
	if err != nil {
		ev.Outcome, ev.Class = audit.Failed, state.FailureClass(err)
	}
	return m.Audit.Record(ev)
}

func writtenMeanwhile(err error) error {
	if errors.Is(err, sinks.ErrConflict) {
		return fmt.Errorf("another run wrote it in the meantime: %w", err)
	}
	return err
}

// LeftBehind counts the accounts of which an old place of the state has a record, and
// the present one has none. What cannot be read counts for nothing: this is for a
// warning.
func LeftBehind(ctx context.Context, old, present *state.Store) int {
	from, err := old.Place(ctx)
	if err != nil {
		return 0
	}
	if to, err := present.Place(ctx); err != nil || from == to {
		return 0
	}
	snaps, _ := old.View(ctx).Others(ctx, nil)
	if len(snaps) == 0 {
		return 0
	}
	there, n := present.View(ctx), 0
	for _, s := range snaps {
		if snap, err := there.Load(ctx, s.Record.Address); err == nil && snap.Record == nil {
			n++
		}
	}
	return n
}

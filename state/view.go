package state

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/credsync/credsync/sinks"
)

// View is the store as one look at many accounts finds it. Where the sink can
// read all records in few requests, they have been read when the View is made;
// otherwise those that there are were listed, and each is read when it is asked
// for. It may be used concurrently.
type View struct {
	store *Store
	// scanned holds what there is, by place; nil where nothing was scanned.
	scanned map[string]found
	// err is why the records could not be scanned.
	err error
	// listed are the places that there are, and there those of them by path;
	// nil where they were scanned, or could not be listed.
	listed []sinks.Target
	there  map[string]bool
	// unlisted is why they could not be listed.
	unlisted error
}

// found is one record of a scan.
type found struct {
	target sinks.Target
	snap   Snapshot
	err    error
}

// View looks at all records of the project. What goes wrong is told when one is
// asked for.
func (s *Store) View(ctx context.Context) *View {
	v := &View{store: s}
	dir, err := s.place("")
	if err != nil {
		v.err = err
		return v
	}
	isOwn, err := s.isOwn()
	if err != nil {
		v.err = err
		return v
	}
	scanner, ok := s.sink.(sinks.Scanner)
	if !ok {
		v.list(ctx, dir, isOwn)
		return v
	}
	scanned := make(map[string]found)
	err = scanner.Scan(ctx, dir, func(t sinks.Target, o sinks.Object) error {
		if isOwn(t) {
			snap, err := decodeAt(t, o)
			scanned[t.Path] = found{t, snap, err}
		}
		return nil
	})
	switch {
	case err == nil:
		v.scanned = scanned
	case errors.Is(err, sinks.ErrDenied):
		// Records can still be read one by one.
		v.unlisted = err
	default:
		v.err = err
	}
	return v
}

// list notes which records there are. Where that fails, each is read all the
// same.
func (v *View) list(ctx context.Context, dir sinks.Target, isOwn func(sinks.Target) bool) {
	if v.listed, v.unlisted = v.store.sink.List(ctx, dir); v.unlisted != nil {
		return
	}
	v.listed = slices.DeleteFunc(v.listed, func(t sinks.Target) bool { return !isOwn(t) })
	v.there = make(map[string]bool, len(v.listed))
	for _, t := range v.listed {
		v.there[t.Path] = true
	}
}

// Count is how many records the project has there, as far as is known.
func (v *View) Count() int { return len(v.scanned) + len(v.listed) }

// Load is as Store.Load. What was not in the list is not read: should it have
// come since, a write over no version finds that out.
func (v *View) Load(ctx context.Context, address string) (Snapshot, error) {
	if v.err != nil {
		return Snapshot{}, v.err
	}
	t, err := v.store.place(RecordName(v.store.project, address))
	if err != nil {
		return Snapshot{}, err
	}
	switch {
	case v.scanned != nil:
		f := v.scanned[t.Path]
		return v.store.refuseOthers(address, f.snap, f.err)
	case v.there == nil || v.there[t.Path]:
		snap, err := v.store.readAt(ctx, t)
		return v.store.refuseOthers(address, snap, err)
	}
	return Snapshot{}, nil
}

// Others returns the project's records of accounts that are not among those
// addresses: accounts that have gone from the configuration. A record that
// cannot be used is reported in the errors and does not hide the others. Those
// of other projects are not read.
func (v *View) Others(ctx context.Context, addresses []string) ([]Snapshot, []error) {
	// A sink may name its places otherwise than by the record's name alone.
	known := make(map[string]bool, len(addresses))
	for _, a := range addresses {
		t, err := v.store.place(RecordName(v.store.project, a))
		if err != nil {
			return nil, []error{err}
		}
		known[t.Path] = true
	}
	all, err := v.all(ctx, known)
	if err != nil {
		return nil, []error{err}
	}
	var snaps []Snapshot
	var errs []error
	for _, f := range all {
		err := f.err
		if err == nil && f.snap.Record != nil {
			if f.snap.Record.Project != v.store.project {
				// Another project's, whose name begins as this one's does.
				continue
			}
			err = v.store.belongs(f.snap.Record, f.target)
		}
		switch {
		case err != nil:
			errs = append(errs, err)
		case f.snap.Record != nil:
			snaps = append(snaps, f.snap)
		}
	}
	return snaps, errs
}

// all returns the records at places that are not known, in order.
func (v *View) all(ctx context.Context, known map[string]bool) ([]found, error) {
	if v.err != nil {
		return nil, v.err
	}
	if v.scanned != nil {
		return v.fromScan(known), nil
	}
	if v.unlisted != nil {
		return nil, v.unlisted
	}
	var all []found
	for _, t := range v.listed {
		if !known[t.Path] {
			snap, err := v.store.readAt(ctx, t)
			all = append(all, found{t, snap, err})
		}
	}
	return all, nil
}

func (v *View) fromScan(known map[string]bool) []found {
	var all []found
	for _, path := range slices.Sorted(maps.Keys(v.scanned)) {
		if !known[path] {
			all = append(all, v.scanned[path])
		}
	}
	return all
}

// isOwn returns what tells the project's records from those of others that are
// kept in the same place, by their names.
func (s *Store) isOwn() (func(sinks.Target) bool, error) {
	prefix := namePrefix(s.project)
	// The prefix alone is no name that every sink takes.
	t, err := s.place(RecordName(s.project, ""))
	if err != nil {
		return nil, err
	}
	// A sink may put something before a name, and behind it.
	begin := t.Path[:strings.LastIndex(t.Path, prefix)+len(prefix)]
	return func(t sinks.Target) bool { return strings.HasPrefix(t.Path, begin) }, nil
}

// belongs refuses a copy of a record under another name: acting on it would
// act on the account whose record is elsewhere.
func (s *Store) belongs(r *Record, at sinks.Target) error {
	t, err := s.place(RecordName(r.Project, r.Address))
	if err != nil {
		return err
	}
	if t.Path != at.Path {
		return fmt.Errorf("%w: %s is a copy of the record of %s; move it elsewhere", ErrCorrupt, at.Location, r.Address)
	}
	return nil
}

package engine

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/credsync/credsync/config"
	"github.com/credsync/credsync/schema/address"
	"github.com/credsync/credsync/state"
)

// owner is whose a record or a mark is: an account of this project, or of one that
// it once was.
type owner struct {
	project, address string
}

// of names an owner to the people of a project.
func (w owner) of(project string) string {
	if w.project == project {
		return w.address
	}
	return fmt.Sprintf("%s of the former project %s", w.address, w.project)
}

// id names an owner in a record of that project; see state.Record.Moved.
func (w owner) id(project string) string {
	if w.project == project {
		return w.address
	}
	return w.project + "/" + w.address
}

// moves are what the moved blocks, and the names that the project had before, say
// of where the accounts' records may be.
type moves struct {
	project  string
	formerly []string
	// from are the addresses that an address is moved from, whole those that go
	// with each of their instances.
	from, whole map[string][]string
	// exchanged are the addresses that are moved to each other.
	exchanged map[string]string
}

func movesOf(cfg *config.Config) *moves {
	m := &moves{
		project: cfg.Project, formerly: cfg.Formerly,
		from: map[string][]string{}, whole: map[string][]string{}, exchanged: map[string]string{},
	}
	to := map[string]string{}
	for _, b := range cfg.Moved {
		to[b.From] = b.To
	}
	for _, b := range cfg.Moved {
		if to[b.To] == b.From {
			m.exchanged[b.To] = b.From
			continue
		}
		m.from[b.To] = append(m.from[b.To], b.From)
		if b.Whole {
			m.whole[b.To] = append(m.whole[b.To], b.From)
		}
	}
	return m
}

// partner is the address with which one is exchanged; "" for none.
func (m *moves) partner(address string) string {
	if p := m.exchanged[address]; p != "" {
		return p
	}
	block, key := splitKey(address)
	if p := m.exchanged[block]; p != "" && key != "" {
		return p + key
	}
	return ""
}

// sources are whose records an account continues with, where it has none of its own:
// the nearest first.
func (m *moves) sources(address string) []owner {
	addresses := []string{address}
	for i := 0; i < len(addresses); i++ {
		for _, from := range m.directly(addresses[i]) {
			if !slices.Contains(addresses, from) {
				addresses = append(addresses, from)
			}
		}
	}
	var all []owner
	for _, a := range addresses[1:] {
		all = append(all, owner{m.project, a})
	}
	for _, p := range m.formerly {
		for _, a := range addresses {
			all = append(all, owner{p, a})
		}
	}
	return all
}

func (m *moves) directly(address string) []string {
	list := slices.Clone(m.from[address])
	block, key := splitKey(address)
	if key != "" {
		for _, from := range m.whole[block] {
			list = append(list, from+key)
		}
	}
	return list
}

// splitKey splits an address into that of its block and the key of the instance,
// with its brackets; "" where it has none.
func splitKey(address string) (block, key string) {
	if i := strings.IndexByte(address, '['); i >= 0 {
		return address[:i], address[i:]
	}
	return address, ""
}

// move is a record that an account continues with and that has yet to be moved to
// its address.
type move struct {
	from owner
	// version is that of the record there.
	version string
	// exchange says that the two accounts change places.
	exchange bool
}

// loaded is the record that an account continues with.
type loaded struct {
	state.Snapshot
	// moving is nil unless the record is that of another address.
	moving *move
	// ignored is whose record a moved block names and the account does without,
	// since it has a token of its own; nil for none.
	ignored *owner
}

// recordReader reads the record of an account of a project.
type recordReader func(ctx context.Context, of owner) (state.Snapshot, error)

// reader reads records, from what was read of all of them where there is that.
func (e *Engine) reader(ahead *readAhead) recordReader {
	return func(ctx context.Context, of owner) (state.Snapshot, error) {
		if ahead != nil && ahead.views[of.project] != nil {
			return ahead.views[of.project].Load(ctx, of.address)
		}
		return e.Store.For(of.project).Load(ctx, of.address)
	}
}

// load reads the record that an account continues with: its own, or the one that is
// to be moved to it.
func (e *Engine) load(ctx context.Context, a *account, read recordReader) (loaded, error) {
	self := owner{e.Config.Project, a.cfg.Address}
	own, err := read(ctx, self)
	if err != nil {
		return loaded{}, err
	}
	if partner := e.moves.partner(self.address); partner != "" {
		l, pending, err := e.loadExchanged(ctx, self, own, partner, read)
		if err != nil || pending {
			return l, err
		}
	}
	if own.Record != nil && own.Record.Parked != nil {
		return e.loadUnparked(ctx, self, own, read)
	}
	sources := e.sourcesOf[a]
	if len(sources) == 0 {
		return loaded{Snapshot: own}, nil
	}
	return e.loadMoved(ctx, self, own, sources, read)
}

func (e *Engine) loadMoved(
	ctx context.Context,
	self owner,
	own state.Snapshot,
	sources []owner,
	read recordReader,
) (loaded, error) {
	var found loaded
	for _, from := range sources {
		snap, err := read(ctx, from)
		switch {
		case err != nil:
			return loaded{}, err
		case snap.Record == nil:
			continue
		case own.Record != nil && own.Record.Newest() != nil:
			if slices.Contains(own.Record.Moved, from.id(self.project)) {
				return loaded{Snapshot: own}, nil
			}
			return loaded{Snapshot: own, ignored: &from}, nil
		}
		if found.moving == nil || found.Record.Newest() == nil && snap.Record.Newest() != nil {
			found.Record = movedRecord(snap.Record, from, self)
			found.moving = &move{from: from, version: snap.Version}
		}
	}
	if found.moving == nil {
		return loaded{Snapshot: own}, nil
	}
	if own.Record != nil {
		found.Record.Inherit(own.Record)
	}
	found.Version = own.Version
	return found, nil
}

// movedRecord is a record as it goes on at another address.
func movedRecord(r *state.Record, from, to owner) *state.Record {
	r = r.Clone()
	r.Project, r.Address = to.project, to.address
	// An upstream may have another name than before.
	r.Provider = address.Provider(to.address)
	r.Parked = nil
	r.Moved = append(r.Moved, from.id(to.project))
	for i := range r.Notices {
		if n := &r.Notices[i]; n.Address == "" {
			n.Project, n.Address = from.project, from.address
		}
	}
	return r
}

// loadExchanged is for an account that changes addresses with another. pending is
// false where that was done before.
func (e *Engine) loadExchanged(
	ctx context.Context,
	self owner,
	own state.Snapshot,
	partner string,
	read recordReader,
) (l loaded, pending bool, err error) {
	other := owner{self.project, partner}
	theirs, err := read(ctx, other)
	if err != nil {
		return loaded{}, false, err
	}
	x := exchangeOf(self, own.Record, other, theirs.Record)
	if x.done {
		return loaded{}, false, nil
	}
	return loaded{
		Snapshot: state.Snapshot{Record: x.ours, Version: own.Version},
		moving:   &move{from: other, version: theirs.Version, exchange: true},
	}, true, nil
}

// loadUnparked is for an exchange that was cut short and whose blocks have been taken
// out since: it was made where the other has its part, and else it is taken back.
func (e *Engine) loadUnparked(ctx context.Context, self owner, own state.Snapshot, read recordReader) (loaded, error) {
	rec := own.Record.Clone()
	if n := len(rec.Moved); n > 0 {
		theirs, err := read(ctx, owner{self.project, rec.Moved[n-1]})
		if err != nil {
			return loaded{}, err
		}
		if !movedFrom(theirs.Record, self) {
			rec = rec.Parked
		}
	}
	rec.Parked = nil
	return loaded{Snapshot: state.Snapshot{Record: rec, Version: own.Version}}, nil
}

// exchange is how far two accounts are with changing addresses.
type exchange struct {
	done bool
	// ours and theirs are the records as they will be; nil for none.
	ours, theirs *state.Record
}

// exchangeOf tells how far an exchange is, by the two records as they are. Half
// way the first of them holds the other's in keeping.
func exchangeOf(self owner, own *state.Record, other owner, theirs *state.Record) exchange {
	switch {
	case own != nil && own.Parked != nil:
		kept, rest := halfWay(own, self, other, theirs)
		return exchange{ours: kept, theirs: rest}
	case theirs != nil && theirs.Parked != nil:
		kept, rest := halfWay(theirs, other, self, own)
		return exchange{ours: rest, theirs: kept}
	case own == nil && theirs == nil, movedFrom(own, other), movedFrom(theirs, self):
		return exchange{done: true}
	}
	var x exchange
	if theirs != nil {
		x.ours = movedRecord(theirs, other, self)
	}
	if own != nil {
		x.theirs = movedRecord(own, self, other)
	}
	return x
}

// movedFrom reports whether a record came to its address from that one. Where it was
// before that says nothing of the exchange that is asked for now; that the project was
// renamed since is no move to another address.
func movedFrom(r *state.Record, from owner) bool {
	if r == nil {
		return false
	}
	for _, id := range slices.Backward(r.Moved) {
		if _, address, former := strings.Cut(id, "/account."); former {
			id = "account." + address
		}
		if id != r.Address {
			return id == from.address
		}
	}
	return false
}

// newRecord is the first record of an account. One that is made while the account is to
// change addresses with another belongs where it is.
func (e *Engine) newRecord(a *account) *state.Record {
	r := state.New(e.Config.Project, a.cfg.Address, a.cfg.Spec.Name)
	if partner := e.moves.partner(a.cfg.Address); partner != "" {
		r.Moved = []string{partner}
	}
	return r
}

// halfWay returns what becomes of the record that has another in keeping, and of
// the other, which may be where it belongs already.
func halfWay(keeper *state.Record, at, to owner, there *state.Record) (kept, rest *state.Record) {
	kept, rest = keeper.Clone(), there
	kept.Parked = nil
	if !movedFrom(there, at) {
		rest = movedRecord(keeper.Parked, at, to)
	}
	return kept, rest
}

// standing are the moves of a record of which the configuration still says that
// they are to be made.
func (e *Engine) standing(a *account, moved []string) []string {
	return slices.DeleteFunc(slices.Clone(moved), func(id string) bool {
		if id == e.moves.partner(a.cfg.Address) {
			return false
		}
		return !slices.ContainsFunc(e.sourcesOf[a], func(w owner) bool { return w.id(e.Config.Project) == id })
	})
}

// movedTo is the account of the configuration that continues with a record, where
// it is still without a token; nil where there is none.
func (e *Engine) movedTo(ctx context.Context, of owner, read recordReader) (*account, error) {
	for _, a := range e.successors[of] {
		snap, err := read(ctx, owner{e.Config.Project, a.cfg.Address})
		if err != nil {
			return nil, err
		}
		if snap.Record == nil || snap.Record.Newest() == nil {
			return a, nil
		}
	}
	return nil, nil
}

// heirOf is the account of the configuration to which a record was moved that is still
// where it came from, as after a run that was killed in between; "" where it was not.
func (e *Engine) heirOf(ctx context.Context, r *state.Record, read recordReader) string {
	if !r.DeleteOnRemove || len(r.Targets) == 0 {
		return "" // nothing of it is touched in any case
	}
	e.seeAll(ctx)
	e.strays.mu.Lock()
	address := e.strays.at[string(r.Key)]
	e.strays.mu.Unlock()
	if address == "" || !e.goesOnAs(ctx, r, address, read) {
		return ""
	}
	return address
}

// goesOnAs reports whether the record of an address is another one, moved: that keeps the
// key, which no two records share otherwise.
func (e *Engine) goesOnAs(ctx context.Context, r *state.Record, address string, read recordReader) bool {
	snap, err := read(ctx, owner{e.Config.Project, address})
	return err == nil && snap.Record != nil && bytes.Equal(snap.Record.Key, r.Key)
}

// leaveTo leaves the places of a record to the account that continues with it.
func (o *observation) leaveTo(heir string) {
	o.heir, o.input.Heir = heir, heir
	o.input.Targets = nil
}

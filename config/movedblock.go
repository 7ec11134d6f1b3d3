package config

import (
	"fmt"
	"slices"
	"strings"

	"github.com/credsync/credsync/schema"
	"github.com/credsync/credsync/schema/diag"
	"github.com/hashicorp/hcl/v2"
)

// Moved is one moved block: an account that has another address than before.
type Moved struct {
	// From and To are addresses as Account.Address has them.
	From, To string
	// Whole says that neither names an instance, so that each instance of From is
	// moved to the one of To that has the same key.
	Whole bool
	Range *diag.Range
}

// movedBlock is one on its way through the checks.
type movedBlock struct {
	from, to accountReference
	def      hcl.Range
	whole    bool
}

// declareMoved reads the moved blocks, in the order in which they stand.
func (l *loader) declareMoved(blocks []*hcl.Block) []*Moved {
	m := movedBlocks{l: l, byFrom: map[string]*movedBlock{}, byTo: map[string]*movedBlock{}}
	for _, b := range blocks {
		if one := l.movedBlock(b); one != nil && m.unique(one) {
			m.all = append(m.all, one)
		}
	}
	implied := m.addFormerTypes()
	cyclic := m.reportCycles()
	var moved []*Moved
	for _, b := range m.all {
		if !cyclic[b] && !implied[b] {
			m.checkFrom(b)
			m.checkTo(b)
		}
		moved = append(
			moved,
			&Moved{From: b.from.address(), To: b.to.address(), Whole: b.whole, Range: convertRange(b.def)},
		)
	}
	return moved
}

// movedBlock reads one by itself; nil if that fails.
func (l *loader) movedBlock(b *hcl.Block) *movedBlock {
	s := section{body: b.Body, def: b.DefRange, kind: "the moved block"}
	content, ok := l.splitByTables(s, scope{ctx: l.functionsContext, address: "moved"}, []*schema.Block{l.tables.moved})
	from, good := l.accountReference(content, "from", l.tables.moved, s)
	to, fine := l.accountReference(content, "to", l.tables.moved, s)
	switch {
	case !ok || !good || !fine:
		return nil
	case from.address() == to.address():
		l.report.error(to.at, "moved", "Account moved to itself", fmt.Sprintf("Both from and to are %s. Set from to the account's previous address, or remove this block.", from.address()))
		return nil
	case from.spec != to.spec:
		l.report.error(to.at, "moved", "Account moved to another provider", fmt.Sprintf("%s belongs to provider %q and %s to %q. A token of one is of no use to the other. Remove this block.", from.address(), from.spec.Name, to.address(), to.spec.Name))
		return nil
	}
	return &movedBlock{from: from, to: to, def: placeOfBlock(b, from.at), whole: from.suffix == "" && to.suffix == ""}
}

// movedBlocks are all of a configuration.
type movedBlocks struct {
	l            *loader
	all          []*movedBlock
	byFrom, byTo map[string]*movedBlock
}

// unique reports a block that has the from or the to of another.
func (m *movedBlocks) unique(b *movedBlock) bool {
	from, to := b.from.address(), b.to.address()
	if other := m.byFrom[from]; other != nil {
		m.l.report.error(b.from.at, "moved", "Account moved twice", fmt.Sprintf("%s is already moved to %s at %s. An account can be moved to one address only. Remove one of the two blocks.", from, other.to.address(), place(other.def)))
		return false
	}
	if other := m.byTo[to]; other != nil {
		m.l.report.error(b.to.at, "moved", "Two accounts moved to one", fmt.Sprintf("%s already takes over the record of %s at %s. An account can take over one record only. Remove one of the two blocks.", to, other.from.address(), place(other.def)))
		return false
	}
	m.byFrom[from], m.byTo[to] = b, b
	return true
}

// next is where an address is moved to, by a block of its own or by that of its
// whole account; "" for nowhere.
func (m *movedBlocks) next(address string) (to string, by *movedBlock) {
	if b := m.byFrom[address]; b != nil {
		return b.to.address(), b
	}
	block, suffix, _ := strings.Cut(address, "[")
	if b := m.byFrom[block]; b != nil && b.whole && suffix != "" {
		return b.to.block + "[" + suffix, b
	}
	return "", nil
}

// reportCycles reports the blocks that lead back to where they began, except for two
// declared accounts that are exchanged, and returns those that are part of one.
func (m *movedBlocks) reportCycles() map[*movedBlock]bool {
	cyclic := map[*movedBlock]bool{}
	for _, b := range m.all {
		start := b.from.address()
		path := []*movedBlock{b}
		at := b.to.address()
		// A way that does not come back to its start comes back to another, or ends.
		for at != "" && at != start && len(path) <= 2*len(m.all) {
			var by *movedBlock
			if at, by = m.next(at); by != nil {
				path = append(path, by)
			}
		}
		if at != start || cyclic[b] {
			continue
		}
		for _, part := range path {
			cyclic[part] = true
		}
		if m.exchange(b) {
			m.checkExchange(b)
			continue
		}
		m.reportCycle(path)
	}
	return cyclic
}

// exchange reports whether another block moves to's account to where this one's
// was.
func (m *movedBlocks) exchange(b *movedBlock) bool {
	back := m.byFrom[b.to.address()]
	return back != nil && back.to.address() == b.from.address()
}

func (m *movedBlocks) reportCycle(path []*movedBlock) {
	steps := make([]string, len(path))
	for i, b := range path {
		steps[i] = fmt.Sprintf("%s to %s (%s)", b.from.address(), b.to.address(), place(b.def))
	}
	m.l.report.error(path[0].def, "moved", "Moved blocks form a cycle", fmt.Sprintf("These blocks lead back to where they began: %s. Only two accounts can be swapped at a time. Keep only the blocks that the last edit needs.", strings.Join(steps, ", ")))
}

// checkExchange reports an exchange of accounts that are not both declared.
func (m *movedBlocks) checkExchange(b *movedBlock) {
	back := m.byFrom[b.to.address()]
	for _, r := range []accountReference{b.from, b.to} {
		if declared, known, _ := m.l.declaration(r, b.whole); !declared && known {
			m.l.report.error(b.def, "moved", "Moved blocks form a cycle", fmt.Sprintf("%s is moved to %s, and back at %s. Two accounts can be swapped only if both are declared, but %s is not. Keep one of the two blocks.",
				b.from.address(), b.to.address(), place(back.def), r.address()))
			return
		}
	}
}

// checkFrom reports an account that is moved although it is still there.
func (m *movedBlocks) checkFrom(b *movedBlock) {
	declared, known, at := m.l.declaration(b.from, b.whole)
	if declared && known {
		m.l.report.error(b.from.at, "moved", "Account to move is still declared", fmt.Sprintf("%s is declared at %s, so its record stays with it and cannot move to %s. If the account was renamed, remove the old account block; otherwise remove this moved block.", b.from.address(), place(at), b.to.address()))
		return
	}
	// An instance that has a block of its own may be moved by that of the whole
	// account as well.
	whole := m.byFrom[b.from.block]
	if b.from.suffix == "" || whole == nil || !whole.whole {
		return
	}
	same := accountReference{block: whole.to.block, suffix: b.from.suffix, spec: b.to.spec}
	if declared, known, _ := m.l.declaration(same, false); declared && known && same.address() != b.to.address() {
		m.l.report.error(b.from.at, "moved", "Account moved twice", fmt.Sprintf("%s is already moved to %s with all of %s at %s, and that address is declared. An account can be moved to one address only. Remove one of the two blocks, or that instance.", b.from.address(), same.address(), b.from.block, place(whole.def)))
	}
}

// checkTo warns of an account that is moved to an address that nothing has.
func (m *movedBlocks) checkTo(b *movedBlock) {
	declared, known, _ := m.l.declaration(b.to, b.whole)
	if _, by := m.next(b.to.address()); declared || !known || by != nil || m.movesInstances(b) {
		return
	}
	d := diag.Warningf("Account moved to an undeclared address", "There is no %s in the configuration, and no other moved block continues from it.%s If the account was removed since, remove this block.", b.to.address(), m.l.nearAccount(b.to))
	d.Address = "moved"
	m.l.report.add(d, &b.to.at)
}

// movesInstances reports whether another block goes on from an instance of the
// account that a block moves to as a whole.
func (m *movedBlocks) movesInstances(b *movedBlock) bool {
	return b.whole && slices.ContainsFunc(m.all, func(o *movedBlock) bool { return o.from.block == b.to.block })
}

package engine_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
)

var (
	walkServers   = []string{"main", "other", "third"}
	walkPaths     = []string{"p1", "p2", "p3", "p4", "p5", "p6"}
	walkAddresses = []string{"a", "b", "c", "d", "e", "f", `shops["x"]`, `shops["y"]`, `shops["z"]`}
	walkKeys      = []string{"K1", "K2", "K3", "K4", "K5"}
)

// editor makes one edit of a configuration.
type editor struct {
	*rand.Rand
	d *drawing
	// users counts the users there ever were; older are configurations from before.
	users *int
	older []*drawing
	// spent are the pairs of addresses of moved blocks that have been carried out and
	// may not have been taken out since: they would not be exchanged again.
	spent map[[2]string]bool
	// former says that the state has records of a former project, which an exchange of
	// names does not know of.
	former bool
	// tidy edits leave nothing behind.
	tidy bool
}

// edit is one kind of edit; often is its weight. It returns false where there is
// nothing to edit so.
type edit struct {
	name  string
	often int
	make  func(*editor) bool
}

var edits = []edit{
	{"rename an account", 3, func(e *editor) bool { return e.rename(false) }},
	{"rename an account, with moved", 5, func(e *editor) bool { return e.rename(true) }},
	{"exchange two names, with moved", 4, (*editor).exchangeNames},
	{"exchange the places of two accounts", 4, (*editor).exchangePlaces},
	{"move a deliver block", 5, (*editor).moveDelivery},
	{"add a deliver block", 2, (*editor).addDelivery},
	{"take a deliver block out", 2, (*editor).dropDelivery},
	{"add an account", 3, (*editor).addAccount},
	{"remove an account", 2, (*editor).removeAccount},
	{"merge into a place of others", 4, (*editor).joinPlace},
	{"turn merge on or off", 2, (*editor).toggleMerge},
	{"change the keys", 3, (*editor).changeKeys},
	{"change adopt", 2, func(e *editor) bool { to := e.delivery(); to.adopt = !to.adopt; return !e.tidy }},
	{"change the look", 1, func(e *editor) bool { e.delivery().look = fmt.Sprint("look", e.IntN(3)); return true }},
	{"change on_remove", 3, func(e *editor) bool { a := e.account(); a.deletes = !a.deletes; return !e.tidy }},
	{"a wrong password", 2, func(e *editor) bool { e.account().password = fmt.Sprint("wrong", e.IntN(3)); return !e.tidy }},
	{"the right passwords", 3, (*editor).rightPasswords},
	{"rename a sink block", 2, (*editor).renameSink},
	{"exchange the labels of two sink blocks", 2, (*editor).exchangeLabels},
	{"point a sink block at another server", 1, (*editor).repoint},
	{"point the sink blocks back", 1, (*editor).pointBack},
	{"take the moved blocks out", 3, func(e *editor) bool { done := len(e.d.moved) > 0; e.d.moved = nil; return done }},
	{"rename the project", 1, (*editor).renameProject},
	{"restore an older configuration", 2, (*editor).restore},
}

// draw makes an edit, of those that lead to a configuration that can be.
func (e *editor) draw(from *drawing) (*drawing, string) {
	total := 0
	for _, x := range edits {
		total += x.often
	}
	for {
		n, at := e.IntN(total), 0
		for ; n >= edits[at].often; at++ {
			n -= edits[at].often
		}
		e.d = from.clone()
		if !edits[at].make(e) {
			continue
		}
		e.d.normalise()
		if e.d.valid() && len(e.d.accounts) > 0 {
			return e.d, edits[at].name
		}
	}
}

func (e *editor) account() *drawnAccount { return e.d.accounts[e.IntN(len(e.d.accounts))] }

func (e *editor) delivery() *drawnDelivery {
	a := e.account()
	return &a.deliveries[e.IntN(len(a.deliveries))]
}

func (e *editor) two() (a, b *drawnAccount, ok bool) {
	a, b = e.account(), e.account()
	return a, b, a != b
}

func pick[T any](e *editor, list []T) T { return list[e.IntN(len(list))] }

func (e *editor) rename(moved bool) bool {
	a, to := e.account(), pick(e, walkAddresses)
	if e.d.at(to) != nil {
		return false
	}
	from := a.address
	a.address = to
	// What leads to or from the new name would be said twice, or no longer holds.
	e.dropMoved(func(m [2]string) bool { return m[0] == to || m[1] == to || m[0] == from || e.inExchange(m, from) })
	if moved {
		e.d.moved = append(e.d.moved, [2]string{from, to})
	}
	return true
}

func (e *editor) inExchange(m [2]string, address string) bool {
	return (m[0] == address || m[1] == address) && slices.Contains(e.d.moved, [2]string{m[1], m[0]})
}

func (e *editor) dropMoved(which func([2]string) bool) {
	var rest [][2]string
	for _, m := range e.d.moved {
		if !which(m) {
			rest = append(rest, m)
		}
	}
	e.d.moved = rest
}

func (e *editor) exchangeNames() bool {
	a, b, ok := e.two()
	if !ok || e.former || e.spent[pairOf(a.address, b.address)] || e.d.partner(a.address) == b.address {
		return false
	}
	e.dropMoved(func(m [2]string) bool {
		return m[0] == a.address || m[1] == a.address || m[0] == b.address || m[1] == b.address
	})
	e.d.moved = append(e.d.moved, [2]string{a.address, b.address}, [2]string{b.address, a.address})
	a.address, b.address = b.address, a.address
	return true
}

func pairOf(a, b string) [2]string { return [2]string{min(a, b), max(a, b)} }

func (e *editor) exchangePlaces() bool {
	a, b, ok := e.two()
	if ok {
		a.deliveries, b.deliveries = b.deliveries, a.deliveries
	}
	return ok
}

func (e *editor) moveDelivery() bool {
	to := e.delivery()
	to.path = pick(e, walkPaths)
	if e.IntN(2) == 0 {
		to.sink = pick(e, e.d.sinks).label
	}
	return true
}

func (e *editor) addDelivery() bool {
	a := e.account()
	a.deliveries = append(a.deliveries, e.newDelivery())
	return !strings.HasPrefix(a.address, shops) && len(a.deliveries) < 4
}

func (e *editor) newDelivery() drawnDelivery {
	return drawnDelivery{sink: pick(e, e.d.sinks).label, path: pick(e, walkPaths), keys: []string{pick(e, walkKeys)}}
}

func (e *editor) dropDelivery() bool {
	a := e.account()
	if len(a.deliveries) < 2 {
		return false
	}
	i := e.IntN(len(a.deliveries))
	a.deliveries = slices.Delete(a.deliveries, i, i+1)
	return true
}

func (e *editor) addAccount() bool {
	address := pick(e, walkAddresses)
	if e.d.at(address) != nil || len(e.d.accounts) > 6 {
		return false
	}
	*e.users++
	e.dropMoved(func(m [2]string) bool { return m[0] == address || m[1] == address })
	e.d.accounts = append(e.d.accounts, &drawnAccount{
		address: address, user: fmt.Sprint("u", *e.users), password: "pw", deletes: e.tidy || e.IntN(2) == 0,
		deliveries: []drawnDelivery{e.newDelivery()},
	})
	return true
}

func (e *editor) removeAccount() bool {
	i := e.IntN(len(e.d.accounts))
	e.d.accounts = slices.Delete(e.d.accounts, i, i+1)
	return true
}

// joinPlace has a deliver block merge into the place of another, with a key of its own.
func (e *editor) joinPlace() bool {
	to, other := e.delivery(), e.delivery()
	if to == other || e.tidy {
		return false
	}
	to.merge, other.merge = true, true
	to.sink, to.path, to.keys = other.sink, other.path, []string{pick(e, walkKeys)}
	return true
}

func (e *editor) toggleMerge() bool {
	to := e.delivery()
	to.merge = !to.merge
	return !e.tidy
}

func (e *editor) changeKeys() bool {
	e.delivery().keys = [][]string{{pick(e, walkKeys)}, {"K1", "K2"}, {"K3", "K4"}}[e.IntN(3)]
	return true
}

func (e *editor) rightPasswords() bool {
	done := false
	for _, a := range e.d.accounts {
		done = done || a.password != "pw"
		a.password = "pw"
	}
	return done
}

func (e *editor) renameSink() bool {
	s := &e.d.sinks[e.IntN(len(e.d.sinks))]
	label := fmt.Sprint("sink", e.IntN(5))
	if slices.ContainsFunc(e.d.sinks, func(s drawnSink) bool { return s.label == label }) {
		return false
	}
	e.relabel(map[string]string{s.label: label})
	return true
}

func (e *editor) exchangeLabels() bool {
	a, b := pick(e, e.d.sinks).label, pick(e, e.d.sinks).label
	e.relabel(map[string]string{a: b, b: a})
	return a != b
}

// relabel gives sink blocks other labels, everywhere.
func (e *editor) relabel(to map[string]string) {
	for i, s := range e.d.sinks {
		if label, ok := to[s.label]; ok {
			e.d.sinks[i].label = label
		}
	}
	for _, a := range e.d.accounts {
		for i, d := range a.deliveries {
			if label, ok := to[d.sink]; ok {
				a.deliveries[i].sink = label
			}
		}
	}
}

func (e *editor) repoint() bool {
	e.d.sinks[e.IntN(len(e.d.sinks))].server = pick(e, walkServers)
	return !e.tidy
}

func (e *editor) pointBack() bool {
	for i := range e.d.sinks {
		e.d.sinks[i].server = walkServers[i]
	}
	return true
}

func (e *editor) renameProject() bool {
	if len(e.d.formerly) > 2 {
		return false
	}
	e.d.formerly = append(slices.Clone(e.d.formerly), e.d.project)
	e.d.project = fmt.Sprint("p", len(e.d.formerly))
	return true
}

// restore brings an older configuration back, but for the project's name.
func (e *editor) restore() bool {
	if len(e.older) == 0 {
		return false
	}
	old := pick(e, e.older[max(0, len(e.older)-8):]).clone()
	old.project, old.formerly, old.moved = e.d.project, e.d.formerly, nil
	e.d = old
	return true
}

//go:build acceptance

package edits

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
)

var (
	paths = []string{"p1", "p2", "p3", "p4"}
	names = map[string][]string{
		"bifit_kassa": {"bifit_kassa.a", "bifit_kassa.b", "bifit_kassa.c", "bifit_kassa.d", shops + `"x"]`, shops + `"y"]`, shops + `"z"]`},
		"astana_plat": {"astana_plat.a", "astana_plat.b", "astana_plat.c"},
	}
	keys  = []string{"K1", "K2", "K3", "K4"}
	looks = []string{"", "0600", "0640"}
)

// editor makes one edit of a configuration.
type editor struct {
	*rand.Rand
	c *configuration
	// newUser makes an account at an upstream and returns the user's name.
	newUser func(upstream string) string
	// older are configurations from before.
	older []*configuration
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
	{"change the look", 2, func(e *editor) bool { to := e.delivery(); to.look = pick(e, looks); return !to.merge }},
	{"change on_remove", 3, func(e *editor) bool { a := e.account(); a.deletes = !a.deletes; return !e.tidy }},
	{"a wrong password", 2, func(e *editor) bool { e.account().password = fmt.Sprint("wrong", e.IntN(3)); return !e.tidy }},
	{"the right passwords", 3, (*editor).rightPasswords},
	{"rename a sink block", 2, (*editor).renameSink},
	{"exchange the labels of two sink blocks", 2, (*editor).exchangeLabels},
	{"point a sink block at another server", 1, (*editor).repoint},
	{"point the sink blocks back", 1, (*editor).pointBack},
	{"take the moved blocks out", 3, func(e *editor) bool { done := len(e.c.moved) > 0; e.c.moved = nil; return done }},
	{"rename the project", 1, (*editor).renameProject},
	{"move the state", 1, (*editor).moveState},
	{"restore an older configuration", 2, (*editor).restore},
}

// draw makes an edit, of those that lead to a configuration that can be.
func (e *editor) draw(from *configuration) (*configuration, string) {
	total := 0
	for _, x := range edits {
		total += x.often
	}
	for {
		n, at := e.IntN(total), 0
		for ; n >= edits[at].often; at++ {
			n -= edits[at].often
		}
		e.c = from.clone()
		if !edits[at].make(e) {
			continue
		}
		e.c.normalise()
		if e.c.valid() {
			return e.c, edits[at].name
		}
	}
}

func (e *editor) account() *account { return pick(e, e.c.accounts) }

func (e *editor) delivery() *delivery {
	a := e.account()
	return &a.deliveries[e.IntN(len(a.deliveries))]
}

func pick[T any](e *editor, list []T) T { return list[e.IntN(len(list))] }

func (e *editor) rename(moved bool) bool {
	a := e.account()
	from, to := a.address, pick(e, names[a.upstream()])
	if e.c.at(to) != nil {
		return false
	}
	a.address = to
	// What leads to or from the new name would be said twice, or no longer holds.
	e.dropMoved(func(m [2]string) bool { return m[0] == to || m[1] == to || m[0] == from || e.inExchange(m, from) })
	if moved {
		e.c.moved = append(e.c.moved, [2]string{from, to})
	}
	return true
}

func (e *editor) inExchange(m [2]string, address string) bool {
	return (m[0] == address || m[1] == address) && slices.Contains(e.c.moved, [2]string{m[1], m[0]})
}

func (e *editor) dropMoved(which func([2]string) bool) {
	var rest [][2]string
	for _, m := range e.c.moved {
		if !which(m) {
			rest = append(rest, m)
		}
	}
	e.c.moved = rest
}

func (e *editor) exchangeNames() bool {
	a, b := e.account(), e.account()
	if a == b || a.upstream() != b.upstream() || e.former || e.spent[pairOf(a.address, b.address)] ||
		e.c.partner(a.address) == b.address {
		return false
	}
	e.dropMoved(func(m [2]string) bool {
		return m[0] == a.address || m[1] == a.address || m[0] == b.address || m[1] == b.address
	})
	e.c.moved = append(e.c.moved, [2]string{a.address, b.address}, [2]string{b.address, a.address})
	a.address, b.address = b.address, a.address
	return true
}

func pairOf(a, b string) [2]string { return [2]string{min(a, b), max(a, b)} }

func (e *editor) exchangePlaces() bool {
	a, b := e.account(), e.account()
	a.deliveries, b.deliveries = b.deliveries, a.deliveries
	return a != b
}

func (e *editor) moveDelivery() bool {
	to := e.delivery()
	to.path = pick(e, paths)
	if e.IntN(2) == 0 {
		to.sink = pick(e, e.c.sinks).label
	}
	return true
}

func (e *editor) addDelivery() bool {
	a := e.account()
	a.deliveries = append(a.deliveries, e.newDelivery())
	return !strings.HasPrefix(a.address, shops) && len(a.deliveries) < 4
}

func (e *editor) newDelivery() delivery {
	return delivery{sink: pick(e, e.c.sinks).label, path: pick(e, paths), keys: []string{pick(e, keys)}}
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
	address := pick(e, names[pick(e, []string{"bifit_kassa", "bifit_kassa", "astana_plat"})])
	if e.c.at(address) != nil || len(e.c.accounts) > 6 {
		return false
	}
	e.dropMoved(func(m [2]string) bool { return m[0] == address || m[1] == address })
	e.c.accounts = append(e.c.accounts, &account{
		address: address, user: e.newUser(upstreamOf(address)), password: rightPassword, deletes: e.tidy ||
			e.IntN(2) == 0,
		deliveries: []delivery{e.newDelivery()},
	})
	return true
}

func (e *editor) removeAccount() bool {
	i := e.IntN(len(e.c.accounts))
	e.c.accounts = slices.Delete(e.c.accounts, i, i+1)
	return true
}

// joinPlace has a deliver block merge into the place of another, with a key of its own.
func (e *editor) joinPlace() bool {
	to, other := e.delivery(), e.delivery()
	if to == other || e.tidy {
		return false
	}
	to.merge, other.merge, to.look, other.look = true, true, "", ""
	to.sink, to.path, to.keys = other.sink, other.path, []string{pick(e, keys)}
	return true
}

func (e *editor) toggleMerge() bool {
	to := e.delivery()
	to.merge, to.look = !to.merge, ""
	return !e.tidy
}

func (e *editor) changeKeys() bool {
	e.delivery().keys = [][]string{{pick(e, keys)}, {"K1", "K2"}, {"K3", "K4"}}[e.IntN(3)]
	return true
}

func (e *editor) rightPasswords() bool {
	done := false
	for _, a := range e.c.accounts {
		done = done || a.password != rightPassword
		a.password = rightPassword
	}
	return done
}

func (e *editor) renameSink() bool {
	s := pick(e, e.c.sinks)
	label := fmt.Sprint("sink", e.IntN(8))
	if slices.ContainsFunc(e.c.sinks, func(s sinkBlock) bool { return s.label == label }) {
		return false
	}
	e.relabel(map[string]string{s.label: label})
	return true
}

// exchangeLabels exchanges those of two blocks of one type.
func (e *editor) exchangeLabels() bool {
	a, b := pick(e, e.c.sinks), pick(e, e.c.sinks)
	e.relabel(map[string]string{a.label: b.label, b.label: a.label})
	return a != b && kindOf(a.server) == kindOf(b.server)
}

// relabel gives sink blocks other labels, everywhere.
func (e *editor) relabel(to map[string]string) {
	for i, s := range e.c.sinks {
		if label, ok := to[s.label]; ok {
			e.c.sinks[i].label = label
		}
	}
	for _, a := range e.c.accounts {
		for i, d := range a.deliveries {
			if label, ok := to[d.sink]; ok {
				a.deliveries[i].sink = label
			}
		}
	}
}

// repoint has a sink block lead to the other server of its type.
func (e *editor) repoint() bool {
	s := &e.c.sinks[e.IntN(len(e.c.sinks))]
	s.server = otherServer[s.server]
	return !e.tidy
}

func (e *editor) pointBack() bool {
	for i := range e.c.sinks {
		e.c.sinks[i].server = serverNames[i]
	}
	return true
}

func (e *editor) renameProject() bool {
	if len(e.c.formerly) > 2 {
		return false
	}
	e.c.formerly = append([]string{e.c.project}, e.c.formerly...)
	e.c.project = fmt.Sprint("p", len(e.c.formerly))
	return true
}

// moveState has the state kept elsewhere; a migration takes the records of former names of
// the project along.
func (e *editor) moveState() bool {
	to := pick(e, stateServers)
	moved := to != e.c.stateIn
	e.c.stateIn = to
	return moved
}

// restore brings an older configuration back, but for the project's name and the state.
func (e *editor) restore() bool {
	if len(e.older) == 0 {
		return false
	}
	old := pick(e, e.older[max(0, len(e.older)-8):]).clone()
	old.project, old.formerly, old.moved, old.stateIn = e.c.project, e.c.formerly, nil, e.c.stateIn
	e.c = old
	return true
}

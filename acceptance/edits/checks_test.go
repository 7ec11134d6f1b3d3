//go:build acceptance

package edits

import (
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/credsync/credsync/sandbox"
	"github.com/credsync/credsync/state"
)

// watch is what a walk knows of the world without asking credsync.
type watch struct {
	// seen is what was last seen at each place, and live which of it was a token that
	// worked before this apply.
	seen map[string]contents
	live map[string]bool
	// guarded are the keys at a place that are a stranger's, and not of ours that he
	// has changed.
	guarded map[string]map[string]bool
	// asked says for each record, by its key, what on_remove was when an apply last
	// covered its account.
	asked map[string]bool
	// rejected are the logins that were turned down.
	rejected map[string]bool
	// homes are the addresses of the users when they were last applied.
	homes map[string]string
	// before is the state as this apply found it; ours are the places that were the
	// project's then, holds whose live token it has, logins the counts.
	before map[string]*state.Record
	ours   map[string]bool
	holds  map[string]bool
	logins map[string]sandbox.Count
	covers func(*account) bool
	// fresh are the exchanges that this apply is the first to be asked for.
	fresh map[[2]string]bool
}

func newWatch() watch {
	return watch{
		seen:     map[string]contents{},
		guarded:  map[string]map[string]bool{},
		asked:    map[string]bool{},
		rejected: map[string]bool{},
		homes:    map[string]string{},
	}
}

// see reads what is everywhere.
func (k *walk) see() {
	for _, place := range allPlaces() {
		k.seen[place] = k.look(place)
	}
}

func (k *walk) look(place string) contents {
	server, path, _ := strings.Cut(place, "/")
	return k.w.sites[server].read(path)
}

// isOurs reports whether a place is the project's: by its mark, or by a record.
func (k *walk) isOurs(records map[string]*state.Record, place string) bool {
	server, path, _ := strings.Cut(place, "/")
	if k.w.sites[server].owner(path) != "" {
		return true
	}
	return slices.ContainsFunc(
		k.entriesAt(records, place),
		func(t state.Target) bool { return t.Merge || kindOf(server) == "file" },
	)
}

func (k *walk) entriesAt(records map[string]*state.Record, place string) (list []state.Target) {
	server, path, _ := strings.Cut(place, "/")
	at := k.w.sites[server].place(path)
	for _, r := range records {
		if t := r.Target(at); t != nil {
			list = append(list, *t)
		}
	}
	return list
}

// renewsBefore is how long before their ends tokens may be replaced.
var renewsBefore = map[string]time.Duration{"bifit_kassa": 6 * time.Hour, "astana_plat": 30 * time.Minute}

// goesOnWith reports whether a user's account has a live token, not due yet, in the
// record that it goes on with.
func (k *walk) goesOnWith(records map[string]*state.Record, a *account) bool {
	c := k.c
	self := c.project + "/account." + a.address
	of := func(id string) string {
		r := records[id]
		if r == nil || r.Newest() == nil {
			return ""
		}
		if k.kind.kills && r.Newest().Rejected {
			return "" // a run was killed between noting that a login kills it and that login
		}
		token := r.Newest().Token
		user, live := k.w.userOf(token.Access.Reveal())
		if !live || token.ExpiresAt.Sub(time.Now().Add(k.w.ahead)) < renewsBefore[a.upstream()] {
			return ""
		}
		return user
	}
	p := c.partner(a.address)
	fresh := p != "" && k.fresh[pairOf(a.address, p)]
	if p != "" {
		other := c.project + "/account." + p
		at := []string{other, "parked with " + self, "parked with " + other}
		if !fresh {
			at = append(at, self)
		}
		if slices.ContainsFunc(at, func(id string) bool { return of(id) == a.user }) {
			return true
		}
	}
	if fresh {
		return false
	}
	for _, id := range c.sources(a.address) {
		if r := records[id]; r != nil && r.Newest() != nil {
			return of(id) == a.user
		}
	}
	return false
}

// begin is before an apply.
func (k *walk) begin(covers func(*account) bool) {
	k.covers, k.before = covers, k.w.records(k.c.stateIn)
	k.holds, k.live, k.ours = map[string]bool{}, map[string]bool{}, map[string]bool{}
	k.logins = map[string]sandbox.Count{}
	for _, a := range k.c.accounts {
		k.holds[a.user] = k.goesOnWith(k.before, a)
	}
	for upstream := range names {
		for user := range k.w.box.AllCounters()[upstream] {
			k.logins[user] = k.w.box.Counters(upstream, user).Logins
		}
	}
	for place, c := range k.seen {
		k.ours[place] = len(c) > 0 && k.isOurs(k.before, place)
		for _, value := range c {
			_, k.live[value] = k.w.userOf(value)
		}
	}
	k.forgetRejections()
}

// end is after an apply.
func (k *walk) end(killed bool) {
	k.checkRemovals()
	for _, place := range allPlaces() {
		before, after := k.seen[place], k.look(place)
		k.seen[place] = after
		k.changed(place, before, after)
	}
	k.checkLogins(killed)
	after := k.w.records(k.c.stateIn)
	k.fresh = nil
	for _, a := range k.c.accounts {
		if k.holds[a.user] && !k.goesOnWith(after, a) {
			k.breaks("P1: the record of %s (%s) has lost its live token", a.user, a.address)
		}
		if r := after[k.c.project+"/account."+a.address]; r != nil && k.covers(a) {
			// A run that was killed has noted it, or not.
			k.asked[string(r.Key)] = a.deletes || killed && k.asked[string(r.Key)]
		}
		if k.covers(a) && !killed {
			k.homes[a.user] = a.address
		}
	}
	for place := range k.guarded {
		if !k.isOurs(after, place) {
			k.guardAll(place)
		}
	}
}

// checkRemovals checks that no place was removed, even for a moment, where a live token
// is that somebody wants there.
func (k *walk) checkRemovals() {
	for _, place := range allPlaces() {
		server, path, _ := strings.Cut(place, "/")
		wanted := false
		for key, value := range k.seen[place] {
			by, _ := k.c.wanted(place, key)
			wanted = wanted || len(by) > 0 && k.live[value]
		}
		for _, removal := range k.w.sites[server].removals(path) {
			if wanted &&
				slices.ContainsFunc(k.last.points, func(p string) bool { return strings.HasPrefix(p, removal+" #") }) {
				k.breaks("P1: %s is removed, and holds a live token that is wanted there", place)
			}
		}
	}
}

// checkLogins checks each login of the apply.
func (k *walk) checkLogins(killed bool) {
	for upstream := range names {
		for user, counters := range k.w.box.AllCounters()[upstream] {
			was, now := k.logins[user], counters.Logins
			if now.Received == was.Received {
				continue
			}
			a := k.c.user(user)
			if a == nil {
				k.breaks("P2: %s logs in, and no account has it", user)
				continue
			}
			login := user + " " + a.password
			switch {
			case !k.covers(a):
				k.breaks("P2: %s logs in, and nothing asked for it", user)
			case now.Received > was.Received+1:
				k.breaks("P2: %s logs in %d times in one apply", user, now.Received-was.Received)
			case k.rejected[login]:
				k.breaks("P4: %s tries the password %s again, which was rejected", user, a.password)
			case a.password == rightPassword && k.holds[user]:
				k.breaks("P2: %s (%s) logs in, and its record has a live token", user, a.address)
			}
			if now.Rejected > was.Rejected && !killed {
				k.rejected[login] = true
			}
		}
	}
}

// changed checks what an apply has changed at a place.
func (k *walk) changed(place string, before, after contents) {
	if maps.Equal(before, after) && (before == nil) == (after == nil) {
		return
	}
	k.note("  %s: %s, was %s", place, k.shown(after), k.shown(before))
	_, ours := k.c.wanted(place, "")
	adopted := slices.ContainsFunc(ours, func(to delivery) bool { return to.adopt })
	merges := slices.ContainsFunc(ours, func(to delivery) bool { return to.merge }) ||
		slices.ContainsFunc(k.entriesAt(k.before, place), func(t state.Target) bool { return t.Merge })
	if after != nil && len(before) > 0 && !adopted && !merges && !k.ours[place] {
		k.breaks("P3: %s was nobody's of the project, and is written to", place)
	}
	for key, was := range before {
		now, there := after[key]
		if there && now == was {
			continue
		}
		if user, _ := k.w.userOf(was); user == "" {
			k.strangersKeyWent(place, key, after == nil, merges)
		} else if _, live := k.w.userOf(was); live {
			k.tokenWent(place, key, was, now)
		}
	}
	for key, now := range after {
		if now != before[key] {
			k.tokenCame(place, key, now)
		}
	}
}

// shown are contents by whose tokens they are.
func (k *walk) shown(c contents) string {
	if c == nil {
		return "nothing"
	}
	var all []string
	for _, key := range slices.Sorted(maps.Keys(c)) {
		user, live := k.w.userOf(c[key])
		switch {
		case user == "":
			user = c[key]
		case !live:
			user += " (dead)"
		}
		all = append(all, key+"="+user)
	}
	return "{" + strings.Join(all, " ") + "}"
}

// strangersKeyWent checks that a stranger's secret went because of adopt alone, or was
// ours before he changed it.
func (k *walk) strangersKeyWent(place, key string, deleted, merges bool) {
	_, how := k.c.wanted(place, "")
	adopted := slices.ContainsFunc(
		how,
		func(to delivery) bool { return to.adopt && (!to.merge || slices.Contains(to.keys, key)) },
	)
	switch {
	case deleted && (!merges || k.guarded[place][key]):
		k.breaks("P3: a stranger's %s at %s is deleted", key, place)
	case k.guarded[place][key] && !adopted:
		k.breaks("P3: a stranger's %s at %s is written over", key, place)
	}
	delete(k.guarded[place], key)
}

// tokenWent checks that a live token had to go.
func (k *walk) tokenWent(place, key, was, now string) {
	user, _ := k.w.userOf(was)
	by, _ := k.c.wanted(place, key)
	all, _ := k.c.wanted(place, "")
	newUser, _ := k.w.userOf(now)
	switch {
	case len(by) > 0 && now == "":
		k.breaks("P1: the token of %s goes from %s, %s, where %s wants it", user, place, key, by[0].address)
	case len(by) > 0 && newUser == user && k.isOlder(by[0], was, now) && k.knewOf(user, was):
		k.breaks("P1: the token of %s gives way to an older one at %s", user, place)
	case len(all) == 0 && !k.mayDelete(place):
		k.breaks("P1: the token of %s is deleted at %s, %s, which nobody asked for", user, place, key)
	}
}

func (k *walk) isOlder(a *account, was, now string) bool {
	return k.w.number(a.upstream(), a.user, now) < k.w.number(a.upstream(), a.user, was)
}

// knewOf reports whether the record that a user's account goes on with had a token.
// An account that comes back may have an older one, which is as good.
func (k *walk) knewOf(user, token string) bool {
	a := k.c.user(user)
	if a == nil {
		return false
	}
	for _, id := range k.c.sources(a.address) {
		if r := k.before[id]; r != nil && r.Newest() != nil {
			return r.Newest().Token.Access.Reveal() == token
		}
	}
	return false
}

// mayDelete reports whether on_remove = "delete" was and is what an account says that
// has a record of the place.
func (k *walk) mayDelete(place string) bool {
	for id, r := range k.before {
		if len(k.entriesAt(map[string]*state.Record{id: r}, place)) == 0 || !k.asked[string(r.Key)] {
			continue
		}
		heirs := k.heirs(id, r.Address)
		if len(heirs) == 0 || strings.HasPrefix(id, "parked") ||
			slices.ContainsFunc(heirs, func(a *account) bool { return a.deletes }) {
			return true
		}
	}
	return false
}

// heirs are the accounts that may go on with a record.
func (k *walk) heirs(id, address string) (list []*account) {
	for _, a := range k.c.accounts {
		if slices.Contains(k.c.sources(a.address), id) || "account."+k.c.partner(a.address) == address {
			list = append(list, a)
		}
	}
	return list
}

// tokenCame checks that what was written is a live token of who wants it there.
func (k *walk) tokenCame(place, key, now string) {
	by, _ := k.c.wanted(place, key)
	if user, live := k.w.userOf(now); len(by) == 0 || user != by[0].user || !live {
		k.breaks("P1: a token of %q, alive: %t, comes to %s, %s, which is not wanted", user, live, place, key)
	}
}

// forgetRejections forgets what nobody can know: rejections of users that have gone, and
// of those that an edit gave another address without a moved block, unless they still log
// in so or keep a place.
func (k *walk) forgetRejections() {
	for login := range k.rejected {
		user, password, _ := strings.Cut(login, " ")
		a, was := k.c.user(user), k.homes[user]
		if a == nil || was != "" && was != a.address && (k.c.at(was) != nil || a.password != password) && !k.holds[user] {
			delete(k.rejected, login)
		}
	}
}

// guardAll says that what a stranger has at a place is his, since it is ours no more.
func (k *walk) guardAll(place string) {
	for key, value := range k.seen[place] {
		if user, _ := k.w.userOf(value); user == "" {
			k.guard(place, key)
		}
	}
}

func (k *walk) guard(place, key string) {
	if k.guarded[place] == nil {
		k.guarded[place] = map[string]bool{}
	}
	k.guarded[place][key] = true
}

func allPlaces() (all []string) {
	for _, server := range serverNames {
		for _, path := range paths {
			all = append(all, server+"/"+path)
		}
	}
	return all
}

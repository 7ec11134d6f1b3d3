package engine_test

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/credsync/credsync/sinks"
	"github.com/credsync/credsync/state"
	"github.com/credsync/credsync/testkit/memorysink"
)

// contents is what is at a place, by key.
type contents map[string]string

// watch is what a walk knows of the world without asking the engine.
type watch struct {
	// seen is what was last seen at each place.
	seen map[string]contents
	// guarded are the keys at a place that are a stranger's, and not of ours that he
	// has changed.
	guarded map[string]map[string]bool
	// wrote are the places that the engine has written in this apply.
	wrote map[string]bool
	// asked says for each record, by its key, what on_remove was when an apply last
	// covered its account.
	asked map[string]bool
	// rejected are the logins that were turned down; turnedDown those of this apply.
	rejected, turnedDown map[string]bool
	// homes are the addresses of the users when they were last applied.
	homes map[string]string
	// loggedIn are the users that have logged in in this apply.
	loggedIn map[string]bool
	// before is the state as this apply found it, holds whose live token it has.
	before map[string]*state.Record
	holds  map[string]bool
	covers func(*drawnAccount) bool
	// fresh are the exchanges that this apply is the first to be asked for; exchanged
	// are the keys of the records that users then had, wherever a killed run left them.
	fresh     map[[2]string]bool
	exchanged map[string]string
}

// look reads what is at a place.
func (k *walk) look(place string) contents {
	server, path, _ := strings.Cut(place, "/")
	data, ok := k.w.sinks[server].Get(path)
	if !ok {
		return nil
	}
	c := contents{}
	for key, v := range data {
		c[key] = v.Reveal()
	}
	return c
}

// live reports whether a value is a token that works.
func (k *walk) live(token string) bool {
	return k.w.up.live[token] && k.w.Now().Before(k.w.up.endOf[token])
}

// records reads the state.
func (k *walk) records() map[string]*state.Record {
	all := map[string]*state.Record{}
	for _, path := range k.w.sinks["state"].Paths() {
		data, _ := k.w.sinks["state"].Get(path)
		r, err := state.Decode(data["record"])
		if err != nil {
			k.w.t.Fatal(err)
		}
		all[r.Project+"/"+r.Address] = r
		if p := r.Parked; p != nil {
			all["parked with "+r.Project+"/"+r.Address] = p
		}
	}
	return all
}

// isOurs reports whether a place is the project's: by its mark, or by a record.
func (k *walk) isOurs(records map[string]*state.Record, place string) bool {
	server, path, _ := strings.Cut(place, "/")
	info, _ := k.w.sinks[server].Clone().Stat(context.Background(), memoryTarget(path))
	if info.Owner != "" {
		return true
	}
	return slices.ContainsFunc(
		k.entriesAt(records, place),
		func(t state.Target) bool { return t.Merge || k.w.unmarked[server] },
	)
}

func (k *walk) entriesAt(records map[string]*state.Record, place string) (list []state.Target) {
	server, path, _ := strings.Cut(place, "/")
	at, _ := k.w.sinks[server].Place(context.Background(), memoryTarget(path))
	for _, r := range records {
		if t := r.Target(at); t != nil {
			list = append(list, *t)
		}
	}
	return list
}

// goesOnWith reports whether a user's account has a live token in the record that it
// goes on with.
func (k *walk) goesOnWith(records map[string]*state.Record, a *drawnAccount) bool {
	d := k.d
	self := d.project + "/account.fake." + a.address
	of := func(id string) string {
		r := records[id]
		if r == nil || r.Newest() == nil || !k.live(r.Newest().Token.Access.Reveal()) {
			return ""
		}
		return k.w.up.userOf[r.Newest().Token.Access.Reveal()]
	}
	if p := d.partner(a.address); p != "" {
		other, fresh := d.project+"/account.fake."+p, k.fresh[pairOf(a.address, p)]
		at := []string{"parked with " + self, "parked with " + other}
		switch home := k.homes[a.user]; {
		case home == a.address && !fresh && (cameFrom(records[self], p) || cameFrom(records[other], a.address)):
			at = append(at, self)
		case home == p && fresh:
			at = append(at, other)
			k.exchanged[a.user] = keyOf(records[other])
		case home == p:
			at = append(at, self, other)
			at = slices.DeleteFunc(at, func(id string) bool { return keyOf(records[id]) != k.exchanged[a.user] })
		default:
			// Exchanged on top of a rename that no apply has seen: where its record is by
			// now, the blocks do not say.
			return false
		}
		if slices.ContainsFunc(at, func(id string) bool { return of(id) == a.user }) {
			return true
		}
		if k.homes[a.user] == p {
			return false
		}
	}
	for _, id := range d.sources(a.address) {
		if d.partner(a.address) != "" && k.fresh[pairOf(a.address, d.partner(a.address))] {
			break
		}
		if r := records[id]; r != nil && r.Newest() != nil {
			return of(id) == a.user
		}
	}
	return false
}

// keyOf identifies a record, which keeps its key when it moves.
func keyOf(r *state.Record) string {
	if r == nil {
		return ""
	}
	return string(r.Key)
}

// cameFrom reports whether the last move of a record was from that address.
func cameFrom(r *state.Record, address string) bool {
	return r != nil && len(r.Moved) > 0 && r.Moved[len(r.Moved)-1] == "account.fake."+address
}

// begin is before an apply.
func (k *walk) begin(covers func(*drawnAccount) bool) {
	k.covers, k.before, k.holds = covers, k.records(), map[string]bool{}
	k.wrote, k.loggedIn, k.turnedDown = map[string]bool{}, map[string]bool{}, map[string]bool{}
	for _, a := range k.d.accounts {
		k.holds[a.user] = k.goesOnWith(k.before, a)
	}
	k.forgetRejections()
}

// login checks a login, which the upstream is about to answer.
func (k *walk) login(user, password string) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	a := k.d.user(user)
	login := user + " " + password
	switch {
	case a == nil || !k.covers(a):
		k.breaks("P2: %s logs in, and nothing asked for it", user)
	case k.rejected[login]:
		k.breaks("P4: %s tries the password %s again, which was rejected", user, password)
	case k.loggedIn[user]:
		k.breaks("P2: %s logs in twice in one apply", user)
	case password == "pw" && k.holds[user]:
		k.breaks("P2: %s (%s) logs in, and its record has a live token", user, a.address)
	}
	k.loggedIn[user] = true
	if password != "pw" {
		k.turnedDown[login] = true
		return refuse("credentials", "log in")
	}
	return nil
}

// changed checks what an operation of the engine has changed at a place.
func (k *walk) changed(op string, t sinks.Target, place string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	before, after := k.seen[place], k.look(place)
	k.seen[place] = after
	k.note("  %s of %s: %v, was %v", op, place, after, before)
	_, ours := k.d.wanted(place, "")
	adopted := slices.ContainsFunc(ours, func(to drawnDelivery) bool { return to.adopt })
	if op == memorysink.Write && len(before) > 0 && !adopted && !t.Merge && !k.wrote[place] &&
		!k.isOurs(k.before, place) {
		k.breaks("P3: %s was nobody's of the project, and is written to", place)
	}
	for key, was := range before {
		now, there := after[key]
		if there && now == was {
			continue
		}
		if k.w.up.userOf[was] == "" {
			k.strangersKeyWent(op, t, place, key)
		} else if k.live(was) {
			k.tokenWent(op, place, key, was, now)
		}
	}
	for key, now := range after {
		if now != before[key] {
			k.tokenCame(place, key, now)
		}
	}
	if op == memorysink.Write {
		k.wrote[place] = true
	}
}

// strangersKeyWent checks that a stranger's secret went because of adopt alone, or was
// ours before he changed it.
func (k *walk) strangersKeyWent(op string, t sinks.Target, place, key string) {
	wanted := key
	if !t.Merge {
		wanted = ""
	}
	_, how := k.d.wanted(place, wanted)
	adopted := slices.ContainsFunc(how, func(to drawnDelivery) bool { return to.adopt })
	switch {
	case op == memorysink.Delete && (!t.Merge || k.guarded[place][key]):
		k.breaks("P3: a stranger's %s at %s is deleted", key, place)
	case k.guarded[place][key] && !adopted:
		k.breaks("P3: a stranger's %s at %s is written over", key, place)
	}
	delete(k.guarded[place], key)
}

// tokenWent checks that a live token had to go.
func (k *walk) tokenWent(op, place, key, was, now string) {
	user := k.w.up.userOf[was]
	by, _ := k.d.wanted(place, key)
	switch {
	case len(by) > 0 && now == "":
		k.breaks("P1: %s of %s goes from %s, %s, where %s wants it", was, user, place, key, by[0].address)
	case k.w.up.userOf[now] == user && tokenNumber(now) < tokenNumber(was) && k.knewOf(user, was):
		k.breaks("P1: %s of %s gives way to the older %s at %s", was, user, now, place)
	case op == memorysink.Delete && !k.mayDelete(place):
		k.breaks("P1: %s of %s is deleted at %s, %s, which nobody asked for", was, user, place, key)
	}
}

// knewOf reports whether the record that a user's account goes on with had a token.
// An account that comes back may have an older one, which is as good.
func (k *walk) knewOf(user, token string) bool {
	a := k.d.user(user)
	if a == nil {
		return false
	}
	for _, id := range k.d.sources(a.address) {
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
			slices.ContainsFunc(heirs, func(a *drawnAccount) bool { return a.deletes }) {
			return true
		}
	}
	return false
}

// heirs are the accounts that may go on with a record. Who has a token in a record of
// its own does without another's, but for one that it is exchanged for.
func (k *walk) heirs(id, address string) (list []*drawnAccount) {
	for _, a := range k.d.accounts {
		self := k.d.project + "/account.fake." + a.address
		own := k.before[self]
		switch {
		case "account.fake."+k.d.partner(a.address) == address,
			slices.Contains(k.d.sources(a.address), id) && (id == self || own == nil || own.Newest() == nil):
			list = append(list, a)
		}
	}
	return list
}

// tokenCame checks that what the engine wrote is a live token of who wants it there.
func (k *walk) tokenCame(place, key, now string) {
	by, _ := k.d.wanted(place, key)
	if len(by) == 0 || k.w.up.userOf[now] != by[0].user || !k.live(now) {
		k.breaks("P1: %s of %s comes to %s, %s, which is not wanted", now, k.w.up.userOf[now], place, key)
	}
}

// end is after an apply.
func (k *walk) end(killed bool) {
	after := k.records()
	k.fresh = nil
	for _, a := range k.d.accounts {
		if k.holds[a.user] && !k.goesOnWith(after, a) {
			k.breaks("P1: the record of %s (%s) has lost its live token", a.user, a.address)
		}
		if r := after[k.d.project+"/account.fake."+a.address]; r != nil && k.covers(a) {
			// A run that was killed has noted it, or not.
			k.asked[string(r.Key)] = a.deletes || killed && k.asked[string(r.Key)]
		}
	}
	if !killed {
		maps.Copy(k.rejected, k.turnedDown)
	}
	for _, a := range k.d.accounts {
		if k.covers(a) && !killed {
			k.homes[a.user] = a.address
		}
	}
	for place := range k.guarded {
		switch {
		case !k.isOurs(after, place):
			k.guardAll(place)
		case k.adopts(place):
			// A run that was killed may have left its mark, and the data for later.
			delete(k.guarded, place)
		}
	}
}

// adopts reports whether the configuration takes over all that is at a place.
func (k *walk) adopts(place string) bool {
	_, how := k.d.wanted(place, "")
	return slices.ContainsFunc(how, func(to drawnDelivery) bool { return to.adopt && !to.merge })
}

// forgetRejections forgets what nobody can know: rejections of users that have gone, and
// of those that an edit gave another address without a moved block, unless they still log
// in so or keep a place.
func (k *walk) forgetRejections() {
	for login := range k.rejected {
		user, password, _ := strings.Cut(login, " ")
		a, was := k.d.user(user), k.homes[user]
		if a == nil || was != "" && was != a.address && (k.d.at(was) != nil || a.password != password) && !k.holds[user] {
			delete(k.rejected, login)
		}
	}
}

// guardAll says that what a stranger has at a place is his, since it is ours no more.
func (k *walk) guardAll(place string) {
	for key, v := range k.seen[place] {
		if k.w.up.userOf[v] == "" {
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

func tokenNumber(token string) (n int) {
	_, _ = fmt.Sscanf(token, "token-%d", &n)
	return n
}

//go:build acceptance

package edits

import (
	"maps"
	"slices"
	"strings"
)

// finish ends the walk: strangers and obstacles go, and three applies bring everything
// to where the last configuration says.
func (k *walk) finish() {
	k.kind.kills = false
	k.c = k.c.clone()
	for i := range k.c.sinks {
		k.c.sinks[i].label = "z" + k.c.sinks[i].label
	}
	for _, a := range k.c.accounts {
		a.password = rightPassword
		for i := range a.deliveries {
			a.deliveries[i].sink = "z" + a.deliveries[i].sink
		}
	}
	for _, server := range serverNames {
		k.c.sinks = append(k.c.sinks, sinkBlock{"spare-" + server, server})
	}
	k.clearTheWay()
	k.adoptMerged()
	for range 3 {
		k.applyWith(everyAccount)
	}
	k.converged()
}

// clearTheWay removes what is in the way of the configuration and not ours.
func (k *walk) clearTheWay() {
	records := k.w.records(k.c.stateIn)
	for _, place := range allPlaces() {
		server, path, _ := strings.Cut(place, "/")
		by, _ := k.c.wanted(place, "")
		data := maps.Clone(k.look(place))
		if len(by) == 0 || data == nil {
			continue
		}
		for key := range data {
			if k.guarded[place][key] {
				delete(data, key)
			}
		}
		switch {
		case !k.isOurs(records, place) || len(data) == 0:
			k.w.sites[server].remove(path)
		case len(k.guarded[place]) > 0:
			k.w.sites[server].change(path, data)
		}
		delete(k.guarded, place)
		k.seen[place] = k.look(place)
	}
}

// adoptMerged adopts what is wanted whole where others merged before: their keys are not
// those of who wants it now.
func (k *walk) adoptMerged() {
	records := k.w.records(k.c.stateIn)
	for _, a := range k.c.accounts {
		for i := range a.deliveries {
			to := &a.deliveries[i]
			for _, t := range k.entriesAt(records, k.c.placeOf(*to)) {
				to.adopt = to.adopt || t.Merge != to.merge
			}
		}
	}
}

// converged checks that everything is as the configuration says.
func (k *walk) converged() {
	if r := k.run(0, nil, "plan", "--detailed-exitcode"); r.code != 0 {
		k.breaks("P7: after three applies plan ends with %d", r.code)
	}
	records := k.w.records(k.c.stateIn)
	for _, a := range k.c.accounts {
		r := records[k.c.project+"/account."+a.address]
		if r == nil || r.Newest() == nil {
			k.breaks("P7: the state has no token of %s", a.address)
			continue
		}
		token := r.Newest().Token.Access.Reveal()
		if user, live := k.w.userOf(token); user != a.user || !live {
			k.breaks("P7: the state has for %s a token of %s, alive: %t", a.address, user, live)
		}
		for _, to := range a.deliveries {
			k.holdsExactly(a, to, token)
		}
	}
	if len(records) != len(k.c.accounts) {
		k.breaks("P7: the state has the records %v", slices.Sorted(maps.Keys(records)))
	}
	if k.kind.tidy {
		k.nothingElse()
	}
}

func (k *walk) holdsExactly(a *account, to delivery, token string) {
	at := k.c.placeOf(to)
	got := k.look(at)
	for _, key := range to.keys {
		if got[key] != token {
			k.breaks("P7: %s of %s is not the token of %s", key, at, a.address)
		}
	}
	if !to.merge && len(got) != len(to.keys) {
		k.breaks("P7: %s holds %s, want keys %v", at, k.shown(got), to.keys)
	}
	if look := k.w.sites[k.c.serverOf(to)].look(to.path); to.look != "" && look != to.look &&
		kindOf(k.c.serverOf(to)) != "vault" {
		k.breaks("P7: %s looks like %q, want %q", at, look, to.look)
	}
}

// nothingElse checks that no token is where nobody wants it.
func (k *walk) nothingElse() {
	for _, place := range allPlaces() {
		for key := range k.look(place) {
			if by, _ := k.c.wanted(place, key); len(by) == 0 {
				k.breaks("P7: %s is left at %s, since\n  %s", key, place, strings.Join(k.since(place), "\n  "))
			}
		}
	}
}

// since is the trail around the last change of a place.
func (k *walk) since(place string) []string {
	for i := len(k.trail) - 1; i >= 0; i-- {
		if strings.HasPrefix(strings.TrimSpace(k.trail[i]), place+": ") {
			return k.trail[max(0, i-15):min(len(k.trail), i+25)]
		}
	}
	return nil
}

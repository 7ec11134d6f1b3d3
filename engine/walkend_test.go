package engine_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/credsync/credsync/state"
)

// finish ends the walk: strangers and obstacles go, and three applies bring everything
// to where the last configuration says.
func (k *walk) finish() {
	k.kills = false
	k.d = k.d.clone()
	for i := range k.d.sinks {
		k.d.sinks[i].label = fmt.Sprint("z", k.d.sinks[i].label)
	}
	for _, a := range k.d.accounts {
		a.password = "pw"
		for i := range a.deliveries {
			a.deliveries[i].sink = "z" + a.deliveries[i].sink
		}
	}
	for _, server := range walkServers {
		k.d.sinks = append(k.d.sinks, drawnSink{"spare" + server, server})
	}
	k.clearTheWay()
	k.adoptMerged()
	k.w.hcl = k.d.hcl()
	for range 3 {
		k.note("apply")
		k.begin(everyAccount)
		k.w.apply()
		k.end(false)
	}
	k.converged()
}

// clearTheWay removes what is in the way of the configuration and not ours.
func (k *walk) clearTheWay() {
	records := k.records()
	for _, place := range allPlaces() {
		server, path, _ := strings.Cut(place, "/")
		by, _ := k.d.wanted(place, "")
		data, there := k.w.sinks[server].Get(path)
		if len(by) == 0 || !there {
			continue
		}
		for key := range data {
			if k.guarded[place][key] {
				delete(data, key)
			}
		}
		switch {
		case !k.isOurs(records, place) || len(data) == 0:
			k.w.sinks[server].Remove(path)
		case len(k.guarded[place]) > 0:
			k.w.sinks[server].Put(path, data)
		}
		delete(k.guarded, place)
		k.seen[place] = k.look(place)
	}
}

// adoptMerged adopts what is wanted whole where others merged before, since their keys are
// not those of who wants it now, and keys that were forgotten there.
func (k *walk) adoptMerged() {
	records := k.records()
	for _, a := range k.d.accounts {
		for i := range a.deliveries {
			to := &a.deliveries[i]
			for _, t := range k.entriesAt(records, k.d.placeOf(*to)) {
				to.adopt = to.adopt || t.Merge != to.merge
			}
			to.adopt = to.adopt || k.hasForgottenKey(records, *to)
		}
	}
}

// hasForgottenKey reports whether a key that is wanted is there and in no record.
func (k *walk) hasForgottenKey(records map[string]*state.Record, to drawnDelivery) bool {
	at := k.d.placeOf(to)
	held := k.look(at)
	return slices.ContainsFunc(to.keys, func(key string) bool {
		_, there := held[key]
		return there &&
			!slices.ContainsFunc(
				k.entriesAt(records, at),
				func(t state.Target) bool { return slices.Contains(t.Keys, key) },
			)
	})
}

// converged checks that everything is as the configuration says.
func (k *walk) converged() {
	for _, ap := range k.w.plan(planAll).Accounts {
		if ap.Action != "none" || ap.Reason != "current" {
			k.breaks("P7: after three applies %s is planned %s %s: %s", ap.Address, ap.Action, ap.Reason, ap.Message)
		}
	}
	records := k.records()
	for _, a := range k.d.accounts {
		r := records[k.d.project+"/account.fake."+a.address]
		if r == nil || r.Newest() == nil {
			k.breaks("P7: the state has no token of %s", a.address)
			continue
		}
		token := r.Newest().Token.Access.Reveal()
		if k.w.up.userOf[token] != a.user {
			k.breaks("P7: the state has for %s a token of %s", a.address, k.w.up.userOf[token])
		}
		for _, to := range a.deliveries {
			k.holdsExactly(a, to, token)
		}
	}
	if len(records) != len(k.d.accounts) {
		k.breaks("P7: the state has the records %v", slices.Sorted(maps.Keys(records)))
	}
	if k.tidy {
		k.nothingElse()
	}
}

func (k *walk) holdsExactly(a *drawnAccount, to drawnDelivery, token string) {
	at := k.d.placeOf(to)
	got := k.look(at)
	for _, key := range to.keys {
		if got[key] != token {
			k.breaks("P7: %s of %s holds %q at %s, want %s", key, at, got[key], a.address, token)
		}
	}
	if !to.merge && len(got) != len(to.keys) {
		k.breaks("P7: %s holds %v, want keys %v", at, got, to.keys)
	}
}

// nothingElse checks that no token is where nobody wants it.
func (k *walk) nothingElse() {
	for _, place := range allPlaces() {
		for key, v := range k.look(place) {
			if by, _ := k.d.wanted(place, key); len(by) == 0 {
				k.breaks("P7: %s is left at %s, %s", v, place, key)
			}
		}
	}
}

func allPlaces() (all []string) {
	for _, server := range walkServers {
		for _, path := range walkPaths {
			all = append(all, server+"/"+path)
		}
	}
	return all
}

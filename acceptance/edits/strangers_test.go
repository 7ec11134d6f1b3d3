//go:build acceptance

package edits

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// strange is what a stranger does: he puts secrets of his own at a place, changes what
// is there, or takes it away.
func (k *walk) strange() {
	place := pick(k.e, allPlaces())
	server, path, _ := strings.Cut(place, "/")
	site := k.w.sites[server]
	k.strangers++
	his := fmt.Sprintf("stranger-%d", k.strangers)
	key := pick(k.e, append(slices.Clone(keys), "theirs"))
	data := k.look(place)
	switch n := k.e.IntN(4); {
	case n == 0:
		k.note("a stranger removes %s", place)
		site.remove(path)
		delete(k.guarded, place)
	case n == 1 || len(data) == 0:
		k.note("a stranger puts his own %s at %s", key, place)
		site.put(path, contents{key: his})
		delete(k.guarded, place)
		k.guardUnlessOurs(place, key)
	default:
		k.note("a stranger changes %s at %s", key, place)
		data = maps.Clone(data)
		data[key] = his
		site.change(path, data)
		k.guardUnlessOurs(place, key)
	}
	k.seen[place] = k.look(place)
}

// guardUnlessOurs guards a stranger's secret, unless the place is ours, and in one that
// is merged into the key.
func (k *walk) guardUnlessOurs(place, key string) {
	records := k.w.records(k.c.stateIn)
	if !k.isOurs(records, place) {
		k.guard(place, key)
		return
	}
	for _, t := range k.entriesAt(records, place) {
		if !t.Merge || slices.Contains(t.Keys, key) {
			return
		}
	}
	server, path, _ := strings.Cut(place, "/")
	if k.w.sites[server].owner(path) == "" {
		k.guard(place, key)
	}
}

package engine_test

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/credsync/credsync/credential"
)

// strange is what a stranger does: he puts secrets of his own at a place, changes what
// is there, or takes it away.
func (k *walk) strange() {
	place := pick(k.e, allPlaces())
	server, path, _ := strings.Cut(place, "/")
	s := k.w.sinks[server]
	k.strangers++
	his := credential.NewSecret(fmt.Sprintf("stranger-%d", k.strangers))
	data, _ := s.Get(path)
	switch n := k.e.IntN(4); {
	case n == 0:
		k.note("a stranger removes %s", place)
		s.Remove(path)
		delete(k.guarded, place)
	case n == 1 || len(data) == 0:
		k.note("a stranger puts his own at %s", place)
		key := pick(k.e, append(walkKeys, "theirs"))
		s.Put(path, map[string]credential.Secret{key: his})
		k.guarded[place] = nil
		k.guardUnlessOurs(place, key)
	default:
		key := pick(k.e, append(walkKeys, "theirs"))
		k.note("a stranger changes %s at %s", key, place)
		data[key] = his
		s.Put(path, data)
		k.guardUnlessOurs(place, key)
	}
	k.seen[place] = k.look(place)
}

// guardUnlessOurs guards a stranger's secret, unless the place is ours, and in one that
// is merged into the key.
func (k *walk) guardUnlessOurs(place, key string) {
	records := k.records()
	if !k.isOurs(records, place) {
		k.guard(place, key)
		return
	}
	server, path, _ := strings.Cut(place, "/")
	info, _ := k.w.sinks[server].Clone().Stat(context.Background(), memoryTarget(path))
	for _, t := range k.entriesAt(records, place) {
		if !t.Merge || slices.Contains(t.Keys, key) {
			return
		}
	}
	if info.Owner == "" {
		k.guard(place, key)
	}
}

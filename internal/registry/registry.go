// Package registry holds what credsync was built with: types by their names,
// listed in one place and never registered by an import.
package registry

import (
	"fmt"
	"maps"
	"slices"
)

// Registry holds the known types of one kind.
type Registry[T any] struct {
	kind  string
	name  func(T) string
	types map[string]T
}

// New returns a registry of those types. kind names what they are. A name given
// twice is a bug and panics.
func New[T any](kind string, name func(T) string, types ...T) *Registry[T] {
	r := &Registry[T]{kind: kind, name: name, types: make(map[string]T, len(types))}
	for _, t := range types {
		n := name(t)
		if _, twice := r.types[n]; twice {
			panic(fmt.Sprintf("%s: %q is registered twice", kind, n))
		}
		r.types[n] = t
	}
	return r
}

// With returns a registry of these types and more. A name that is taken is a bug and
// panics.
func (r *Registry[T]) With(types ...T) *Registry[T] {
	return New(r.kind, r.name, append(slices.Collect(maps.Values(r.types)), types...)...)
}

// Lookup returns the type of that name.
func (r *Registry[T]) Lookup(name string) (T, bool) {
	t, ok := r.types[name]
	return t, ok
}

// Names returns the known names in order.
func (r *Registry[T]) Names() []string { return slices.Sorted(maps.Keys(r.types)) }

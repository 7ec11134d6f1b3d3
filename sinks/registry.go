package sinks

import (
	"fmt"
	"maps"
	"slices"
)

// Registry holds the known sink types.
type Registry struct {
	specs map[string]*Spec
}

// NewRegistry returns a registry of those specs. A type given twice is a bug
// and panics.
func NewRegistry(specs ...*Spec) *Registry {
	r := &Registry{specs: make(map[string]*Spec, len(specs))}
	for _, s := range specs {
		if _, twice := r.specs[s.Type]; twice {
			panic(fmt.Sprintf("sinks: %q is registered twice", s.Type))
		}
		r.specs[s.Type] = s
	}
	return r
}

// Lookup returns the spec of that type.
func (r *Registry) Lookup(sinkType string) (*Spec, bool) {
	s, ok := r.specs[sinkType]
	return s, ok
}

// Types returns the known types in order.
func (r *Registry) Types() []string { return slices.Sorted(maps.Keys(r.specs)) }

package providers

import (
	"fmt"
	"maps"
	"slices"
)

// Registry holds the known provider types.
type Registry struct {
	specs map[string]*Spec
}

// NewRegistry returns a registry of those specs. A name given twice, or a spec
// without access_token among its outputs, is a bug and panics.
func NewRegistry(specs ...*Spec) *Registry {
	r := &Registry{specs: make(map[string]*Spec, len(specs))}
	for _, s := range specs {
		if _, twice := r.specs[s.Name]; twice {
			panic(fmt.Sprintf("providers: %q is registered twice", s.Name))
		}
		hasToken := false
		for _, o := range s.Outputs {
			hasToken = hasToken || o.Name == "access_token" && o.Sensitive
		}
		if !hasToken {
			panic(fmt.Sprintf("providers: %q has no sensitive output access_token", s.Name))
		}
		r.specs[s.Name] = s
	}
	return r
}

// Lookup returns the spec of that name.
func (r *Registry) Lookup(name string) (*Spec, bool) {
	s, ok := r.specs[name]
	return s, ok
}

// Names returns the known names in order.
func (r *Registry) Names() []string { return slices.Sorted(maps.Keys(r.specs)) }

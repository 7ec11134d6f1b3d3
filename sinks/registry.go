package sinks

import "github.com/credsync/credsync/internal/registry"

// Registry holds the known sink types.
type Registry = registry.Registry[*Spec]

// NewRegistry returns a registry of those specs. A type given twice is a bug
// and panics.
func NewRegistry(specs ...*Spec) *Registry {
	return registry.New("sinks", func(s *Spec) string { return s.Type }, specs...)
}

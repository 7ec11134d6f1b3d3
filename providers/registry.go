package providers

import (
	"fmt"
	"slices"

	"github.com/credsync/credsync/internal/registry"
	"github.com/credsync/credsync/schema"
)

// Registry holds the known provider types.
type Registry = registry.Registry[*Spec]

// NewRegistry returns a registry of those specs. A name given twice, or a spec
// without access_token among its outputs, is a bug and panics.
func NewRegistry(specs ...*Spec) *Registry {
	for _, s := range specs {
		if !slices.ContainsFunc(s.Outputs, func(o schema.Output) bool { return o.Name == "access_token" && o.Sensitive }) {
			panic(fmt.Sprintf("providers: %q has no sensitive output access_token", s.Name))
		}
	}
	return registry.New("providers", func(s *Spec) string { return s.Name }, specs...)
}

// Package upstreamfile reads upstream blocks for tests of what they describe.
package upstreamfile

import (
	"slices"
	"testing"

	"github.com/credsync/credsync/config"
	"github.com/credsync/credsync/providers"
	"github.com/credsync/credsync/providers/described"
	"github.com/credsync/credsync/sinks"
)

// Spec returns the spec of the one upstream block in a file, under another name: that of
// the upstream that it describes.
func Spec(t testing.TB, path, name string) *providers.Spec {
	t.Helper()
	known, problems := config.LoadUpstreams(t.Context(), config.Options{
		Path: path, Providers: providers.NewRegistry(), Sinks: sinks.NewRegistry(),
	})
	for _, d := range problems {
		t.Errorf("%s: %s: %s", d.Range, d.Summary, d.Detail)
	}
	// The types of accounts that describe their upstream are always there.
	inline := providers.NewRegistry(described.InlineSpecs()...)
	names := slices.DeleteFunc(known.Names(), func(name string) bool { return slices.Contains(inline.Names(), name) })
	if len(names) != 1 || problems.HasErrors() {
		t.Fatalf("%s has %d upstreams, want 1", path, len(names))
	}
	spec, _ := known.Lookup(names[0])
	named := *spec
	named.Name = name
	return &named
}

// Package upstreams has the descriptions of upstreams that credsync is built with: an
// upstream block in a file of its own for each, as users write them.
package upstreams

import (
	"embed"
	"maps"
	"slices"
	"strings"
)

//go:embed arcgis.hcl couchdb.hcl github_app.hcl gitlab_rotating_token.hcl
//go:embed gitlab_token.hcl salesforce_data_360.hcl tuya.hcl
var files embed.FS

// Sources are the descriptions by their types.
func Sources() map[string]string {
	sources := map[string]string{}
	entries, err := files.ReadDir(".")
	if err != nil {
		panic("upstreams: " + err.Error())
	}
	for _, e := range entries {
		b, err := files.ReadFile(e.Name())
		if err != nil {
			panic("upstreams: " + err.Error())
		}
		sources[strings.TrimSuffix(e.Name(), ".hcl")] = string(b)
	}
	return sources
}

// Names are the types, in order.
func Names() []string { return slices.Sorted(maps.Keys(Sources())) }

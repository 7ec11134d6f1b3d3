// Package all lists the providers that credsync is built with.
package all

import (
	"github.com/credsync/credsync/providers"
	"github.com/credsync/credsync/providers/astana_plat"
	"github.com/credsync/credsync/providers/bereke"
	"github.com/credsync/credsync/providers/bifit_kassa"
	"github.com/credsync/credsync/providers/invoicebox"
	"github.com/credsync/credsync/providers/sagi"
)

// Registry returns a registry of all providers.
func Registry() *providers.Registry {
	return providers.NewRegistry(
		invoicebox.Spec(),
		sagi.Spec(),
		bereke.Spec(),
		bifit_kassa.Spec(),
		astana_plat.Spec(),
	)
}

// Package all lists the sinks that credsync has.
package all

import (
	"github.com/credsync/credsync/sinks"
	"github.com/credsync/credsync/sinks/file"
	"github.com/credsync/credsync/sinks/k8ssecret"
	"github.com/credsync/credsync/sinks/vault"
)

// Registry returns a registry of all sinks.
func Registry() *sinks.Registry {
	return sinks.NewRegistry(file.Spec(), k8ssecret.Spec(), vault.Spec())
}

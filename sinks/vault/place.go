package vault

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/credsync/credsync/schema"
	"github.com/credsync/credsync/sinks"
)

// Place implements sinks.Sink. A namespace may be written in the mount as well,
// which comes to the same place.
func (s *Sink) Place(ctx context.Context, t sinks.Target) (sinks.Place, error) {
	root, err := s.root(ctx)
	if err != nil {
		return "", fmt.Errorf("check %s: %w", t.Location, err)
	}
	return sinks.Place(root + t.Path), nil
}

// At implements sinks.Sink.
func (s *Sink) At(ctx context.Context, p sinks.Place, options schema.Values) (sinks.Target, bool, error) {
	if !strings.HasPrefix(string(p), placePrefix) {
		return sinks.Target{}, false, nil
	}
	root, err := s.root(ctx)
	if err != nil {
		return sinks.Target{}, false, err
	}
	path, here := strings.CutPrefix(string(p), root)
	if !here || checkPath(path) != nil {
		return sinks.Target{}, false, nil
	}
	return sinks.Target{Path: path, Location: s.mount + "/" + path, Options: options}, true, nil
}

// Address implements sinks.Sink.
func (s *Sink) Address() string { return s.client.Address() }

// placePrefix begins the places of this type of sink.
const placePrefix = "vault "

// root is what the places of the mount begin with.
func (s *Sink) root(ctx context.Context) (string, error) {
	cluster, err := s.cluster.ID(ctx)
	if err != nil {
		return "", err
	}
	mount := s.mount + "/"
	if namespace := strings.Trim(s.client.Namespace(), "/"); namespace != "" && namespace != "root" {
		mount = namespace + "/" + mount
	}
	return placePrefix + cluster + " " + mount, nil
}

// askCluster asks Vault for the id that it gives its cluster. Where a gateway in
// between lets nobody ask, it is the address; but never where Vault cannot answer for
// now, since its places would be others for a while.
func (s *Sink) askCluster(ctx context.Context) (string, error) {
	_, health, err := s.health(ctx)
	if err != nil && !errors.Is(err, errNoHealth) {
		return "", err
	}
	if health.ClusterID == "" {
		return strings.TrimRight(s.client.Address(), "/"), nil
	}
	return health.ClusterID, nil
}

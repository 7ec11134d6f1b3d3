package k8ssecret

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/credsync/credsync/schema"
	"github.com/credsync/credsync/sinks"
	"github.com/zclconf/go-cty/cty"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"
)

// placePrefix begins the places of this type of sink.
const placePrefix = "k8ssecret "

// Place implements sinks.Sink.
func (s *Sink) Place(ctx context.Context, t sinks.Target) (sinks.Place, error) {
	cluster, err := s.cluster.ID(ctx)
	if err != nil {
		return "", fmt.Errorf("check %s: %w", t.Location, err)
	}
	return sinks.Place(placePrefix + cluster + " " + t.Path), nil
}

// At implements sinks.Sink.
func (s *Sink) At(ctx context.Context, p sinks.Place, options schema.Values) (sinks.Target, bool, error) {
	if !strings.HasPrefix(string(p), placePrefix) {
		return sinks.Target{}, false, nil
	}
	cluster, err := s.cluster.ID(ctx)
	if err != nil {
		return sinks.Target{}, false, err
	}
	path, here := strings.CutPrefix(string(p), placePrefix+cluster+" ")
	namespace, name, both := strings.Cut(path, "/")
	if !here || !both || checkNamespace(cty.StringVal(namespace)) != nil || checkName(cty.StringVal(name)) != nil {
		return sinks.Target{}, false, nil
	}
	return sinks.Target{Path: path, Location: path, Options: options}, true, nil
}

// Address implements sinks.Sink.
func (s *Sink) Address() string { return s.client.address }

// askCluster asks for the UID of the namespace that every cluster has and none shares.
// Where it may not be read the cluster is called by its address.
func (s *Sink) askCluster(ctx context.Context) (string, error) {
	id, err := s.client.systemNamespace(ctx)
	if err == nil && id == "" {
		id = s.client.address
	}
	return id, err
}

// systemNamespace returns the UID of the namespace kube-system; "" where it may
// not be read, or is not there.
func (c *client) systemNamespace(ctx context.Context) (string, error) {
	var namespace metav1.PartialObjectMetadata
	what := call{op: "check the namespace " + metav1.NamespaceSystem, verb: "get", optional: true}
	err := c.do(ctx, what, func() *rest.Request {
		return c.rest.Get().Resource("namespaces").Name(metav1.NamespaceSystem)
	}, &namespace)
	if errors.Is(err, errMissing) {
		return "", nil
	}
	return string(namespace.UID), err
}

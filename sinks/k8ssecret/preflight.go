package k8ssecret

import (
	"context"
	"errors"
	"fmt"

	"github.com/credsync/credsync/sinks"
	"golang.org/x/sync/errgroup"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// preflightLimit is how many targets are looked at together.
const preflightLimit = 8

// Preflight implements sinks.Preflighter. Every authenticated identity may ask
// what it is allowed; where that was taken away nothing is learnt.
func (s *Sink) Preflight(ctx context.Context, targets []sinks.Target) error {
	var work errgroup.Group
	work.SetLimit(preflightLimit)
	errs := make([]error, len(targets))
	for i, t := range targets {
		work.Go(func() error {
			errs[i] = s.preflight(ctx, t)
			return nil
		})
	}
	_ = work.Wait()
	return errors.Join(errs...)
}

// preflight says why one target could not be written.
func (s *Sink) preflight(ctx context.Context, t sinks.Target) error {
	live, err := s.client.get(ctx, "look at", t)
	if err != nil {
		return err
	}
	verb := "patch"
	if live == nil {
		verb = "create"
	} else if err := s.writable(t, live); err != nil {
		return err
	}
	what := callFor("check the permissions for", verb, t)
	if live == nil {
		what.name = ""
	}
	allowed, err := s.client.allowed(ctx, what)
	switch {
	case errors.Is(err, sinks.ErrDenied):
		s.env.Log.Warn("The Kubernetes identity may not ask what it may do, so a missing permission will only show when a token is written; bind the ClusterRole system:basic-user to it")
	case err != nil:
		return err
	case !allowed:
		return fmt.Errorf("write %s in Kubernetes at %s: %w: %s may not %s %s; its Role in that namespace needs\n%s",
			t.Location, s.client.address, sinks.ErrDenied, s.client.identity, verb, objectOf(what), rule(what.name, verb))
	}
	if live == nil {
		return s.tryNamespace(ctx, t)
	}
	return nil
}

// tryNamespace creates without effect, since reading cannot tell a missing
// Secret from a missing namespace. What else an admission plugin has against an
// empty Secret may not hold for the real one, so it is not told.
func (s *Sink) tryNamespace(ctx context.Context, t sinks.Target) error {
	namespace, name := place(t)
	empty := &corev1.Secret{
		TypeMeta:   metav1.TypeMeta{Kind: "Secret", APIVersion: "v1"},
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name},
	}
	_, err := s.client.create(ctx, t, empty, nil, true)
	if errors.Is(err, errNoNamespace) || errors.Is(err, sinks.ErrUnavailable) || ctx.Err() != nil {
		return err
	}
	return nil
}

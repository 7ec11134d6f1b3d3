package k8ssecret

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/credsync/credsync/sinks"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"
)

const (
	pageSize = 500
	// maxPages bounds a list that does not end.
	maxPages = 200
	// namesOnly asks for a list without the Secrets' data.
	namesOnly = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1"
	// listFrom is the number of targets in one namespace from which a list
	// of its Secrets is asked for. A few are better asked for one by one, which
	// needs no permission to see others.
	listFrom = 20
)

// List implements sinks.Sink. What is below a prefix has its name, a dot, and a
// name without one.
func (s *Sink) List(ctx context.Context, prefix sinks.Target) ([]sinks.Target, error) {
	var list []sinks.Target
	err := walk(
		ctx,
		s.client,
		prefix,
		selectorBelow(prefix),
		namesOnly,
		func(page *metav1.PartialObjectMetadataList) error {
			for _, item := range page.Items {
				if t, ok := below(prefix, item.Name); ok {
					list = append(list, t)
				}
			}
			return nil
		},
	)
	if err != nil {
		return nil, err
	}
	slices.SortFunc(list, func(a, b sinks.Target) int { return strings.Compare(a.Path, b.Path) })
	return slices.CompactFunc(list, func(a, b sinks.Target) bool { return a.Path == b.Path }), nil
}

// Scan implements sinks.Scanner, by a list with the Secrets' data. The
// permission is the same as for their names.
func (s *Sink) Scan(ctx context.Context, prefix sinks.Target, yield func(sinks.Target, sinks.Object) error) error {
	return walk(ctx, s.client, prefix, selectorBelow(prefix), "", func(page *corev1.SecretList) error {
		for i := range page.Items {
			t, ok := below(prefix, page.Items[i].Name)
			if !ok {
				continue
			}
			if err := yield(t, contentOf(t, &page.Items[i])); err != nil {
				return err
			}
		}
		return nil
	})
}

// StatMany implements sinks.BulkStatter. The list has only what credsync wrote; a
// target that is not in it may be someone else's, and is left to Stat. So are
// all where credsync may not list.
func (s *Sink) StatMany(ctx context.Context, targets []sinks.Target, found func(i int, info sinks.Info)) {
	byNamespace := map[string][]int{}
	for i, t := range targets {
		namespace, _ := place(t)
		byNamespace[namespace] = append(byNamespace[namespace], i)
	}
	for _, chosen := range byNamespace {
		if len(chosen) >= listFrom {
			s.statByList(ctx, targets, chosen, found)
		}
	}
}

// statByList looks at those targets that are chosen, which share a namespace.
func (s *Sink) statByList(
	ctx context.Context,
	targets []sinks.Target,
	chosen []int,
	found func(i int, info sinks.Info),
) {
	byName := make(map[string][]int, len(chosen))
	for _, i := range chosen {
		_, name := place(targets[i])
		byName[name] = append(byName[name], i)
	}
	prefix := targets[chosen[0]]
	err := walk(ctx, s.client, prefix, managedByLabel+"="+manager+",!"+stateLabel, "", func(page *corev1.SecretList) error {
		for i := range page.Items {
			live := &page.Items[i]
			for _, target := range byName[live.Name] {
				found(target, infoOf(targets[target], live))
			}
		}
		return nil
	})
	if err != nil {
		s.env.Log.Debug("Targets cannot be listed, so they are checked one by one", "error", err)
	}
}

func selectorBelow(prefix sinks.Target) string {
	if !isState(prefix) {
		return ""
	}
	_, name := place(prefix)
	return stateLabel + "=" + stateMark(name)
}

// below is the place of that name, if it is directly below a prefix.
func below(prefix sinks.Target, name string) (sinks.Target, bool) {
	namespace, top := place(prefix)
	rest, ok := strings.CutPrefix(name, top+".")
	if !ok || strings.Contains(rest, ".") {
		return sinks.Target{}, false
	}
	t := prefix
	t.Path = namespace + "/" + name
	t.Location = t.Path
	return t, true
}

// walk lists the Secrets of a target's namespace with those labels, page by
// page. A list that takes so long that the API server forgets it is begun
// again, so that a Secret may come twice.
func walk[Page any, P interface {
	*Page
	metav1.ListInterface
}](ctx context.Context, c *client, t sinks.Target, selector, accept string, each func(*Page) error) error {
	what := callFor("list", "list", t)
	what.name = ""
	token, restarted := "", false
	for range maxPages {
		var page Page
		err := c.do(ctx, what, func() *rest.Request {
			r := c.rest.Get().Namespace(what.namespace).Resource(secretsResource).Param("limit", fmt.Sprint(pageSize))
			if accept != "" {
				r.SetHeader("Accept", accept)
			}
			if selector != "" {
				r.Param("labelSelector", selector)
			}
			if token != "" {
				r.Param("continue", token)
			}
			return r
		}, &page)
		if errors.Is(err, errExpired) && !restarted {
			token, restarted = "", true
			continue
		}
		if err != nil {
			return err
		}
		if err := each(&page); err != nil {
			return err
		}
		if token = P(&page).GetContinue(); token == "" {
			return nil
		}
	}
	return fmt.Errorf("%s: the list does not end after %d pages of %d", c.about(what), maxPages, pageSize)
}

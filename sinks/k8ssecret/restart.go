package k8ssecret

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/credsync/credsync/sinks"
	"github.com/zclconf/go-cty/cty"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/validation"
	"k8s.io/client-go/rest"
)

// restartedAtAnnotation on a pod template is what "kubectl rollout restart"
// sets: a template that has changed is rolled out.
const restartedAtAnnotation = "kubectl.kubernetes.io/restartedAt"

// workloads are the kinds that can be restarted, with their plural in the API.
var workloads = map[string]string{"deployment": "deployments", "statefulset": "statefulsets", "daemonset": "daemonsets"}

// checkRestart examines the names of workloads, such as "deployment/shop".
func checkRestart(v cty.Value) error {
	for it := v.ElementIterator(); it.Next(); {
		_, e := it.Element()
		if e.IsNull() {
			return errors.New("it contains null")
		}
		if _, _, err := parseWorkload(e.AsString()); err != nil {
			return err
		}
	}
	return nil
}

func parseWorkload(s string) (resource, name string, err error) {
	kind, name, _ := strings.Cut(s, "/")
	resource = workloads[kind]
	if resource == "" || len(validation.IsDNS1123Subdomain(name)) > 0 {
		return "", "", fmt.Errorf("%q is not a workload: use deployment/NAME, statefulset/NAME or daemonset/NAME", s)
	}
	return resource, name, nil
}

// Restart implements sinks.Restarter, by the annotation that "kubectl rollout
// restart" sets. All are tried, even if one fails.
func (s *Sink) Restart(ctx context.Context, t sinks.Target, stamp time.Time) error {
	var errs []error
	restarts := slices.Clone(t.Restarts)
	slices.Sort(restarts)
	for _, w := range slices.Compact(restarts) {
		errs = append(errs, s.client.restart(ctx, t, w, stamp, false))
	}
	return errors.Join(errs...)
}

// restart restarts one workload. With dry it only tries.
func (c *client) restart(ctx context.Context, t sinks.Target, workload string, stamp time.Time, dry bool) error {
	resource, name, err := parseWorkload(workload)
	if err != nil {
		return err
	}
	namespace, _ := place(t)
	what := call{
		op:        fmt.Sprintf("restart %s in namespace %s", workload, namespace),
		verb:      "patch",
		namespace: namespace,
		name:      name,
		workload:  resource,
		rules:     rulesFor(t, "patch"),
	}
	body, err := json.Marshal(
		map[string]any{"spec": map[string]any{"template": map[string]any{"metadata": map[string]any{
			"annotations": map[string]string{restartedAtAnnotation: stamp.UTC().Format(time.RFC3339)},
		}}}},
	)
	if err != nil {
		return fmt.Errorf("%s: encode the request: %w", c.about(what), err)
	}
	var answered metav1.PartialObjectMetadata
	err = c.do(ctx, what, func() *rest.Request {
		r := c.rest.Patch(types.StrategicMergePatchType).
			AbsPath("/apis/apps/v1/namespaces", namespace, resource, name).
			Param("fieldManager", manager)
		if dry {
			r.Param("dryRun", metav1.DryRunAll)
		}
		return r.Body(body)
	}, &answered)
	if errors.Is(err, errMissing) {
		return fmt.Errorf("%s: there is no such workload; correct restart in the deliver block", c.about(what))
	}
	return err
}

package k8ssecret

import (
	"net/http"
	"testing"
	"time"

	"github.com/credsync/credsync/sinks"
	"github.com/credsync/credsync/testkit/servers"
)

// template is a workload's pod template; nothing runs it.
func template(name string) object {
	return object{
		"metadata": object{"labels": object{"app": name}},
		"spec":     object{"containers": []object{{"name": "c", "image": "example"}}},
	}
}

func (c *cluster) workload(kind, resource, name string) string {
	path := "/apis/apps/v1/namespaces/" + c.namespace + "/" + resource
	spec := object{"selector": object{"matchLabels": object{"app": name}}, "template": template(name)}
	if kind == "StatefulSet" {
		spec["serviceName"] = name
	}
	c.Must(http.MethodPost, path, "", object{"apiVersion": "apps/v1", "kind": kind, "metadata": object{"name": name}, "spec": spec})
	return path + "/" + name
}

// restarted returns the annotation, and the generation, which grows with each
// change that is rolled out.
func (c *cluster) restarted(path string) (string, float64) {
	o := c.Must(http.MethodGet, path, "", nil)
	at, _ := metadata(o["spec"].(object)["template"].(object), "annotations")[restartedAtAnnotation].(string)
	generation, _ := o["metadata"].(object)["generation"].(float64)
	return at, generation
}

func testRestarts(t *testing.T, c *cluster) {
	paths := []string{
		c.workload("Deployment", "deployments", "shop"),
		c.workload("StatefulSet", "statefulsets", "till"),
		c.workload("DaemonSet", "daemonsets", "agent"),
	}
	names := []string{"deployment/shop", "statefulset/till", "daemonset/agent"}
	rule := servers.Rule{
		APIGroups:     []string{"apps"},
		Resources:     []string{"deployments", "statefulsets", "daemonsets"},
		Verbs:         []string{"patch"},
		ResourceNames: []string{"shop", "till", "agent"},
	}
	conn := c.account("restarter", rule)
	s := conn.open(t)
	target := conn.deliver(t, attrs{"name": "a", "restart": names, "namespace": c.namespace})

	first := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	for range 2 {
		if err := s.Restart(t.Context(), target, first); err != nil {
			t.Fatal(err)
		}
		for _, p := range paths {
			if at, generation := c.restarted(p); at != "2026-03-01T12:00:00Z" || generation != 2 {
				t.Errorf("%s: restarted at %q, generation %v; want one restart", p, at, generation)
			}
		}
	}
	if err := s.Restart(t.Context(), target, first.Add(time.Hour)); err != nil {
		t.Fatal(err)
	}
	if _, generation := c.restarted(paths[0]); generation != 3 {
		t.Errorf("generation %v after a second restart", generation)
	}

	target.Restarts = []string{"deployment/other"}
	wantError(t, s.Restart(t.Context(), target, first), sinks.ErrDenied, `may not patch deployments "other"; its Role in namespace `+c.namespace+` needs`, `
  - apiGroups: ["apps"]
    resources: ["deployments"]
    resourceNames: ["other"]
    verbs: ["patch"]`)
	if err := c.sink.Restart(t.Context(), target, first); err == nil {
		t.Error("a workload that is not there was restarted")
	}
}

package k8ssecret

import (
	"strings"
	"testing"

	"github.com/credsync/credsync/sinks"
	"github.com/google/go-cmp/cmp"
)

// printed is what credsync policy kubernetes prints for those uses.
func printed(t *testing.T, flags map[string]string, uses ...sinks.Use) (string, error) {
	t.Helper()
	all := map[string]string{}
	for _, f := range policy().Flags {
		all[f.Name] = f.Default
	}
	for name, value := range flags {
		all[name] = value
	}
	out, err := policy().Print(t.Context(), sinks.PolicyRequest{Project: "shop", Flags: all, Uses: uses})
	return string(out), err
}

// Each namespace has a Role with no more than what is done there.
func TestPolicyAllowsNoMoreThanIsNeeded(t *testing.T) {
	c := &conn{attrs: attrs{"namespace": "shop"}}
	target := func(name string, restart ...string) sinks.Target {
		t := c.deliver(t, attrs{"name": name})
		t.Restarts = restart
		return t
	}
	merged := target("shared")
	merged.Merge = true
	out, err := printed(t, map[string]string{accountFlag: "runner", namespaceFlag: "ops"}, sinks.Use{
		Deliver: []sinks.DeliverUse{
			{Target: target("b", "deployment/web", "deployment/api", "statefulset/db")},
			{Target: target("a")},
			{Target: target("gone-later"), Delete: true},
			{Target: merged, Delete: true},
		},
		Data:  []sinks.DataUse{{Target: target("inputs")}},
		State: &sinks.StateUse{All: c.record(t, attrs{"namespace": "state"}, "")},
	})
	if err != nil {
		t.Fatal(err)
	}
	binding := func(namespace string) string {
		return `---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata:
  name: credsync-shop
  namespace: ` + namespace + `
roleRef:
  apiGroup: rbac.authorization.k8s.io
  kind: Role
  name: credsync-shop
subjects:
- kind: ServiceAccount
  name: runner
  namespace: ops
`
	}
	want := `# The minimal permissions of project shop in Kubernetes. They assume the cluster's default that
# every account may query its own permissions.
---
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata:
  name: credsync-shop
  namespace: shop
rules:
# to create delivered Secrets; Kubernetes cannot limit this to names
- apiGroups: [""]
  resources: ["secrets"]
  verbs: ["create"]
- apiGroups: [""]
  resources: ["secrets"]
  resourceNames: ["gone-later"]
  verbs: ["delete", "get", "patch"]
- apiGroups: [""]
  resources: ["secrets"]
  resourceNames: ["inputs"]
  verbs: ["get"]
- apiGroups: [""]
  resources: ["secrets"]
  resourceNames: ["a", "b", "shared"]
  verbs: ["get", "patch"]
# restart
- apiGroups: ["apps"]
  resources: ["deployments"]
  resourceNames: ["api", "web"]
  verbs: ["patch"]
# restart
- apiGroups: ["apps"]
  resources: ["statefulsets"]
  resourceNames: ["db"]
  verbs: ["patch"]
` + binding("shop") + `---
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata:
  name: credsync-shop
  namespace: state
rules:
# the state: credsync finds its Secrets by list; their names are not known beforehand
- apiGroups: [""]
  resources: ["secrets"]
  verbs: ["get", "list", "create", "patch", "delete"]
` + binding("state")
	if diff := cmp.Diff(want, out); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// What the state may do in its namespace covers the Secrets beside it; workloads it does not.
func TestPolicyOfTargetsBesideTheState(t *testing.T) {
	c := &conn{attrs: attrs{"namespace": "shop"}}
	target := c.deliver(t, attrs{"name": "a"})
	target.Restarts = []string{"daemonset/agent"}
	out, err := printed(
		t,
		nil,
		sinks.Use{Deliver: []sinks.DeliverUse{{Target: target}}, State: &sinks.StateUse{All: c.record(t, nil, "")}},
	)
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(out, "resourceNames: [\"a\"]") || strings.Count(out, "kind: Role\n") != 2 || strings.Contains(out, "cannot limit this") {
		t.Errorf("it has rules that the state's covers:\n%s", out)
	}
	if !strings.Contains(out, `resources: ["daemonsets"]`) || !strings.Contains(out, "  name: credsync\n  namespace: credsync\n") {
		t.Errorf("it lacks the workload, or the default account:\n%s", out)
	}
}

func TestPolicyRefusesWhatIsNoAccountAndNoUse(t *testing.T) {
	c := &conn{attrs: attrs{"namespace": "shop"}}
	use := sinks.Use{Deliver: []sinks.DeliverUse{{Target: c.deliver(t, attrs{"name": "a"})}}}
	for name, tt := range map[string]struct {
		flags map[string]string
		uses  []sinks.Use
		want  string
	}{
		"account":   {map[string]string{accountFlag: "Runner"}, []sinks.Use{use}, "--service-account: "},
		"namespace": {map[string]string{namespaceFlag: "a.b"}, []sinks.Use{use}, "--namespace: "},
		"no use":    {nil, []sinks.Use{{}}, "needs no permissions"},
	} {
		if out, err := printed(t, tt.flags, tt.uses...); err == nil || !strings.Contains(err.Error(), tt.want) ||
			out != "" {
			t.Errorf("%s: %q, %v", name, out, err)
		}
	}
}

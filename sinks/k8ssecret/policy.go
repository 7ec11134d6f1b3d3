package k8ssecret

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/credsync/credsync/sinks"
	"github.com/zclconf/go-cty/cty"
)

// The flags of the policy command: whom the roles are for.
const (
	accountFlag   = "service-account"
	namespaceFlag = "namespace"
)

// policy describes "credsync policy kubernetes".
func policy() *sinks.Policy {
	return &sinks.Policy{
		Name:  "kubernetes",
		Short: "Print the RBAC that this configuration needs in Kubernetes",
		Long: "Print the minimal Roles and RoleBindings that this configuration needs:\n\n" +
			"  credsync policy kubernetes | kubectl apply -f -\n\n" +
			"There is one Role for each namespace that credsync delivers to, reads from or keeps the state\n" +
			"in. The rules name each Secret where Kubernetes supports that. It does not for creating\n" +
			"Secrets, and the names of the state's Secrets are not known beforehand, so give the state its\n" +
			"own namespace. The command contacts no server.\n\n" +
			"Run it again after you change targets, data blocks or the state block. The new roles do not\n" +
			"cover targets that you removed from the configuration and that are still to be deleted\n" +
			"(on_remove): keep the old roles until an apply has deleted them.",
		Flags: []sinks.PolicyFlag{
			{Name: accountFlag, Default: "credsync", Usage: "`NAME` of the service account that credsync runs as"},
			{Name: namespaceFlag, Default: "credsync", Usage: "`NAMESPACE` of that service account"},
		},
		Print: printPolicy,
	}
}

func printPolicy(_ context.Context, r sinks.PolicyRequest) ([]byte, error) {
	account, namespace := r.Flags[accountFlag], r.Flags[namespaceFlag]
	if err := checkName(cty.StringVal(account)); err != nil {
		return nil, fmt.Errorf("--%s: %w", accountFlag, err)
	}
	if err := checkNamespace(cty.StringVal(namespace)); err != nil {
		return nil, fmt.Errorf("--%s: %w", namespaceFlag, err)
	}
	roles := rolesOf(r.Uses)
	if len(roles) == 0 {
		return nil, errors.New("this configuration delivers nothing to Kubernetes, and keeps and reads nothing there, so it needs no permissions")
	}
	var out bytes.Buffer
	fmt.Fprintf(&out, "# The minimal permissions of project %s in Kubernetes. They assume the cluster's default that\n# every account may query its own permissions.\n", r.Project)
	name := "credsync-" + r.Project
	for _, in := range slices.Sorted(maps.Keys(roles)) {
		fmt.Fprintf(&out, roleText, name, in, roles[in].text(), name, in, name, account, namespace)
	}
	return out.Bytes(), nil
}

// roleText takes the role's name, its namespace and rules; for the binding both
// again, the role's name, the service account and its namespace.
const roleText = `---
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata:
  name: %s
  namespace: %s
rules:
%s---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata:
  name: %s
  namespace: %s
roleRef:
  apiGroup: rbac.authorization.k8s.io
  kind: Role
  name: %s
subjects:
- kind: ServiceAccount
  name: %s
  namespace: %s
`

// role is what is needed in one namespace.
type role struct {
	// state says that the records are there.
	state bool
	// create says that Secrets may have to be created.
	create bool
	// verbs are those needed on each Secret, by its name.
	verbs map[string]map[string]bool
	// restarts are names of workloads by their plural.
	restarts map[string]map[string]bool
}

func rolesOf(uses []sinks.Use) map[string]*role {
	roles := map[string]*role{}
	in := func(t sinks.Target) (*role, string) {
		namespace, name := place(t)
		if roles[namespace] == nil {
			roles[namespace] = &role{verbs: map[string]map[string]bool{}, restarts: map[string]map[string]bool{}}
		}
		return roles[namespace], name
	}
	for _, u := range uses {
		for _, d := range u.Deliver {
			r, name := in(d.Target)
			r.deliver(name, d)
		}
		for _, d := range u.Data {
			r, name := in(d.Target)
			r.allow(name, "get")
		}
		if u.State != nil {
			r, _ := in(u.State.All)
			r.state = true
		}
	}
	return roles
}

func (r *role) deliver(name string, d sinks.DeliverUse) {
	r.create = true
	r.allow(name, "get", "patch")
	if d.Delete && !d.Target.Merge {
		r.allow(name, "delete")
	}
	for _, w := range d.Target.Restarts {
		resource, workload, err := parseWorkload(w)
		if err != nil {
			continue // The table's check has said so.
		}
		if r.restarts[resource] == nil {
			r.restarts[resource] = map[string]bool{}
		}
		r.restarts[resource][workload] = true
	}
}

// rulesFor are all rules that a target, a record of the state or a data block needs,
// with the verb that was denied.
func rulesFor(t sinks.Target, verb string) []string {
	_, name := place(t)
	r := &role{verbs: map[string]map[string]bool{}, restarts: map[string]map[string]bool{}}
	switch b := t.Options.Block(); {
	case isState(t):
		r.state = true
	case b != nil && b.Type == "data":
		r.allow(name, "get")
	default:
		r.deliver(name, sinks.DeliverUse{Target: t})
		switch verb {
		case "create": // no rule with names allows it
		case "list":
			return []string{ruleText("", "secrets", nil, verb)}
		default:
			r.allow(name, verb)
		}
	}
	return r.rules()
}

func (r *role) allow(name string, verbs ...string) {
	if r.verbs[name] == nil {
		r.verbs[name] = map[string]bool{}
	}
	for _, v := range verbs {
		r.verbs[name][v] = true
	}
}

// text writes the rules, with why each is there.
func (r *role) text() string {
	var out strings.Builder
	if r.state {
		out.WriteString("# the state: credsync finds its Secrets by list; their names are not known beforehand\n")
	} else if r.create {
		out.WriteString("# to create delivered Secrets; Kubernetes cannot limit this to names\n")
	}
	for _, rule := range r.rulesOnSecrets() {
		out.WriteString(rule + "\n")
	}
	for _, rule := range r.rulesOnWorkloads() {
		out.WriteString("# restart\n" + rule + "\n")
	}
	return out.String()
}

func (r *role) rules() []string { return append(r.rulesOnSecrets(), r.rulesOnWorkloads()...) }

// rulesOnSecrets are those on Secrets, that to create them first. The state's, which
// names no Secret, covers all others.
func (r *role) rulesOnSecrets() (rules []string) {
	if r.state {
		return []string{ruleText("", "secrets", nil, "get", "list", "create", "patch", "delete")}
	}
	if r.create {
		rules = append(rules, ruleText("", "secrets", nil, "create"))
	}
	byVerbs := map[string][]string{}
	for name, verbs := range r.verbs {
		key := strings.Join(slices.Sorted(maps.Keys(verbs)), " ")
		byVerbs[key] = append(byVerbs[key], name)
	}
	for _, verbs := range slices.Sorted(maps.Keys(byVerbs)) {
		names := byVerbs[verbs]
		slices.Sort(names)
		rules = append(rules, ruleText("", "secrets", names, strings.Fields(verbs)...))
	}
	return rules
}

func (r *role) rulesOnWorkloads() (rules []string) {
	for _, resource := range slices.Sorted(maps.Keys(r.restarts)) {
		rules = append(rules, ruleText("apps", resource, slices.Sorted(maps.Keys(r.restarts[resource])), "patch"))
	}
	return rules
}

func ruleText(group, resource string, names []string, verbs ...string) string {
	limit := ""
	if names != nil {
		limit = fmt.Sprintf("  resourceNames: [%s]\n", quoted(names))
	}
	return fmt.Sprintf("- apiGroups: [%q]\n  resources: [%q]\n%s  verbs: [%s]", group, resource, limit, quoted(verbs))
}

func quoted(list []string) string {
	q := make([]string, len(list))
	for i, s := range list {
		q[i] = fmt.Sprintf("%q", s)
	}
	return strings.Join(q, ", ")
}

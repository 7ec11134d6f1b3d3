// Package k8ssecret is the sink that writes Kubernetes Secrets.
//
// A Secret is created with POST, so that nothing is ever overwritten by it, and
// changed by server-side apply with the resourceVersion that was just looked
// at, so that every write is a compare-and-set. Who owns it is marked in the
// same write as the data.
//
// Sources: https://kubernetes.io/docs/reference/using-api/server-side-apply/,
// /docs/reference/using-api/api-concepts/ (resource versions, paging, dry
// run), /docs/concepts/configuration/secret/ and
// /docs/concepts/configuration/organize-cluster-access-kubeconfig/.
package k8ssecret

import (
	"fmt"
	"os"
	"strings"

	"github.com/credsync/credsync/schema"
	"github.com/credsync/credsync/sinks"
	"github.com/zclconf/go-cty/cty"
)

// Spec describes the sink to the registry.
func Spec() *sinks.Spec {
	// Where a target is depends on the kubeconfig or the pod if no block says
	// its namespace, so these are looked at before there is a sinks.Env.
	return spec(machine{getenv: os.Getenv, serviceAccount: serviceAccountDir})
}

// spec is Spec on that machine.
func spec(m machine) *sinks.Spec {
	labels := []string{"k8ssecret", "name"}
	return &sinks.Spec{
		Type: "k8ssecret",
		Doc: "Secrets of a Kubernetes cluster. In a pod credsync uses the pod's service account. Elsewhere, or when `kubeconfig` or `context` is set, it uses a kubeconfig, including its exec plugins. " +
			"credsync writes a Secret by server-side apply as the field manager `credsync`, and only if the Secret has not changed since credsync last read it. " +
			"It adds the label `app.kubernetes.io/managed-by=credsync` and the annotations `credsync.dev/owner`, `credsync.dev/expires-at` and `credsync.dev/rotated-at`, except with `merge`. " +
			"Labels, annotations and other metadata that others set are kept, and changes to them are not drift. " +
			"credsync needs `get` and `patch` on the Secrets that it delivers to, `create` in their namespace, and `delete` if it is to delete them.",
		Connection: connectionBlock(),
		Deliver: schema.Block{Type: "deliver", Labels: labels, Attributes: []schema.Attribute{
			nameAttribute("The Secret's name."), namespaceAttribute(),
			{Name: "type", Type: cty.String, DefaultText: "`Opaque`; an existing Secret keeps its type", Check: checkType, Effect: schema.ShapesTarget, Doc: "The Secret's type. Kubernetes does not let it be changed."},
			{Name: "labels", Type: cty.Map(cty.String), Check: checkLabels, Effect: schema.ShapesTarget, Doc: "Labels for the Secret."},
			{Name: "annotations", Type: cty.Map(cty.String), Check: checkAnnotations, Effect: schema.ShapesTarget, Doc: "Annotations for the Secret."},
			{
				Name: "restart", Type: cty.List(cty.String), Check: checkRestart,
				Doc: "Workloads in the Secret's namespace to restart once all of the account's targets have a new token, as `kubectl rollout restart` does: `deployment/NAME`, `statefulset/NAME` or `daemonset/NAME`. credsync needs `patch` on them.",
			},
		}},
		State: schema.Block{Type: "state", Labels: labels, Attributes: []schema.Attribute{
			{
				Name: "name", Type: cty.String, Default: cty.StringVal("credsync-state"), Check: checkPrefix,
				Doc: "The prefix of the names of the state's Secrets. Each account has one Secret, of the type `credsync.dev/state`.",
			},
			{
				Name: "namespace", Type: cty.String, DefaultText: "the sink's", Check: checkNamespace,
				Doc: "The state's namespace. Give the state its own namespace, because credsync finds it by `list`, which shows every Secret there. credsync needs `get`, `list`, `create`, `patch` and `delete` in it.",
			},
		}},
		Data: schema.Block{
			Type:       "data",
			Labels:     labels,
			Attributes: []schema.Attribute{nameAttribute("The Secret's name."), namespaceAttribute()},
		},
		Target: func(conn, v schema.Values) (sinks.Target, error) {
			t, err := m.target(conn, v, v.String("name"))
			t.Restarts = v.Strings("restart")
			return t, err
		},
		Source: func(conn, v schema.Values) (sinks.Target, error) {
			return m.target(conn, v, v.String("name"))
		},
		Record: func(conn, v schema.Values, name string) (sinks.Target, error) {
			return m.target(conn, v, recordName(v.String("name"), name))
		},
		Policy: policy(),
		Exposes: func(records, target sinks.Target) string {
			if namespace, _ := place(records); strings.HasPrefix(target.Path, namespace+"/") {
				return fmt.Sprintf("The state is in the namespace %s, where everyone who may list Secrets can read it. Give the state its own namespace.", namespace)
			}
			return ""
		},
		CheckKeys: func(deliver schema.Values, keys []string, merge bool) error {
			for _, key := range keys {
				if err := checkKey(key); err != nil {
					return err
				}
			}
			if merge {
				return nil
			}
			return checkRequiredKeys(typeIn(deliver), keys)
		},
		New: func(conn schema.Values, env sinks.Env) (sinks.Sink, error) {
			return open(machine{getenv: env.Getenv, serviceAccount: m.serviceAccount}, conn, env)
		},
	}
}

func connectionBlock() schema.Block {
	return schema.Block{
		Type: "sink", Labels: []string{"k8ssecret", "name"},
		Attributes: []schema.Attribute{
			{
				Name: "kubeconfig", Type: cty.String, Env: []string{"KUBECONFIG"}, Check: notEmpty,
				DefaultText: "the pod's service account; outside a pod `~/.kube/config`",
				Doc:         "A kubeconfig file, or several as in KUBECONFIG. As in kubectl, a relative path starts at the working directory; `~/` is the home directory.",
			},
			{Name: "context", Type: cty.String, Check: notEmpty, DefaultText: "the kubeconfig's current context", Doc: "The context of the kubeconfig to use."},
			{
				Name: "namespace", Type: cty.String, DefaultText: "the context's, or the pod's", Check: checkNamespace,
				Doc: "The namespace of Secrets that have none in their own block. The namespace is part of a target's identity, so set it if you plan and apply the configuration in different places.",
			},
			{
				Name: "cluster", Type: cty.String, Check: notEmpty, DefaultText: "the UID of the namespace kube-system if credsync may read it, otherwise the API server's address",
				Doc: "The cluster's name, which is part of a target's identity. credsync reads the namespace kube-system only for its UID, and works without it. " +
					"Set `cluster` if runs reach the API server at different addresses, or if only some of them may read that namespace.",
			},
			{Name: "impersonate", Type: cty.String, Check: notEmpty, Doc: "The user to act as, such as `system:serviceaccount:shop:deployer`. credsync's own identity needs the verb `impersonate` on that user."},
			{Name: "impersonate_groups", Type: cty.List(cty.String), Doc: "The groups to act as a member of. Needs `impersonate`."},
		},
		Check: checkImpersonation,
	}
}

func nameAttribute(doc string) schema.Attribute {
	return schema.Attribute{Name: "name", Type: cty.String, Required: true, Check: checkName, Doc: doc}
}

func namespaceAttribute() schema.Attribute {
	return schema.Attribute{Name: "namespace", Type: cty.String, DefaultText: "the sink's", Check: checkNamespace, Doc: "The Secret's namespace."}
}

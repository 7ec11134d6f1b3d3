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
		Doc: "Secrets of a Kubernetes cluster. In a pod its service account is used; elsewhere, or with `kubeconfig` or `context`, a kubeconfig, exec plugins included. " +
			"A Secret is written by server-side apply as the field manager `credsync`, and only at the version that was looked at. " +
			"It is marked with the label `app.kubernetes.io/managed-by=credsync` and the annotations `credsync.dev/owner`, `credsync.dev/expires-at` and `credsync.dev/rotated-at`; one that is merged into is not. " +
			"Labels, annotations and other metadata of others are kept, and their changes are not drift. " +
			"Needed on the Secrets that are delivered to: `get` and `patch`, `create` in their namespace, and `delete` if they are ever to be deleted.",
		Connection: connectionBlock(),
		Deliver: schema.Block{Type: "deliver", Labels: labels, Attributes: []schema.Attribute{
			nameAttribute("The Secret's name."), namespaceAttribute(),
			{Name: "type", Type: cty.String, DefaultText: "`Opaque`; a Secret that exists keeps its type", Check: checkType, Effect: schema.ShapesTarget, Doc: "The Secret's type. Kubernetes never changes it."},
			{Name: "labels", Type: cty.Map(cty.String), Check: checkLabels, Effect: schema.ShapesTarget, Doc: "Labels for the Secret."},
			{Name: "annotations", Type: cty.Map(cty.String), Check: checkAnnotations, Effect: schema.ShapesTarget, Doc: "Annotations for the Secret."},
			{
				Name: "restart", Type: cty.List(cty.String), Check: checkRestart,
				Doc: "Workloads of the Secret's namespace to restart once all of the account's targets have a new token, as `kubectl rollout restart` does: `deployment/NAME`, `statefulset/NAME` or `daemonset/NAME`. Needed on them: `patch`.",
			},
		}},
		State: schema.Block{Type: "state", Labels: labels, Attributes: []schema.Attribute{
			{
				Name: "name", Type: cty.String, Default: cty.StringVal("credsync-state"), Check: checkPrefix,
				Doc: "What the names of the state's Secrets begin with. Each account has one, of the type `credsync.dev/state`.",
			},
			{
				Name: "namespace", Type: cty.String, DefaultText: "the sink's", Check: checkNamespace,
				Doc: "The state's namespace. The state is found by a list, which shows every Secret of the namespace, so give it one of its own. Needed there: `get`, `list`, `create`, `patch` and `delete`.",
			},
		}},
		Data: schema.Block{Type: "data", Labels: labels, Attributes: []schema.Attribute{nameAttribute("The Secret's name."), namespaceAttribute()}},
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
				return fmt.Sprintf("The state is found by a list of the namespace %s, and whoever may list Secrets there to read their own sees the state's too. Give the state a namespace of its own.", namespace)
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
				Doc:         "A kubeconfig file, or several as in KUBECONFIG. As for kubectl a relative path starts at the working directory; `~/` is the home directory.",
			},
			{Name: "context", Type: cty.String, Check: notEmpty, DefaultText: "the kubeconfig's current context", Doc: "The context of the kubeconfig to use."},
			{
				Name: "namespace", Type: cty.String, DefaultText: "the context's, or the pod's", Check: checkNamespace,
				Doc: "The namespace of the Secrets whose block names none. Set it where the configuration is planned and applied in different places: it is part of what a target is.",
			},
			{
				Name: "cluster", Type: cty.String, Check: notEmpty, DefaultText: "the UID of the namespace kube-system, where that may be read, else the API server's address",
				Doc: "What the cluster is called; it is part of what a target is. The namespace kube-system is read only for its UID, and credsync works without. " +
					"Set `cluster` where runs reach the API server under different addresses, or some may read that namespace and others may not.",
			},
			{Name: "impersonate", Type: cty.String, Check: notEmpty, Doc: "The user to act as, such as `system:serviceaccount:shop:deployer`; the own identity needs the verb `impersonate` on it."},
			{Name: "impersonate_groups", Type: cty.List(cty.String), Doc: "The groups to act as a member of, with `impersonate`."},
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

package servers

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"
)

// Object is a Kubernetes object, or a part of one, as in JSON.
type Object = map[string]any

// Rule is a rule of a Role.
type Rule struct {
	APIGroups     []string `json:"apiGroups"`
	Resources     []string `json:"resources"`
	ResourceNames []string `json:"resourceNames,omitempty"`
	Verbs         []string `json:"verbs"`
}

// Do sends a request as the administrator and returns the status and the
// answer. The body is JSON; its content type is kind, or that of JSON for "".
func (k *KubernetesServer) Do(method, path, kind string, body any) (int, Object) {
	k.tb.Helper()
	encoded, err := json.Marshal(body)
	if err != nil {
		k.tb.Fatal(err)
	}
	req, err := http.NewRequestWithContext(k.tb.Context(), method, k.Address+path, bytes.NewReader(encoded))
	if err != nil {
		k.tb.Fatal(err)
	}
	if kind == "" {
		kind = "application/json"
	}
	req.Header.Set("Content-Type", kind)
	req.Header.Set("Authorization", "Bearer "+k.AdminToken)
	resp, err := k.client.Do(req)
	if err != nil {
		k.tb.Fatalf("%s %s: %v", method, path, err)
	}
	defer func() { _ = resp.Body.Close() }()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		k.tb.Fatalf("%s %s: %v", method, path, err)
	}
	var answer Object
	if err := json.Unmarshal(text, &answer); err != nil {
		k.tb.Fatalf("%s %s: HTTP %d: %v", method, path, resp.StatusCode, err)
	}
	return resp.StatusCode, answer
}

// Must is Do for what has to succeed.
func (k *KubernetesServer) Must(method, path, kind string, body any) Object {
	k.tb.Helper()
	status, answer := k.Do(method, path, kind, body)
	if status >= 300 {
		k.tb.Fatalf("%s %s: HTTP %d: %v", method, path, status, answer["message"])
	}
	return answer
}

// Patch changes an object by a JSON merge patch, as the field manager "someone".
func (k *KubernetesServer) Patch(path string, patch Object) Object {
	k.tb.Helper()
	return k.Must(http.MethodPatch, path+"?fieldManager=someone", "application/merge-patch+json", patch)
}

// Apply changes an object by server-side apply, forced, as that field manager.
func (k *KubernetesServer) Apply(manager, path string, object Object) Object {
	k.tb.Helper()
	return k.Must(http.MethodPatch, path+"?force=true&fieldManager="+manager, "application/apply-patch+yaml", object)
}

// Namespace makes a namespace of its own and returns its name.
func (k *KubernetesServer) Namespace() string {
	k.tb.Helper()
	name := fmt.Sprintf("ns-%d", k.made.Add(1))
	k.Must(http.MethodPost, "/api/v1/namespaces", "", Object{"metadata": Object{"name": name}})
	return name
}

// ServiceAccount makes a service account that may do nothing yet.
func (k *KubernetesServer) ServiceAccount(namespace, name string) {
	k.tb.Helper()
	k.Must(http.MethodPost, "/api/v1/namespaces/"+namespace+"/serviceaccounts", "", Object{"metadata": Object{"name": name}})
}

// Token asks for a token of a service account by TokenRequest, as a kubelet
// does. The API server gives none that is good for less than ten minutes.
func (k *KubernetesServer) Token(namespace, serviceAccount string, life time.Duration, audiences ...string) string {
	k.tb.Helper()
	answer := k.Must(http.MethodPost, "/api/v1/namespaces/"+namespace+"/serviceaccounts/"+serviceAccount+"/token", "",
		Object{"spec": Object{"expirationSeconds": int64(life.Seconds()), "audiences": audiences}})
	status, _ := answer["status"].(Object)
	token, _ := status["token"].(string)
	if token == "" {
		k.tb.Fatalf("no token for %s/%s", namespace, serviceAccount)
	}
	return token
}

// Role makes a Role with those rules in a namespace, and binds it to a service
// account, whose name it has and which may be of another namespace.
func (k *KubernetesServer) Role(namespace, accountNamespace, account string, rules ...Rule) {
	k.tb.Helper()
	rbac := "/apis/rbac.authorization.k8s.io/v1/namespaces/" + namespace
	k.Must(http.MethodPost, rbac+"/roles", "", Object{"metadata": Object{"name": account}, "rules": rules})
	k.Must(http.MethodPost, rbac+"/rolebindings", "", Object{
		"metadata": Object{"name": account},
		"roleRef":  Object{"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": account},
		"subjects": []Object{{"kind": "ServiceAccount", "namespace": accountNamespace, "name": account}},
	})
	for _, rule := range rules {
		k.AwaitAllowed("system:serviceaccount:"+accountNamespace+":"+account, namespace, rule)
	}
}

// AwaitAllowed waits until a user may do what a rule allows. The API server
// learns of new roles and bindings a moment after it has accepted them.
func (k *KubernetesServer) AwaitAllowed(user, namespace string, rule Rule) {
	k.tb.Helper()
	review := Object{"spec": Object{"user": user, "resourceAttributes": Object{
		"namespace": namespace, "verb": rule.Verbs[0], "group": rule.APIGroups[0], "resource": rule.Resources[0],
		"name": strings.Join(rule.ResourceNames[:min(1, len(rule.ResourceNames))], ""),
	}}}
	for deadline := time.Now().Add(startTimeout); time.Now().Before(deadline); time.Sleep(pollInterval) {
		answer := k.Must(http.MethodPost, "/apis/authorization.k8s.io/v1/subjectaccessreviews", "", review)
		if status, _ := answer["status"].(Object); status["allowed"] == true {
			return
		}
	}
	k.tb.Fatalf("%s may still not do in namespace %s what %v allows", user, namespace, rule)
}

// ClusterRole binds a ClusterRole that exists, such as system:auth-delegator,
// to a service account.
func (k *KubernetesServer) ClusterRole(role, accountNamespace, account string) {
	k.tb.Helper()
	k.Must(http.MethodPost, "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings", "", Object{
		"metadata": Object{"name": accountNamespace + "-" + account + "-" + role},
		"roleRef":  Object{"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": role},
		"subjects": []Object{{"kind": "ServiceAccount", "namespace": accountNamespace, "name": account}},
	})
}

// Secret returns a Secret; nil where there is none.
func (k *KubernetesServer) Secret(namespace, name string) Object {
	k.tb.Helper()
	status, answer := k.Do(http.MethodGet, SecretPath(namespace, name), "", nil)
	switch status {
	case http.StatusOK:
		return answer
	case http.StatusNotFound:
		return nil
	}
	k.tb.Fatalf("read the Secret %s/%s: HTTP %d", namespace, name, status)
	return nil
}

// CreateSecret makes a Secret as somebody else would. data is in plain text.
func (k *KubernetesServer) CreateSecret(namespace, name string, data map[string]string, metadata Object) {
	k.tb.Helper()
	if metadata == nil {
		metadata = Object{}
	}
	metadata["name"] = name
	k.Must(http.MethodPost, "/api/v1/namespaces/"+namespace+"/secrets?fieldManager=someone", "", Object{"metadata": metadata, "stringData": data})
}

// SecretPath is the path of a Secret in the API.
func SecretPath(namespace, name string) string {
	return "/api/v1/namespaces/" + namespace + "/secrets/" + name
}

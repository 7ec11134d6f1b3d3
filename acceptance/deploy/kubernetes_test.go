//go:build acceptance

package deploy

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/credsync/credsync/sandbox"
	"github.com/credsync/credsync/testkit/servers"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// upstreamToken is that of the sandbox's billing account.
const upstreamToken = "b37c4c689295904ed21eee5d9a48d42e"

// newSandbox starts the emulated upstreams.
func newSandbox(t *testing.T) *sandbox.Sandbox {
	t.Helper()
	s := sandbox.New(sandbox.Options{Accounts: sandbox.DemoAccounts()})
	if err := s.Start("127.0.0.1:0"); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if v := s.Violations(); len(v) > 0 {
			t.Errorf("the sandbox saw protocol violations:\n%s", strings.Join(v, "\n"))
		}
		if err := s.Close(); err != nil {
			t.Errorf("close the sandbox: %v", err)
		}
	})
	return s
}

func TestKubernetes(t *testing.T) {
	k := servers.Kubernetes(t)
	t.Run("Manifests", func(t *testing.T) { testManifests(t, k) })
	t.Run("Everything", func(t *testing.T) { testEverything(t, k) })
	t.Run("Daemon", func(t *testing.T) { testDaemon(t, k) })
	t.Run("VaultToken", func(t *testing.T) { testVaultToken(t, k) })
	t.Run("Readme", func(t *testing.T) { testReadme(t, k) })
	t.Run("Team", func(t *testing.T) { testTeam(t, k) })
}

// restricted makes a namespace that takes only pods of the restricted level.
func restricted(k *servers.KubernetesServer, names ...string) {
	for _, name := range names {
		k.Must(http.MethodPost, "/api/v1/namespaces", "", servers.Object{"metadata": servers.Object{
			"name": name, "labels": servers.Object{"pod-security.kubernetes.io/enforce": "restricted"},
		}})
	}
}

// apply applies manifests, which the API server must take to the last field,
// and waits until their roles are in force.
func apply(t *testing.T, k *servers.KubernetesServer, manifests []servers.Object) {
	t.Helper()
	for _, o := range manifests {
		name := o["metadata"].(servers.Object)["name"].(string)
		k.Must(http.MethodPatch, collection(o)+"/"+name+"?fieldManager=test&fieldValidation=Strict", "application/apply-patch+yaml", o)
	}
	bindings := ofKind[rbacv1.RoleBinding](t, manifests, "RoleBinding")
	for _, role := range ofKind[rbacv1.Role](t, manifests, "Role") {
		at := slices.IndexFunc(
			bindings,
			func(b rbacv1.RoleBinding) bool { return b.Namespace == role.Namespace && b.RoleRef.Name == role.Name },
		)
		if at < 0 {
			t.Fatalf("nothing binds the Role %s/%s", role.Namespace, role.Name)
		}
		subject := bindings[at].Subjects[0]
		for _, rule := range role.Rules {
			k.AwaitAllowed("system:serviceaccount:"+subject.Namespace+":"+subject.Name, role.Namespace, servers.Rule{
				Verbs: rule.Verbs, APIGroups: rule.APIGroups, Resources: rule.Resources,
				ResourceNames: rule.ResourceNames,
			})
		}
	}
}

// job is the one CronJob of some manifests, whose pods Pod Security lets
// through.
func job(t *testing.T, k *servers.KubernetesServer, manifests []servers.Object) batchv1.CronJob {
	t.Helper()
	jobs := ofKind[batchv1.CronJob](t, manifests, "CronJob")
	if len(jobs) != 1 {
		t.Fatalf("%d CronJobs", len(jobs))
	}
	wantRestricted(t, k, jobs[0].Namespace, jobs[0].Spec.JobTemplate.Spec.Template)
	return jobs[0]
}

// wantRestricted wants Pod Security to let a pod through, and to look at all.
func wantRestricted(t *testing.T, k *servers.KubernetesServer, namespace string, template corev1.PodTemplateSpec) {
	t.Helper()
	create := func(spec corev1.PodSpec) (int, servers.Object) {
		return k.Do(http.MethodPost, "/api/v1/namespaces/"+namespace+"/pods?fieldValidation=Strict", "", corev1.Pod{ObjectMeta: podMeta(template), Spec: spec})
	}
	if status, answer := create(template.Spec); status != http.StatusCreated {
		t.Errorf("the pod is refused: HTTP %d: %v", status, answer["message"])
	}
	loose := template.Spec.DeepCopy()
	loose.Containers[0].SecurityContext = nil
	if status, answer := create(*loose); status != http.StatusForbidden || !strings.Contains(fmt.Sprint(answer["message"]), "PodSecurity") {
		t.Errorf("a pod that is not restricted is not refused for that: HTTP %d: %v", status, answer["message"])
	}
}

func podMeta(template corev1.PodTemplateSpec) (meta metav1.ObjectMeta) {
	template.ObjectMeta.DeepCopyInto(&meta)
	meta.GenerateName = "credsync-"
	return meta
}

// testManifests follows docs/kubernetes.md without Helm.
func testManifests(t *testing.T, k *servers.KubernetesServer) {
	restricted(k, "shop")
	var all []servers.Object
	for _, file := range as[struct{ Resources []string }](t, objects(t, read(t, manifests+"kustomization.yaml"))[0]).Resources {
		all = append(all, objects(t, read(t, manifests+file))...)
	}
	apply(t, k, all)
	k.CreateSecret("credsync", "credsync-inputs", map[string]string{"invoicebox_token": upstreamToken}, nil)
	upstreams := newSandbox(t)
	p := newPod(t, k, job(t, k, all), map[string]string{"CREDSYNC_VAR_invoicebox_url": upstreams.URL("invoicebox")})

	if out := p.run(0); strings.Contains(out, upstreamToken) {
		t.Errorf("the token is printed:\n%s", out)
	}
	written := k.Secret("shop", "billing")
	wantSecret(t, written, "INVOICEBOX_TOKEN", upstreamToken)
	state := k.Must(http.MethodGet, "/api/v1/namespaces/credsync/secrets", "", nil)
	p.run(0)
	if again := k.Secret("shop", "billing"); version(again) != version(written) {
		t.Error("a run with nothing to do writes the target")
	}
	if again := k.Must(http.MethodGet, "/api/v1/namespaces/credsync/secrets", "", nil); contents(t, again) != contents(t, state) {
		t.Error("a run with nothing to do changes the state")
	}

	k.Patch(servers.SecretPath("shop", "billing"), servers.Object{"stringData": servers.Object{"INVOICEBOX_TOKEN": "spoilt"}})
	p.run(0)
	wantSecret(t, k.Secret("shop", "billing"), "INVOICEBOX_TOKEN", upstreamToken)
}

func wantSecret(t *testing.T, secret servers.Object, key, value string) {
	t.Helper()
	if got := string(as[corev1.Secret](t, secret).Data[key]); got != value {
		t.Errorf("the Secret's key %s has %d characters, which are not the token", key, len(got))
	}
}

func version(o servers.Object) string {
	return fmt.Sprint(o["metadata"].(servers.Object)["resourceVersion"])
}

// contents is what the Secrets of a list hold.
func contents(t *testing.T, list servers.Object) string {
	t.Helper()
	text := ""
	for _, s := range as[corev1.SecretList](t, list).Items {
		text += fmt.Sprintln(s.Name, s.Data)
	}
	return text
}

// testEverything sets every value, and splits the accounts over three pods.
func testEverything(t *testing.T, k *servers.KubernetesServer) {
	restricted(k, "runs-b", "team-b", "team-b-state")
	upstreams := newSandbox(t)
	all := objects(t, render(t, "runs-b", "--values", "testdata/everything.yaml", "--set", "variables.url="+upstreams.URL("invoicebox")))
	apply(t, k, all)
	k.CreateSecret("runs-b", "credsync-inputs", map[string]string{"token": upstreamToken}, nil)
	k.CreateSecret("team-b", "inputs", map[string]string{"token": upstreamToken}, nil)
	cron := job(t, k, all)
	indexed := cron.Spec.JobTemplate.Spec
	if *indexed.CompletionMode != batchv1.IndexedCompletion || *indexed.Completions != 3 || *indexed.Parallelism != 2 {
		t.Errorf("the Job has %d completions, %d at once, in the mode %s", *indexed.Completions, *indexed.Parallelism, *indexed.CompletionMode)
	}
	if written := runShards(t, k, cron); written[0] == 0 || written[0] == written[1] || written[1] == written[2] ||
		written[2] != 8 {
		t.Errorf("after the shards there are %v of 8 tokens", written)
	}

	config := servers.Object{"data": servers.Object{"main.hcl": strings.Replace(configMap(t, all).Data["main.hcl"], `"g", "h"`, `"g"`, 1)}}
	k.Patch("/api/v1/namespaces/runs-b/configmaps/credsync", config)
	if left := runShards(t, k, cron)[2]; left != 7 || k.Secret("team-b", "token-h") != nil {
		t.Errorf("of an account that was removed with on_remove = \"delete\" the token stays; there are %d", left)
	}
}

// runShards runs the pods of an Indexed Job and counts the tokens after each.
func runShards(t *testing.T, k *servers.KubernetesServer, cron batchv1.CronJob) (tokens []int) {
	t.Helper()
	p := newPod(t, k, cron, nil)
	for index := range int(*cron.Spec.JobTemplate.Spec.Completions) {
		p.run(index)
		tokens = append(tokens, count(k, "abcdefgh"))
	}
	return tokens
}

// configMap is the one with the configuration.
func configMap(t *testing.T, all []servers.Object) corev1.ConfigMap {
	t.Helper()
	found := ofKind[corev1.ConfigMap](t, all, "ConfigMap")
	if len(found) != 1 {
		t.Fatalf("%d ConfigMaps", len(found))
	}
	return found[0]
}

// count counts the Secrets of those accounts that there are.
func count(k *servers.KubernetesServer, names string) int {
	n := 0
	for _, name := range names {
		if k.Secret("team-b", "token-"+string(name)) != nil {
			n++
		}
	}
	return n
}

// testVaultToken logs in to Vault with the projected token and no other.
func testVaultToken(t *testing.T, k *servers.KubernetesServer) {
	restricted(k, "runs-v")
	upstreams, v := newSandbox(t), servers.Vault(t)
	all := objects(t, render(t, "runs-v", "--values", "testdata/vault.yaml",
		"--set", "variables.url="+upstreams.URL("invoicebox"), "--set", "env[0].name=VAULT_ADDR", "--set", "env[0].value="+v.Address))
	apply(t, k, all)
	k.ServiceAccount("runs-v", "vault")
	k.ClusterRole("system:auth-delegator", "runs-v", "vault")
	v.EnableAuth("kubernetes", map[string]any{
		"kubernetes_host": k.Address, "kubernetes_ca_cert": k.CA.PEM, "token_reviewer_jwt": k.Token("runs-v", "vault", time.Hour),
	})
	v.Policy("credsync", `path "secret/*" { capabilities = ["create", "read", "update", "patch", "delete", "list"] }`)
	v.MustWrite("auth/kubernetes/role/credsync", map[string]any{
		"bound_service_account_names": "credsync", "bound_service_account_namespaces": "runs-v", "audience": "vault", "token_policies": "credsync",
	})
	v.MustWrite("secret/data/inputs", map[string]any{"data": map[string]any{"invoicebox_token": upstreamToken}})
	newPod(t, k, job(t, k, all), nil).run(0)
	if got := v.ReadKV2("secret", "shop/billing")["access_token"]; got != upstreamToken {
		t.Error("Vault does not have the token")
	}
}

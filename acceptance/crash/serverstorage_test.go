//go:build acceptance

package crash

import (
	"encoding/base64"
	"fmt"
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/credsync/credsync/testkit/servers"
)

// onServers are the actions that are also killed with a real server as state
// and target: those that write everything there is.
func onServers(p provider, a action) bool {
	return p.account.Upstream == "bifit_kassa" && slices.Contains([]string{"issue", "refresh", "delete", "move", "exchange", "take over", "migrate"}, a.name)
}

func TestKilledAtEachPointWithVault(t *testing.T) {
	inVault(t, func(p provider, a action) bool {
		return onServers(p, a) || p.account.Upstream == "bifit_kassa" && a.name == "import"
	})
}

func TestKilledAtEachPointWithKubernetes(t *testing.T) { inKubernetes(t, onServers) }

// Points are named by paths, so one world at a time has a mount.
func inVault(t *testing.T, chosen func(provider, action) bool) {
	server := servers.Vault(t)
	matrix(t, 1, func() storage { return vaultStorage{server, server.KV(2)} }, chosen)
}

// As with mounts, one world at a time has a namespace.
func inKubernetes(t *testing.T, chosen func(provider, action) bool) {
	server := servers.Kubernetes(t)
	account := server.Namespace()
	server.ServiceAccount(account, "admin")
	server.ClusterRole("cluster-admin", account, "admin")
	config := server.Kubeconfig(server.Token(account, "admin", 2*time.Hour), account)
	matrix(
		t,
		1,
		func() storage { return kubernetesStorage{server, config, server.Namespace(), server.Namespace()} },
		chosen,
	)
}

type vaultStorage struct {
	server *servers.VaultServer
	mount  string
}

func (vaultStorage) name() string { return "Vault" }
func (v vaultStorage) env() []string {
	return []string{"VAULT_ADDR=" + v.server.Address, "VAULT_TOKEN=" + v.server.RootToken}
}

func (v vaultStorage) sink() string {
	return fmt.Sprintf("sink \"vault\" \"main\" {\n  mount = %q\n}\n", v.mount)
}
func (vaultStorage) state() string { return "state \"vault\" \"main\" {\n  path = \"state\"\n}\n" }

func (vaultStorage) deliver() string {
	return `
  deliver "vault" "main" {
    path = "own"
  }
  deliver "vault" "main" {
    path  = "shared"
    merge = true
    adopt = true
    data  = { TOKEN = token.access_token }
  }`
}

func (v vaultStorage) begin(w *world) {
	for _, path := range []string{"own", "second", "shared", v.recordPath(w, "a"), v.recordPath(w, "b")} {
		v.server.MustDelete(v.mount + "/metadata/" + path)
	}
	v.server.MustWrite(v.mount+"/data/shared", map[string]any{"data": map[string]any{"OTHER": "1"}})
}

func (vaultStorage) recordPath(w *world, name string) string { return "state/" + recordOf(w, name) }

func (v vaultStorage) drift(*world) {
	v.server.MustDelete(v.mount + "/metadata/own")
	v.server.MustWrite(v.mount+"/data/shared", map[string]any{"data": map[string]any{"OTHER": "1", "TOKEN": "someone"}})
}

func (v vaultStorage) record(w *world, name string) string {
	return v.read(v.recordPath(w, name))["record"]
}

func (v vaultStorage) own(*world) map[string]string    { return v.read("own") }
func (v vaultStorage) shared(*world) map[string]string { return v.read("shared") }
func (v vaultStorage) second(*world) map[string]string { return v.read("second") }

func (v vaultStorage) read(path string) map[string]string {
	values := map[string]string{}
	for key, value := range v.server.ReadKV2(v.mount, path) {
		values[key] = fmt.Sprint(value)
	}
	return values
}

type kubernetesStorage struct {
	server *servers.KubernetesServer
	config string
	// records and targets are namespaces.
	records, targets string
}

func (kubernetesStorage) name() string    { return "Kubernetes" }
func (k kubernetesStorage) env() []string { return []string{"KUBECONFIG=" + k.config} }

func (k kubernetesStorage) sink() string {
	return fmt.Sprintf("sink \"k8ssecret\" \"main\" {\n  namespace = %q\n}\n", k.targets)
}

func (k kubernetesStorage) state() string {
	return fmt.Sprintf("state \"k8ssecret\" \"main\" {\n  namespace = %q\n}\n", k.records)
}

func (kubernetesStorage) deliver() string {
	return `
  deliver "k8ssecret" "main" {
    name = "own"
  }
  deliver "k8ssecret" "main" {
    name  = "shared"
    merge = true
    adopt = true
    data  = { TOKEN = token.access_token }
  }`
}

func (k kubernetesStorage) begin(w *world) {
	for _, path := range []string{servers.SecretPath(k.targets, "own"), servers.SecretPath(k.targets, "second"),
		servers.SecretPath(k.targets, "shared"), servers.SecretPath(k.records,
			k.recordName(w, "a")), servers.SecretPath(k.records, k.recordName(w, "b"))} {
		if status, _ := k.server.Do(http.MethodDelete, path, "", nil); status != http.StatusOK &&
			status != http.StatusNotFound {
			w.t.Fatalf("delete %s: HTTP %d", path, status)
		}
	}
	k.server.CreateSecret(k.targets, "shared", map[string]string{"OTHER": "1"}, nil)
}

func (kubernetesStorage) recordName(w *world, name string) string {
	return "credsync-state." + recordOf(w, name)
}

func (k kubernetesStorage) drift(*world) {
	k.server.Must(http.MethodDelete, servers.SecretPath(k.targets, "own"), "", nil)
	k.server.Patch(servers.SecretPath(k.targets, "shared"), servers.Object{"stringData": servers.Object{"TOKEN": "someone"}})
}

func (k kubernetesStorage) record(w *world, name string) string {
	return k.read(w, k.records, k.recordName(w, name))["record"]
}
func (k kubernetesStorage) own(w *world) map[string]string    { return k.read(w, k.targets, "own") }
func (k kubernetesStorage) shared(w *world) map[string]string { return k.read(w, k.targets, "shared") }
func (k kubernetesStorage) second(w *world) map[string]string { return k.read(w, k.targets, "second") }

func (k kubernetesStorage) read(w *world, namespace, name string) map[string]string {
	values := map[string]string{}
	data, _ := k.server.Secret(namespace, name)["data"].(map[string]any)
	for key, value := range data {
		text, err := base64.StdEncoding.DecodeString(fmt.Sprint(value))
		if err != nil {
			w.t.Fatal(err)
		}
		values[key] = string(text)
	}
	return values
}

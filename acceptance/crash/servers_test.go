//go:build acceptance

package crash

import (
	"encoding/base64"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/credsync/credsync/acceptance/servers"
	"github.com/credsync/credsync/state"
)

// onServers are the actions that are also killed with a real server as state
// and target: those that write everything there is.
func onServers(p provider, a action) bool {
	return p.account.Upstream == "bifit_kassa" && (a.name == "issue" || a.name == "refresh" || a.name == "delete")
}

// Points are named by paths, so one world at a time has the server.
func TestKilledAtEachPointWithVault(t *testing.T) {
	server := servers.Vault(t)
	matrix(t, vault{server, server.KV(2)}, 1, onServers)
}

func TestKilledAtEachPointWithKubernetes(t *testing.T) {
	server := servers.Kubernetes(t)
	for _, namespace := range []string{"crash-state", "crash"} {
		server.Must(http.MethodPost, "/api/v1/namespaces", "", servers.Object{"metadata": servers.Object{"name": namespace}})
	}
	server.ServiceAccount("crash", "admin")
	server.ClusterRole("cluster-admin", "crash", "admin")
	config := server.Kubeconfig(server.Token("crash", "admin", time.Hour), "crash")
	matrix(t, kubernetes{server, config}, 1, onServers)
}

type vault struct {
	server *servers.VaultServer
	mount  string
}

func (vault) name() string { return "Vault" }
func (v vault) env() []string {
	return []string{"VAULT_ADDR=" + v.server.Address, "VAULT_TOKEN=" + v.server.RootToken}
}

func (v vault) blocks() string {
	return fmt.Sprintf("sink \"vault\" \"main\" {\n  mount = %q\n}\nstate \"vault\" \"main\" {\n  path = \"state\"\n}\n", v.mount)
}

func (vault) deliver() string {
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

func (v vault) begin(w *world) {
	for _, path := range []string{"own", "shared", recordOf(w)} {
		v.server.MustDelete(v.mount + "/metadata/" + path)
	}
	v.server.MustWrite(v.mount+"/data/shared", map[string]any{"data": map[string]any{"OTHER": "1"}})
}

func recordOf(w *world) string {
	return "state/" + state.RecordName("account."+w.p.account.Upstream+".a")
}

func (v vault) drift(*world) {
	v.server.MustDelete(v.mount + "/metadata/own")
	v.server.MustWrite(v.mount+"/data/shared", map[string]any{"data": map[string]any{"OTHER": "1", "TOKEN": "someone"}})
}

func (v vault) record(w *world) string          { return v.read(recordOf(w))["record"] }
func (v vault) own(*world) map[string]string    { return v.read("own") }
func (v vault) shared(*world) map[string]string { return v.read("shared") }

func (v vault) read(path string) map[string]string {
	values := map[string]string{}
	for key, value := range v.server.ReadKV2(v.mount, path) {
		values[key] = fmt.Sprint(value)
	}
	return values
}

type kubernetes struct {
	server *servers.KubernetesServer
	config string
}

func (kubernetes) name() string    { return "Kubernetes" }
func (k kubernetes) env() []string { return []string{"KUBECONFIG=" + k.config} }

func (kubernetes) blocks() string {
	return "sink \"k8ssecret\" \"main\" {\n  namespace = \"crash\"\n}\nstate \"k8ssecret\" \"main\" {\n  namespace = \"crash-state\"\n}\n"
}

func (kubernetes) deliver() string {
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

func (k kubernetes) begin(w *world) {
	for _, path := range []string{servers.SecretPath("crash", "own"), servers.SecretPath("crash", "shared"), servers.SecretPath("crash-state", k.recordName(w))} {
		if status, _ := k.server.Do(http.MethodDelete, path, "", nil); status != http.StatusOK && status != http.StatusNotFound {
			w.t.Fatalf("delete %s: HTTP %d", path, status)
		}
	}
	k.server.CreateSecret("crash", "shared", map[string]string{"OTHER": "1"}, nil)
}

func (kubernetes) recordName(w *world) string {
	return "credsync-state." + strings.TrimPrefix(recordOf(w), "state/")
}

func (k kubernetes) drift(*world) {}

func (k kubernetes) record(w *world) string {
	return k.read(w, "crash-state", k.recordName(w))["record"]
}
func (k kubernetes) own(w *world) map[string]string    { return k.read(w, "crash", "own") }
func (k kubernetes) shared(w *world) map[string]string { return k.read(w, "crash", "shared") }

func (k kubernetes) read(w *world, namespace, name string) map[string]string {
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

//go:build acceptance

package leak

import (
	"encoding/json"
	"fmt"
	"path"
	"strings"
	"testing"
	"time"

	"github.com/credsync/credsync/sandbox"
	"github.com/credsync/credsync/testkit/servers"
)

// TestNothingLeaksIntoVaultOrKubernetes delivers to a real Vault and a real API
// server, keeps the state in both in turn, and searches all that they show
// besides the secrets themselves.
func TestNothingLeaksIntoVaultOrKubernetes(t *testing.T) {
	vault, cluster := servers.Vault(t), servers.Kubernetes(t)
	for _, kind := range []string{"vault", "k8ssecret"} {
		t.Run("state in "+kind, func(t *testing.T) {
			h := newHunt(t)
			s := &estateAtServers{hunt: h, vault: vault, cluster: cluster, namespace: cluster.Namespace(), prefix: kind}
			s.deploy(kind)
			if r := s.run("first apply", "apply", "--auto-approve", "--json"); r.code != 0 {
				t.Fatalf("exit code %d:\n%s%s", r.code, r.stdout, r.stderr)
			}
			if n := s.addTokens(); n < 4 {
				t.Fatalf("%d tokens in Vault and Kubernetes", n)
			}
			for i, way := range append([]*secretEcho{nil}, secretEchoes()...) {
				if way != nil && i%5 != 0 {
					continue
				}
				s.front.answerWith(way)
				what := "honest"
				if way != nil {
					what = way.name
				}
				for j, args := range [][]string{
					{"plan"}, {"plan", "--json"}, {"apply", "--auto-approve", "--json"}, {"apply", "--auto-approve", "--replace", "sagi.a"},
					{"status", "--json"}, {"state", "list", "--json"}, {"state", "show", "sagi.a", "--json"}, {"verify", "--json"},
				} {
					s.run(what, append(args, "--log-format", []string{"text", "json"}[j%2])...)
				}
			}
			s.front.answerWith(nil)
			// Refused by the servers: a dead token, a policy and a Role that allow nothing.
			s.addTokens()
			s.searchServers()
			s.denied(kind)
			s.searchServers()
		})
	}
}

// estateAtServers is a hunt whose targets and state are at real servers.
type estateAtServers struct {
	*hunt
	vault     *servers.VaultServer
	cluster   *servers.KubernetesServer
	front     *frontServer
	namespace string
	prefix    string
}

func (s *estateAtServers) deploy(kind string) {
	s.t.Helper()
	sb := sandbox.New(sandbox.Options{})
	s.t.Cleanup(func() { _ = sb.Close() })
	s.front = newFront(s.t, sb.Handler(), s.Set)
	phone, password := s.Secret("phone"), s.Secret("password")
	s.must(sb.SetAccount(sandbox.Account{Upstream: "sagi", Name: phone, Password: password, Sagi: &sandbox.SagiAccount{
		OrganizationID: "1", Branches: []sandbox.SagiBranch{{ID: "11", GroupID: "3", SubscriptionActive: true}},
	}}))
	s.vault.MustWrite("secret/data/"+s.prefix+"/inputs", map[string]any{"data": map[string]any{"phone": phone, "password": password}})
	// The servers' own tokens are words; this one is not.
	token := s.vault.Token(map[string]any{"policies": []string{"root"}})
	s.Add("Vault token", token)
	state := fmt.Sprintf("state \"vault\" \"v\" {\n  path = \"%s/state\"\n}\n", s.prefix)
	if kind == "k8ssecret" {
		state = "state \"k8ssecret\" \"k\" {\n  namespace = \"" + s.cluster.Namespace() + "\"\n}\n"
	}
	s.write(fmt.Sprintf(`
sink "vault" "v" {
  address = %[1]q
}
sink "k8ssecret" "k" {
  kubeconfig = %[2]q
}
%[3]s
data "vault" "in" {
  sink = "v"
  path = "%[4]s/inputs"
}
account "sagi" "a" {
  base_url = %[5]q
  phone    = data.vault.in.phone
  password = data.vault.in.password
  http {
    max_attempts = 1
  }
  deliver "vault" "v" {
    path = "%[4]s/token"
  }
  deliver "k8ssecret" "k" {
    name = "token"
    labels = { team = "payments" }
  }
}
`, s.vault.Address, s.cluster.Kubeconfig(s.cluster.AdminToken, s.namespace), state, s.prefix, s.front.url("sagi")), "config", "main.hcl")
	s.env = append(s.env, "VAULT_TOKEN="+token)
	s.args = []string{"-C", s.path("config")}
}

// addTokens has the tokens searched for that the targets hold.
func (s *estateAtServers) addTokens() (n int) {
	for name, value := range s.vault.ReadKV2("secret", s.prefix+"/token") {
		if text, ok := value.(string); ok && strings.HasPrefix(text, "eyJ") {
			_, rest, _ := strings.Cut(text, ".")
			s.Add(name+" in Vault", rest)
			n++
		}
	}
	for _, secret := range s.list("/api/v1/namespaces/" + s.namespace + "/secrets") {
		data, _ := secret["data"].(servers.Object)
		for name, value := range data {
			if text, ok := value.(string); ok && len(text) > 64 {
				s.Add(name+" in Kubernetes, in base64", text)
				n++
			}
		}
	}
	records := s.vault.Client().Logical()
	if list, err := records.List("secret/metadata/" + s.prefix + "/state"); err == nil && list != nil {
		for _, name := range list.Data["keys"].([]any) {
			record, _ := s.vault.ReadKV2("secret", s.prefix+"/state/"+name.(string))["record"].(string)
			var r struct {
				Current struct {
					Token string `json:"access_token"`
				}
			}
			s.must(json.Unmarshal([]byte(record), &r))
			_, rest, _ := strings.Cut(r.Current.Token, ".")
			s.Add("token in the state", rest)
			n++
		}
	}
	return n + 2
}

func (s *estateAtServers) list(path string) (items []servers.Object) {
	list, _ := s.cluster.Must("GET", path, "", nil)["items"].([]any)
	for _, item := range list {
		items = append(items, item.(servers.Object))
	}
	return items
}

// searchServers searches Vault's metadata and everything in the cluster but
// for the data of Secrets.
func (s *estateAtServers) searchServers() {
	s.t.Helper()
	s.searchMetadata("")
	for _, path := range []string{"/api/v1/secrets", "/api/v1/events", "/api/v1/configmaps", "/apis/events.k8s.io/v1/events"} {
		objects := s.list(path)
		for _, object := range objects {
			// Bootstrap data of the cluster itself hold its certificates.
			delete(object, "data")
			text, err := json.Marshal(object)
			s.must(err)
			s.search(path, text)
		}
		if path == "/api/v1/secrets" && len(objects) < 1 {
			s.t.Error("there is no Secret")
		}
	}
}

// searchMetadata walks through the KV mount. Its paths count too.
func (s *estateAtServers) searchMetadata(dir string) {
	s.t.Helper()
	list, err := s.vault.Client().Logical().List("secret/metadata/" + dir)
	s.must(err)
	if list == nil {
		return
	}
	for _, key := range list.Data["keys"].([]any) {
		name := path.Join(dir, key.(string))
		s.search("a path in Vault", []byte(name))
		if strings.HasSuffix(key.(string), "/") {
			s.searchMetadata(name)
			continue
		}
		metadata, err := s.vault.Client().Logical().Read("secret/metadata/" + name)
		s.must(err)
		text, err := json.Marshal(metadata.Data)
		s.must(err)
		s.search("the metadata of "+name, text)
	}
}

// denied runs with logins that the servers turn down.
func (s *estateAtServers) denied(kind string) {
	s.t.Helper()
	nobody := s.vault.Token(map[string]any{"policies": []string{"default"}, "no_default_policy": true})
	s.Add("Vault token that may nothing", nobody)
	s.cluster.ServiceAccount(s.namespace, "nobody-"+kind)
	token := s.cluster.Token(s.namespace, "nobody-"+kind, time.Hour)
	_, rest, _ := strings.Cut(token, ".")
	s.Add("Kubernetes token that may nothing", rest)
	config := s.cluster.Kubeconfig(token, s.namespace)
	env := s.env
	for name, login := range map[string][]string{
		"Vault denies":      {"VAULT_TOKEN=" + nobody},
		"Vault token wrong": {"VAULT_TOKEN=" + s.Word("wrong Vault token")},
		"cluster denies":    {"KUBECONFIG=" + config},
	} {
		s.env = append(env[:len(env):len(env)], login...)
		for _, args := range [][]string{{"plan"}, {"apply", "--auto-approve", "--json"}, {"status"}, {"apply", "--auto-approve", "--replace", "sagi.a"}} {
			s.run(name, args...)
		}
	}
	s.env = env
}

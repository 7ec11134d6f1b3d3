package leak

import (
	"encoding/base64"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
)

// identity is a way to log in at a server that holds targets, state and inputs.
// It returns what stands in the sink block.
type identity struct {
	name string
	put  func(h *hunt, server string) string
}

// vaultIdentities are all ways to log in to Vault. A new one is a row.
var vaultIdentities = []identity{
	{"token", func(h *hunt, _ string) string {
		return "  auth \"token\" {\n    token = " + quoted(h.Word("sink.vault.auth.token.token")) + "\n  }\n"
	}},
	{"token of the environment", func(h *hunt, _ string) string {
		h.env = append(h.env, "VAULT_TOKEN="+h.Word("VAULT_TOKEN"))
		return ""
	}},
	{"token of vault login", func(h *hunt, _ string) string {
		h.write(h.Word("~/.vault-token"), "home", ".vault-token")
		return ""
	}},
	{"approle", func(h *hunt, _ string) string {
		return "  auth \"approle\" {\n    role_id = \"role\"\n    secret_id = " + quoted(h.Word("sink.vault.auth.approle.secret_id")) + "\n  }\n"
	}},
	{"approle by a file", func(h *hunt, _ string) string {
		return "  auth \"approle\" {\n    role_id = \"role\"\n    secret_id_file = " + quoted(h.write(h.Word("secret_id_file")+"\n", "inputs", "secret-id")) + "\n  }\n"
	}},
	{"jwt", func(h *hunt, _ string) string {
		return "  auth \"jwt\" {\n    role = \"role\"\n    jwt = " + quoted("eyJ."+h.Word("sink.vault.auth.jwt.jwt")+".c2ln") + "\n  }\n"
	}},
	{"jwt by a file", func(h *hunt, _ string) string {
		return "  auth \"jwt\" {\n    role = \"role\"\n    jwt_file = " + quoted(h.write("eyJ."+h.Word("jwt_file")+".c2ln", "inputs", "jwt")) + "\n  }\n"
	}},
	{"kubernetes", func(h *hunt, _ string) string {
		return "  auth \"kubernetes\" {\n    role = \"role\"\n    token_path = " + quoted(h.write("eyJ."+h.Word("token_path")+".c2ln", "inputs", "sa-token")) + "\n  }\n"
	}},
	{"certificate", func(h *hunt, _ string) string {
		key := h.Word("sink.vault.auth.cert.client_key")
		return "  auth \"cert\" {\n    client_cert = \"-----BEGIN CERTIFICATE-----\\n" + key + "\\n-----END CERTIFICATE-----\"\n    client_key = \"-----BEGIN PRIVATE KEY-----\\n" + key + "\\n-----END PRIVATE KEY-----\"\n  }\n"
	}},
}

// kubernetesIdentities are ways of a kubeconfig to log in.
var kubernetesIdentities = []identity{
	{"token", kubeconfig(func(h *hunt) string { return "token: " + h.Word("kubeconfig token") })},
	{"token file", kubeconfig(func(h *hunt) string {
		return "tokenFile: " + h.write(h.Word("kubeconfig token file"), "inputs", "kube-token")
	})},
	{"password", kubeconfig(func(h *hunt) string { return "username: u\n    password: " + h.Word("kubeconfig password") })},
	{"client certificate", kubeconfig(func(h *hunt) string {
		text := base64.StdEncoding.EncodeToString([]byte("-----BEGIN PRIVATE KEY-----\n" + h.Word("kubeconfig client key") + "\n-----END PRIVATE KEY-----\n"))
		return "client-certificate-data: " + text + "\n    client-key-data: " + text
	})},
	{"exec plugin", kubeconfig(func(h *hunt) string {
		plugin := h.write(fmt.Sprintf("#!/bin/sh\ncat /proc/$$/environ > '%s'\ncat /proc/$$/cmdline > '%s'\necho %s 1>&2\necho '{\"kind\":\"ExecCredential\",\"apiVersion\":\"client.authentication.k8s.io/v1\",\"status\":{\"token\":\"%s\"}}'\n",
			h.path("saved", "environ"), h.path("saved", "cmdline"), "plugin says nothing secret", h.Word("token of an exec plugin")), "inputs", "plugin")
		h.must(os.Chmod(plugin, 0o700))
		return "exec:\n      apiVersion: client.authentication.k8s.io/v1\n      interactiveMode: Never\n      command: " + plugin
	})},
	{"proxy", func(h *hunt, server string) string {
		proxy := "http://user:" + h.Word("kubeconfig proxy") + "@" + strings.TrimPrefix(server, "http://")
		return writeKubeconfig(h, "http://cluster.invalid\n    proxy-url: "+proxy, "token: "+h.Word("kubeconfig token behind a proxy"))
	}},
	{"broken kubeconfig", kubeconfig(func(h *hunt) string { return "token: \"" + h.Word("kubeconfig broken") + "\n  x: [" })},
	{"kubeconfig of wrong types", kubeconfig(func(h *hunt) string { return "token: [" + h.Word("kubeconfig wrong type") + "]" })},
	{"password in the server", func(h *hunt, _ string) string {
		return writeKubeconfig(h, "http://u:"+h.Word("kubeconfig server")+"@127.0.0.1:1", "token: t")
	}},
}

func kubeconfig(user func(h *hunt) string) func(*hunt, string) string {
	return func(h *hunt, server string) string { return writeKubeconfig(h, server, user(h)) }
}

func writeKubeconfig(h *hunt, server, user string) string {
	path := h.write("apiVersion: v1\nkind: Config\ncurrent-context: c\nclusters:\n- name: k\n  cluster:\n    server: "+server+
		"\nusers:\n- name: u\n  user:\n    "+user+"\ncontexts:\n- name: c\n  context: {cluster: k, user: u, namespace: ns}\n", "inputs", "kubeconfig")
	return "  kubeconfig = " + quoted(path) + "\n"
}

// held is a configuration whose state, inputs and targets are all at one
// server, with one login.
func (h *hunt) held(kind, connection string, account func(password string) string) {
	state, data, deliver := "path = \"credsync\"", "path = \"inputs\"", "path = \"shop/token\""
	if kind == "k8ssecret" {
		state, data, deliver = "name = \"credsync\"", "name = \"inputs\"", "name = \"token\""
	}
	h.write(fmt.Sprintf("sink %[1]q \"s\" {\n%[2]s}\nstate %[1]q \"s\" {\n  %[3]s\n}\ndata %[1]q \"in\" {\n  sink = \"s\"\n  %[4]s\n}\n%[6]s  deliver %[1]q \"s\" {\n    %[5]s\n  }\n}\n",
		kind, connection, state, data, deliver, account("data."+kind+".in.password")), "config", "main.hcl")
	h.args = []string{"-C", h.path("config")}
}

func TestNothingLeaksByAHostileVault(t *testing.T) {
	inTheWholeHunt(t)
	hostileServer(t, "vault", vaultIdentities, func(h *hunt, front *frontServer) string { return "  address = " + quoted(front.url("")) + "\n" })
}

func TestNothingLeaksByAHostileClusterOrKubeconfig(t *testing.T) {
	inTheWholeHunt(t)
	hostileServer(t, "k8ssecret", kubernetesIdentities, func(*hunt, *frontServer) string { return "" })
}

// hostileServer tries each way to log in with some of the ways to answer, and
// each of those with some way to log in.
func hostileServer(t *testing.T, kind string, identities []identity, address func(*hunt, *frontServer) string) {
	ways := secretEchoes()
	for i, id := range identities {
		t.Run(id.name, func(t *testing.T) {
			// Clients wait before they try again; others can work meanwhile.
			t.Parallel()
			h := newHunt(t)
			front := newFront(t, nil, h.Set)
			h.held(kind, address(h, front)+id.put(h, front.url("")), func(password string) string {
				return "account \"sagi\" \"a\" {\n  base_url = \"http://127.0.0.1:1\"\n  phone = \"p\"\n  password = " + password + "\n"
			})
			for j, way := range ways {
				if j%len(identities) != i {
					continue
				}
				front.answerWith(way)
				log := []string{"--log-format", []string{"text", "json"}[j%2]}
				for _, args := range [][]string{{"plan"}, {"apply", "--auto-approve", "--json"}, {"status", "--json"}} {
					if r := h.run(way.name, append(args, log...)...); r.code == 0 {
						t.Errorf("%s: %s ended with 0", way.name, args)
					}
				}
			}
			h.run(kind, "policy", map[string]string{"vault": "vault", "k8ssecret": "kubernetes"}[kind])
			h.searchChildren()
		})
	}
}

// searchChildren searches what an exec plugin was started with. The
// environment that credsync itself was started with is handed on, as kubectl
// does, so that is left out.
func (h *hunt) searchChildren() {
	h.t.Helper()
	for _, name := range []string{"environ", "cmdline"} {
		content, err := os.ReadFile(h.path("saved", name))
		if os.IsNotExist(err) {
			continue
		}
		h.must(err)
		for item := range strings.SplitSeq(string(content), "\x00") {
			if !slices.Contains(h.env, item) {
				h.search("a child's "+name, []byte(item))
			}
		}
	}
}

//go:build acceptance

package acceptance

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/credsync/credsync/sandbox"
	"github.com/credsync/credsync/testkit/servers"
	"sigs.k8s.io/yaml"
)

// rbacConfig uses everything that RBAC is about: a state with a namespace of
// its own, inputs, a target that is deleted in the end, one that is merged into,
// and a workload that is restarted. Its second part goes in the end.
var rbacConfig = [2]string{`
variable "state" {}
variable "shop" {}
variable "invoicebox_url" {}
sink "k8ssecret" "shop" { namespace = var.shop }
state "k8ssecret" "shop" { namespace = var.state }
data "k8ssecret" "in" {
  sink = "shop"
  name = "inputs"
}
`, `
account "invoicebox" "billing" {
  base_url  = var.invoicebox_url
  token     = data.k8ssecret.in.token
  on_remove = "delete"
  deliver "k8ssecret" "shop" {
    name    = "billing"
    restart = ["deployment/shop"]
  }
  deliver "k8ssecret" "shop" {
    name  = "shared"
    merge = true
    data  = { TOKEN = token.access_token }
  }
}
`}

// TestKubernetesPolicy: what "credsync policy kubernetes" prints is enough for
// all that credsync does in Kubernetes, and nothing of it can be left out.
func TestKubernetesPolicy(t *testing.T) {
	k := servers.Kubernetes(t)
	s := sandbox.New(sandbox.Options{Accounts: sandbox.DemoAccounts()})
	if err := s.Start("127.0.0.1:0"); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	n := len(newRBACLife(t, k, s).printed())
	if n < 10 {
		t.Fatalf("only %d permissions were printed", n)
	}
	for without := -1; without < n; without++ {
		life := newRBACLife(t, k, s)
		all := life.printed()
		name := "Sufficient"
		if without >= 0 {
			name = "Without/" + all[without].String()
			all = slices.Delete(all, without, without+1)
		}
		t.Run(strings.ReplaceAll(name, life.shop, "shop"), func(t *testing.T) {
			life.t = t
			err := life.live(all)
			switch {
			case without < 0 && err != nil:
				t.Errorf("with the roles as printed: %v", err)
			case without >= 0 && err == nil:
				t.Error("everything works without it")
			}
		})
	}
}

// permission is one verb of one rule in one namespace.
type permission struct {
	namespace string
	rule      servers.Rule
}

func (p permission) String() string {
	return fmt.Sprintf("%s %s/%s%v", p.rule.Verbs[0], p.namespace, p.rule.Resources[0], p.rule.ResourceNames)
}

// rbacLife is one life of the configuration, in namespaces of its own.
type rbacLife struct {
	t           *testing.T
	k           *servers.KubernetesServer
	url         string
	state, shop string
	dir         string
}

func newRBACLife(t *testing.T, k *servers.KubernetesServer, s *sandbox.Sandbox) *rbacLife {
	t.Helper()
	l := &rbacLife{t: t, k: k, url: s.URL("invoicebox"), state: k.Namespace(), shop: k.Namespace(), dir: t.TempDir()}
	l.configure(rbacConfig[0] + rbacConfig[1])
	k.CreateSecret(l.shop, "inputs", map[string]string{"token": "b37c4c689295904ed21eee5d9a48d42e"}, nil)
	labels := servers.Object{"app": "shop"}
	k.Must("POST", "/apis/apps/v1/namespaces/"+l.shop+"/deployments", "", servers.Object{
		"metadata": servers.Object{"name": "shop"},
		"spec": servers.Object{"selector": servers.Object{"matchLabels": labels}, "template": servers.Object{
			"metadata": servers.Object{"labels": labels},
			"spec":     servers.Object{"containers": []servers.Object{{"name": "c", "image": "example"}}},
		}},
	})
	k.ServiceAccount(l.state, "credsync")
	return l
}

func (l *rbacLife) configure(text string) {
	l.t.Helper()
	if err := os.WriteFile(filepath.Join(l.dir, "main.hcl"), []byte(text), 0o600); err != nil {
		l.t.Fatal(err)
	}
}

// credsync runs the program with a token, and returns what it prints.
func (l *rbacLife) credsync(token string, args ...string) (string, error) {
	l.t.Helper()
	cmd := exec.Command(credsync, args...)
	cmd.Dir = l.dir
	cmd.Env = append(os.Environ(), "HOME="+l.dir, "GORACE=atexit_sleep_ms=0", "KUBECONFIG="+l.k.Kubeconfig(token, l.shop),
		"CREDSYNC_VAR_state="+l.state, "CREDSYNC_VAR_shop="+l.shop, "CREDSYNC_VAR_invoicebox_url="+l.url)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil {
		return "", fmt.Errorf("credsync %s: %w\n%s%s", strings.Join(args, " "), err, stdout.String(), stderr.String())
	}
	return stdout.String(), nil
}

// printed takes what the command prints apart, one permission for each verb.
func (l *rbacLife) printed() (all []permission) {
	l.t.Helper()
	text, err := l.credsync("none", "policy", "kubernetes", "--namespace", l.state)
	if err != nil {
		l.t.Fatal(err)
	}
	for _, part := range strings.Split(text, "\n---\n")[1:] {
		var object struct {
			Kind     string
			Metadata struct{ Namespace string }
			Rules    []servers.Rule
		}
		if err := yaml.Unmarshal([]byte(part), &object); err != nil {
			l.t.Fatalf("%v in:\n%s", err, part)
		}
		l.accepted(part, object.Kind, object.Metadata.Namespace)
		for _, r := range object.Rules {
			for _, verb := range r.Verbs {
				one := r
				one.Verbs = []string{verb}
				all = append(all, permission{object.Metadata.Namespace, one})
			}
		}
	}
	return all
}

// accepted has the API server look at an object as it was printed.
func (l *rbacLife) accepted(text, kind, namespace string) {
	l.t.Helper()
	encoded, err := yaml.YAMLToJSON([]byte(text))
	if err != nil {
		l.t.Fatal(err)
	}
	var object servers.Object
	if err := json.Unmarshal(encoded, &object); err != nil {
		l.t.Fatal(err)
	}
	l.k.Must("POST", "/apis/rbac.authorization.k8s.io/v1/namespaces/"+namespace+"/"+strings.ToLower(kind)+"s?dryRun=All&fieldValidation=Strict", "", object)
}

// live does all that credsync ever does, with those permissions only.
func (l *rbacLife) live(allowed []permission) error {
	l.t.Helper()
	rules := map[string][]servers.Rule{}
	for _, p := range allowed {
		rules[p.namespace] = append(rules[p.namespace], p.rule)
	}
	for namespace, r := range rules {
		l.k.Role(namespace, l.state, "credsync", r...)
	}
	token := l.k.Token(l.state, "credsync", time.Hour)
	apply := func() error {
		_, err := l.credsync(token, "apply", "--auto-approve")
		return err
	}
	steps := []func() error{
		apply,
		func() error { return l.restarted() },
		func() error {
			l.k.Must("DELETE", servers.SecretPath(l.shop, "billing"), "", nil)
			return apply()
		},
		func() error {
			l.k.Patch(servers.SecretPath(l.shop, "billing"), servers.Object{"stringData": servers.Object{"access_token": "broken"}})
			return apply()
		},
		func() error { l.configure(rbacConfig[0]); return apply() },
		func() error {
			if status, _ := l.k.Do("GET", servers.SecretPath(l.shop, "billing"), "", nil); status != 404 {
				return fmt.Errorf("the target is still there: HTTP %d", status)
			}
			return nil
		},
	}
	for _, step := range steps {
		if err := step(); err != nil {
			return err
		}
	}
	return nil
}

func (l *rbacLife) restarted() error {
	d := l.k.Must("GET", "/apis/apps/v1/namespaces/"+l.shop+"/deployments/shop", "", nil)
	if generation := d["metadata"].(servers.Object)["generation"]; generation != 2.0 {
		return errors.New("the workload was not restarted")
	}
	return nil
}

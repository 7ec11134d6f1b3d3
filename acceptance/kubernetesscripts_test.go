//go:build acceptance

package acceptance

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/credsync/credsync/sandbox"
	"github.com/credsync/credsync/testkit/servers"
	"github.com/rogpeppe/go-internal/testscript"
)

// TestKubernetesScripts runs the scripts of testdata/kubernetes against one API
// server. Each has a namespace "$NS" and a sandbox to itself, and begins as the
// administrator.
func TestKubernetesScripts(t *testing.T) {
	k := servers.Kubernetes(t)
	testscript.Run(t, testscript.Params{
		Dir: "testdata/kubernetes",
		Setup: func(env *testscript.Env) error {
			tb := env.T().(testing.TB)
			w := &world{sandbox: sandbox.New(sandbox.Options{})}
			for _, a := range sandbox.DemoAccounts() {
				if err := w.sandbox.SetAccount(a); err != nil {
					return err
				}
			}
			if err := w.sandbox.Start("127.0.0.1:0"); err != nil {
				return err
			}
			env.Defer(func() {
				if err := w.sandbox.Close(); err != nil {
					tb.Errorf("close the sandbox: %v", err)
				}
			})
			namespace := k.Namespace()
			env.Values["world"], env.Values["cluster"] = w, &cluster{k, namespace}
			env.Setenv("PATH", filepath.Dir(credsync)+string(os.PathListSeparator)+os.Getenv("PATH"))
			env.Setenv("HOME", env.WorkDir)
			env.Setenv("GORACE", "atexit_sleep_ms=0")
			env.Setenv("NS", namespace)
			env.Setenv("KUBECONFIG", k.Kubeconfig(k.AdminToken, namespace))
			env.Setenv("CREDSYNC_VAR_invoicebox_url", w.sandbox.URL("invoicebox"))
			env.Setenv("CREDSYNC_VAR_sagi_url", w.sandbox.URL("sagi"))
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"exits": exits,
			"sandbox": func(ts *testscript.TestScript, neg bool, args []string) {
				ts.Value("world").(*world).sandboxCommand(ts, neg, args)
			},
			"kube": func(ts *testscript.TestScript, neg bool, args []string) {
				ts.Value("cluster").(*cluster).command(ts, neg, args)
			},
		},
	})
}

// cluster is the API server with a script's namespace.
type cluster struct {
	*servers.KubernetesServer
	namespace string
}

// command does as the administrator what somebody else would do.
func (c *cluster) command(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) == 0 {
		ts.Fatalf("usage: kube show|marks|names|put|merge|delete|account …")
	}
	out := ts.Stdout()
	switch args[0] {
	case "show": // show NAME: "key=value" lines of a Secret to standard output
		for _, line := range dataOf(ts, c.Secret(c.namespace, args[1])) {
			fmt.Fprintln(out, line)
		}
	case "marks": // marks NAME: its labels and annotations
		metadata, _ := c.Secret(c.namespace, args[1])["metadata"].(servers.Object)
		for _, part := range []string{"labels", "annotations"} {
			m, _ := metadata[part].(servers.Object)
			for _, key := range slices.Sorted(maps.Keys(m)) {
				fmt.Fprintf(out, "%s=%v\n", key, m[key])
			}
		}
	case "names": // names [SELECTOR]: the Secrets' names
		selector := strings.Join(args[1:], "")
		answer := c.Must("GET", "/api/v1/namespaces/"+c.namespace+"/secrets?labelSelector="+selector, "", nil)
		items, _ := answer["items"].([]any)
		for _, item := range items {
			fmt.Fprintln(out, item.(servers.Object)["metadata"].(servers.Object)["name"])
		}
	case "put": // put NAME KEY=VALUE…
		data := map[string]string{}
		for _, kv := range args[2:] {
			k, v, _ := strings.Cut(kv, "=")
			data[k] = v
		}
		c.CreateSecret(c.namespace, args[1], data, nil)
	case "merge": // merge NAME JSON: a merge patch
		var patch servers.Object
		ts.Check(json.Unmarshal([]byte(args[2]), &patch))
		c.Patch(servers.SecretPath(c.namespace, args[1]), patch)
	case "delete": // delete NAME
		c.Must("DELETE", servers.SecretPath(c.namespace, args[1]), "", nil)
	case "account": // account NAME RULES: from now on be a new service account with those rules of a Role, as JSON
		c.ServiceAccount(c.namespace, args[1])
		var rules []servers.Rule
		ts.Check(json.Unmarshal([]byte(ts.ReadFile(args[2])), &rules))
		c.Role(c.namespace, c.namespace, args[1], rules...)
		ts.Setenv("KUBECONFIG", c.Kubeconfig(c.Token(c.namespace, args[1], time.Hour), c.namespace))
	case "workload": // workload NAME: a Deployment
		c.Must("POST", "/apis/apps/v1/namespaces/"+c.namespace+"/deployments", "", servers.Object{
			"metadata": servers.Object{"name": args[1]},
			"spec": servers.Object{
				"selector": servers.Object{"matchLabels": servers.Object{"app": args[1]}},
				"template": servers.Object{
					"metadata": servers.Object{"labels": servers.Object{"app": args[1]}},
					"spec":     servers.Object{"containers": []servers.Object{{"name": "main", "image": "none"}}},
				},
			},
		})
	case "admission": // admission LABEL MESSAGE: a policy that denies Secrets without that label
		c.admission(ts, args[1], args[2])
	default:
		ts.Fatalf("kube %s is not known", args[0])
	}
}

// admission makes a policy for the namespace, and waits until it works.
func (c *cluster) admission(ts *testscript.TestScript, label, message string) {
	const group = "/apis/admissionregistration.k8s.io/v1/"
	name := c.namespace + ".test"
	c.Must("POST", group+"validatingadmissionpolicies", "", servers.Object{
		"metadata": servers.Object{"name": name},
		"spec": servers.Object{
			"matchConstraints": servers.Object{"resourceRules": []servers.Object{{
				"apiGroups": []string{""}, "apiVersions": []string{"v1"}, "operations": []string{"CREATE", "UPDATE"}, "resources": []string{"secrets"},
			}}},
			"validations": []servers.Object{{"expression": fmt.Sprintf("has(object.metadata.labels) && %q in object.metadata.labels", label), "message": message}},
		},
	})
	c.Must("POST", group+"validatingadmissionpolicybindings", "", servers.Object{
		"metadata": servers.Object{"name": name},
		"spec": servers.Object{
			"policyName": name, "validationActions": []string{"Deny"},
			"matchResources": servers.Object{"namespaceSelector": servers.Object{"matchLabels": servers.Object{"kubernetes.io/metadata.name": c.namespace}}},
		},
	})
	ts.Defer(func() {
		c.Must("DELETE", group+"validatingadmissionpolicybindings/"+name, "", nil)
		c.Must("DELETE", group+"validatingadmissionpolicies/"+name, "", nil)
	})
	for range 300 {
		if status, _ := c.Do("POST", "/api/v1/namespaces/"+c.namespace+"/secrets?dryRun=All", "", servers.Object{"metadata": servers.Object{"name": "probe"}}); status >= 400 {
			return
		}
		time.Sleep(100 * time.Millisecond)
	}
	ts.Fatalf("the policy never came to work")
}

func dataOf(ts *testscript.TestScript, secret servers.Object) (lines []string) {
	data, _ := secret["data"].(servers.Object)
	for _, key := range slices.Sorted(maps.Keys(data)) {
		text, err := base64.StdEncoding.DecodeString(fmt.Sprint(data[key]))
		ts.Check(err)
		lines = append(lines, fmt.Sprintf("%s=%s", key, text))
	}
	return lines
}

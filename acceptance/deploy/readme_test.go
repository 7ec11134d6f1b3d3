//go:build acceptance

package deploy

import (
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/credsync/credsync/testkit/servers"
)

// testReadme does what the README's section about Kubernetes says: with its
// configuration, its policy command and its helm command. The kubectl commands
// around them are done by the API that they would call.
func testReadme(t *testing.T, k *servers.KubernetesServer) {
	_, section, ok := strings.Cut(read(t, root+"/README.md"), "## In Kubernetes\n")
	if !ok {
		t.Fatal("the README has no section about Kubernetes")
	}
	section, _, _ = strings.Cut(section, "\n## ")
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "main.hcl"), []byte(block(t, section, "hcl", "# main.hcl")), 0o600); err != nil {
		t.Fatal(err)
	}

	restricted(k, "readme", "shop-readme")
	k.CreateSecret("readme", "credsync-inputs", map[string]string{"sagi_password": "secure_password"}, nil)
	k.Must(http.MethodPost, "/apis/apps/v1/namespaces/shop-readme/deployments", "", backend())

	all := objects(t, inNamespaces(render(t, "readme", helmFlags(t, section, dir)...)))
	all = append(all, objects(t, inNamespaces(policyOf(t, section, dir)))...)
	apply(t, k, all)
	upstreams := newSandbox(t)
	// The one thing that is not as in the README: where the upstream is.
	pointAt(t, k, upstreams.URL("sagi"))
	p := newPod(t, k, job(t, k, all), nil)
	if out := p.run(0); strings.Contains(out, "secure_password") {
		t.Errorf("the password is printed:\n%s", out)
	}
	token := tokenOf(t, k)
	if _, live := upstreams.Live("sagi", token); !live {
		t.Error("the Secret sagi-token does not hold a live token")
	}
	d := k.Must(http.MethodGet, "/apis/apps/v1/namespaces/shop-readme/deployments/backend", "", nil)
	if generation := d["metadata"].(servers.Object)["generation"]; generation != 2.0 {
		t.Errorf("the Deployment is at generation %v; it was not restarted once", generation)
	}
}

// block is the code block of that language that has a text in it.
func block(t *testing.T, section, language, has string) string {
	t.Helper()
	for _, m := range regexp.MustCompile("(?s)```"+language+"\n(.*?)```").FindAllStringSubmatch(section, -1) {
		if strings.Contains(m[1], has) {
			return m[1]
		}
	}
	t.Fatalf("the README has no %s block with %q", language, has)
	return ""
}

// line is the command that begins so, with the lines that continue it.
func line(t *testing.T, section, command string) string {
	t.Helper()
	text := strings.ReplaceAll(block(t, section, "sh", command), "\\\n", " ")
	for one := range strings.Lines(text) {
		if strings.HasPrefix(one, command) {
			return strings.TrimSpace(one)
		}
	}
	t.Fatalf("no line begins with %q", command)
	return ""
}

// helmFlags are those of the README's helm command, run in a folder.
func helmFlags(t *testing.T, section, dir string) []string {
	t.Helper()
	const command = "helm upgrade --install credsync deploy/helm/credsync --namespace credsync "
	text := strings.TrimPrefix(line(t, section, command), command)
	flags := strings.Fields(strings.ReplaceAll(text, "'", ""))
	for i := range flags {
		flags[i] = strings.Replace(flags[i], "=main.hcl", "="+filepath.Join(dir, "main.hcl"), 1)
	}
	return flags
}

// policyOf is what the README's policy command prints in a folder.
func policyOf(t *testing.T, section, dir string) string {
	t.Helper()
	args, _, piped := strings.Cut(line(t, section, "credsync policy"), " | kubectl apply -f -")
	if !piped {
		t.Fatalf("%q is not given to kubectl", args)
	}
	cmd := exec.CommandContext(t.Context(), program, strings.Fields(args)[1:]...)
	cmd.Dir = dir
	cmd.Env = []string{"HOME=" + dir, "PATH="}
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%s: %v\n%s", args, err, out)
	}
	return string(out)
}

// inNamespaces moves what the README does to namespaces of the test's own, since
// others of the same API server have the README's names.
func inNamespaces(manifests string) string {
	return strings.NewReplacer(
		"namespace: credsync", "namespace: readme", `namespace = "credsync"`, `namespace = "readme"`,
		"namespace: shop", "namespace: shop-readme", `namespace = "shop"`, `namespace = "shop-readme"`,
	).Replace(manifests)
}

func backend() servers.Object {
	labels := servers.Object{"app": "backend"}
	return servers.Object{
		"metadata": servers.Object{"name": "backend"},
		"spec": servers.Object{"selector": servers.Object{"matchLabels": labels}, "template": servers.Object{
			"metadata": servers.Object{"labels": labels},
			"spec":     servers.Object{"containers": []servers.Object{{"name": "c", "image": "example"}}},
		}},
	}
}

// pointAt gives the account of the ConfigMap another upstream.
func pointAt(t *testing.T, k *servers.KubernetesServer, url string) {
	t.Helper()
	const path = "/api/v1/namespaces/readme/configmaps/credsync"
	data := k.Must(http.MethodGet, path, "", nil)["data"].(servers.Object)
	text := strings.Replace(data["main.hcl"].(string), "  phone ", "  base_url = \""+url+"\"\n  phone ", 1)
	k.Patch(path, servers.Object{"data": servers.Object{"main.hcl": text}})
}

func tokenOf(t *testing.T, k *servers.KubernetesServer) string {
	t.Helper()
	secret := k.Secret("shop-readme", "sagi-token")
	if secret == nil {
		t.Fatal("there is no Secret sagi-token")
	}
	return string(as[struct{ Data map[string][]byte }](t, secret).Data["SAGI_TOKEN"])
}

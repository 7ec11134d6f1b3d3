//go:build acceptance

package deploy

import (
	"encoding/json"
	"errors"
	"flag"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/credsync/credsync/testkit/servers"
	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/util/yaml"
)

const (
	chart     = root + "/deploy/helm/credsync"
	manifests = root + "/deploy/manifests/"
)

var update = flag.Bool("update", false, "write deploy/manifests/credsync.yaml")

// render returns the chart's manifests in a namespace.
func render(t *testing.T, namespace string, args ...string) string {
	t.Helper()
	out, err := servers.Helm(t, append([]string{"template", "credsync", chart, "--namespace", namespace}, args...)...)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// objects reads manifests.
func objects(t *testing.T, text string) []servers.Object {
	t.Helper()
	var all []servers.Object
	for documents := yaml.NewYAMLOrJSONDecoder(strings.NewReader(text), 4096); ; {
		var o servers.Object
		err := documents.Decode(&o)
		if errors.Is(err, io.EOF) {
			return all
		}
		if err != nil {
			t.Fatal(err)
		}
		if len(o) > 0 {
			all = append(all, o)
		}
	}
}

// read is a file as text.
func read(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// TestManifestsAreNotStale compares what the files say, since versions of Helm
// differ in blank lines.
func TestManifestsAreNotStale(t *testing.T) {
	rendered := render(t, "credsync", "--values", manifests+"values.yaml")
	if *update {
		text := "# Rendered from deploy/helm/credsync with values.yaml, by make manifests. Do not edit.\n" + strings.ReplaceAll(rendered, "\n\n---\n", "\n---\n")
		if err := os.WriteFile(manifests+"credsync.yaml", []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if diff := cmp.Diff(objects(t, rendered), objects(t, read(t, manifests+"credsync.yaml"))); diff != "" {
		t.Errorf("deploy/manifests/credsync.yaml is stale; run make manifests:\n%s", diff)
	}
}

func TestChartPassesLint(t *testing.T) {
	for _, values := range []string{manifests + "values.yaml", "testdata/everything.yaml", "testdata/daemon.yaml"} {
		if _, err := servers.Helm(t, "lint", "--strict", chart, "--values", values); err != nil {
			t.Error(err)
		}
	}
}

func TestChartRefusesWrongValues(t *testing.T) {
	for set, want := range map[string]string{
		"config=null":                     "set config to the files of the configuration",
		"schedul=* * * * *":               "schedul",
		"serviceAccount.create=false":     "set serviceAccount.name",
		"sharding.shards=0":               "shards",
		"vaultToken.expirationSeconds=60": "expirationSeconds",
		"rbac.targets.shop.name=billing":  "targets",
		"secretVariables.a.key=b":         "secretVariables",
		"securityContext.privileged=true": "securityContext",
		"image.digest=latest":             "digest",
		"allowedHosts={https://x}":        "allowedHosts",
		"mode=deployment":                 "mode",
		"daemon.port=80":                  "port",
		"mode=daemon,sharding.shards=2":   "sharding is for mode: cronjob",
	} {
		_, err := servers.Helm(t, "template", "credsync", chart, "--values", manifests+"values.yaml", "--set", set)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("--set %q gives %v, want an error about %q", set, err, want)
		}
	}
}

func TestChartLimitsTheHostsOfUpstreams(t *testing.T) {
	const name = "CREDSYNC_ALLOWED_HOSTS"
	values := []string{"--values", manifests + "values.yaml"}
	if strings.Contains(render(t, "credsync", values...), name) {
		t.Error("the variable is set although no host is listed")
	}
	rendered := render(t, "credsync", append(values, "--set", "allowedHosts={api.example.com,*.example.org}")...)
	if !strings.Contains(rendered, name) || !strings.Contains(rendered, `"api.example.com,*.example.org"`) {
		t.Errorf("the variable is not set:\n%s", rendered)
	}
}

// TestConfigIsKeptAsItIs gives files that YAML could misread.
func TestConfigIsKeptAsItIs(t *testing.T) {
	config := map[string]string{
		"indented.hcl": "  a = 1\nb = <<E\n\n    \n  x\nE\n", "crlf.hcl": "a = 1\r\nb = 2\r\n", "open.hcl": "# no end of line", "empty.hcl": "",
		"template.hcl": "a = \"${x} {{ .Values.y }}\"\n", "blank.hcl": "\n\na = 1\n\n\n", "tab.hcl": "\ta = 1\n \t\nb = 2\n", "all.hcl.json": "{\"a\": 1}",
	}
	values, err := json.Marshal(map[string]any{"config": config})
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "values.json")
	if err := os.WriteFile(path, values, 0o600); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(config, configMap(t, objects(t, render(t, "credsync", "--values", path))).Data); diff != "" {
		t.Error(diff)
	}
}

// TestTheGuideIsValid renders the values of docs/kubernetes.md, and checks the
// configuration in them.
func TestTheGuideIsValid(t *testing.T) {
	_, rest, _ := strings.Cut(read(t, root+"/docs/kubernetes.md"), "   ```yaml\n")
	values, _, found := strings.Cut(rest, "   ```\n")
	if !found {
		t.Fatal("the guide has no values")
	}
	dir := t.TempDir()
	write := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	path := write("values.yaml", strings.ReplaceAll("\n"+values, "\n   ", "\n"))
	config := write("main.hcl", configMap(t, objects(t, render(t, "credsync", "--values", path))).Data["main.hcl"])
	cmd := exec.CommandContext(t.Context(), program, "validate", config)
	cmd.Env = []string{"CREDSYNC_VAR_invoicebox_token=" + upstreamToken}
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}

// as is an object with its fields in Go.
func as[T any](t *testing.T, o servers.Object) T {
	t.Helper()
	var typed T
	text, err := json.Marshal(o)
	if err == nil {
		err = json.Unmarshal(text, &typed)
	}
	if err != nil {
		t.Fatal(err)
	}
	return typed
}

// ofKind are the objects of one kind.
func ofKind[T any](t *testing.T, all []servers.Object, kind string) []T {
	t.Helper()
	var found []T
	for _, o := range all {
		if o["kind"] == kind {
			found = append(found, as[T](t, o))
		}
	}
	return found
}

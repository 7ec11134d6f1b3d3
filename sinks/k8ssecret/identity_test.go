package k8ssecret

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/credsync/credsync/sinks"
	"github.com/credsync/credsync/testkit/servers"
)

// proxy stands before an API server and lets a test act after each answer was
// got and before it is passed on.
type proxy struct {
	*httptest.Server
	t *testing.T
}

func newProxy(t *testing.T, k *servers.KubernetesServer, after func(*http.Request)) *proxy {
	to, err := url.Parse(k.Address)
	if err != nil {
		t.Fatal(err)
	}
	forward := httputil.NewSingleHostReverseProxy(to)
	forward.Transport = k.Transport()
	forward.ModifyResponse = func(r *http.Response) error {
		after(r.Request)
		return nil
	}
	p := &proxy{httptest.NewTLSServer(forward), t}
	t.Cleanup(p.Close)
	return p
}

// conn is a connection by way of the proxy.
func (p *proxy) conn(token string) *conn {
	return &conn{attrs: attrs{"kubeconfig": kubeconfigOf(p.t, p.Server, token)}}
}

func testDenied(t *testing.T, c *cluster) {
	reader := c.account("reader", on([]string{"get"}, "one"))
	s := reader.open(t)
	one, two := c.target(t, "one"), c.target(t, "two")
	version := c.write(t, one, "", "k", "v")
	user := "system:serviceaccount:" + c.namespace + ":reader"
	// All that the target needs, not only what was just denied.
	rules := `its Role in namespace ` + c.namespace + ` needs
  - apiGroups: [""]
    resources: ["secrets"]
    verbs: ["create"]
  - apiGroups: [""]
    resources: ["secrets"]
    resourceNames: ["one"]
    verbs: ["get", "patch"]`

	_, err := s.Write(t.Context(), one, sinks.Write{Data: secrets("k", "canary"), If: version})
	wantError(t, err, sinks.ErrDenied, "write "+c.namespace+"/one in Kubernetes", user+` may not patch secret "one"; `+rules)
	_, err = s.Stat(t.Context(), two)
	wantError(t, err, sinks.ErrDenied, user+` may not get secret "two"`)
	_, err = s.Write(t.Context(), one, sinks.Write{Data: secrets("k", "canary")})
	wantError(t, err, sinks.ErrDenied, "may not create secrets; "+rules)
	err = s.Delete(t.Context(), one, sinks.Removal{If: version})
	wantError(t, err, sinks.ErrDenied, "may not delete", `verbs: ["delete", "get", "patch"]`)
	_, err = s.List(t.Context(), c.conn.record(t, nil, ""))
	wantError(t, err, sinks.ErrDenied, "may not list secrets", `verbs: ["get", "list", "create", "patch", "delete"]`)
}

// testExpired uses a token that the API server no longer takes, since its
// service account has gone.
func testExpired(t *testing.T, c *cluster) {
	limited := c.account("temporary", on([]string{"get"}))
	s := limited.open(t)
	if _, err := s.Stat(t.Context(), c.target(t, "a")); err != nil {
		t.Fatal(err)
	}
	c.Must(http.MethodDelete, "/api/v1/namespaces/"+c.namespace+"/serviceaccounts/temporary", "", nil)
	other := c.as("canary-token").open(t)
	for _, s := range []*Sink{s, other} {
		// The API server believes a token it has seen for some seconds more.
		_, err := s.Stat(t.Context(), c.target(t, "a"))
		for range 300 {
			if err != nil {
				break
			}
			_ = pause(t.Context(), 100*time.Millisecond)
			_, err = s.Stat(t.Context(), c.target(t, "a"))
		}
		wantError(t, err, sinks.ErrDenied, "expired", `context "test"`)
	}
}

func testImpersonation(t *testing.T, c *cluster) {
	c.account("deployer", on([]string{"get", "create"}))
	user := "system:serviceaccount:" + c.namespace + ":deployer"
	c.conn.attrs["impersonate"] = user
	s := c.conn.open(t)
	target := c.target(t, "a")
	version, err := s.Write(t.Context(), target, sinks.Write{Data: secrets("k", "v")})
	if err != nil {
		t.Fatal(err)
	}
	_, err = s.Write(t.Context(), target, sinks.Write{Data: secrets("k", "canary"), If: version})
	wantError(t, err, sinks.ErrDenied, user+" may not patch")

	c.conn.attrs["impersonate_groups"] = []string{"system:masters"}
	if _, err := c.conn.open(t).Write(t.Context(), target, sinks.Write{Data: secrets("k", "w"), If: version}); err != nil {
		t.Errorf("Write as a member of system:masters = %v", err)
	}
	limited := c.account("limited", on([]string{"get"}))
	limited.attrs["impersonate"] = user
	_, err = limited.open(t).Stat(t.Context(), target)
	wantError(t, err, sinks.ErrDenied, ":limited may not act as")
}

func testExecPlugin(t *testing.T, c *cluster) {
	plugin := func(script string) *conn {
		path := filepath.Join(t.TempDir(), "plugin")
		if err := os.WriteFile(path, []byte("#!/bin/sh\n"+script), 0o700); err != nil {
			t.Fatal(err)
		}
		user := object{"exec": object{"apiVersion": "client.authentication.k8s.io/v1", "command": path, "interactiveMode": "Never"}}
		return &conn{attrs: attrs{"kubeconfig": c.KubeconfigOf(user, c.namespace)}}
	}
	credentials := func(token string) string {
		text, err := json.Marshal(object{"apiVersion": "client.authentication.k8s.io/v1", "kind": "ExecCredential", "status": object{"token": token}})
		if err != nil {
			t.Fatal(err)
		}
		return fmt.Sprintf("cat <<'END'\n%s\nEND\n", text)
	}
	target := c.target(t, "a")
	if _, err := plugin(credentials(c.AdminToken)).open(t).Stat(t.Context(), target); err != nil {
		t.Errorf("Stat = %v", err)
	}
	// The first token is stale; client-go runs the plugin again for the next.
	stale := filepath.Join(t.TempDir(), "stale")
	again := plugin(fmt.Sprintf("if [ -e '%[1]s' ]; then\n%[2]selse\ntouch '%[1]s'\n%[3]sfi\n", stale, credentials(c.AdminToken), credentials("canary-stale")))
	if _, err := again.open(t).Stat(t.Context(), target); err != nil {
		t.Errorf("Stat with a stale token first = %v", err)
	}
	runs := filepath.Join(t.TempDir(), "runs")
	_, err := plugin("echo x >>'"+runs+"'\nexit 3\n").open(t).Stat(t.Context(), target)
	wantError(t, err, sinks.ErrUnavailable, "exec plugin", "exit code 3")
	if text, _ := os.ReadFile(runs); string(text) != "x\n" {
		t.Errorf("a plugin that failed was run %d times", len(text)/2)
	}
	_, err = plugin("echo canary-output\n").open(t).Stat(t.Context(), target)
	wantError(t, err, sinks.ErrUnavailable, "exec plugin")
}

func testClientCertificate(t *testing.T, c *cluster) {
	c.Role(c.namespace, c.namespace, "reader", on([]string{"get"}))
	c.Must(http.MethodPost, "/apis/rbac.authorization.k8s.io/v1/namespaces/"+c.namespace+"/rolebindings", "", object{
		"metadata": object{"name": "jane"}, "subjects": []object{{"kind": "User", "name": "jane", "apiGroup": "rbac.authorization.k8s.io"}},
		"roleRef": object{"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "reader"},
	})
	c.AwaitAllowed("jane", c.namespace, on([]string{"get"}))
	cert, key := c.CA.Issue(t, "jane", false)
	jane := &conn{attrs: attrs{"kubeconfig": c.KubeconfigOf(object{"client-certificate-data": []byte(cert), "client-key-data": []byte(key)}, c.namespace)}}
	s := jane.open(t)
	if _, err := s.Stat(t.Context(), c.target(t, "a")); err != nil {
		t.Errorf("Stat = %v", err)
	}
	_, err := s.Stat(t.Context(), c.conn.deliver(t, attrs{"name": "a", "namespace": "kube-system"}))
	wantError(t, err, sinks.ErrDenied, "jane may not get")
}

// podOf is a machine as a pod with that service account has it.
func (c *cluster) podOf(t *testing.T, account string) machine {
	to, err := url.Parse(c.Address)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	for name, text := range map[string]string{"token": c.Token(c.namespace, account, time.Hour), "ca.crt": c.CA.PEM,
		"namespace": c.namespace + "\n"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return machine{serviceAccount: dir, getenv: env(map[string]string{"KUBERNETES_SERVICE_HOST": to.Hostname(), "KUBERNETES_SERVICE_PORT": to.Port()})}
}

func testPod(t *testing.T, c *cluster) {
	c.account("credsync", on([]string{"get", "create"}))
	pod := &conn{machine: c.podOf(t, "credsync")}
	target := pod.deliver(t, attrs{"name": "from-a-pod"})
	if target.Location != c.namespace+"/from-a-pod" {
		t.Errorf("location %s", target.Location)
	}
	if _, err := pod.open(t).Write(t.Context(), target, sinks.Write{Data: secrets("k", "v")}); err != nil {
		t.Fatal(err)
	}
	c.wantData(t, target, "k", "v")
}

// testRecordInOneRequest: a token that was just issued is not kept waiting.
func testRecordInOneRequest(t *testing.T, c *cluster) {
	var requests []string
	p := newProxy(t, c.KubernetesServer, func(r *http.Request) { requests = append(requests, r.Method) })
	s, record := p.conn(c.AdminToken).open(t), c.conn.record(t, nil, "r")
	version := ""
	for i := range 3 {
		var err error
		version, err = s.Write(t.Context(), record, sinks.Write{Data: secrets("record", fmt.Sprint(i)), If: version})
		if err != nil {
			t.Fatal(err)
		}
	}
	if !slices.Equal(requests, []string{"POST", "PATCH", "PATCH"}) {
		t.Errorf("three writes took the requests %v", requests)
	}
	c.wantData(t, record, "record", "2")

	c.Patch(c.path(record), object{"metadata": object{"finalizers": []string{"example.com/wait"}}})
	c.Must(http.MethodDelete, c.path(record), "", nil)
	version = c.stat(t, record).Version
	_, err := s.Write(t.Context(), record, sinks.Write{Data: secrets("record", "canary"), If: version})
	wantError(t, err, sinks.ErrUnavailable, "being deleted")
	c.Patch(c.path(record), object{"metadata": object{"finalizers": nil}})
	_, err = s.Write(t.Context(), record, sinks.Write{Data: secrets("record", "canary"), If: version})
	wantError(t, err, sinks.ErrConflict, "since been deleted")
}

func testPages(t *testing.T, c *cluster) {
	prefix := c.conn.record(t, nil, "")
	const n = pageSize + 3
	var want []string
	for i := range n {
		record := c.conn.record(t, nil, fmt.Sprintf("r%04d", i))
		_, name := place(record)
		c.CreateSecret(c.namespace, name, map[string]string{"record": "r"}, object{"labels": object{stateLabel: "credsync-state"}})
		want = append(want, record.Path)
	}
	pages := 0
	p := newProxy(t, c.KubernetesServer, func(r *http.Request) {
		if r.URL.Query().Has("limit") {
			pages++
		}
	})
	list, err := p.conn(c.AdminToken).open(t).List(t.Context(), prefix)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, target := range list {
		got = append(got, target.Path)
	}
	if !slices.Equal(got, want) || pages != 2 {
		t.Errorf("listed %d in %d pages, want %d in 2", len(got), pages, n)
	}
	pages = 0
	scanned := map[string]sinks.Object{}
	err = p.conn(c.AdminToken).open(t).Scan(t.Context(), prefix, func(target sinks.Target, o sinks.Object) error {
		scanned[target.Path] = o
		return nil
	})
	if err != nil || len(scanned) != n || pages != 2 {
		t.Fatalf("scanned %d in %d pages (%v), want %d in 2", len(scanned), pages, err, n)
	}
	o, err := c.sink.Read(t.Context(), list[n-1])
	if err != nil || scanned[want[n-1]].Version != o.Version {
		t.Errorf("the scan saw version %q of the last one, Read %q (%v)", scanned[want[n-1]].Version, o.Version, err)
	}
}

// testStatMany has more targets than a page holds, one of them someone else's.
func testStatMany(t *testing.T, c *cluster) {
	const n = pageSize + 3
	var targets []sinks.Target
	for i := range n {
		target := c.target(t, fmt.Sprintf("token-%04d", i))
		_, name := place(target)
		meta := object{"labels": object{managedByLabel: manager}, "annotations": object{ownerAnnotation: owner}}
		if i == 0 {
			meta = nil
		}
		c.CreateSecret(c.namespace, name, nil, meta)
		targets = append(targets, target)
	}
	statMany := func(as *conn) (found, requests int) {
		p := newProxy(t, c.KubernetesServer, func(*http.Request) { requests++ })
		if as == nil {
			as = p.conn(c.AdminToken)
		}
		as.open(t).StatMany(t.Context(), targets, func(i int, info sinks.Info) {
			found++
			if i < 3 && info != c.stat(t, targets[i]) {
				t.Errorf("StatMany says %+v of %s, Stat %+v", info, targets[i].Location, c.stat(t, targets[i]))
			}
		})
		return found, requests
	}
	if found, requests := statMany(nil); found != n-1 || requests != 2 {
		t.Errorf("StatMany told of %d targets in %d requests, want the %d of ours in 2", found, requests, n-1)
	}
	if found, _ := statMany(c.account("no-list", on([]string{"get"}))); found != 0 {
		t.Errorf("StatMany told of %d targets without the permission to list", found)
	}
}

func testPrefixes(t *testing.T, c *cluster) {
	record := func(prefix, name string) sinks.Target { return c.conn.record(t, attrs{"name": prefix}, name) }
	long := strings.Repeat("x", maxPrefix)
	for _, target := range []sinks.Target{record("a", "r"), record("a.b", "r"), record("a-b", "r"), record(long, "r")} {
		c.write(t, target, "", "record", "x")
	}
	c.CreateSecret(c.namespace, "a.forged", nil, nil)
	for _, prefix := range []string{"a", "a.b", "a-b", long} {
		list, err := c.sink.List(t.Context(), record(prefix, ""))
		if err != nil || len(list) != 1 || list[0].Path != record(prefix, "r").Path {
			t.Errorf("below %.10s: %v, %v", prefix, list, err)
		}
	}
	o := c.Secret(c.namespace, "a.r")
	if o["type"] != "credsync.dev/state" || metadata(o, "labels")[managedByLabel] != "credsync" {
		t.Errorf("a record is of type %v, with the labels %v", o["type"], metadata(o, "labels"))
	}
}

// testRestart stops the API server between requests, and while one is retried.
func testRestart(t *testing.T, c *cluster) {
	target := c.target(t, "survivor")
	version := c.write(t, target, "", "k", "one")
	c.Stop()
	_, err := c.sink.Stat(t.Context(), target)
	wantError(t, err, sinks.ErrUnavailable, c.Address)
	s := c.conn.open(t)
	started := false
	s.client.pause = func(ctx context.Context, _ time.Duration) error {
		if !started {
			c.Start()
			started = true
		}
		return ctx.Err()
	}
	if info, err := s.Stat(t.Context(), target); err != nil || info.Version != version {
		t.Errorf("Stat = %+v, %v; want version %s", info, err, version)
	}
}

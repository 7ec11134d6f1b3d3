package k8ssecret

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/credsync/credsync/sinks"
	"github.com/credsync/credsync/testkit/servers"
	"github.com/credsync/credsync/testkit/sinktest"
	"github.com/google/go-cmp/cmp"
)

const owner = "shop/account.sagi.coffee"

// cluster is a namespace of the test's own, and the administrator's connection.
type cluster struct {
	*servers.KubernetesServer
	namespace string
	conn      *conn
	sink      *Sink
	// start makes another one.
	start func(*testing.T) *servers.KubernetesServer
}

func newCluster(t *testing.T, k *servers.KubernetesServer, start func(*testing.T) *servers.KubernetesServer) *cluster {
	c := &cluster{KubernetesServer: k, namespace: k.Namespace(), start: start}
	c.conn = c.as(k.AdminToken)
	c.sink = c.conn.open(t)
	c.awaitSystemNamespace(t)
	return c
}

// as is a connection with a token.
func (c *cluster) as(token string) *conn {
	return &conn{attrs: attrs{"kubeconfig": c.Kubeconfig(token, c.namespace)}}
}

// account is a connection as a service account with those rules.
func (c *cluster) account(name string, rules ...servers.Rule) *conn {
	c.ServiceAccount(c.namespace, name)
	c.Role(c.namespace, c.namespace, name, rules...)
	return c.as(c.Token(c.namespace, name, time.Hour))
}

func on(verbs []string, names ...string) servers.Rule {
	return servers.Rule{APIGroups: []string{""}, Resources: []string{"secrets"}, Verbs: verbs, ResourceNames: names}
}

func (c *cluster) target(t *testing.T, name string) sinks.Target {
	return c.conn.deliver(t, attrs{"name": name})
}

func (c *cluster) write(t *testing.T, target sinks.Target, version string, pairs ...string) string {
	t.Helper()
	v, err := c.sink.Write(t.Context(), target, sinks.Write{Data: secrets(pairs...), If: version, Owner: owner})
	if err != nil {
		t.Fatalf("Write: %v", err)
	}
	return v
}

func (c *cluster) stat(t *testing.T, target sinks.Target) sinks.Info {
	t.Helper()
	info, err := c.sink.Stat(t.Context(), target)
	if err != nil {
		t.Fatalf("Stat: %v", err)
	}
	return info
}

// data is what a Secret holds, in plain text; what the tests write is no
// secret.
func (c *cluster) data(t *testing.T, target sinks.Target) map[string]string {
	t.Helper()
	o, err := c.sink.Read(t.Context(), target)
	if err != nil {
		t.Fatalf("Read: %v", err)
	}
	m := map[string]string{}
	for k, v := range o.Data {
		m[k] = v.Reveal()
	}
	return m
}

func (c *cluster) wantData(t *testing.T, target sinks.Target, pairs ...string) {
	t.Helper()
	want := map[string]string{}
	for i := 0; i < len(pairs); i += 2 {
		want[pairs[i]] = pairs[i+1]
	}
	if diff := cmp.Diff(want, c.data(t, target)); diff != "" {
		t.Errorf("data (-want +got):\n%s", diff)
	}
}

func (c *cluster) path(target sinks.Target) string {
	return servers.SecretPath(place(target))
}

func metadata(o object, part string) object {
	m, _ := o["metadata"].(object)
	p, _ := m[part].(object)
	return p
}

func wantError(t *testing.T, err, class error, texts ...string) {
	t.Helper()
	if err == nil {
		t.Fatal("no error")
	}
	for _, known := range []error{sinks.ErrConflict, sinks.ErrDenied, sinks.ErrUnavailable, sinks.ErrNotFound,
		sinks.ErrUnsupported} {
		if errors.Is(err, known) != (known == class) {
			t.Errorf("error %v: is %q: %v", err, known, errors.Is(err, known))
		}
	}
	for _, text := range texts {
		if !strings.Contains(err.Error(), text) {
			t.Errorf("error %v lacks %q", err, text)
		}
	}
	if strings.Contains(err.Error(), "canary") {
		t.Errorf("error %v tells a secret", err)
	}
}

// secretName makes a Secret's name of a name as the suite has them.
func secretName(name string) string { return strings.ReplaceAll(name, "/", ".") }

func (c *cluster) suite(open func(t *testing.T) sinks.Sink) sinktest.Suite {
	return sinktest.Suite{
		New: open,
		Target: func(t *testing.T, name string, merge bool) sinks.Target {
			target := c.target(t, secretName(name))
			target.Merge = merge
			return target
		},
		Purge: func(_ *testing.T, target sinks.Target) { c.Must(http.MethodDelete, c.path(target), "", nil) },
		Unmark: func(_ *testing.T, target sinks.Target) {
			c.Patch(c.path(target), object{"metadata": object{"labels": object{managedByLabel: nil}, "annotations": object{ownerAnnotation: nil}}})
		},
	}
}

// elsewhere is a namespace of the same name in a cluster of its own.
func (c *cluster) elsewhere(t *testing.T) sinks.Sink {
	other := *c
	other.KubernetesServer = c.start(t)
	other.awaitSystemNamespace(t)
	other.Must(http.MethodPost, "/api/v1/namespaces", "", object{"metadata": object{"name": c.namespace}})
	return other.as(other.AdminToken).open(t)
}

// awaitSystemNamespace waits for what tells clusters apart, which an API server
// makes soon after its start.
func (c *cluster) awaitSystemNamespace(t *testing.T) {
	t.Helper()
	for range 600 {
		if status, _ := c.Do(http.MethodGet, "/api/v1/namespaces/kube-system", "", nil); status == http.StatusOK {
			return
		}
		time.Sleep(100 * time.Millisecond)
	}
	t.Fatal("there is no namespace kube-system")
}

func testConformance(t *testing.T, c *cluster) {
	s := c.suite(func(t *testing.T) sinks.Sink { return c.conn.open(t) })
	s.Elsewhere = c.elsewhere
	denied := c.account("nothing", on([]string{"get"}, "something-else"))
	gone := &conn{attrs: attrs{"kubeconfig": writeKubeconfig(t, `
apiVersion: v1
kind: Config
current-context: test
clusters: [{name: test, cluster: {server: "https://127.0.0.1:1"}}]
contexts: [{name: test, context: {cluster: test}}]
`)}}
	s.Faults = []sinktest.Fault{
		{Name: "denied", Class: sinks.ErrDenied, New: func(t *testing.T) sinks.Sink { return denied.open(t) }},
		{Name: "unreachable", Class: sinks.ErrUnavailable, New: func(t *testing.T) sinks.Sink { return gone.open(t) }},
	}
	sinktest.Run(t, s)
}

func testConformanceState(t *testing.T, c *cluster) {
	s := c.suite(func(t *testing.T) sinks.Sink { return c.conn.open(t) })
	s.Target = func(t *testing.T, name string, merge bool) sinks.Target {
		// The suite's names say what is a prefix and what is below it.
		prefix, record, _ := strings.Cut(name, "/")
		target := c.conn.record(t, attrs{"name": prefix}, record)
		target.Merge = merge
		return target
	}
	// Records are not marked.
	s.Unmark = nil
	sinktest.Run(t, s)
}

func testConformanceLeastPrivilege(t *testing.T, c *cluster) {
	limited := c.account("deliver", on([]string{"get", "list", "create", "patch", "delete"}))
	sinktest.Run(t, c.suite(func(t *testing.T) sinks.Sink { return limited.open(t) }))
}

// testPlaces reaches one cluster under two addresses, with and without the
// permission to read its namespace kube-system.
func testPlaces(t *testing.T, c *cluster) {
	target := c.target(t, "sagi-token")
	place := func(conn *conn) sinks.Place {
		t.Helper()
		p, err := conn.open(t).Place(t.Context(), target)
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	uid, _ := c.Must(http.MethodGet, "/api/v1/namespaces/kube-system", "", nil)["metadata"].(object)["uid"].(string)
	want := sinks.Place("k8ssecret " + uid + " " + target.Path)
	p := newProxy(t, c.KubernetesServer, func(*http.Request) {})
	for _, conn := range []*conn{c.conn, p.conn(c.AdminToken)} {
		if got := place(conn); got != want || uid == "" {
			t.Errorf("place %q, want %q", got, want)
		}
	}
	limited := c.account("limited", on([]string{"get", "create"}))
	want = sinks.Place("k8ssecret " + limited.open(t).Address() + " " + target.Path)
	if got := place(limited); got != want {
		t.Errorf("without a permission the place is %q, want %q", got, want)
	}
	limited.attrs["cluster"] = uid
	if got := place(limited); got != place(c.conn) {
		t.Errorf("named like the others the place is %q", got)
	}
	expired := c.as("unknown-token")
	if got, err := expired.open(t).Place(t.Context(), target); !errors.Is(err, sinks.ErrDenied) {
		t.Errorf("with an identity that is not known the place is %q, %v", got, err)
	}
}

func testMarks(t *testing.T, c *cluster) {
	target := c.conn.deliver(t, attrs{
		"name": "sagi-token", "type": "example.com/token",
		"labels": map[string]string{"team": "payments"}, "annotations": map[string]string{"example.com/note": "x y"},
	})
	expires, rotated := time.Date(
		2026,
		5,
		1,
		12,
		0,
		0,
		0,
		time.FixedZone("", 5*3600),
	), time.Date(
		2026,
		4,
		1,
		0,
		0,
		0,
		0,
		time.UTC,
	)
	w := sinks.Write{Data: secrets("TOKEN", "one"), Owner: owner, ExpiresAt: expires, RotatedAt: rotated}
	check := func(manager, operation string) {
		t.Helper()
		o := c.Secret(c.namespace, "sagi-token")
		if diff := cmp.Diff(object{"app.kubernetes.io/managed-by": "credsync", "team": "payments"}, metadata(o, "labels")); diff != "" {
			t.Error(diff)
		}
		want := object{"credsync.dev/owner": owner, "credsync.dev/expires-at": "2026-05-01T07:00:00Z", "credsync.dev/rotated-at": "2026-04-01T00:00:00Z", "example.com/note": "x y"}
		if diff := cmp.Diff(want, metadata(o, "annotations")); diff != "" {
			t.Error(diff)
		}
		if o["type"] != "example.com/token" {
			t.Errorf("type %v", o["type"])
		}
		found := false
		for _, entry := range o["metadata"].(object)["managedFields"].([]any) {
			e := entry.(object)
			found = found || e["manager"] == manager && e["operation"] == operation
		}
		if !found {
			t.Errorf("%s by the field manager %s is not noted", operation, manager)
		}
	}
	version, err := c.sink.Write(t.Context(), target, w)
	if err != nil {
		t.Fatal(err)
	}
	check("credsync", "Update")
	w.If, w.Data = version, secrets("TOKEN", "two")
	if version, err = c.sink.Write(t.Context(), target, w); err != nil {
		t.Fatal(err)
	}
	check("credsync", "Apply")
	if diff := cmp.Diff(sinks.Info{Exists: true, Version: version, Owner: owner, Marks: true},
		c.stat(t, target)); diff != "" {
		t.Error(diff)
	}
	c.wantData(t, target, "TOKEN", "two")
}

func testNamesTheOwner(t *testing.T, c *cluster) {
	tests := map[string]struct {
		metadata object
		want     string
	}{
		"helm": {object{"labels": object{"app.kubernetes.io/managed-by": "Helm"}, "annotations": object{"meta.helm.sh/release-name": "shop", "meta.helm.sh/release-namespace": "prod"}}, "Helm release prod/shop"},
		"external": {object{"ownerReferences": []object{{"apiVersion": "external-secrets.io/v1", "kind": "ExternalSecret", "name": "sagi", "uid": "1", "controller": true}}},
			"ExternalSecret sagi"},
		"labelled": {object{"labels": object{"app.kubernetes.io/managed-by": "someone"}}, "someone"},
		"another":  {object{"labels": object{"app.kubernetes.io/managed-by": "credsync"}, "annotations": object{"credsync.dev/owner": "p/account.x.y"}}, "p/account.x.y"},
		"unmarked": {object{}, ""},
		"half":     {object{"annotations": object{"credsync.dev/owner": "p/account.x.y"}}, ""},
	}
	for name, test := range tests {
		c.CreateSecret(c.namespace, "owned-"+name, map[string]string{"k": "v"}, test.metadata)
		if got := c.stat(t, c.target(t, "owned-"+name)).Owner; got != test.want {
			t.Errorf("%s: owner %q, want %q", name, got, test.want)
		}
	}
}

func testImmutable(t *testing.T, c *cluster) {
	target := c.target(t, "immutable")
	version := c.write(t, target, "", "k", "one")
	c.Patch(c.path(target), object{"immutable": true})
	if c.stat(t, target).Version != version {
		t.Error("being immutable is taken for drift")
	}
	_, err := c.sink.Write(t.Context(), target, sinks.Write{Data: secrets("k", "canary"), If: version})
	wantError(t, err, nil, "immutable", "kubectl delete secret -n "+c.namespace+" immutable")
	wantError(t, tried(t, c.sink, target), nil, "immutable")
	if err := c.sink.Delete(t.Context(), target, sinks.Removal{If: version}); err != nil {
		t.Errorf("Delete = %v", err)
	}
}

func testBeingDeleted(t *testing.T, c *cluster) {
	target := c.target(t, "going")
	version := c.write(t, target, "", "k", "one")
	c.Patch(c.path(target), object{"metadata": object{"finalizers": []string{"example.com/wait"}}})
	c.Must(http.MethodDelete, c.path(target), "", nil)
	_, err := c.sink.Write(t.Context(), target, sinks.Write{Data: secrets("k", "canary"), If: version})
	wantError(t, err, sinks.ErrUnavailable, "being deleted", "example.com/wait")
	wantError(t, tried(t, c.sink, target), sinks.ErrUnavailable, "being deleted")
	if err := c.sink.Delete(t.Context(), target, sinks.Removal{If: version}); err != nil {
		t.Errorf("Delete of what is going = %v", err)
	}
	c.Patch(c.path(target), object{"metadata": object{"finalizers": nil}})
	if c.stat(t, target).Exists {
		t.Error("it is still there")
	}
}

func testMissingNamespace(t *testing.T, c *cluster) {
	target := c.conn.deliver(t, attrs{"name": "a", "namespace": "nowhere"})
	if info := c.stat(t, target); info.Exists {
		t.Errorf("Stat = %+v", info)
	}
	_, err := c.sink.Write(t.Context(), target, sinks.Write{Data: secrets("k", "canary")})
	wantError(t, err, nil, `no such namespace "nowhere"`, "kubectl create namespace nowhere")
	wantError(t, tried(t, c.sink, target), nil, `no such namespace "nowhere"`)
}

func testTerminatingNamespace(t *testing.T, c *cluster) {
	c.Must(http.MethodDelete, "/api/v1/namespaces/"+c.namespace, "", nil)
	target := c.target(t, "late")
	_, err := c.sink.Write(t.Context(), target, sinks.Write{Data: secrets("k", "canary")})
	wantError(t, err, sinks.ErrUnavailable, "is being deleted")
	wantError(t, tried(t, c.sink, target), sinks.ErrUnavailable, "is being deleted")
}

func testType(t *testing.T, c *cluster) {
	c.write(t, c.target(t, "typed"), "", "k", "one")
	other := c.conn.deliver(t, attrs{"name": "typed", "type": "example.com/token"})
	_, err := c.sink.Write(t.Context(), other, sinks.Write{Data: secrets("k", "canary"), If: c.stat(t, other).Version})
	wantError(t, err, nil, `its type is "Opaque"`, "example.com/token")
	wantError(t, tried(t, c.sink, other), nil, `its type is "Opaque"`)

	c.Must(http.MethodPost, "/api/v1/namespaces/"+c.namespace+"/secrets", "", object{
		"metadata": object{"name": "basic"}, "type": "kubernetes.io/basic-auth", "stringData": object{"username": "u", "password": "p"},
	})
	merged := c.target(t, "basic")
	merged.Merge = true
	c.write(t, merged, c.stat(t, merged).Version, "password", "two")
	c.wantData(t, merged, "username", "u", "password", "two")

	// The API server's own words could quote what it found.
	wrong := c.conn.deliver(t, attrs{"name": "docker", "type": "kubernetes.io/dockerconfigjson"})
	_, err = c.sink.Write(t.Context(), wrong, sinks.Write{Data: secrets(".dockerconfigjson", "canary")})
	wantError(t, err, nil, "finds it invalid", "data[.dockerconfigjson]")
}

func testRefusedBeforeSending(t *testing.T, c *cluster) {
	target := c.target(t, "refused")
	for _, key := range []string{"a key", "a/b", "..", "жетон"} {
		_, err := c.sink.Write(t.Context(), target, sinks.Write{Data: secrets(key, "canary")})
		wantError(t, err, sinks.ErrUnsupported, fmt.Sprintf("%q cannot be a key", key))
	}
	_, err := c.sink.Write(t.Context(), target, sinks.Write{Data: secrets("a", strings.Repeat("x", 1<<20), "b", "canary")})
	wantError(t, err, sinks.ErrUnsupported, "1048582 bytes", "at most 1048576")
	if c.stat(t, target).Exists {
		t.Error("it was written")
	}
	c.write(t, target, "", "a", strings.Repeat("x", 1<<20))
}

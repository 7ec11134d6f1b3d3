package k8ssecret

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/credsync/credsync/schema"
	"github.com/google/go-cmp/cmp"
	"github.com/zclconf/go-cty/cty"
)

// checked finds the error that the table has against a value.
func checked(b *schema.Block, name string, v cty.Value) error {
	a, _ := b.Attribute(name)
	return a.Check(v)
}

func TestNamesAreCheckedOffline(t *testing.T) {
	s := spec(machine{})
	text := cty.StringVal
	texts := func(pairs ...string) cty.Value {
		m := map[string]cty.Value{}
		for i := 0; i < len(pairs); i += 2 {
			m[pairs[i]] = text(pairs[i+1])
		}
		return cty.MapVal(m)
	}
	tests := []struct {
		block *schema.Block
		name  string
		value cty.Value
		want  string // "" where it is fine
	}{
		{&s.Deliver, "name", text("sagi-token.shop"), ""},
		{&s.Deliver, "name", text("Sagi"), "lower case"},
		{&s.Deliver, "name", text("sagi_token"), "lower case"},
		{&s.Deliver, "name", text(strings.Repeat("a", 254)), "253"},
		{&s.Deliver, "namespace", text("shop"), ""},
		{&s.Deliver, "namespace", text("shop.prod"), "namespace"},
		{&s.Deliver, "namespace", text(""), "namespace"},
		{&s.Deliver, "type", text("kubernetes.io/tls"), ""},
		{&s.Deliver, "type", text("a b"), "type"},
		{&s.Deliver, "type", text("kubernetes.io/service-account-token"), "Kubernetes itself"},
		{&s.Deliver, "type", text("credsync.dev/state"), "reserved for credsync"},
		{&s.Deliver, "labels", texts("team", "payments", "example.com/a", ""), ""},
		{&s.Deliver, "labels", texts("team", "a b"), `"a b" cannot be the value of the label team`},
		{&s.Deliver, "labels", texts("a b", "x"), "name of a label"},
		{&s.Deliver, "labels", texts("app.kubernetes.io/managed-by", "x"), "credsync sets "},
		{&s.Deliver, "annotations", texts("note", "any text: жетон"), ""},
		{&s.Deliver, "annotations", texts("credsync.dev/owner", "x"), "credsync sets "},
		{&s.Deliver, "restart", cty.ListVal([]cty.Value{text("deployment/shop"), text("statefulset/till"), text("daemonset/agent")}), ""},
		{&s.Deliver, "restart", cty.ListVal([]cty.Value{text("deployment/shop"), text("pod/till")}), `"pod/till" is not a workload`},
		{&s.Deliver, "restart", cty.ListVal([]cty.Value{text("deployment/")}), "is not a workload"},
		{&s.Deliver, "restart", cty.ListVal([]cty.Value{text("deployment/A")}), "is not a workload"},
		{&s.Deliver, "restart", cty.ListVal([]cty.Value{cty.NullVal(cty.String)}), "contains null"},
		{&s.State, "name", text(strings.Repeat("a", 150)), ""},
		{&s.State, "name", text("credsync-state"), ""},
		{&s.State, "name", text(strings.Repeat("a", 151)), "150"},
		{&s.Connection, "kubeconfig", text(" "), "empty"},
	}
	for _, test := range tests {
		err := checked(test.block, test.name, test.value)
		if (err == nil) != (test.want == "") || err != nil && !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s = %#v: %v, want %q", test.name, test.value, err, test.want)
		}
	}
}

func TestGroupsNeedAUser(t *testing.T) {
	b := spec(machine{}).Connection
	if err := b.Check(values(&b, attrs{"impersonate_groups": []string{"a"}})); err == nil || !strings.Contains(err.Error(), "impersonate") {
		t.Errorf("groups without a user: %v", err)
	}
	if err := b.Check(values(&b, attrs{"impersonate_groups": []string{"a"}, "impersonate": "u"})); err != nil {
		t.Error(err)
	}
}

const twoContexts = `
apiVersion: v1
kind: Config
current-context: prod
clusters: [{name: c, cluster: {server: "https://prod.invalid"}}, {name: d, cluster: {server: "https://test.invalid"}}]
users: [{name: u, user: {token: canary}}]
contexts:
- {name: prod, context: {cluster: c, user: u, namespace: shop}}
- {name: test, context: {cluster: d, user: u}}
- {name: broken, context: {cluster: nowhere, user: u}}
`

// pod makes the folder of a service account.
func pod(t *testing.T, namespace string) machine {
	t.Helper()
	dir := t.TempDir()
	for name, text := range map[string]string{"token": "canary", "namespace": namespace} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return machine{serviceAccount: dir, getenv: env(map[string]string{"KUBERNETES_SERVICE_HOST": "10.0.0.1", "KUBERNETES_SERVICE_PORT": "443"})}
}

// at gives a machine further variables.
func (m machine) at(vars map[string]string) machine {
	before := m.getenv
	m.getenv = func(name string) string {
		if v, ok := vars[name]; ok {
			return v
		}
		if before == nil {
			return ""
		}
		return before(name)
	}
	return m
}

func TestIdentityIsFound(t *testing.T) {
	file := writeKubeconfig(t, twoContexts)
	home := t.TempDir()
	if err := os.MkdirAll(filepath.Join(home, ".kube"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(home, ".kube", "config"), []byte(strings.ReplaceAll(twoContexts, "prod.invalid", "home.invalid")), 0o600); err != nil {
		t.Fatal(err)
	}
	atHome := map[string]string{"HOME": home}
	tests := []struct {
		name      string
		conn      attrs
		machine   machine
		host      string
		namespace string
	}{
		{"kubeconfig", attrs{"kubeconfig": file}, machine{}.at(nil), "https://prod.invalid", "shop"},
		{"kubeconfig before the pod", attrs{"kubeconfig": file}, pod(t, "podspace"), "https://prod.invalid", "shop"},
		{"below the home directory", attrs{"kubeconfig": "~/.kube/config"}, machine{}.at(atHome), "https://home.invalid", "shop"},
		{"several, some missing", attrs{"kubeconfig": "/nonexistent/a" + string(os.PathListSeparator) + file}, machine{}.at(nil), "https://prod.invalid", "shop"},
		{"context", attrs{"kubeconfig": file, "context": "test"}, machine{}.at(nil), "https://test.invalid", ""},
		{"home", nil, machine{}.at(atHome), "https://home.invalid", "shop"},
		{"pod before home", nil, pod(t, "podspace\n").at(atHome), "https://10.0.0.1:443", "podspace"},
		{"context before the pod", attrs{"context": "prod"}, pod(t, "podspace").at(atHome), "https://home.invalid", "shop"},
		{"no pod without the service", nil, pod(t, "podspace").at(map[string]string{"KUBERNETES_SERVICE_HOST": "", "HOME": home}), "https://home.invalid", "shop"},
		{"POD_NAMESPACE", nil, pod(t, "podspace").at(map[string]string{"POD_NAMESPACE": "said"}), "https://10.0.0.1:443", "said"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			c := &conn{attrs: test.conn, machine: test.machine}
			id, err := c.machine.identity(c.values())
			if err != nil {
				t.Fatal(err)
			}
			if id.config.Host != test.host || id.namespace != test.namespace {
				t.Errorf("host %s, namespace %q; want %s, %q", id.config.Host, id.namespace, test.host, test.namespace)
			}
		})
	}
}

func TestNoIdentityIsExplained(t *testing.T) {
	file := writeKubeconfig(t, twoContexts)
	tests := []struct {
		name string
		conn attrs
		vars map[string]string
		want string
	}{
		{"missing file", attrs{"kubeconfig": "/nonexistent/kubeconfig"}, nil, "/nonexistent/kubeconfig"},
		{"a folder", attrs{"kubeconfig": t.TempDir()}, nil, "kubeconfig"},
		{"no name of a file", attrs{"kubeconfig": string(os.PathListSeparator)}, nil, "does not name a file"},
		{"no YAML", attrs{"kubeconfig": writeKubeconfig(t, "canary: [canary")}, nil, "cannot be parsed"},
		{"another type", attrs{"kubeconfig": writeKubeconfig(t, "apiVersion: v1\nkind: Config\nusers: canary\n")}, nil, "cannot be parsed"},
		{"no current context", attrs{"kubeconfig": writeKubeconfig(t, "apiVersion: v1\nkind: Config\n")}, nil, "use-context"},
		{"unknown context", attrs{"kubeconfig": file, "context": "stage"}, nil, `no context "stage"; it has broken, prod, test`},
		{"broken context", attrs{"kubeconfig": file, "context": "broken"}, nil, `context "broken"`},
		{"a password in an address", attrs{"kubeconfig": writeKubeconfig(t, strings.ReplaceAll(twoContexts, `server: "https://prod.invalid"`, `server: "https://prod.invalid", proxy-url: "://u:canary@x"`))}, nil, "is incomplete"},
		{"nothing at all", nil, nil, "HOME is not set"},
		{"nothing at home", nil, map[string]string{"HOME": "/nonexistent"}, "/nonexistent/.kube/config"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			c := &conn{attrs: test.conn, machine: machine{}.at(test.vars)}
			_, err := c.tryOpen()
			if err == nil || !strings.Contains(err.Error(), test.want) || strings.Contains(err.Error(), "canary") {
				t.Errorf("New = %v, want %q", err, test.want)
			}
		})
	}
}

func TestTargets(t *testing.T) {
	file := writeKubeconfig(t, twoContexts)
	tests := []struct {
		name  string
		conn  attrs
		block attrs
		want  string
		err   string
	}{
		{"the block's namespace", attrs{"namespace": "sink"}, attrs{"name": "a", "namespace": "block"}, "block/a", ""},
		{"the sink's", attrs{"namespace": "sink", "kubeconfig": file}, attrs{"name": "a"}, "sink/a", ""},
		{"the context's", attrs{"kubeconfig": file}, attrs{"name": "a"}, "shop/a", ""},
		{"none in the context", attrs{"kubeconfig": file, "context": "test"}, attrs{"name": "a"}, "", `namespace: it is set neither in this block, nor in the sink block, nor in the context "test"`},
		{"no cluster at all", nil, attrs{"name": "a"}, "", "namespace: it is not set"},
		{"a bad name", attrs{"namespace": "sink"}, attrs{"name": "A"}, "", "name: "},
		{"no cluster needed", attrs{"namespace": "sink"}, attrs{"name": "a"}, "sink/a", ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			c := &conn{attrs: test.conn}
			s := c.spec()
			target, err := s.Target(c.values(), values(&s.Deliver, test.block))
			if test.err != "" {
				if err == nil || !strings.Contains(err.Error(), test.err) {
					t.Errorf("Target = %v, want %q", err, test.err)
				}
				return
			}
			if err != nil || target.Location != test.want || target.Path != test.want {
				t.Errorf("Target = %+v, %v", target, err)
			}
			source, err := s.Source(c.values(), values(&s.Data, test.block))
			if err != nil || source.Location != test.want {
				t.Errorf("Source = %+v, %v", source, err)
			}
		})
	}
}

func TestRecordsHaveNamesOfTheirOwn(t *testing.T) {
	c := &conn{attrs: attrs{"namespace": "shop"}}
	got := []string{
		c.record(t, nil, "").Path, c.record(t, nil, "sagi-coffee-0a1b2c3d4e5f").Path,
		c.record(t, attrs{"name": "pay", "namespace": "state"}, "x").Path,
	}
	want := []string{"shop/credsync-state", "shop/credsync-state.sagi-coffee-0a1b2c3d4e5f", "state/pay.x"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// What Kubernetes requires of a typed Secret is known before any login.
func TestRequiredKeysAreCheckedOffline(t *testing.T) {
	spec := Spec()
	for _, c := range []struct {
		kind  string
		keys  []string
		merge bool
		lacks string
	}{
		{"", []string{"k"}, false, ""},
		{"Opaque", []string{"k"}, false, ""},
		{"example.com/token", []string{"k"}, false, ""},
		{"kubernetes.io/tls", []string{"tls.crt", "tls.key", "more"}, false, ""},
		{"kubernetes.io/tls", []string{"tls.crt"}, false, "tls.key"},
		{"kubernetes.io/tls", []string{"tls.crt"}, true, ""},
		{"kubernetes.io/dockerconfigjson", []string{"config.json"}, false, ".dockerconfigjson"},
		{"kubernetes.io/dockercfg", []string{".dockercfg"}, false, ""},
		{"kubernetes.io/basic-auth", []string{"password"}, false, ""},
		{"kubernetes.io/basic-auth", []string{"token"}, false, `username" or "password`},
		{"kubernetes.io/ssh-auth", []string{"id_rsa"}, false, "ssh-privatekey"},
	} {
		a := attrs{"name": "token"}
		if c.kind != "" {
			a["type"] = c.kind
		}
		err := spec.CheckKeys(values(&spec.Deliver, a), c.keys, c.merge)
		if (err == nil) != (c.lacks == "") || err != nil && !strings.Contains(err.Error(), c.lacks) {
			t.Errorf("%s with %q: %v, want it to lack %q", c.kind, c.keys, err, c.lacks)
		}
	}
}

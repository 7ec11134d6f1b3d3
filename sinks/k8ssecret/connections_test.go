package k8ssecret

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/credsync/credsync/schema"
	"github.com/credsync/credsync/sinks"
	"github.com/credsync/credsync/testkit/servers"
)

// A kubeconfig whose certificates cannot be used opens no connection, and is not quoted.
func TestAKubeconfigThatCannotBeUsedIsNamed(t *testing.T) {
	for name, more := range map[string]string{
		"authority":          `cluster: {server: "https://127.0.0.1:1", certificate-authority-data: Y2FuYXJ5}`,
		"client certificate": `cluster: {server: "https://127.0.0.1:1"}`,
	} {
		user := "{}"
		if name == "client certificate" {
			user = "{client-certificate-data: Y2FuYXJ5, client-key-data: Y2FuYXJ5}"
		}
		c := &conn{attrs: attrs{"kubeconfig": writeKubeconfig(t, fmt.Sprintf(`
apiVersion: v1
kind: Config
current-context: test
clusters: [{name: test, %s}]
users: [{name: test, user: %s}]
contexts: [{name: test, context: {cluster: test, user: test}}]
`, more, user))}}
		if s, err := c.tryOpen(); err == nil || s != nil || !strings.Contains(err.Error(), `the context "test"`) ||
			strings.Contains(err.Error(), "canary") {
			t.Errorf("%s: %v, %v", name, s, err)
		}
	}
}

// What keeps a connection from being made is told with what to change, and is not tried
// again where that would change nothing.
func TestAConnectionThatFailsHasAnAdvice(t *testing.T) {
	ca := servers.NewCA(t)
	other, otherKey := ca.Issue(t, "another-host", true)
	serve := func(tlsConfig *tls.Config) *httptest.Server {
		s := httptest.NewUnstartedServer(http.NotFoundHandler())
		s.TLS, s.Config.ErrorLog = tlsConfig, log.New(io.Discard, "", 0)
		s.StartTLS()
		t.Cleanup(s.Close)
		return s
	}
	pair, err := tls.X509KeyPair([]byte(other), []byte(otherKey))
	if err != nil {
		t.Fatal(err)
	}
	trusted := serve(&tls.Config{Certificates: []tls.Certificate{pair}, MinVersion: tls.VersionTLS12})
	strange := serve(nil)
	plain := httptest.NewServer(http.NotFoundHandler())
	defer plain.Close()
	kubeconfig := func(url string) string {
		config, err := json.Marshal(object{
			"apiVersion": "v1", "kind": "Config", "current-context": "test",
			"clusters": []object{{"name": "test", "cluster": object{"server": url, "certificate-authority-data": []byte(ca.PEM)}}},
			"users":    []object{{"name": "test", "user": object{"token": "canary-token"}}},
			"contexts": []object{{"name": "test", "context": object{"cluster": "test", "user": "test", "namespace": "shop"}}},
		})
		if err != nil {
			t.Fatal(err)
		}
		return writeKubeconfig(t, string(config))
	}
	for name, c := range map[string]struct {
		url, want string
		vars      map[string]string
		again     bool
	}{
		"another authority": {strange.URL, "did not sign the API server's certificate", nil, false},
		"another name":      {strings.Replace(trusted.URL, "127.0.0.1", "localhost", 1), "set tls-server-name in the kubeconfig", nil, false},
		"no TLS":            {strings.Replace(plain.URL, "http:", "https:", 1), "its port does not use TLS", nil, false},
		"nobody there":      {"https://127.0.0.1:1", "check the server address in the context", nil, true},
		"no proxy":          {"https://cluster.invalid", "HTTPS_PROXY", map[string]string{"HTTPS_PROXY": "://canary"}, false},
	} {
		t.Run(name, func(t *testing.T) {
			conn := &conn{attrs: attrs{"kubeconfig": kubeconfig(c.url)}, machine: machine{}.at(c.vars)}
			tries := 0
			s := conn.open(t)
			s.client.pause = func(ctx context.Context, _ time.Duration) error {
				tries++
				return ctx.Err()
			}
			_, err := s.Stat(t.Context(), conn.deliver(t, attrs{"name": "sagi"}))
			if !errors.Is(err, sinks.ErrUnavailable) || !strings.Contains(err.Error(), c.want) ||
				strings.Contains(err.Error(), "canary") {
				t.Errorf("Stat = %v, want %q", err, c.want)
			}
			if (tries > 0) != c.again {
				t.Errorf("tried again %d times: %v", tries, err)
			}
			if name == "no proxy" && !strings.HasSuffix(err.Error(), "; correct it") {
				t.Errorf("Stat = %v", err)
			}
		})
	}
}

// A status may come without its code, from something in between.
func TestAStatusWithoutACodeHasAClass(t *testing.T) {
	for reason, class := range map[string]error{"": sinks.ErrUnavailable, "Whatever": nil} {
		f := newFake(t, func(_ int, w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			w.WriteHeader(500)
			_ = json.NewEncoder(w).Encode(object{"kind": "Status", "apiVersion": "v1", "status": "Failure", "reason": reason, "message": "no code"})
		})
		c := f.conn(t)
		_, err := c.open(t).Stat(t.Context(), c.deliver(t, attrs{"name": "sagi"}))
		if err == nil || errors.Is(err, sinks.ErrUnavailable) != (class != nil) || !strings.Contains(err.Error(), "no code") {
			t.Errorf("%q: %v", reason, err)
		}
	}
}

// Up to as many targets as one look at a list costs no more than, each is asked for alone;
// a list is in pages, as kubectl's.
func TestWhenTargetsAreListed(t *testing.T) {
	for n, lists := range map[int]bool{19: false, 20: true} {
		f := newFake(t, func(_ int, w http.ResponseWriter, r *http.Request) {
			answerWith(w, object{"kind": "SecretList", "apiVersion": "v1", "metadata": object{}, "items": []object{}})
		})
		c := f.conn(t)
		s := c.open(t)
		var targets []sinks.Target
		for i := range n {
			targets = append(
				targets,
				c.deliver(t, attrs{"name": fmt.Sprintf("t%d", i)}),
				c.deliver(t, attrs{"name": fmt.Sprintf("t%d", i), "namespace": "single" + fmt.Sprint(i)}),
			)
		}
		s.StatMany(t.Context(), targets, func(int, sinks.Info) {})
		if got := len(f.requests) > 0; got != lists ||
			lists && (len(f.requests) != 1 || !strings.Contains(f.requests[0], "limit=500")) {
			t.Errorf("%d targets: %q", n, f.requests)
		}
	}
}

// The label of the state is how its records are found again, so it stays as it was.
func TestTheLabelOfALongPrefix(t *testing.T) {
	for prefix, want := range map[string]string{
		strings.Repeat("a", 63): strings.Repeat("a", 63),
		strings.Repeat("a", 64): "ffe054fe7ae0cb6dc65c3af9b61d5209",
	} {
		if got := stateMark(prefix); got != want {
			t.Errorf("%s: %s, want %s", prefix, got, want)
		}
	}
}

// Nobody's mark is looked for on what has none.
func TestWhatIsMarked(t *testing.T) {
	f := newFake(t, func(_ int, w http.ResponseWriter, r *http.Request) {
		if strings.Contains(r.URL.Path, "missing") {
			fail(w, 404, "NotFound", "not found", object{"kind": "secrets"})
			return
		}
		answerWith(w, secretObject("u", "1", nil))
	})
	c := f.conn(t)
	s := c.open(t)
	for _, name := range []string{"there", "missing"} {
		target, record := c.deliver(t, attrs{"name": name}), c.record(t, attrs{"name": name}, "r")
		merged := target
		merged.Merge = true
		for kind, want := range map[*sinks.Target]bool{&target: true, &merged: false, &record: false} {
			if info, err := s.Stat(t.Context(), *kind); err != nil || info.Marks != want || info.Exists != (name == "there") {
				t.Errorf("%s: %+v, %v; want marks %v", kind.Path, info, err, want)
			}
		}
	}
}

func required(rows []schema.Attribute) (names []string) {
	for _, row := range rows {
		if row.Required {
			names = append(names, row.Name)
		}
	}
	return names
}

func TestWhatABlockMustSet(t *testing.T) {
	s := spec(machine{})
	for _, b := range []struct {
		name       string
		attributes []string
		want       string
	}{
		{"deliver", required(s.Deliver.Attributes), "name"}, {"data", required(s.Data.Attributes), "name"},
		{"state", required(s.State.Attributes), ""}, {"sink", required(s.Connection.Attributes), ""},
	} {
		if got := strings.Join(b.attributes, " "); got != b.want {
			t.Errorf("%s requires %q, want %q", b.name, got, b.want)
		}
	}
}

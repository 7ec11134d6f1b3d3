package k8ssecret

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/pem"
	"fmt"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/credsync/credsync/schema"
	"github.com/credsync/credsync/sinks"
	"github.com/credsync/credsync/testkit/sinktest"
	"github.com/hashicorp/go-hclog"
	"github.com/zclconf/go-cty/cty"
	"k8s.io/client-go/rest"
)

type attrs map[string]any

// values are a block's; what is a string, a list or a map in attrs is one there.
func values(b *schema.Block, a attrs) schema.Values {
	m := map[string]cty.Value{}
	for name, v := range a {
		switch v := v.(type) {
		case string:
			m[name] = cty.StringVal(v)
		case []string:
			var list []cty.Value
			for _, s := range v {
				list = append(list, cty.StringVal(s))
			}
			m[name] = cty.ListVal(list)
		case map[string]string:
			texts := map[string]cty.Value{}
			for k, s := range v {
				texts[k] = cty.StringVal(s)
			}
			m[name] = cty.MapVal(texts)
		}
	}
	return schema.NewValues(b, "", m, nil)
}

// kubeconfigOf writes a kubeconfig for a server of the test's own. client-go
// sends no token without TLS.
func kubeconfigOf(t *testing.T, server *httptest.Server, token string) string {
	t.Helper()
	authority := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})
	return writeKubeconfig(t, fmt.Sprintf(`
apiVersion: v1
kind: Config
current-context: test
clusters: [{name: test, cluster: {server: %q, certificate-authority-data: %s}}]
users: [{name: test, user: {token: %q}}]
contexts: [{name: test, context: {cluster: test, user: test, namespace: shop}}]
`, server.URL, base64.StdEncoding.EncodeToString(authority), token))
}

func writeKubeconfig(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "kubeconfig")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// conn is a connection in the making.
type conn struct {
	attrs   attrs
	machine machine
	log     bytes.Buffer
	// pause is used between attempts; nil does not wait.
	pause func(ctx context.Context, d time.Duration) error
	// timeout of a request; the sink's own if 0.
	timeout time.Duration
}

func env(vars map[string]string) func(string) string {
	return func(name string) string { return vars[name] }
}

func (c *conn) spec() *sinks.Spec {
	if c.machine.getenv == nil {
		c.machine.getenv = env(nil)
	}
	return spec(c.machine)
}

func (c *conn) values() schema.Values { return values(&c.spec().Connection, c.attrs) }

func (c *conn) tryOpen() (*Sink, error) {
	s, err := c.spec().New(c.values(), sinks.Env{
		Getenv: c.machine.getenv, Now: time.Now, Version: "1.2.3",
		Log: hclog.New(&hclog.LoggerOptions{Output: &c.log, Level: hclog.Trace}),
	})
	if err != nil {
		return nil, err
	}
	sink := s.(*Sink)
	sink.client.pause = c.pause
	if c.timeout > 0 {
		sink.client.rest.(*rest.RESTClient).Client.Timeout = c.timeout
	}
	if c.pause == nil {
		sink.client.pause = func(ctx context.Context, _ time.Duration) error { return ctx.Err() }
	}
	return sink, nil
}

func (c *conn) open(t *testing.T) *Sink {
	t.Helper()
	s, err := c.tryOpen()
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func (c *conn) deliver(t *testing.T, a attrs) sinks.Target {
	t.Helper()
	spec := c.spec()
	target, err := spec.Target(c.values(), values(&spec.Deliver, a))
	if err != nil {
		t.Fatal(err)
	}
	return target
}

func (c *conn) record(t *testing.T, a attrs, name string) sinks.Target {
	t.Helper()
	spec := c.spec()
	target, err := spec.Record(c.values(), values(&spec.State, a), name)
	if err != nil {
		t.Fatal(err)
	}
	return target
}

// secrets makes data of pairs "key", "value", ….
var secrets = sinktest.Secrets

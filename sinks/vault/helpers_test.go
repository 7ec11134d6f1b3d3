package vault_test

import (
	"bytes"
	"sync"
	"testing"
	"time"

	"github.com/credsync/credsync/schema"
	"github.com/credsync/credsync/sinks"
	"github.com/credsync/credsync/sinks/vault"
	"github.com/credsync/credsync/testkit/sinktest"
	"github.com/hashicorp/go-hclog"
	"github.com/zclconf/go-cty/cty"
)

type attrs map[string]string

func values(b *schema.Block, label string, a attrs, nested map[string][]schema.Values) schema.Values {
	m := map[string]cty.Value{}
	for k, v := range a {
		m[k] = cty.StringVal(v)
	}
	return schema.NewValues(b, label, m, nested)
}

// conn is a connection in the making: attributes, an auth block, environment
// and a clock that tests move.
type conn struct {
	attrs  attrs
	method string
	auth   attrs
	env    attrs
	dir    string

	mu  sync.Mutex
	add time.Duration
	log bytes.Buffer
}

func (c *conn) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return time.Now().Add(c.add)
}

func (c *conn) values(spec *sinks.Spec) schema.Values {
	nested := map[string][]schema.Values{}
	if c.method != "" {
		for _, v := range spec.Connection.Blocks[0].Variants {
			if v.Labels[0] == c.method {
				nested["auth"] = []schema.Values{values(&v, c.method, c.auth, nil)}
			}
		}
	}
	return values(&spec.Connection, "", c.attrs, nested)
}

func (c *conn) tryOpen() (sinks.Sink, error) {
	spec := vault.Spec()
	return spec.New(c.values(spec), sinks.Env{
		Getenv: func(name string) string { return c.env[name] }, Dir: c.dir, Now: c.now, Version: "1.2.3",
		Log: hclog.New(&hclog.LoggerOptions{Output: &c.log, Level: hclog.Trace}),
	})
}

func (c *conn) open(t *testing.T) sinks.Sink {
	t.Helper()
	s, err := c.tryOpen()
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func (c *conn) target(t *testing.T, path string, merge bool) sinks.Target {
	t.Helper()
	spec := vault.Spec()
	target, err := spec.Target(c.values(spec), values(&spec.Deliver, "", attrs{"path": path}, nil))
	if err != nil {
		t.Fatal(err)
	}
	target.Merge = merge
	return target
}

func (c *conn) record(t *testing.T, path, name string) sinks.Target {
	t.Helper()
	spec := vault.Spec()
	target, err := spec.Record(c.values(spec), values(&spec.State, "", attrs{"path": path}, nil), name)
	if err != nil {
		t.Fatal(err)
	}
	return target
}

// secrets makes data of pairs "key", "value", ….
var secrets = sinktest.Secrets

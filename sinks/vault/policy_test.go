package vault_test

import (
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/credsync/credsync/sinks"
	"github.com/credsync/credsync/sinks/vault"
	"github.com/credsync/credsync/testkit/golden"
	"github.com/google/go-cmp/cmp"
	"github.com/hashicorp/go-hclog"
)

// use is what a configuration does with a sink that has every kind of use, the
// state only where it is asked for.
func use(t *testing.T, name string, c *conn, withState bool) sinks.Use {
	t.Helper()
	merged := c.target(t, "shop/shared", true)
	u := sinks.Use{
		Sink: "vault." + name, Conn: c.values(vault.Spec()),
		Deliver: []sinks.DeliverUse{
			{Account: "account.bank.a", Target: c.target(t, "shop/a", false)},
			{Account: "account.bank.a", Target: merged},
			{Account: `account.bank.b["x"]`, Target: c.target(t, "shop/b", false), Adopt: true, Delete: true},
			{Account: `account.bank.b["x"]`, Target: merged, Delete: true},
		},
		Data: []sinks.DataUse{{Address: "data.vault.accounts", Target: c.target(t, "inputs/accounts", false)}},
	}
	if withState {
		u.State = &sinks.StateUse{All: c.record(t, "credsync/test", ""), Records: []sinks.Target{c.record(t, "credsync/test", "bank-a")}}
	}
	return u
}

func printed(t *testing.T, kv string, env attrs, uses ...sinks.Use) (string, error) {
	t.Helper()
	b, err := vault.Spec().Policy.Print(t.Context(), sinks.PolicyRequest{
		Project: "payments", Uses: uses, Flags: map[string]string{"kv": kv},
		Env: sinks.Env{
			Getenv:  func(name string) string { return env[name] },
			Now:     time.Now,
			Log:     hclog.NewNullLogger(),
			Version: "1.2.3",
		},
	})
	return string(b), err
}

func TestPolicy(t *testing.T) {
	main, other := &conn{}, &conn{attrs: attrs{"mount": "team/kv", "namespace": "eu/"}}
	odd := &conn{attrs: attrs{"mount": "old"}}
	tests := map[string]struct {
		kv   string
		uses []sinks.Use
	}{
		"kv2":        {"2", []sinks.Use{use(t, "main", main, true)}},
		"kv1":        {"1", []sinks.Use{use(t, "main", main, false)}},
		"two-mounts": {"2", []sinks.Use{use(t, "main", main, true), use(t, "old", odd, false)}},
		"namespace":  {"2", []sinks.Use{use(t, "main", other, false)}},
		"quoted": {"2", []sinks.Use{{Sink: "vault.main", Conn: main.values(vault.Spec()), Deliver: []sinks.DeliverUse{
			{Account: "account.bank.a[\"\u2028x\"]", Target: main.target(t, `shop/"a" \ é`, false)},
		}}}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			got, err := printed(t, tt.kv, nil, tt.uses...)
			if err != nil {
				t.Fatal(err)
			}
			golden.Check(t, filepath.Join("testdata", "policy-"+name+".golden"), got)
		})
	}
}

func TestPolicyDetectsTheVersion(t *testing.T) {
	f := newFake(t, func(http.ResponseWriter, *http.Request) {})
	c := f.conn(nil)
	u := use(t, "main", c, false)
	want, err := printed(t, "2", c.env, u)
	if err != nil {
		t.Fatal(err)
	}
	if n := len(f.requests); n != 0 {
		t.Errorf("%d requests were sent for a version that was given", n)
	}
	got, err := printed(t, "detect", c.env, u)
	if diff := cmp.Diff(want, got); err != nil || diff != "" {
		t.Errorf("%v %s", err, diff)
	}
}

func TestPolicyIsRefused(t *testing.T) {
	main, elsewhere := &conn{}, &conn{attrs: attrs{"address": "https://other.example.com:8200"}}
	at := func(path string) sinks.Use {
		return sinks.Use{
			Sink:    "vault.main",
			Conn:    main.values(vault.Spec()),
			Deliver: []sinks.DeliverUse{{Account: "account.bank.a", Target: main.target(t, path, false)}},
		}
	}
	tests := map[string]struct {
		kv   string
		env  attrs
		uses []sinks.Use
		want string
	}{
		"two Vaults":          {"2", nil, []sinks.Use{use(t, "main", main, false), use(t, "other", elsewhere, false)}, "vault.other is at https://other.example.com:8200"},
		"state in version 1":  {"1", nil, []sinks.Use{use(t, "main", main, true)}, "version 1 cannot keep the state"},
		"nothing used":        {"2", nil, []sinks.Use{{Sink: "vault.main", Conn: main.values(vault.Spec())}}, "needs no policy"},
		"glob":                {"2", nil, []sinks.Use{at("shop/*")}, "* at its end"},
		"one part":            {"2", nil, []sinks.Use{at("shop/+/a")}, "+ as one of its parts"},
		"template":            {"2", nil, []sinks.Use{at("shop/{{identity.entity.id}}")}, "is a pattern there"},
		"interpolation":       {"2", nil, []sinks.Use{at("shop/${x}")}, "is a pattern there"},
		"no such Vault":       {"detect", attrs{"VAULT_ADDR": "http://127.0.0.1:1", "VAULT_TOKEN": "t", "VAULT_MAX_RETRIES": "0"}, []sinks.Use{at("a")}, "Pass --kv 1 or --kv 2"},
		"password in address": {"2", attrs{"VAULT_ADDR": "https://u:canary@vault.example.com"}, []sinks.Use{at("a")}, "address: it is not a URL"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			got, err := printed(t, tt.kv, tt.env, tt.uses...)
			if err == nil || !strings.Contains(err.Error(), tt.want) || strings.Contains(err.Error(), "canary") {
				t.Errorf("Print = %q, %v; want an error with %q", got, err, tt.want)
			}
		})
	}
}

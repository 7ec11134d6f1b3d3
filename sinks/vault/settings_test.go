package vault_test

import (
	"errors"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/credsync/credsync/schema"
	"github.com/credsync/credsync/sinks"
	"github.com/credsync/credsync/sinks/vault"
	"github.com/zclconf/go-cty/cty"
)

func TestATokenWithALineBreakIsNotSent(t *testing.T) {
	for token, want := range map[string]string{"canary\n": "ends in a line break", "\ufeffcanary": "byte order mark", " canary": "space", "ca\nnary": "contains a line break"} {
		_, err := (&conn{env: attrs{"VAULT_TOKEN": token}}).tryOpen()
		if err == nil || !strings.Contains(err.Error(), "VAULT_TOKEN") || !strings.Contains(err.Error(), want) ||
			strings.Contains(err.Error(), "canary") {
			t.Errorf("%q: %v", token, err)
		}
	}
	dir := t.TempDir()
	for content, good := range map[string]bool{"canary\n": true, "\ufeffcanary\r\n": true, "canary\nother\n": false, "\xff\xfec\x00": false} {
		if err := os.WriteFile(filepath.Join(dir, ".vault-token"), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := (&conn{env: attrs{"HOME": dir}}).tryOpen(); (err == nil) != good ||
			err != nil && strings.Contains(err.Error(), "canary") {
			t.Errorf("%q in ~/.vault-token: %v", content, err)
		}
	}
}

func TestAnAPIPathIsNoAddress(t *testing.T) {
	row, _ := vault.Spec().Connection.Attribute("address")
	for address, want := range map[string]string{
		"https://vault.internal:8200/v1": "remove /v1", "https://vault.internal:8200/v1/": "remove /v1", "https://gateway/vault/v1": "remove /v1",
		"https://vault.internal:8200/ui/vault/secrets": "Vault's UI",
		"https://gateway/v1/vault":                     "", "https://gateway/ui": "", "https://vault.internal/": "",
		"unix:///run/v1": "", "unix:///run/vault/v1": "",
	} {
		err := row.Check(cty.StringVal(address))
		if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v", address, err)
		}
	}
}

func TestMountsOfVaultItselfAreRefused(t *testing.T) {
	row, _ := vault.Spec().Connection.Attribute("mount")
	for mount, good := range map[string]bool{
		"secret": true, "/secret/": true, "team/shop/kv": true, "sys": false, "auth/approle": false, "/identity/": false, "cubbyhole": false, "system": true,
	} {
		if err := row.Check(cty.StringVal(mount)); (err == nil) != good {
			t.Errorf("%q: %v", mount, err)
		}
	}
}

func TestAPIPathsInPlaceOfKVPathsAreDoubted(t *testing.T) {
	spec := vault.Spec()
	for _, tc := range []struct{ mount, path, want string }{
		{"secret", "shop/sagi", ""},
		{"secret", "shop/data/sagi", ""},
		{"secret", "database", ""},
		{"secret", "data/shop/sagi", `set path = "shop/sagi"`},
		{"secret", "secret/data/shop/sagi", `set path = "shop/sagi"`},
		{"secret", "secret/metadata/shop", `set path = "shop"`},
		{"secret", "secret/shop", `set path = "shop"`},
		{"secret", "secrets/shop", ""},
		{"secret/data", "shop", `set mount = "secret"`},
		{"/team/kv/metadata/", "shop", `set mount = "team/kv"`},
	} {
		c := &conn{attrs: attrs{"mount": tc.mount}}
		got := spec.Doubt(c.values(spec), values(&spec.Deliver, "", attrs{"path": tc.path}, nil))
		if (got == "") != (tc.want == "") || !strings.Contains(got, tc.want) {
			t.Errorf("%s in %s: %q, want %q", tc.path, tc.mount, got, tc.want)
		}
	}
	unknown := schema.NewValues(&spec.Connection, "", map[string]cty.Value{"mount": cty.UnknownVal(cty.String)}, nil)
	if got := spec.Doubt(unknown, values(&spec.Deliver, "", attrs{"path": "data/x"}, nil)); got != "" {
		t.Errorf("an unknown mount: %q", got)
	}
}

func TestAnExceededQuotaNamesTheVariableThatHelps(t *testing.T) {
	f := newFake(t, func(w http.ResponseWriter, _ *http.Request) {
		fail(w, http.StatusTooManyRequests, `request path "secret/metadata/a": rate limit quota exceeded`)
	})
	c := f.conn(attrs{"VAULT_MAX_RETRIES": "0"})
	_, err := c.open(t).Stat(t.Context(), c.target(t, "a", false))
	if !errors.Is(err, sinks.ErrUnavailable) || !strings.Contains(err.Error(), "VAULT_RATE_LIMIT") {
		t.Errorf("%v", err)
	}
}

func TestANamespaceThatWouldBeIgnoredIsAnError(t *testing.T) {
	const community = `{"initialized":true,"sealed":false,"version":"1.21.0","cluster_id":"c1","enterprise":false}`
	for _, tc := range []struct {
		health, namespace string
		good              bool
	}{
		{community, "", true},
		{community, "root", true},
		{community, "team/", false},
		{strings.Replace(community, `"enterprise":false`, `"enterprise":true`, 1), "team", true},
		{healthy, "team", true},
	} {
		f := newFake(t, ofCluster(tc.health))
		c := f.conn(nil)
		c.attrs["namespace"] = tc.namespace
		_, err := c.open(t).Place(t.Context(), c.target(t, "a", false))
		if (err == nil) != tc.good || err != nil && !strings.Contains(err.Error(), "no namespaces") {
			t.Errorf("%q at %s: %v", tc.namespace, tc.health, err)
		}
		_, err = c.open(t).(sinks.Pinger).Ping(t.Context())
		if (err == nil) != tc.good {
			t.Errorf("Ping %q at %s: %v", tc.namespace, tc.health, err)
		}
	}
}

func TestRoundedNumbersAreNotUsed(t *testing.T) {
	for value, good := range map[string]bool{
		`"9007199254740993"`: true, `9007199254740991`: true, `-17`: true, `9007199254740992`: false, `1e300`: false, `-1.9007199254740992e+16`: false,
		`{"ids":[1,9007199254740992]}`: false, `{"ids":[1,"9007199254740992"]}`: true, `true`: true, `null`: true, `1e999`: false,
	} {
		f := newFake(t, func(w http.ResponseWriter, _ *http.Request) {
			_, _ = io.WriteString(w, `{"data":{"data":{"a":"x","branch":`+value+`},"metadata":{"version":1,"created_time":"2026-01-01T00:00:00Z"}}}`)
		})
		c := f.conn(nil)
		spec := vault.Spec()
		block := values(&spec.Data, "", attrs{"path": "in"}, nil)
		source, err := spec.Source(c.values(spec), block)
		if err != nil {
			t.Fatal(err)
		}
		_, err = c.open(t).Read(t.Context(), source)
		if (err == nil) != good ||
			err != nil && (!strings.Contains(err.Error(), `"branch"`) || !errors.Is(err, sinks.ErrMalformed)) {
			t.Errorf("%s: %v", value, err)
		}
	}
}

// TestAProxyVariableThatIsNoProxyIsNamed does not blame the address.
func TestAProxyVariableThatIsNoProxyIsNamed(t *testing.T) {
	c := &conn{env: attrs{"VAULT_TOKEN": "t", "VAULT_ADDR": "https://vault.invalid", "HTTPS_PROXY": "http//proxy:3128"}}
	_, err := c.open(t).Stat(t.Context(), c.target(t, "a", false))
	if err == nil || !strings.Contains(err.Error(), "HTTPS_PROXY") {
		t.Errorf("%v", err)
	}
}

// TestPathsOfVariablesStartWhereTheCLIsDo: those of the configuration start at its
// directory, wherever credsync is run.
func TestPathsOfVariablesStartWhereTheCLIsDo(t *testing.T) {
	const dir = "/etc/credsync"
	_, err := (&conn{dir: dir, env: attrs{"VAULT_TOKEN": "t", "VAULT_CLIENT_CERT": "none.pem", "VAULT_CLIENT_KEY": "none.key"}}).tryOpen()
	if err == nil || !strings.Contains(err.Error(), "none.pem") || strings.Contains(err.Error(), dir) {
		t.Errorf("of the variable: %v", err)
	}
	_, err = (&conn{dir: dir, method: "cert", auth: attrs{"client_cert": "none.pem", "client_key": "none.key"}}).tryOpen()
	if err == nil || !strings.Contains(err.Error(), dir+"/none.pem") {
		t.Errorf("of the attribute: %v", err)
	}
}

package vault_test

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/credsync/credsync/schema"
	"github.com/credsync/credsync/sinks"
	"github.com/credsync/credsync/sinks/vault"
	"github.com/google/go-cmp/cmp"
	"github.com/zclconf/go-cty/cty"
)

func TestRequestsCarryWhatWasConfigured(t *testing.T) {
	f := newFake(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, `{"data":{"version":1}}`) })
	tests := []struct {
		name string
		c    *conn
		want map[string]string
	}{
		{"attributes", &conn{attrs: attrs{"address": f.URL, "namespace": "team/a"}, method: "token", auth: attrs{"token": "hvs.attr"}, env: attrs{"VAULT_TOKEN": "hvs.env", "VAULT_NAMESPACE": "b"}},
			map[string]string{"X-Vault-Token": "hvs.attr", "X-Vault-Namespace": "team/a", "User-Agent": "credsync/1.2.3", "X-Vault-Request": "true"}},
		{"environment", &conn{env: attrs{"VAULT_ADDR": f.URL, "VAULT_TOKEN": "hvs.env", "VAULT_NAMESPACE": "b", "VAULT_HEADERS": `{"X-Extra":"y"}`, "VAULT_RATE_LIMIT": "100:10"}},
			map[string]string{"X-Vault-Token": "hvs.env", "X-Vault-Namespace": "b", "X-Extra": "y"}},
		{"agent", &conn{attrs: attrs{"address": "http://127.0.0.1:1"}, env: attrs{"VAULT_AGENT_ADDR": f.URL}},
			map[string]string{"X-Vault-Token": ""}},
		{"proxy", &conn{attrs: attrs{"address": "http://vault.invalid:8200"}, env: attrs{"VAULT_TOKEN": "t", "VAULT_PROXY_ADDR": f.URL, "VAULT_HTTP_PROXY": "http://127.0.0.1:1"}},
			map[string]string{"X-Vault-Token": "t"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if _, err := test.c.open(t).Write(t.Context(), test.c.target(t, "a", false),
				sinks.Write{Data: secrets("k", "v")}); err != nil {
				t.Fatal(err)
			}
			f.mu.Lock()
			defer f.mu.Unlock()
			last := f.requests[len(f.requests)-1]
			for name, want := range test.want {
				if got := last.Header.Get(name); got != want {
					t.Errorf("header %s is %q, want %q", name, got, want)
				}
			}
		})
	}
}

func TestTokenOfTheCLI(t *testing.T) {
	f := newFake(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, `{"data":{"version":1}}`) })
	home := t.TempDir()
	c := f.conn(attrs{"VAULT_TOKEN": "", "HOME": home})
	_, err := c.open(t).Stat(t.Context(), c.target(t, "a", false))
	if !errors.Is(err, sinks.ErrDenied) || !strings.Contains(err.Error(), "VAULT_TOKEN") {
		t.Errorf("Stat without a token = %v", err)
	}
	if err := os.WriteFile(filepath.Join(home, ".vault-token"), []byte("hvs.file\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := c.open(t).Stat(t.Context(), c.target(t, "a", false)); err != nil {
		t.Fatal(err)
	}
	if got := f.requests[len(f.requests)-1].Header.Get("X-Vault-Token"); got != "hvs.file" {
		t.Errorf("sent token %q", got)
	}
}

// "vault login" was run again, or an agent has put a new token there, while
// credsync is at work.
func TestTokenOfTheCLIIsReadAgainOnceItIsDenied(t *testing.T) {
	path := filepath.Join(t.TempDir(), ".vault-token")
	write := func(token string) {
		if err := os.WriteFile(path, []byte(token+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	alive := "hvs.first"
	f := newFake(t, func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("X-Vault-Token") != alive {
			fail(w, 403, "permission denied", "invalid token")
			return
		}
		_, _ = io.WriteString(w, `{"data":{"version":1}}`)
	})
	write("hvs.first")
	c := f.conn(attrs{"VAULT_TOKEN": "", "HOME": filepath.Dir(path)})
	s, target := c.open(t), c.target(t, "a", false)
	stat := func() error { _, err := s.Stat(t.Context(), target); return err }
	if err := stat(); err != nil {
		t.Fatal(err)
	}
	alive = "hvs.second"
	asked := f.count("/v1/secret/metadata/a")
	if err := stat(); !errors.Is(err, sinks.ErrDenied) || strings.Contains(err.Error(), "hvs.") {
		t.Errorf("Stat with a dead token = %v", err)
	}
	if n := f.count("/v1/secret/metadata/a") - asked; n != 1 {
		t.Errorf("a dead token without a successor was sent %d times", n)
	}
	write("hvs.second")
	if err := stat(); err != nil {
		t.Errorf("Stat once there is another token: %v", err)
	}
}

func TestBadEnvironmentIsNamed(t *testing.T) {
	tests := map[string]attrs{
		"VAULT_MAX_RETRIES":       {"VAULT_MAX_RETRIES": "-1"},
		"VAULT_CLIENT_TIMEOUT":    {"VAULT_CLIENT_TIMEOUT": "soon"},
		"VAULT_SKIP_VERIFY":       {"VAULT_SKIP_VERIFY": "perhaps"},
		"VAULT_SRV_LOOKUP":        {"VAULT_SRV_LOOKUP": "perhaps"},
		"VAULT_DISABLE_REDIRECTS": {"VAULT_DISABLE_REDIRECTS": "perhaps"},
		"VAULT_RATE_LIMIT":        {"VAULT_RATE_LIMIT": "10:x"},
		"VAULT_HEADERS":           {"VAULT_HEADERS": `{"X-Vault-Token":"canary"}`},
		"VAULT_CACERT":            {"VAULT_CACERT": "/nonexistent/ca.pem"},
		"VAULT_CLIENT_CERT":       {"VAULT_CLIENT_CERT": "/nonexistent/c.pem", "VAULT_CLIENT_KEY": "/nonexistent/k.pem"},
		"VAULT_PROXY_ADDR":        {"VAULT_PROXY_ADDR": "http://[::1"},
		"address":                 {"VAULT_ADDR": "vault.internal:8200"},
	}
	for name, env := range tests {
		env["VAULT_TOKEN"] = "t"
		_, err := (&conn{env: env}).tryOpen()
		if err == nil || !strings.Contains(err.Error(), name) || strings.Contains(err.Error(), "canary") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestAddressIsCheckedOfflineAndNotQuoted(t *testing.T) {
	row, _ := vault.Spec().Connection.Attribute("address")
	for address, good := range map[string]bool{
		"https://vault.internal:8200": true, "http://127.0.0.1:8200": true, "https://vault.internal/behind/a/path": true, "unix:///run/vault.sock": true,
		"": false, "https://": false, "https://vault.internal:8200/v1": false, "https://vault.internal/behind/v1/": false, "vault.internal:8200": false, "127.0.0.1:8200": false, "vault.internal": false, "ftp://vault.internal": false,
		"user:canary@vault.internal:8200": false, "https://user:canary@vault.internal": false, "https://vault.internal?token=canary": false, "https://vault.internal#canary": false,
	} {
		err := row.Check(cty.StringVal(address))
		if (err == nil) != good || err != nil && strings.Contains(err.Error(), "canary") {
			t.Errorf("%q: %v", address, err)
		}
		if good {
			continue
		}
		if _, err := (&conn{env: attrs{"VAULT_TOKEN": "t", "VAULT_AGENT_ADDR": address}}).tryOpen(); address != "" &&
			(err == nil || strings.Contains(err.Error(), "canary")) {
			t.Errorf("%q of the environment: %v", address, err)
		}
	}
}

func TestDefaultAddressIsTheCLIs(t *testing.T) {
	c := &conn{env: attrs{"VAULT_TOKEN": "t", "VAULT_MAX_RETRIES": "0", "VAULT_PROXY_ADDR": "http://127.0.0.1:1"}}
	_, err := c.open(t).Stat(t.Context(), c.target(t, "a", false))
	if !errors.Is(err, sinks.ErrUnavailable) || !strings.Contains(err.Error(), "https://127.0.0.1:8200") {
		t.Errorf("Stat = %v", err)
	}
}

func TestPaths(t *testing.T) {
	spec := vault.Spec()
	c := &conn{attrs: attrs{"mount": "/team/kv/"}}
	for path, want := range map[string]string{
		"shop/sagi": "team/kv/shop/sagi", "a b#?%41/ключ": "team/kv/a b#?%41/ключ", ".hidden": "team/kv/.hidden",
		"": "", " ": "", "/a": "", "a/": "", "a//b": "", "../a": "", "a/../b": "", "a/..": "", "a/./b": "", ".": "", "a\x00": "", "a\nb": "", "a\xff": "", "a/ b": "",
	} {
		got, err := spec.Target(c.values(spec), values(&spec.Deliver, "", attrs{"path": path}, nil))
		if got.Location != want || (err == nil) != (want != "") {
			t.Errorf("Target(%q) = %q, %v; want %q", path, got.Location, err, want)
		}
		if err != nil && !strings.HasPrefix(err.Error(), "path: ") {
			t.Errorf("the error does not name the attribute: %v", err)
		}
	}
	for name, want := range map[string]string{
		`account.sagi.coffee["almaty"]`: `account.sagi.coffee["almaty"]`, `["a/b%"]`: `["a%2Fb%25"]`, "..": "%2E%2E", "a..b c\n": "a.%2Eb%20c%0A",
	} {
		if r := c.record(t, "credsync/payments", name); r.Path != "credsync/payments/"+want {
			t.Errorf("Record(%q) = %q, want %q", name, r.Path, want)
		}
	}
}

func TestAuthBlocksAreChecked(t *testing.T) {
	tests := []struct {
		method string
		a      attrs
		ok     bool
	}{
		{"approle", attrs{"role_id": "r"}, true},
		{"approle", attrs{"role_id": "r", "secret_id": "s", "secret_id_file": "f"}, false},
		{"jwt", attrs{"role": "r", "jwt": "j"}, true},
		{"jwt", attrs{"role": "r"}, false},
		{"jwt", attrs{"role": "r", "jwt": "j", "jwt_file": "f"}, false},
		{"cert", attrs{}, true},
		{"cert", attrs{"client_cert": "c"}, false},
	}
	for _, test := range tests {
		for _, variant := range vault.Spec().Connection.Blocks[0].Variants {
			if variant.Labels[0] != test.method {
				continue
			}
			err := variant.Check(schema.NewValues(&variant, test.method, toCty(test.a), nil))
			if (err == nil) != test.ok {
				t.Errorf("auth %q %v: %v", test.method, test.a, err)
			}
		}
	}
}

func toCty(a attrs) map[string]cty.Value {
	m := map[string]cty.Value{}
	for k, v := range a {
		m[k] = cty.StringVal(v)
	}
	return m
}

func TestSecretAttributesAreSensitive(t *testing.T) {
	var sensitive []string
	for _, variant := range vault.Spec().Connection.Blocks[0].Variants {
		for _, a := range variant.Attributes {
			if a.Sensitive {
				sensitive = append(sensitive, variant.Labels[0]+"."+a.Name)
			}
		}
	}
	if diff := cmp.Diff([]string{"token.token", "approle.secret_id", "jwt.jwt", "cert.client_key"}, sensitive); diff != "" {
		t.Error(diff)
	}
}

func TestMissingTokenFileIsNamed(t *testing.T) {
	f := newFake(t, func(w http.ResponseWriter, _ *http.Request) { fail(w, 500) })
	empty := filepath.Join(t.TempDir(), "empty")
	if err := os.WriteFile(empty, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{"/nonexistent/token", empty} {
		c := &conn{attrs: attrs{"address": f.URL}, method: "kubernetes", auth: attrs{"role": "r", "token_path": path}}
		_, err := c.open(t).Stat(t.Context(), c.target(t, "a", false))
		if err == nil || !strings.Contains(err.Error(), path) || !strings.Contains(err.Error(), "token_path") ||
			errors.Is(err, sinks.ErrNotFound) {
			t.Errorf("Stat = %v", err)
		}
	}
}

func TestRedirectsCanBeDisabled(t *testing.T) {
	f := newFake(t, nil)
	other := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		t.Errorf("the token went to %s", r.Host)
	}))
	defer other.Close()
	f.handle = func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, other.URL+r.URL.Path, http.StatusTemporaryRedirect)
	}
	c := f.conn(attrs{"VAULT_DISABLE_REDIRECTS": "true"})
	if _, err := c.open(t).Write(t.Context(), c.target(t, "a", false), sinks.Write{Data: secrets("k", "v")}); err == nil {
		t.Error("a redirect counts as a write")
	}
}

func TestLoginAnswerWithoutAToken(t *testing.T) {
	for _, body := range []string{`{}`, `{"auth":null}`, `{"auth":{"client_token":"","mfa_requirement":{"mfa_request_id":"x"}}}`, ``} {
		f := newFake(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = fmt.Fprint(w, body) })
		c := &conn{attrs: attrs{"address": f.URL}, method: "approle", auth: attrs{"role_id": "r"}, env: attrs{"VAULT_MAX_RETRIES": "0"}}
		if _, err := c.open(t).Stat(t.Context(), c.target(t, "a", false)); err == nil || !strings.Contains(err.Error(), "auth/approle/login") {
			t.Errorf("body %q: Stat = %v", body, err)
		}
	}
}

// TestTheProcessEnvironmentStaysOut: the API client looks into it by itself.
func TestTheProcessEnvironmentStaysOut(t *testing.T) {
	f := newFake(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, `{"data":{"version":1}}`) })
	for name, value := range map[string]string{
		"VAULT_TOKEN": "hvs.process", "VAULT_NAMESPACE": "process", "VAULT_HEADERS": `{"X-Process":"y"}`, "VAULT_ADDR": "http://127.0.0.1:1",
		"VAULT_WRAP_TTL": "60s", "VAULT_AGENT_ADDR": "http://127.0.0.1:1",
	} {
		t.Setenv(name, value)
	}
	c := f.conn(nil)
	if _, err := c.open(t).Write(t.Context(), c.target(t, "a", false), sinks.Write{Data: secrets("k", "v")}); err != nil {
		t.Fatal(err)
	}
	h := f.requests[len(f.requests)-1].Header
	for name, want := range map[string]string{"X-Vault-Token": "hvs.canary-token", "X-Vault-Namespace": "", "X-Process": "", "X-Vault-Wrap-Ttl": ""} {
		if got := h.Get(name); got != want {
			t.Errorf("header %s is %q, want %q", name, got, want)
		}
	}
}

package servers

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/credsync/credsync/testkit/port"
	"github.com/credsync/credsync/testkit/servers/binary"
	"github.com/hashicorp/vault/api"
)

// VaultServer is a running Vault.
type VaultServer struct {
	// Address is its URL.
	Address string
	// RootToken may do everything.
	RootToken string
	// CA signed its certificate; nil where it does not speak TLS.
	CA *CA

	tb        testing.TB
	program   string
	log       string
	args      []string
	process   *process
	once      sync.Once
	client    *api.Client
	unsealKey string
	mounts    int
}

// Vault starts a dev server: unsealed, in memory, with KV version 2 at
// "secret".
func Vault(t testing.TB) *VaultServer {
	t.Helper()
	listen := fmt.Sprintf("127.0.0.1:%d", port.Reserve(t))
	v := &VaultServer{
		Address: "http://" + listen, RootToken: "credsync-root", tb: t,
		program: program(t, binary.Vault), log: logFile(t, "vault"),
	}
	v.args = []string{"server", "-dev", "-dev-no-store-token", "-dev-root-token-id=" + v.RootToken, "-dev-listen-address=" + listen}
	v.Start()
	return v
}

// DurableVault starts a server that keeps its data in files, so that it can be
// sealed, stopped and started again. It has KV version 2 at "secret", and
// speaks TLS, asking for but not demanding a client certificate.
func DurableVault(t testing.TB) *VaultServer {
	t.Helper()
	dir := t.TempDir()
	listen := fmt.Sprintf("127.0.0.1:%d", port.Reserve(t))
	v := &VaultServer{
		Address: "https://" + listen, CA: NewCA(t), tb: t,
		program: program(t, binary.Vault), log: logFile(t, "vault"),
	}
	cert, key := v.CA.Issue(t, "vault", true)
	files := map[string]string{
		"cert.pem": cert, "key.pem": key,
		"vault.hcl": fmt.Sprintf(`
			disable_mlock = true
			api_addr      = %q
			storage "file" { path = %q }
			listener "tcp" {
			  address       = %q
			  tls_cert_file = %q
			  tls_key_file  = %q
			}
		`, v.Address, filepath.Join(dir, "data"), listen, filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")),
	}
	for name, content := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	v.args = []string{"server", "-config=" + filepath.Join(dir, "vault.hcl")}
	v.Start()
	v.initialize()
	v.Unseal()
	v.MustWrite("sys/mounts/secret", map[string]any{"type": "kv", "options": map[string]any{"version": "2"}})
	return v
}

// Start runs the server, also again after Stop.
func (v *VaultServer) Start() {
	v.tb.Helper()
	v.process = start(v.tb, v.log, nil, v.program, v.args...)
	client := &http.Client{Transport: v.transport()}
	await(v.tb, client, v.Address+"/v1/sys/health?sealedcode=200&uninitcode=200&standbyok=true", v.log, func(status int) bool { return status == 200 })
}

// Stop ends the server's process. A dev server loses all data by it.
func (v *VaultServer) Stop() { v.process.stop() }

func (v *VaultServer) transport() *http.Transport {
	t := &http.Transport{}
	if v.CA != nil {
		pool := x509.NewCertPool()
		pool.AppendCertsFromPEM([]byte(v.CA.PEM))
		t.TLSClientConfig = &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}
	}
	return t
}

// Client returns an API client with the root token, of the caller's own.
func (v *VaultServer) Client() *api.Client {
	v.tb.Helper()
	v.once.Do(func() {
		c, err := api.NewClient(&api.Config{Address: v.Address, HttpClient: &http.Client{Transport: v.transport()}})
		if err != nil {
			v.tb.Fatal(err)
		}
		v.client = c
	})
	c, err := v.client.Clone()
	if err != nil {
		v.tb.Fatal(err)
	}
	c.SetToken(v.RootToken)
	c.ClearNamespace()
	return c
}

func (v *VaultServer) initialize() {
	v.tb.Helper()
	resp, err := v.Client().Sys().InitWithContext(v.tb.Context(), &api.InitRequest{SecretShares: 1, SecretThreshold: 1})
	if err != nil {
		v.tb.Fatalf("initialise Vault: %v", err)
	}
	v.RootToken, v.unsealKey = resp.RootToken, resp.Keys[0]
}

// Seal seals the server.
func (v *VaultServer) Seal() {
	v.tb.Helper()
	if err := v.Client().Sys().SealWithContext(v.tb.Context()); err != nil {
		v.tb.Fatalf("seal Vault: %v", err)
	}
}

// Unseal unseals the server, and waits until it is active.
func (v *VaultServer) Unseal() {
	v.tb.Helper()
	if _, err := v.Client().Sys().UnsealWithContext(v.tb.Context(), v.unsealKey); err != nil {
		v.tb.Fatalf("unseal Vault: %v", err)
	}
	await(
		v.tb,
		&http.Client{Transport: v.transport()},
		v.Address+"/v1/sys/health",
		v.log,
		func(status int) bool { return status == 200 },
	)
}

// MustWrite writes to a path with the root token.
func (v *VaultServer) MustWrite(path string, body map[string]any) *api.Secret {
	v.tb.Helper()
	s, err := v.Client().Logical().WriteWithContext(v.tb.Context(), path, body)
	if err != nil {
		v.tb.Fatalf("write %s: %v", path, err)
	}
	return s
}

// MustDelete deletes a path with the root token.
func (v *VaultServer) MustDelete(path string) {
	v.tb.Helper()
	if _, err := v.Client().Logical().DeleteWithContext(v.tb.Context(), path); err != nil {
		v.tb.Fatalf("delete %s: %v", path, err)
	}
}

// List lists a path with the root token.
func (v *VaultServer) List(path string) []string {
	v.tb.Helper()
	s, err := v.Client().Logical().ListWithContext(v.tb.Context(), path)
	if err != nil {
		v.tb.Fatalf("list %s: %v", path, err)
	}
	var names []string
	if s != nil {
		keys, _ := s.Data["keys"].([]any)
		for _, key := range keys {
			name, _ := key.(string)
			names = append(names, name)
		}
	}
	return names
}

// KV mounts a KV engine of version 1 or 2 at a path of its own, which it
// returns.
func (v *VaultServer) KV(version int) string {
	v.tb.Helper()
	v.mounts++
	path := fmt.Sprintf("kv%d-%d", version, v.mounts)
	v.MustWrite("sys/mounts/"+path, map[string]any{"type": "kv", "options": map[string]any{"version": fmt.Sprint(version)}})
	return path
}

// ReadKV2 returns a secret's data in version 2; nil where there is none.
func (v *VaultServer) ReadKV2(mount, path string) map[string]any {
	v.tb.Helper()
	s, err := v.Client().Logical().ReadWithContext(v.tb.Context(), mount+"/data/"+path)
	if err != nil {
		v.tb.Fatalf("read %s: %v", path, err)
	}
	if s == nil {
		return nil
	}
	data, _ := s.Data["data"].(map[string]any)
	return data
}

// Policy writes a policy; rules are lines of `path "…" { capabilities = […] }`.
func (v *VaultServer) Policy(name string, rules ...string) {
	v.tb.Helper()
	if err := v.Client().Sys().PutPolicyWithContext(v.tb.Context(), name, strings.Join(rules, "\n")); err != nil {
		v.tb.Fatalf("policy %s: %v", name, err)
	}
}

// Token makes a token; options are those of auth/token/create-orphan.
func (v *VaultServer) Token(options map[string]any) string {
	v.tb.Helper()
	s := v.MustWrite("auth/token/create-orphan", options)
	return s.Auth.ClientToken
}

// EnableAuth mounts an auth method under its own name and configures it.
func (v *VaultServer) EnableAuth(method string, config map[string]any) {
	v.tb.Helper()
	v.MustWrite("sys/auth/"+method, map[string]any{"type": method})
	if config != nil {
		v.MustWrite("auth/"+method+"/config", config)
	}
}

// TTL returns how many seconds a token has left.
func (v *VaultServer) TTL(token string) int64 {
	v.tb.Helper()
	s := v.MustWrite("auth/token/lookup", map[string]any{"token": token})
	n, err := s.Data["ttl"].(json.Number).Int64()
	if err != nil {
		v.tb.Fatal(err)
	}
	return n
}

package vault_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/credsync/credsync/sinks"
	"github.com/credsync/credsync/testkit/servers"
	"github.com/golang-jwt/jwt/v5"
	"github.com/google/go-cmp/cmp"
)

// pass lets time pass for the sink, not for Vault.
func (c *conn) pass(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.add += d
}

func works(t *testing.T, c *conn) sinks.Sink {
	t.Helper()
	s := c.open(t)
	target := c.target(t, "works", false)
	info, err := s.Stat(t.Context(), target)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Write(t.Context(), target,
		sinks.Write{Data: secrets("k", time.Now().String()), If: info.Version}); err != nil {
		t.Fatal(err)
	}
	if strings.Contains(c.log.String(), "hvs.") {
		t.Error("the log holds a token")
	}
	return s
}

func deliverPolicy(v *servers.VaultServer) {
	v.Policy("deliver", `path "secret/*" { capabilities = ["create", "read", "update", "patch", "delete", "list"] }`)
}

func appRole(v *servers.VaultServer, address, name, ttl string) *conn {
	deliverPolicy(v)
	if auths, err := v.Client().Sys().ListAuth(); err == nil && auths["approle/"] == nil {
		v.EnableAuth("approle", nil)
	}
	v.MustWrite("auth/approle/role/"+name, map[string]any{"token_policies": "deliver", "token_ttl": ttl, "token_max_ttl": "24h"})
	id, err := v.Client().Logical().Read("auth/approle/role/" + name + "/role-id")
	if err != nil {
		panic(err)
	}
	secretID := v.MustWrite("auth/approle/role/"+name+"/secret-id", nil)
	return &conn{
		attrs: attrs{"address": address}, method: "approle", env: attrs{"VAULT_MAX_RETRIES": "0"},
		auth: attrs{"role_id": id.Data["role_id"].(string), "secret_id": secretID.Data["secret_id"].(string)},
	}
}

func testAppRole(t *testing.T, v *servers.VaultServer) {
	c := appRole(v, v.Address, "basic", "1h")
	works(t, c)
	c.dir = t.TempDir()
	if err := os.WriteFile(filepath.Join(c.dir, "secret-id"), []byte(c.auth["secret_id"]+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	delete(c.auth, "secret_id")
	c.auth["secret_id_file"] = "secret-id"
	works(t, c)
}

func signingKey(t *testing.T) (*ecdsa.PrivateKey, string) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKIXPublicKey(&key.PublicKey)
	if err != nil {
		t.Fatal(err)
	}
	return key, string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}))
}

func signed(t *testing.T, key *ecdsa.PrivateKey, claims jwt.MapClaims) string {
	claims["exp"] = time.Now().Add(time.Hour).Unix()
	claims["iat"] = time.Now().Add(-time.Minute).Unix()
	token, err := jwt.NewWithClaims(jwt.SigningMethodES256, claims).SignedString(key)
	if err != nil {
		t.Fatal(err)
	}
	return token
}

func testJWT(t *testing.T, v *servers.VaultServer) {
	deliverPolicy(v)
	key, public := signingKey(t)
	v.EnableAuth("jwt", map[string]any{"jwt_validation_pubkeys": public})
	v.MustWrite("auth/jwt/role/ci", map[string]any{"role_type": "jwt", "user_claim": "sub", "bound_audiences": "credsync", "token_policies": "deliver"})
	token := signed(t, key, jwt.MapClaims{"sub": "ci", "aud": "credsync"})
	c := &conn{attrs: attrs{"address": v.Address}, method: "jwt", auth: attrs{"role": "ci", "jwt": token}}
	works(t, c)
	c.dir = t.TempDir()
	if err := os.WriteFile(filepath.Join(c.dir, "jwt"), []byte(token), 0o600); err != nil {
		t.Fatal(err)
	}
	c.auth = attrs{"role": "ci", "jwt_file": "jwt"}
	works(t, c)

	other := signed(t, key, jwt.MapClaims{"sub": "ci", "aud": "another"})
	c.auth = attrs{"role": "ci", "jwt": other}
	_, err := c.open(t).Stat(t.Context(), c.target(t, "a", false))
	if !errors.Is(err, sinks.ErrDenied) || strings.Contains(err.Error(), other) || !strings.Contains(err.Error(), "auth/jwt/login") {
		t.Errorf("Stat with a wrong audience = %v", err)
	}
}

func testKubernetes(t *testing.T, v *servers.VaultServer) {
	deliverPolicy(v)
	key, _ := signingKey(t)
	token := signed(t, key, jwt.MapClaims{
		"sub":           "system:serviceaccount:shop:credsync",
		"kubernetes.io": map[string]any{"namespace": "shop", "serviceaccount": map[string]any{"name": "credsync", "uid": "1234"}},
	})
	review := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var in struct {
			Spec struct{ Token string }
		}
		if err := json.NewDecoder(r.Body).Decode(&in); err != nil || !strings.HasSuffix(r.URL.Path, "/tokenreviews") {
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusCreated)
		_ = json.NewEncoder(w).Encode(map[string]any{
			"apiVersion": "authentication.k8s.io/v1", "kind": "TokenReview",
			"status": map[string]any{"authenticated": in.Spec.Token == token, "user": map[string]any{"username": "system:serviceaccount:shop:credsync", "uid": "1234"}},
		})
	}))
	t.Cleanup(review.Close)
	ca := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: review.Certificate().Raw})
	v.EnableAuth("kubernetes", map[string]any{"kubernetes_host": review.URL, "kubernetes_ca_cert": string(ca), "token_reviewer_jwt": token, "disable_iss_validation": true})
	v.MustWrite("auth/kubernetes/role/credsync", map[string]any{"bound_service_account_names": "credsync", "bound_service_account_namespaces": "shop", "token_policies": "deliver"})
	path := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(path, []byte(token), 0o600); err != nil {
		t.Fatal(err)
	}
	works(t, &conn{attrs: attrs{"address": v.Address}, method: "kubernetes", auth: attrs{"role": "credsync", "token_path": path}})
}

func testWrongRole(t *testing.T, v *servers.VaultServer) {
	p := newProxy(t, v)
	c := appRole(v, p.URL, "wrong", "1h")
	c.auth["secret_id"] = "canary-secret-id"
	s := c.open(t)
	for range 20 {
		_, err := s.Stat(t.Context(), c.target(t, "a", false))
		if !errors.Is(err, sinks.ErrDenied) || !strings.Contains(err.Error(), "approle") || strings.Contains(err.Error(), "canary") {
			t.Fatalf("Stat = %v", err)
		}
	}
	if n := countOf(p.seen(), "PUT /v1/auth/approle/login"); n != 1 {
		t.Errorf("a rejected login was tried %d times", n)
	}
	c.pass(2 * time.Minute)
	if _, err := s.Stat(t.Context(), c.target(t, "a", false)); !errors.Is(err, sinks.ErrDenied) {
		t.Errorf("Stat = %v", err)
	}
	if n := countOf(p.seen(), "PUT /v1/auth/approle/login"); n != 1 {
		t.Errorf("later it was tried %d times, want once", n)
	}
}

func testRevokedToken(t *testing.T, v *servers.VaultServer) {
	p := newProxy(t, v)
	c := appRole(v, p.URL, "revoked", "1h")
	s := works(t, c)
	p.seen()
	v.MustWrite("sys/leases/revoke-prefix/auth/approle/login", nil)

	var wg sync.WaitGroup
	for range 16 {
		wg.Go(func() {
			if _, err := s.Stat(t.Context(), c.target(t, "works", false)); err != nil {
				t.Errorf("Stat after the token was revoked: %v", err)
			}
		})
	}
	wg.Wait()
	if n := countOf(p.seen(), "PUT /v1/auth/approle/login"); n != 1 {
		t.Errorf("16 calls made %d logins, want one", n)
	}
}

func testRevokedGivenToken(t *testing.T, v *servers.VaultServer) {
	c := root(v, "secret")
	token := leastPrivilege(v, "secret", false)
	c.env["VAULT_TOKEN"] = token
	s := works(t, c)
	v.MustWrite("auth/token/revoke", map[string]any{"token": token})
	_, err := s.Stat(t.Context(), c.target(t, "works", false))
	if !errors.Is(err, sinks.ErrDenied) || !strings.Contains(err.Error(), "revoked") || strings.Contains(err.Error(), token) {
		t.Errorf("Stat = %v", err)
	}
}

func testRenewal(t *testing.T, v *servers.VaultServer) {
	p := newProxy(t, v)
	c := appRole(v, p.URL, "renewal", "1h")
	s, target := works(t, c), c.target(t, "works", false)
	for _, step := range []struct {
		pass time.Duration
		want string
	}{
		{30 * time.Minute, ""},
		{15 * time.Minute, "PUT /v1/auth/token/renew-self"},
		{30 * time.Minute, ""},
		{15 * time.Minute, "PUT /v1/auth/token/renew-self"},
	} {
		p.seen()
		c.pass(step.pass)
		if _, err := s.Stat(t.Context(), target); err != nil {
			t.Fatal(err)
		}
		got := slices.DeleteFunc(p.seen(), func(r string) bool { return !strings.Contains(r, "/auth/") })
		if strings.Join(got, ",") != step.want {
			t.Errorf("requests %v, want %q", got, step.want)
		}
	}

	// A token that cannot be renewed is replaced in time.
	v.MustWrite("auth/approle/role/renewal", map[string]any{"token_type": "batch", "token_ttl": "1h"})
	s = works(t, c)
	p.seen()
	c.pass(45 * time.Minute)
	if _, err := s.Stat(t.Context(), target); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff("PUT /v1/auth/approle/login", p.seen()[0]); diff != "" {
		t.Error(diff)
	}
}

func testRenewalOfAGivenToken(t *testing.T, v *servers.VaultServer) {
	c := root(v, "secret")
	token := leastPrivilege(v, "secret", false)
	c.env["VAULT_TOKEN"] = token
	p := newProxy(t, v)
	c.attrs["address"] = p.URL
	s := works(t, c)
	c.pass(45 * time.Minute)
	if _, err := s.Stat(t.Context(), c.target(t, "works", false)); err != nil {
		t.Fatal(err)
	}
	if n := countOf(p.seen(), "PUT /v1/auth/token/renew-self"); n != 1 {
		t.Errorf("renewed %d times, want once", n)
	}
	if ttl := v.TTL(token); ttl < 3500 {
		t.Errorf("the token lives %d s after its renewal", ttl)
	}
}

func testDenialIsNotALogin(t *testing.T, v *servers.VaultServer) {
	p := newProxy(t, v)
	c := appRole(v, p.URL, "denied", "1h")
	c.attrs["mount"] = v.KV(2)
	v.Policy("see-"+c.attrs["mount"], fmt.Sprintf(`path "%s/metadata/a" { capabilities = ["read"] }`, c.attrs["mount"]))
	for _, noDefault := range []bool{false, true} {
		v.MustWrite("auth/approle/role/denied", map[string]any{"token_policies": "see-" + c.attrs["mount"], "token_no_default_policy": noDefault, "token_ttl": "1h"})
		s := c.open(t)
		p.seen()
		for range 10 {
			if _, err := s.Write(t.Context(), c.target(t, "a", false), sinks.Write{Data: secrets("k", "v")}); !errors.Is(
				err,
				sinks.ErrDenied,
			) {
				t.Fatalf("Write = %v", err)
			}
		}
		want := 1
		if noDefault {
			want = 2
		}
		if n := countOf(p.seen(), "PUT /v1/auth/approle/login"); n != want {
			t.Errorf("no default policy %v: 10 denials made %d logins, want %d", noDefault, n, want)
		}
	}
}

func testCert(t *testing.T, v *servers.VaultServer) {
	deliverPolicy(v)
	v.EnableAuth("cert", nil)
	v.MustWrite("auth/cert/certs/credsync", map[string]any{"certificate": v.CA.PEM, "token_policies": "deliver"})
	cert, key := v.CA.Issue(t, "credsync", false)
	c := &conn{attrs: attrs{"address": v.Address, "ca_pem": v.CA.PEM}, method: "cert", auth: attrs{"client_cert": cert, "client_key": key, "name": "credsync"}}
	works(t, c)

	c.dir = t.TempDir()
	for name, content := range map[string]string{"c.pem": cert, "k.pem": key, "ca.pem": v.CA.PEM} {
		if err := os.WriteFile(filepath.Join(c.dir, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	c.auth = attrs{"client_cert": "c.pem", "client_key": "k.pem"}
	works(t, c)

	// As the vault CLI does it: all from the environment.
	path := func(name string) string { return filepath.Join(c.dir, name) }
	works(t, &conn{method: "cert", env: attrs{
		"VAULT_ADDR": v.Address, "VAULT_CACERT": path("ca.pem"), "VAULT_CLIENT_CERT": path("c.pem"), "VAULT_CLIENT_KEY": path("k.pem"),
	}})

	stranger, strangerKey := servers.NewCA(t).Issue(t, "credsync", false)
	c.auth = attrs{"client_cert": stranger, "client_key": strangerKey}
	if _, err := c.open(t).Stat(t.Context(), c.target(t, "a", false)); !errors.Is(err, sinks.ErrDenied) ||
		strings.Contains(err.Error(), "PRIVATE") {
		t.Errorf("Stat with a stranger's certificate = %v", err)
	}
}

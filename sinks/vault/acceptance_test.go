//go:build acceptance

package vault_test

import (
	"context"
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
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/credsync/credsync/acceptance/servers"
	"github.com/credsync/credsync/sinks"
	"github.com/credsync/credsync/sinks/sinktest"
	"github.com/golang-jwt/jwt/v5"
	"github.com/google/go-cmp/cmp"
)

// proxy stands before a Vault, notes the requests, and lets a test act just
// after one.
type proxy struct {
	*httptest.Server
	mu       sync.Mutex
	requests []string
	after    func(method, path string)
}

func newProxy(t *testing.T, v *servers.VaultServer) *proxy {
	to, err := url.Parse(v.Address)
	if err != nil {
		t.Fatal(err)
	}
	p := &proxy{}
	forward := httputil.NewSingleHostReverseProxy(to)
	p.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		forward.ServeHTTP(w, r)
		p.mu.Lock()
		p.requests = append(p.requests, r.Method+" "+r.URL.Path)
		after := p.after
		p.mu.Unlock()
		if after != nil {
			after(r.Method, r.URL.Path)
		}
	}))
	t.Cleanup(p.Close)
	return p
}

// seen returns the requests since it was last called.
func (p *proxy) seen() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	r := p.requests
	p.requests = nil
	return r
}

func (p *proxy) setAfter(f func(method, path string)) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.after = f
}

func root(v *servers.VaultServer, mount string) *conn {
	return &conn{attrs: attrs{"address": v.Address, "mount": mount}, env: attrs{"VAULT_TOKEN": v.RootToken, "VAULT_MAX_RETRIES": "0"}}
}

func TestVault(t *testing.T) {
	v := servers.Vault(t)
	for name, test := range map[string]func(*testing.T, *servers.VaultServer){
		"ConformanceKV2":            testConformanceKV2,
		"ConformanceKV2State":       testConformanceState,
		"ConformanceKV1":            testConformanceKV1,
		"ConformanceLeastPrivilege": testConformanceLeastPrivilege,
		"RotationIsOneWrite":        testRotationIsOneWrite,
		"SoftDeleted":               testSoftDeleted,
		"ClaimKeepsOtherMetadata":   testClaimKeepsOtherMetadata,
		"ClaimIsTakenBack":          testClaimIsTakenBack,
		"OddPaths":                  testOddPaths,
		"MissingMount":              testMissingMount,
		"WrongKindOfMount":          testWrongKindOfMount,
		"KV1CannotKeepTheState":     testKV1State,
		"KV1Unreadable":             testKV1Unreadable,
		"Preflight":                 testPreflight,
		"DeniedNamesThePolicy":      testDenied,
		"ReadsOtherTypes":           testReadsOtherTypes,
		"AppRole":                   testAppRole,
		"JWT":                       testJWT,
		"Kubernetes":                testKubernetes,
		"WrongRole":                 testWrongRole,
		"RevokedToken":              testRevokedToken,
		"RevokedGivenToken":         testRevokedGivenToken,
		"Renewal":                   testRenewal,
		"RenewalOfAGivenToken":      testRenewalOfAGivenToken,
		"DenialIsNotALogin":         testDenialIsNotALogin,
	} {
		t.Run(name, func(t *testing.T) { test(t, v) })
	}
}

func suite(c *conn) sinktest.Suite {
	return sinktest.Suite{
		New:    func(t *testing.T) sinks.Sink { return c.open(t) },
		Target: func(t *testing.T, name string, merge bool) sinks.Target { return c.target(t, name, merge) },
	}
}

func testConformanceKV2(t *testing.T, v *servers.VaultServer) {
	s := suite(root(v, v.KV(2)))
	denied := root(v, v.KV(2))
	v.Policy("nothing", `path "other" { capabilities = ["read"] }`)
	denied.env["VAULT_TOKEN"] = v.Token(map[string]any{"policies": []string{"nothing"}})
	gone := root(v, "secret")
	gone.attrs["address"] = "http://127.0.0.1:1"
	s.Faults = []sinktest.Fault{
		{Name: "denied", Class: sinks.ErrDenied, New: func(t *testing.T) sinks.Sink { return denied.open(t) }},
		{Name: "unreachable", Class: sinks.ErrUnavailable, New: func(t *testing.T) sinks.Sink { return gone.open(t) }},
	}
	sinktest.Run(t, s)
}

func testConformanceState(t *testing.T, v *servers.VaultServer) {
	c := root(v, v.KV(2))
	s := suite(c)
	s.Target = func(t *testing.T, name string, merge bool) sinks.Target {
		r := c.record(t, "state/"+name, "")
		r.Merge = merge
		return r
	}
	sinktest.Run(t, s)
}

func testConformanceKV1(t *testing.T, v *servers.VaultServer) {
	c := root(v, v.KV(1))
	s := suite(c)
	// There are no marks in version 1, so nothing of Claimer to test.
	s.New = func(t *testing.T) sinks.Sink { return struct{ sinks.Sink }{c.open(t)} }
	s.NoCompareAndSet = true
	sinktest.Run(t, s)
}

// leastPrivilege is a token that may do what delivering takes.
func leastPrivilege(v *servers.VaultServer, mount string, merge bool) string {
	name := "deliver-" + mount
	data := `["create", "update"]`
	if merge {
		data = `["create", "update", "patch"]`
	}
	v.Policy(name,
		fmt.Sprintf(`path "%s/data/*" { capabilities = %s }`, mount, data),
		fmt.Sprintf(`path "%s/metadata/*" { capabilities = ["create", "read", "update", "patch", "delete", "list"] }`, mount))
	return v.Token(map[string]any{"policies": []string{name}, "ttl": "1h"})
}

// testConformanceLeastPrivilege delivers without read on the data, which a
// second sink has in order to compare.
func testConformanceLeastPrivilege(t *testing.T, v *servers.VaultServer) {
	c := root(v, v.KV(2))
	reader := c.open(t)
	limited := root(v, c.attrs["mount"])
	limited.env["VAULT_TOKEN"] = leastPrivilege(v, c.attrs["mount"], true)
	s := suite(c)
	s.New = func(t *testing.T) sinks.Sink {
		l := limited.open(t)
		return readBy{l, l.(sinks.Claimer), l.(sinks.Preflighter), reader}
	}
	sinktest.Run(t, s)
}

type readBy struct {
	sinks.Sink
	sinks.Claimer
	sinks.Preflighter
	reader sinks.Sink
}

func (r readBy) Read(ctx context.Context, t sinks.Target) (sinks.Object, error) {
	return r.reader.Read(ctx, t)
}

func testRotationIsOneWrite(t *testing.T, v *servers.VaultServer) {
	mount := v.KV(2)
	p := newProxy(t, v)
	c := root(v, mount)
	c.attrs["address"] = p.URL
	c.env["VAULT_TOKEN"] = leastPrivilege(v, mount, false)
	s, target := c.open(t), c.target(t, "shop/sagi", false)

	seen, err := s.Stat(t.Context(), target)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.(sinks.Claimer).Claim(t.Context(), target, "p/account.a.b", seen); err != nil {
		t.Fatal(err)
	}
	version, err := s.Write(t.Context(), target, sinks.Write{Data: secrets("k", "value-1")})
	if err != nil {
		t.Fatal(err)
	}
	p.seen()
	if _, err := s.Write(t.Context(), target, sinks.Write{Data: secrets("k", "value-2"), If: version, Owner: "p/account.a.b"}); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"PUT /v1/" + mount + "/data/shop/sagi"}, p.seen()); diff != "" {
		t.Errorf("requests of a rotation (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(map[string]any{"k": "value-2"}, v.ReadKV2(mount, "shop/sagi")); diff != "" {
		t.Error(diff)
	}
}

func testSoftDeleted(t *testing.T, v *servers.VaultServer) {
	c := root(v, v.KV(2))
	s := c.open(t)
	for name, path := range map[string]string{"deleted": "data/", "destroyed": "destroy/"} {
		for _, merge := range []bool{false, true} {
			target := c.target(t, fmt.Sprintf("%s-%v", name, merge), merge)
			if _, err := s.Write(t.Context(), target, sinks.Write{Data: secrets("k", "value-1")}); err != nil {
				t.Fatal(err)
			}
			if name == "deleted" {
				v.MustDelete(c.attrs["mount"] + "/" + path + target.Path)
			} else {
				v.MustWrite(c.attrs["mount"]+"/"+path+target.Path, map[string]any{"versions": []int{1}})
			}
			info, err := s.Stat(t.Context(), target)
			if err != nil || info.Exists || info.Version != "1" {
				t.Fatalf("Stat = %+v, %v; want version 1 of nothing", info, err)
			}
			if _, err := s.Read(t.Context(), target); !errors.Is(err, sinks.ErrNotFound) {
				t.Errorf("Read = %v", err)
			}
			if _, err := s.Write(t.Context(), target, sinks.Write{Data: secrets("k", "value-2")}); !errors.Is(err, sinks.ErrConflict) {
				t.Errorf("Write at no version = %v, want a conflict", err)
			}
			if v, err := s.Write(t.Context(), target, sinks.Write{Data: secrets("k", "value-2"), If: info.Version}); err != nil || v != "2" {
				t.Errorf("Write at the version that Stat gave = %q, %v", v, err)
			}
		}
	}
}

func testClaimKeepsOtherMetadata(t *testing.T, v *servers.VaultServer) {
	c := root(v, v.KV(2))
	s, target := c.open(t), c.target(t, "a", false)
	v.MustWrite(c.attrs["mount"]+"/metadata/a", map[string]any{"custom_metadata": map[string]any{"team": "shop"}, "max_versions": 7})
	info, err := s.Stat(t.Context(), target)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.(sinks.Claimer).Claim(t.Context(), target, "p/x", info); err != nil {
		t.Fatal(err)
	}
	got, err := v.Client().Logical().ReadWithContext(t.Context(), c.attrs["mount"]+"/metadata/a")
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]any{"team": "shop", "managed-by": "credsync", "credsync-owner": "p/x"}
	if diff := cmp.Diff(want, got.Data["custom_metadata"]); diff != "" {
		t.Error(diff)
	}
	if got.Data["max_versions"] != json.Number("7") {
		t.Error("max_versions was lost")
	}
}

// testClaimIsTakenBack writes, as someone else, between the mark and the look
// after it.
func testClaimIsTakenBack(t *testing.T, v *servers.VaultServer) {
	mount := v.KV(2)
	for _, existing := range []bool{false, true} {
		p := newProxy(t, v)
		c := root(v, mount)
		c.attrs["address"] = p.URL
		s, target := c.open(t), c.target(t, fmt.Sprintf("existing-%v", existing), false)
		if existing {
			v.MustWrite(mount+"/metadata/"+target.Path, map[string]any{"custom_metadata": map[string]any{"team": "shop", "managed-by": "terraform"}})
		}
		seen, err := s.Stat(t.Context(), target)
		if err != nil {
			t.Fatal(err)
		}
		once := new(sync.Once)
		p.setAfter(func(method, path string) {
			if method != http.MethodGet && strings.Contains(path, "/metadata/") {
				once.Do(func() {
					v.MustWrite(mount+"/data/"+target.Path, map[string]any{"data": map[string]any{"theirs": "x"}})
				})
			}
		})
		err = s.(sinks.Claimer).Claim(t.Context(), target, "p/x", seen)
		if !errors.Is(err, sinks.ErrConflict) {
			t.Errorf("Claim = %v, want a conflict", err)
		}
		meta, err := v.Client().Logical().ReadWithContext(t.Context(), mount+"/metadata/"+target.Path)
		if err != nil {
			t.Fatal(err)
		}
		custom, _ := meta.Data["custom_metadata"].(map[string]any)
		want := map[string]any(nil)
		if existing {
			want = map[string]any{"team": "shop", "managed-by": "terraform"}
		}
		if len(custom) != len(want) || existing && !cmp.Equal(custom, want) {
			t.Errorf("custom metadata is %v, want %v", custom, want)
		}
		if diff := cmp.Diff(map[string]any{"theirs": "x"}, v.ReadKV2(mount, target.Path)); diff != "" {
			t.Error(diff)
		}
	}
}

func testOddPaths(t *testing.T, v *servers.VaultServer) {
	for _, version := range []int{1, 2} {
		c := root(v, v.KV(version))
		s := c.open(t)
		for _, path := range []string{
			"with space", "percent%41", "100%", "hash#tag", "query?x=y", "plus+plus", "ключ/秘密", "a.b/.c", "colon:semi;comma,", "at@home",
			"quote\"'", "star*", "amp&", "back\\slash", "~tilde", "[\"almaty\"]", "data/x", "metadata",
		} {
			target := c.target(t, path, false)
			data := secrets("k", "value of "+path)
			written, err := s.Write(t.Context(), target, sinks.Write{Data: data})
			if err != nil {
				t.Errorf("v%d, path %q: %v", version, path, err)
				continue
			}
			info, err := s.Stat(t.Context(), target)
			if err != nil || info.Version != written {
				t.Errorf("v%d, path %q: Stat = %+v, %v", version, path, info, err)
			}
			obj, err := s.Read(t.Context(), target)
			if err != nil || !obj.Data["k"].Equal(data["k"]) {
				t.Errorf("v%d, path %q: Read: %v", version, path, err)
			}
		}
	}
}

func testMissingMount(t *testing.T, v *servers.VaultServer) {
	c := root(v, "nope")
	_, err := c.open(t).Stat(t.Context(), c.target(t, "a", false))
	if err == nil || errors.Is(err, sinks.ErrNotFound) || errors.Is(err, sinks.ErrDenied) || !strings.Contains(err.Error(), "vault secrets enable -path=nope") {
		t.Errorf("as root: %v", err)
	}
	c.env["VAULT_TOKEN"] = leastPrivilege(v, "other", false)
	_, err = c.open(t).Stat(t.Context(), c.target(t, "a", false))
	if !errors.Is(err, sinks.ErrDenied) || !strings.Contains(err.Error(), "vault secrets enable -path=nope") || !strings.Contains(err.Error(), "policy") {
		t.Errorf("with little permission: %v", err)
	}
}

func testWrongKindOfMount(t *testing.T, v *servers.VaultServer) {
	c := root(v, "cubbyhole")
	if _, err := c.open(t).Stat(t.Context(), c.target(t, "a", false)); err == nil || !strings.Contains(err.Error(), `type "cubbyhole"`) {
		t.Errorf("Stat = %v", err)
	}
}

func testKV1State(t *testing.T, v *servers.VaultServer) {
	c := root(v, v.KV(1))
	s := c.open(t)
	_, err := s.Write(t.Context(), c.record(t, "state", "a"), sinks.Write{Data: secrets("k", "v")})
	if !errors.Is(err, sinks.ErrUnsupported) || !strings.Contains(err.Error(), "enable-versioning") {
		t.Errorf("Write = %v", err)
	}
	if _, err := s.List(t.Context(), c.record(t, "state", "")); !errors.Is(err, sinks.ErrUnsupported) {
		t.Errorf("List = %v", err)
	}
}

func testKV1Unreadable(t *testing.T, v *servers.VaultServer) {
	mount := v.KV(1)
	v.Policy("write-"+mount, fmt.Sprintf(`path "%s/*" { capabilities = ["create", "update"] }`, mount))
	c := root(v, mount)
	c.env["VAULT_TOKEN"] = v.Token(map[string]any{"policies": []string{"write-" + mount}})
	s, target := c.open(t), c.target(t, "a", false)
	info, err := s.Stat(t.Context(), target)
	if diff := cmp.Diff(sinks.Info{Unseen: true}, info); err != nil || diff != "" {
		t.Errorf("Stat = %v %s", err, diff)
	}
	if _, err := s.Write(t.Context(), target, sinks.Write{Data: secrets("k", "v"), If: info.Version}); err != nil {
		t.Errorf("Write = %v", err)
	}
	target.Merge = true
	if _, err := s.Write(t.Context(), target, sinks.Write{Data: secrets("k", "v")}); !errors.Is(err, sinks.ErrDenied) {
		t.Errorf("a merge that cannot read what it merges with = %v", err)
	}
}

func testPreflight(t *testing.T, v *servers.VaultServer) {
	mount := v.KV(2)
	v.Policy("partial-"+mount,
		fmt.Sprintf(`path "%s/data/good" { capabilities = ["create", "update"] }`, mount),
		fmt.Sprintf(`path "%s/metadata/good" { capabilities = ["create", "read", "update", "patch"] }`, mount),
		fmt.Sprintf(`path "%s/data/claimed" { capabilities = ["create", "update"] }`, mount),
		fmt.Sprintf(`path "%s/metadata/claimed" { capabilities = ["read"] }`, mount),
		fmt.Sprintf(`path "%s/data/partial" { capabilities = ["create"] }`, mount))
	v.MustWrite(mount+"/metadata/claimed", map[string]any{"custom_metadata": map[string]any{"managed-by": "credsync", "credsync-owner": "p/x"}})
	p := newProxy(t, v)
	c := root(v, mount)
	c.attrs["address"] = p.URL
	c.env["VAULT_TOKEN"] = v.Token(map[string]any{"policies": []string{"partial-" + mount}})
	s := c.open(t)
	preflight := func(paths ...string) error {
		var targets []sinks.Target
		for _, path := range paths {
			targets = append(targets, c.target(t, path, false))
		}
		return s.(sinks.Preflighter).Preflight(t.Context(), targets)
	}
	if err := preflight("good", "claimed"); err != nil {
		t.Errorf("Preflight = %v", err)
	}
	if n := countOf(p.seen(), "PUT /v1/sys/capabilities-self"); n != 1 {
		t.Errorf("asked %d times for capabilities, want once", n)
	}
	err := preflight("good", "partial", "none")
	if !errors.Is(err, sinks.ErrDenied) {
		t.Fatalf("Preflight = %v, want a denial", err)
	}
	for _, want := range []string{
		`path "` + mount + `/data/partial" { capabilities = ["update"] }`,
		`path "` + mount + `/metadata/partial" { capabilities = ["read"] }`,
		`path "` + mount + `/data/none" { capabilities = ["create", "update"] }`,
	} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("the error lacks %s:\n%v", want, err)
		}
	}
	if strings.Contains(err.Error(), "/good") {
		t.Errorf("the error names what is fine:\n%v", err)
	}
}

func countOf(list []string, s string) (n int) {
	for _, v := range list {
		if v == s {
			n++
		}
	}
	return n
}

func testDenied(t *testing.T, v *servers.VaultServer) {
	mount := v.KV(2)
	v.Policy("read-"+mount, fmt.Sprintf(`path "%s/metadata/*" { capabilities = ["read"] }`, mount))
	c := root(v, mount)
	c.env["VAULT_TOKEN"] = v.Token(map[string]any{"policies": []string{"read-" + mount}})
	s, target := c.open(t), c.target(t, "shop/sagi", false)
	_, err := s.Write(t.Context(), target, sinks.Write{Data: secrets("k", "canary-value")})
	want := `path "` + mount + `/data/shop/sagi" { capabilities = ["create", "update"] }`
	if !errors.Is(err, sinks.ErrDenied) || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "canary") {
		t.Errorf("Write = %v, want %s", err, want)
	}
	err = s.(sinks.Claimer).Claim(t.Context(), target, "p/x", sinks.Info{})
	if !errors.Is(err, sinks.ErrDenied) || !strings.Contains(err.Error(), mount+"/metadata/shop/sagi") {
		t.Errorf("Claim = %v", err)
	}
}

func testReadsOtherTypes(t *testing.T, v *servers.VaultServer) {
	for _, version := range []int{1, 2} {
		c := root(v, v.KV(version))
		data := map[string]any{"s": "x", "n": json.Number("123456789012345"), "l": []any{"a", 1}, "null": nil, "b": true}
		if version == 2 {
			v.MustWrite(c.attrs["mount"]+"/data/in", map[string]any{"data": data})
		} else {
			v.MustWrite(c.attrs["mount"]+"/in", data)
		}
		obj, err := c.open(t).Read(t.Context(), c.target(t, "in", false))
		if err != nil {
			t.Fatal(err)
		}
		got := map[string]string{}
		for k, s := range obj.Data {
			got[k] = s.Reveal()
		}
		if diff := cmp.Diff(map[string]string{"s": "x", "n": "123456789012345", "l": `["a",1]`, "b": "true"}, got); diff != "" {
			t.Errorf("v%d: %s", version, diff)
		}
	}
}

// works checks that a connection can log in and write.
func works(t *testing.T, c *conn) sinks.Sink {
	t.Helper()
	s := c.open(t)
	target := c.target(t, "works", false)
	info, err := s.Stat(t.Context(), target)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Write(t.Context(), target, sinks.Write{Data: secrets("k", time.Now().String()), If: info.Version}); err != nil {
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

// appRole sets up an AppRole of that name and returns a connection with it.
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

// testKubernetes stands in for the API server's TokenReview, which is all that
// Vault asks of it.
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

// testDenialIsNotALogin: a token without the right to look itself up, denied
// something, does not log in over and over.
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
			if _, err := s.Write(t.Context(), c.target(t, "a", false), sinks.Write{Data: secrets("k", "v")}); !errors.Is(err, sinks.ErrDenied) {
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

func TestDurableVault(t *testing.T) {
	v := servers.DurableVault(t)
	c := root(v, "secret")
	c.attrs["ca_pem"] = v.CA.PEM
	s, target := c.open(t), c.target(t, "a", false)
	version, err := s.Write(t.Context(), target, sinks.Write{Data: secrets("k", "value-1")})
	if err != nil {
		t.Fatal(err)
	}

	t.Run("UnknownAuthority", func(t *testing.T) {
		other := root(v, "secret")
		_, err := other.open(t).Stat(t.Context(), target)
		if !errors.Is(err, sinks.ErrUnavailable) || !strings.Contains(err.Error(), "ca_pem") {
			t.Errorf("Stat = %v", err)
		}
	})
	t.Run("CertificateLogin", func(t *testing.T) { testCert(t, v) })
	t.Run("Sealed", func(t *testing.T) {
		v.Seal()
		for _, sink := range []sinks.Sink{s, c.open(t)} {
			_, err := sink.Write(t.Context(), target, sinks.Write{Data: secrets("k", "canary-value"), If: version})
			if !errors.Is(err, sinks.ErrUnavailable) || !strings.Contains(err.Error(), "unseal") || strings.Contains(err.Error(), "canary") {
				t.Errorf("Write while sealed = %v", err)
			}
		}
		v.Unseal()
	})
	t.Run("Restart", func(t *testing.T) {
		a := appRole(v, v.Address, "restart", "1h")
		a.attrs["ca_pem"] = v.CA.PEM
		logged := works(t, a)
		v.Stop()
		if _, err := logged.Stat(t.Context(), target); !errors.Is(err, sinks.ErrUnavailable) {
			t.Errorf("Stat of a stopped Vault = %v", err)
		}
		v.Start()
		v.Unseal()
		v.MustWrite("sys/leases/revoke-prefix/auth/approle/login", nil)
		if _, err := logged.Stat(t.Context(), target); err != nil {
			t.Errorf("Stat after the restart: %v", err)
		}
	})
	if got, err := s.Stat(t.Context(), target); err != nil || got.Version != version {
		t.Errorf("Stat = %+v, %v; want version %s", got, err, version)
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
	if _, err := c.open(t).Stat(t.Context(), c.target(t, "a", false)); !errors.Is(err, sinks.ErrDenied) || strings.Contains(err.Error(), "PRIVATE") {
		t.Errorf("Stat with a stranger's certificate = %v", err)
	}
}

//go:build acceptance

package outage

import (
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/credsync/credsync/testkit/faultproxy"
	"github.com/credsync/credsync/testkit/servers"
)

func TestSealedVaultPreventsTheLogin(t *testing.T) {
	t.Parallel()
	v := servers.DurableVault(t)
	w := inVault(t, v, v.Address)
	v.Seal()
	w.apply(1, "sealed")
	w.wantLogins(0)
	v.Unseal()
	w.apply(0)
	w.wantLogins(1)
	w.wantLive(v.ReadKV2("secret", "shop/sagi")["access_token"])
}

// Vault goes away between the login and its answer; the run waits for it with
// the token, and everything is as if nothing had happened.
func TestVaultThatComesBackDuringTheRun(t *testing.T) {
	t.Parallel()
	for name, outage := range map[string]struct{ down, up func(*servers.VaultServer) }{
		"sealed":    {(*servers.VaultServer).Seal, (*servers.VaultServer).Unseal},
		"restarted": {(*servers.VaultServer).Stop, func(v *servers.VaultServer) { v.Start(); v.Unseal() }},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			v := servers.DurableVault(t)
			w := inVault(t, v, v.Address)
			r := w.applyUntilLogin(func() { outage.down(v) })
			r.says("a new token could not be written to the state")
			if files := w.emergencyFiles(); len(files) != 1 {
				t.Errorf("emergency files meanwhile: %v", files)
			}
			outage.up(v)
			r.ends(0, "Apply complete")
			if files := w.emergencyFiles(); len(files) != 0 {
				t.Errorf("emergency files are left: %v", files)
			}
			w.wantLogins(1)
			w.wantLive(v.ReadKV2("secret", "shop/sagi")["access_token"])
		})
	}
}

// Vault does not come back before the run is told to stop. The token is in a
// file that only its owner can read, and comes back from there.
func TestVaultThatStaysAwayUntilTheRunIsStopped(t *testing.T) {
	t.Parallel()
	v := servers.DurableVault(t)
	w := inVault(t, v, v.Address)
	r := w.applyUntilLogin(v.Stop)
	r.says("a new token could not be written to the state")
	r.signal(syscall.SIGTERM)
	r.ends(1, "is safe in", "credsync state recover", "Apply incomplete")
	files := w.emergencyFiles()
	if len(files) != 1 {
		t.Fatalf("emergency files: %v", files)
	}
	if info, err := os.Stat(files[0]); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
	w.start("state", "recover", files[0]).ends(1, "could not be recovered")

	v.Start()
	v.Unseal()
	w.start("plan").ends(0, filepath.Base(files[0]))
	w.start("state", "recover", files[0]).ends(0, "credsync apply")
	w.start("state", "recover", files[0]).ends(1, "does not exist")
	w.apply(0, "1 delivered")
	w.wantLogins(1)
	w.wantLive(v.ReadKV2("secret", "shop/sagi")["access_token"])
	if files := w.emergencyFiles(); len(files) != 0 {
		t.Errorf("emergency files are left: %v", files)
	}
	w.start("plan").ends(0, "No changes")
}

// vaultBehindProxy is a Vault behind a proxy that cuts it off.
func vaultBehindProxy(t *testing.T, v *servers.VaultServer) (address string, set func(cut bool)) {
	t.Helper()
	p, err := faultproxy.Start(
		faultproxy.Options{
			Target: v.Address,
			Damage: func(*faultproxy.Exchange) faultproxy.Kind { return faultproxy.Reset },
		},
	)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = p.Close() })
	p.Quiet(true)
	return p.URL(), func(cut bool) { p.Quiet(!cut) }
}

// The folder for emergency files cannot be made either: the state is the only
// hope, and it is tried until the end.
func TestNeitherStateNorEmergencyFolder(t *testing.T) {
	t.Parallel()
	v := servers.Vault(t)
	for name, back := range map[string]bool{"the state comes back": true, "the run is stopped": false} {
		t.Run(name, func(t *testing.T) {
			address, set := vaultBehindProxy(t, v)
			w := inVault(t, v, address)
			w.write("file", "")
			w.env = append(w.env, "CREDSYNC_EMERGENCY_DIR="+filepath.Join(w.dir, "file", "emergency"))
			v.Client().Logical().Delete("secret/metadata/shop/sagi")
			r := w.applyUntilLogin(func() { set(true) })
			r.says("the emergency file could not be written")
			if back {
				set(false)
				r.ends(0, "Apply complete")
				w.wantLogins(1)
				return
			}
			r.signal(syscall.SIGTERM)
			r.ends(1, "The new token is lost", "credsync apply --replace account.sagi.coffee")
			if strings.Contains(r.printed(), "safe in") {
				t.Error("a token that is lost is called safe")
			}
		})
	}
}

func TestVaultTokenRevokedDuringTheRun(t *testing.T) {
	t.Parallel()
	v := servers.Vault(t)
	v.Policy("all", `path "*" { capabilities = ["create", "read", "update", "delete", "list", "patch"] }`)
	t.Run("one that cannot be had again", func(t *testing.T) {
		w := inVault(t, v, v.Address)
		token := v.Token(map[string]any{"policies": []string{"all"}})
		w.env = append(w.env, "VAULT_TOKEN="+token)
		r := w.applyUntilLogin(func() { v.MustWrite("auth/token/revoke", map[string]any{"token": token}) })
		r.ends(1, "invalid token", "is safe in", "credsync state recover")
		w.env = append(w.env, "VAULT_TOKEN="+v.RootToken)
		files := w.emergencyFiles()
		if len(files) != 1 {
			t.Fatalf("emergency files: %v", files)
		}
		w.apply(0, "1 delivered")
		w.wantLogins(1)
	})
	t.Run("one of an auth method", func(t *testing.T) {
		v.EnableAuth("approle", nil)
		v.MustWrite("auth/approle/role/credsync", map[string]any{"token_policies": "all"})
		role, err := v.Client().Logical().Read("auth/approle/role/credsync/role-id")
		if err != nil {
			t.Fatal(err)
		}
		secret := v.MustWrite("auth/approle/role/credsync/secret-id", nil)
		w := newWorld(t, `sink "vault" "main" {
  address = "`+v.Address+`"
  auth "approle" {
    role_id   = "`+role.Data["role_id"].(string)+`"
    secret_id = "`+secret.Data["secret_id"].(string)+`"
  }
}
state "vault" "main" { path = "approle" }
`, `  deliver "vault" "main" { path = "shop/approle" }`)
		r := w.applyUntilLogin(func() {
			accessors, err := v.Client().Logical().List("auth/token/accessors")
			if err != nil {
				t.Error(err)
				return
			}
			for _, a := range accessors.Data["keys"].([]any) {
				found, err := v.Client().Logical().Write("auth/token/lookup-accessor", map[string]any{"accessor": a})
				if err == nil && strings.HasPrefix(found.Data["path"].(string), "auth/approle") {
					v.MustWrite("auth/token/revoke-accessor", map[string]any{"accessor": a})
				}
			}
		})
		r.ends(0, "Apply complete")
		w.wantLogins(1)
		w.wantLive(v.ReadKV2("secret", "shop/approle")["access_token"])
	})
}

// A load balancer answers as its health check does.
func TestVaultStandbyByHealth(t *testing.T) {
	t.Parallel()
	v := servers.Vault(t)
	for name, status := range map[string]int{"standby": 429, "performance standby": 473} {
		t.Run(name, func(t *testing.T) {
			standby := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Content-Type", "application/json")
				w.WriteHeader(status)
				_, _ = w.Write([]byte(`{"errors":["local node not active but active cluster node not found"]}`))
			}))
			defer standby.Close()
			w := inVault(t, v, standby.URL)
			w.apply(1, "not active")
			w.wantLogins(0)
		})
	}
}

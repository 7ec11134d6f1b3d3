//go:build acceptance

package outage

import (
	"fmt"
	"testing"
	"time"

	"github.com/credsync/credsync/testkit/servers"
)

const everything = `path "*" { capabilities = ["create", "read", "update", "delete", "list", "patch"] }`

// inVaultBy has the state and the target at paths of their own in a Vault,
// which is logged in to by an auth block.
func inVaultBy(t *testing.T, v *servers.VaultServer, name, auth string) *world {
	t.Helper()
	w := newWorld(t, fmt.Sprintf("sink \"vault\" \"main\" {\n  address = %q\n%s}\nstate \"vault\" \"main\" { path = \"state/%s\" }\n", v.Address, auth, name),
		fmt.Sprintf("  deliver \"vault\" \"main\" { path = \"shop/%s\" }", name))
	w.answers = 5 * time.Second
	return w
}

// inVaultByAppRole logs in by a role of that name. The id of its secret is in a
// file, which the program reads at each login, and newSecret replaces.
func inVaultByAppRole(
	t *testing.T,
	v *servers.VaultServer,
	name string,
	options map[string]any,
) (w *world, newSecret func()) {
	t.Helper()
	options["token_policies"] = "everything"
	v.MustWrite("auth/approle/role/"+name, options)
	role, err := v.Client().Logical().Read("auth/approle/role/" + name + "/role-id")
	if err != nil {
		t.Fatal(err)
	}
	w = inVaultBy(t, v, name, fmt.Sprintf("  auth \"approle\" {\n    role_id        = %q\n    secret_id_file = \"secret-id\"\n  }\n", role.Data["role_id"]))
	newSecret = func() {
		secret := v.MustWrite("auth/approle/role/"+name+"/secret-id", nil)
		w.write("secret-id", secret.Data["secret_id"].(string))
	}
	newSecret()
	return w, newSecret
}

// The token that credsync has got of Vault ends while the upstream makes up its
// answer.
func TestVaultTokenExpiresDuringTheRun(t *testing.T) {
	t.Parallel()
	v := servers.Vault(t)
	v.Policy("everything", everything)
	v.EnableAuth("approle", nil)
	delivered := func(name string) any { return v.ReadKV2("secret", "shop/"+name)["access_token"] }

	for name, options := range map[string]map[string]any{
		"that-may-be-renewed": {"token_ttl": "2s"},
		"at-the-end-of-life":  {"token_ttl": "2s", "token_max_ttl": "2s"},
		"batch":               {"token_ttl": "2s", "token_type": "batch"},
	} {
		t.Run("one of an auth method, "+name, func(t *testing.T) {
			t.Parallel()
			w, _ := inVaultByAppRole(t, v, name, options)
			w.applyUntilLogin(func() {}).ends(0, "Apply complete")
			w.wantLogins(1)
			w.wantLive(delivered(name))
			if files := w.emergencyFiles(); len(files) != 0 {
				t.Errorf("emergency files are left: %v", files)
			}
		})
	}
	t.Run("one of a pod's service account", func(t *testing.T) {
		t.Parallel()
		k := servers.Kubernetes(t)
		namespace := k.Namespace()
		k.ServiceAccount(namespace, "credsync")
		v.EnableAuth("kubernetes", map[string]any{
			"kubernetes_host": k.Address, "kubernetes_ca_cert": k.CA.PEM, "token_reviewer_jwt": k.AdminToken, "disable_local_ca_jwt": true,
		})
		v.MustWrite("auth/kubernetes/role/credsync", map[string]any{
			"bound_service_account_names": "credsync", "bound_service_account_namespaces": namespace, "token_policies": "everything", "token_ttl": "2s", "token_max_ttl": "2s",
		})
		w := inVaultBy(t, v, "pod", "  auth \"kubernetes\" {\n    role       = \"credsync\"\n    token_path = \"pod-token\"\n  }\n")
		w.write("pod-token", k.Token(namespace, "credsync", time.Hour))
		w.applyUntilLogin(func() {}).ends(0, "Apply complete")
		w.wantLogins(1)
		w.wantLive(delivered("pod"))
	})
	// A second login is refused: the token that the upstream has given must not
	// be lost by it.
	t.Run("one of an auth method that lets in once", func(t *testing.T) {
		t.Parallel()
		w, newSecret := inVaultByAppRole(t, v, "once", map[string]any{"token_ttl": "4s", "token_max_ttl": "4s", "secret_id_num_uses": 1})
		w.answers = 8 * time.Second
		r := w.applyUntilLogin(func() {})
		r.ends(1, "auth/approle/login", "is safe in", "credsync state recover")
		files := w.emergencyFiles()
		if len(files) != 1 {
			t.Fatalf("emergency files: %v", files)
		}
		newSecret()
		w.start("state", "recover", files[0]).ends(0)
		newSecret()
		w.apply(0)
		w.wantLogins(1)
		w.wantLive(delivered("once"))
	})
	t.Run("one that was given", func(t *testing.T) {
		t.Parallel()
		w := inVaultBy(t, v, "given", "")
		token := v.Token(map[string]any{"policies": []string{"everything"}, "ttl": "1h"})
		w.env = append(w.env, "VAULT_TOKEN="+token)
		r := w.applyUntilLogin(func() { expire(t, v, token) })
		r.ends(1, "invalid token: it has expired", "is safe in", "credsync state recover")
		files := w.emergencyFiles()
		if len(files) != 1 {
			t.Fatalf("emergency files: %v", files)
		}
		w.env = append(w.env, "VAULT_TOKEN="+v.RootToken)
		w.start("state", "recover", files[0]).ends(0)
		w.apply(0)
		w.wantLogins(1)
		w.wantLive(delivered("given"))
	})
	t.Run("one of vault login, which is run again", func(t *testing.T) {
		t.Parallel()
		w := inVaultBy(t, v, "cli", "")
		token := v.Token(map[string]any{"policies": []string{"everything"}, "ttl": "1h"})
		w.write(".vault-token", token)
		r := w.applyUntilLogin(func() { expire(t, v, token) })
		r.says("a new token could not be written to the state")
		w.write(".vault-token", v.RootToken)
		r.ends(0, "Apply complete")
		w.wantLogins(1)
		w.wantLive(delivered("cli"))
		if files := w.emergencyFiles(); len(files) != 0 {
			t.Errorf("emergency files are left: %v", files)
		}
	})
}

// expire has a token end in a second, and waits for that.
func expire(t *testing.T, v *servers.VaultServer, token string) {
	t.Helper()
	renewed := v.MustWrite("auth/token/renew", map[string]any{"token": token, "increment": "1s"})
	if renewed.Auth.LeaseDuration > 1 {
		t.Fatalf("the token still lives for %d s", renewed.Auth.LeaseDuration)
	}
	await(t, "the token to expire", func() bool {
		_, err := v.Client().Logical().Write("auth/token/lookup", map[string]any{"token": token})
		return err != nil
	})
}

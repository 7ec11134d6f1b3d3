//go:build acceptance

package main

import (
	"testing"
)

// TestConsumersOfVaultNeverSeeAnExpiredTokenForAMinute is with inputs, state and
// targets in a real Vault.
func TestConsumersOfVaultNeverSeeAnExpiredTokenForAMinute(t *testing.T) {
	w := newWeekOfRotations(t)
	s := newShortLivedTokens(t)
	env := map[string]string{"VAULT_ADDR": w.vault.Address, "VAULT_TOKEN": w.vault.RootToken, "HOME": t.TempDir()}
	for _, name := range s.sandbox.Upstreams() {
		env["CREDSYNC_VAR_"+name+"_url"] = s.sandbox.URL(name)
	}
	vault := w.vault.Client().Logical()
	s.read = func(upstream string) string {
		secret, err := vault.ReadWithContext(t.Context(), "secret/data/"+targets[upstream])
		if err != nil {
			t.Errorf("read the target of %s: %v", upstream, err)
		}
		if secret == nil {
			return ""
		}
		data, _ := secret.Data["data"].(map[string]any)
		token, _ := data["access_token"].(string)
		return token
	}
	s.during(21, env, w.example)
}

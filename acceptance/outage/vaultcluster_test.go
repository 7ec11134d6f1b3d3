//go:build acceptance

package outage

import (
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"slices"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/credsync/credsync/testkit/servers"
)

// TestVaultCluster takes the active node away again and again, from a program
// that talks to another.
func TestVaultCluster(t *testing.T) {
	t.Parallel()
	c := servers.VaultCluster(t, 3)
	delivered := func() any {
		active, _ := c.Settled()
		return active.ReadKV2("secret", "shop/sagi")["access_token"]
	}
	clean := func(t *testing.T) {
		active, _ := c.Settled()
		active.MustDelete("secret/metadata/shop/sagi")
		for _, name := range active.List("secret/metadata/state") {
			active.MustDelete("secret/metadata/state/" + name)
		}
	}
	// A standby forwards requests to the active node.
	t.Run("a standby that forwards", func(t *testing.T) {
		clean(t)
		_, standby := c.Settled()
		w := inVault(t, standby, standby.Address)
		w.apply(0)
		w.wantLogins(1)
		w.wantLive(delivered())
	})
	t.Run("a standby that sends on", func(t *testing.T) {
		clean(t)
		_, standby := c.Settled()
		w := inVault(t, standby, sendingOn(t, standby))
		w.apply(0)
		w.wantLogins(1)
		w.wantLive(delivered())
	})
	for name, address := range map[string]func(*testing.T, *servers.VaultServer) string{
		"forwards": func(_ *testing.T, v *servers.VaultServer) string { return v.Address },
		"sends on": sendingOn,
	} {
		t.Run("the active node steps down before the journal, by a standby that "+name, func(t *testing.T) {
			clean(t)
			active, standby := c.Settled()
			w := inVault(t, standby, address(t, standby))
			w.applyUntilLogin(active.StepDown).ends(0, "Apply complete")
			w.wantLogins(1)
			w.wantLive(delivered())
		})
	}
	t.Run("the active node is killed before the journal", func(t *testing.T) {
		clean(t)
		active, standby := c.Settled()
		w := inVault(t, standby, standby.Address)
		w.applyUntilLogin(active.Kill).ends(0, "Apply complete")
		w.wantLogins(1)
		c.Restart(active)
		w.wantLive(delivered())
		if files := w.emergencyFiles(); len(files) != 0 {
			t.Errorf("emergency files are left: %v", files)
		}
	})
	t.Run("most nodes are killed before the journal", func(t *testing.T) {
		clean(t)
		_, left := c.Settled()
		w := inVault(t, left, left.Address)
		gone := slices.DeleteFunc(slices.Clone(c.Nodes), func(v *servers.VaultServer) bool { return v == left })
		r := w.applyUntilLogin(func() {
			for _, v := range gone {
				v.Kill()
			}
		})
		r.says("a new token could not be written to the state")
		r.signal(syscall.SIGTERM)
		r.ends(1, "is safe in", "which does not answer")
		w.apply(1, "another one takes over within seconds")
		for _, v := range gone {
			c.Restart(v)
		}
		c.Settled()
		files := w.emergencyFiles()
		if len(files) != 1 {
			t.Fatalf("emergency files: %v", files)
		}
		w.start("state", "recover", files[0]).ends(0)
		w.apply(0, "1 delivered")
		w.wantLogins(1)
		w.wantLive(delivered())
	})
}

// sendingOn is the address of a node that answers with redirects to the active
// one, as it does where it may not forward.
func sendingOn(t *testing.T, v *servers.VaultServer) string {
	t.Helper()
	to, err := url.Parse(v.Address)
	if err != nil {
		t.Fatal(err)
	}
	var redirects atomic.Int32
	p := httptest.NewServer(&httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) {
		r.SetURL(to)
		r.Out.Header.Set("X-Vault-No-Request-Forwarding", "true")
	}, ModifyResponse: func(r *http.Response) error {
		if r.StatusCode == http.StatusTemporaryRedirect {
			redirects.Add(1)
		}
		return nil
	}})
	t.Cleanup(func() {
		p.Close()
		if redirects.Load() == 0 {
			t.Error("the standby has sent nobody on")
		}
	})
	return p.URL
}

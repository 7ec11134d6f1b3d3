//go:build acceptance

package outage

import (
	"encoding/base64"
	"fmt"
	"syscall"
	"testing"
	"time"

	"github.com/credsync/credsync/testkit/servers"
)

// TestKubernetesOutages takes one API server away again and again.
func TestKubernetesOutages(t *testing.T) {
	t.Parallel()
	k := servers.Kubernetes(t)
	cluster := func(t *testing.T, inState bool) (*world, func() string) {
		namespace := k.Namespace()
		config := fmt.Sprintf("sink \"k8ssecret\" \"main\" { namespace = %q }\n", namespace)
		if inState {
			config += fmt.Sprintf("state \"k8ssecret\" \"main\" { namespace = %q }\n", k.Namespace())
		}
		w := newWorld(t, config, `  deliver "k8ssecret" "main" { name = "sagi" }`)
		w.env = append(w.env, "KUBECONFIG="+k.Kubeconfig(k.AdminToken, namespace))
		return w, func() string {
			data, _ := k.Secret(namespace, "sagi")["data"].(servers.Object)
			encoded, _ := data["access_token"].(string)
			token, err := base64.StdEncoding.DecodeString(encoded)
			if err != nil {
				t.Fatal(err)
			}
			return string(token)
		}
	}
	t.Run("the target's server stops before the delivery", func(t *testing.T) {
		w, delivered := cluster(t, false)
		w.applyUntilLogin(k.Stop).ends(1, "A target could not be written")
		w.apply(1, "A target could not be checked")
		k.Start()
		w.apply(0, "1 delivered")
		w.wantLogins(1)
		w.wantLive(delivered())
	})
	t.Run("the state's server stops before the journal and comes back", func(t *testing.T) {
		w, delivered := cluster(t, true)
		r := w.applyUntilLogin(k.Stop)
		r.says("a new token could not be written to the state")
		k.Start()
		r.ends(0, "Apply complete")
		w.wantLogins(1)
		w.wantLive(delivered())
		if files := w.emergencyFiles(); len(files) != 0 {
			t.Errorf("emergency files are left: %v", files)
		}
	})
	t.Run("its etcd stands still for a while", func(t *testing.T) {
		w, delivered := cluster(t, true)
		w.applyUntilLogin(func() {
			k.SignalEtcd(syscall.SIGSTOP)
			timer := time.AfterFunc(10*time.Second, func() { k.SignalEtcd(syscall.SIGCONT) })
			t.Cleanup(func() { timer.Stop() })
		}).ends(0, "Apply complete")
		w.wantLogins(1)
		w.wantLive(delivered())
	})
	t.Run("no server at all", func(t *testing.T) {
		w, _ := cluster(t, true)
		k.Stop()
		w.apply(1, "127.0.0.1")
		w.wantLogins(0)
		k.Start()
		if n := w.upstream.Counters("sagi", login).Logins.Received; n != 0 {
			t.Errorf("%d logins", n)
		}
	})
}

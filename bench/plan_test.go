//go:build bench

package bench

import (
	"context"
	"encoding/base64"
	"encoding/pem"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"github.com/credsync/credsync/state"
	"github.com/credsync/credsync/testkit/servers"
)

// planInVault measures a plan with nothing to do. What it needs to read is the
// list of the records, each record, and each target's metadata.
func planInVault(t *testing.T, b *table) {
	var walls [2]time.Duration
	var peak int64
	for i, n := range []int{small(), *large} {
		f := fleet{provider: "sagi", accounts: n, form: fromCSV, place: inVault}
		v, _, p := vaultFleet(t, f)
		p.run("apply", "--auto-approve")
		plain := vaultFloor(v)
		ratio, ours, theirs := ratios(*rounds, func() time.Duration {
			c := p.run("plan", "--offline", "--detailed-exitcode")
			peak = max(peak, c.Resident)
			return c.Wall
		}, func() time.Duration { return readAll(t, plain, v, f) })
		walls[i] = ours
		b.add(ratio <= 1.2, fmt.Sprintf("`plan --offline`, %d accounts in Vault, nothing to do", n), "≤ 1.2 × floor",
			"%.2f × floor (%s, floor %s)", ratio, short(ours), short(theirs))
		v.Stop()
	}
	growth := float64(walls[1]) / float64(walls[0])
	b.add(growth <= 10.5, "the same, growth from a tenth", "≤ 10.5 ×", "%.1f ×", growth)
	b.add(peak <= 120<<20, fmt.Sprintf("peak memory of `plan`, %d accounts", *large), "≤ 120 MB", "%s", megabytes(peak))
}

func readAll(t *testing.T, plain *plainClient, v *servers.VaultServer, f fleet) time.Duration {
	t.Helper()
	if err := plain.send(t.Context(), "LIST", v.Address+"/v1/secret/metadata/state", nil, false); err != nil {
		t.Fatal(err)
	}
	took, err := plain.each(t.Context(), f.accounts, func(ctx context.Context, i int) error {
		if err := plain.send(ctx, "GET", v.Address+"/v1/secret/data/state/"+recordOf(f, i), nil, false); err != nil {
			return err
		}
		return plain.send(ctx, "GET", v.Address+"/v1/secret/metadata/shop/"+f.key(i), nil, false)
	})
	if err != nil {
		t.Fatal(err)
	}
	return took
}

func recordOf(f fleet, i int) string {
	return state.RecordName("default", fmt.Sprintf("account.%s.fleet[%q]", f.provider, f.key(i)))
}

// planInKubernetes counts the requests of a plan with nothing to do.
func planInKubernetes(t *testing.T, b *table) {
	k := servers.Kubernetes(t)
	requests := map[int]int64{}
	for _, n := range []int{small(), small() * 3} {
		f := fleet{
			provider: "sagi",
			accounts: n,
			form:     fromCSV,
			place:    inKubernetes,
			targets:  k.Namespace(),
			state:    k.Namespace(),
		}
		s := upstreams(t, f)
		counted := countRequests(t, k)
		p := newProcess(t, f.files(), "CREDSYNC_VAR_url="+s.URL(f.provider))
		p.env = append(p.env, "KUBECONFIG="+counted.kubeconfig(t, k.AdminToken))
		p.run("apply", "--auto-approve")
		counted.n.Store(0)
		p.run("plan", "--offline", "--detailed-exitcode")
		requests[n] = counted.n.Load()
	}
	one, three := requests[small()], requests[3*small()]
	pages := int64((small() + 499) / 500)
	b.add(one == 2*pages && three <= 3*one, fmt.Sprintf("the same in Kubernetes, %d and %d accounts", small(), 3*small()),
		"requests grow with pages", "%d and %d requests", one, three)
}

// counted is a proxy before the API server.
type counted struct {
	*httptest.Server
	n atomic.Int64
}

func countRequests(t *testing.T, k *servers.KubernetesServer) *counted {
	t.Helper()
	to, err := url.Parse(k.Address)
	if err != nil {
		t.Fatal(err)
	}
	forward := httputil.NewSingleHostReverseProxy(to)
	forward.Transport = k.Transport()
	c := &counted{}
	c.Server = httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c.n.Add(1)
		forward.ServeHTTP(w, r)
	}))
	t.Cleanup(c.Close)
	return c
}

// kubeconfig leads to the proxy.
func (c *counted) kubeconfig(t *testing.T, token string) string {
	t.Helper()
	authority := base64.StdEncoding.EncodeToString(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.Certificate().Raw}))
	path := filepath.Join(t.TempDir(), "kubeconfig")
	text := fmt.Sprintf(`
apiVersion: v1
kind: Config
current-context: bench
clusters: [{name: bench, cluster: {server: %q, certificate-authority-data: %s}}]
users: [{name: bench, user: {token: %q}}]
contexts: [{name: bench, context: {cluster: bench, user: bench}}]
`, c.URL, authority, token)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

//go:build acceptance

package deploy

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/credsync/credsync/sandbox"
	"github.com/credsync/credsync/testkit/servers"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
)

// The account of testdata/team.yaml at the sandbox.
const teamPhone, teamPassword = "business_user@example.com", "secure_password"

// team is a platform team's installation: the chart's manifests, the policies
// that credsync prints, and nothing more. No credential is stored but the
// upstream's own, in Vault.
type team struct {
	*servers.KubernetesServer
	t         *testing.T
	vault     *servers.VaultServer
	upstreams *sandbox.Sandbox
	all       []servers.Object
	cron      batchv1.CronJob
}

func testTeam(t *testing.T, k *servers.KubernetesServer) {
	restricted(k, "runs-t", "runs-t-state", "team-t")
	w := &team{KubernetesServer: k, t: t, vault: servers.Vault(t), upstreams: newSandbox(t)}
	w.install()

	w.runTogether()
	if c := w.upstreams.Counters("sagi", teamPhone); c.Logins.Received != 1 {
		t.Errorf("two runs at the same time made %d logins, want 1", c.Logins.Received)
	}
	first := w.wantLive()

	w.rotate()
	if second := w.wantLive(); second == first {
		t.Error("the token was not rotated")
	}

	k.Patch(servers.SecretPath("team-t", "sagi-token"), servers.Object{"stringData": servers.Object{"access_token": "spoilt"}})
	w.vault.MustDelete("secret/data/shop/sagi")
	w.run()
	w.wantLive()

	w.remove()
	w.run()
	if w.Secret("team-t", "sagi-token") != nil || w.vault.ReadKV2("secret", "shop/sagi") != nil {
		t.Error("an account that was removed with on_remove = \"delete\" has left its targets")
	}
	if c := w.upstreams.Counters("sagi", teamPhone); c.Logins.Received != 1 {
		t.Errorf("%d logins in all, want 1", c.Logins.Received)
	}
}

// install follows docs/kubernetes.md.
func (w *team) install() {
	w.t.Helper()
	w.upstreams.Update("sagi", teamPhone, func(a *sandbox.Account) { a.TokenLifetime = sandbox.Duration(20 * time.Second) })
	w.all = objects(w.t, render(w.t, "runs-t", "--values", "testdata/team.yaml",
		"--set", "variables.url="+w.upstreams.URL("sagi"), "--set", "variables.vault="+w.vault.Address))
	apply(w.t, w.KubernetesServer, w.all)
	w.cron = job(w.t, w.KubernetesServer, w.all)
	apply(w.t, w.KubernetesServer, objects(w.t, w.policy("kubernetes", "--namespace", "runs-t")))

	// Vault asks the API server whose token it is shown.
	w.ServiceAccount("runs-t", "vault")
	w.ClusterRole("system:auth-delegator", "runs-t", "vault")
	w.vault.EnableAuth("kubernetes", map[string]any{
		"kubernetes_host": w.Address, "kubernetes_ca_cert": w.CA.PEM, "token_reviewer_jwt": w.Token("runs-t", "vault", time.Hour),
	})
	w.vault.Policy("credsync", w.policy("vault"))
	w.vault.MustWrite("auth/kubernetes/role/credsync", map[string]any{
		"bound_service_account_names": "credsync", "bound_service_account_namespaces": "runs-t", "audience": "vault",
		"token_policies": "credsync", "token_no_default_policy": true,
	})
	w.vault.MustWrite("secret/data/inputs", map[string]any{"data": map[string]any{"phone": teamPhone, "password": teamPassword}})
}

// policy is what credsync prints of the configuration on the team's own
// machine, where there is neither a cluster nor a Vault.
func (w *team) policy(args ...string) string {
	w.t.Helper()
	dir := w.t.TempDir()
	for name, text := range configMap(w.t, w.all).Data {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			w.t.Fatal(err)
		}
	}
	cmd := exec.CommandContext(
		w.t.Context(),
		program,
		append(
			[]string{
				"policy",
				"-C",
				dir,
				"--var",
				"url=" + w.upstreams.URL("sagi"),
				"--var",
				"vault=" + w.vault.Address,
			},
			args...)...)
	cmd.Env = []string{"HOME=" + dir, "PATH="}
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		w.t.Fatalf("credsync policy: %v\n%s", err, stderr.String())
	}
	return string(out)
}

func (w *team) run() { newPod(w.t, w.KubernetesServer, w.cron, nil).run(0) }

// runTogether runs two pods at the same time, as overlapping Jobs would.
func (w *team) runTogether() {
	w.t.Helper()
	pods := []*pod{newPod(w.t, w.KubernetesServer, w.cron, nil), newPod(w.t, w.KubernetesServer, w.cron, nil)}
	var wait sync.WaitGroup
	for _, p := range pods {
		cmd := p.command(0)
		wait.Go(func() {
			if out, err := cmd.CombinedOutput(); err != nil {
				w.t.Errorf("one of two runs: %v\n%s", err, out)
			}
		})
	}
	wait.Wait()
}

// rotate runs the pod until it finds the token due.
func (w *team) rotate() {
	w.t.Helper()
	for deadline := time.Now().Add(time.Minute); w.upstreams.Counters("sagi", teamPhone).Refreshes.Accepted == 0; {
		if time.Now().After(deadline) {
			w.t.Fatal("the token was never refreshed")
		}
		w.run()
	}
}

// wantLive checks that both targets hold one and the same live token, and
// returns it.
func (w *team) wantLive() string {
	w.t.Helper()
	inCluster := string(as[corev1.Secret](w.t, w.Secret("team-t", "sagi-token")).Data["access_token"])
	inVault, _ := w.vault.ReadKV2("secret", "shop/sagi")["access_token"].(string)
	if _, live := w.upstreams.Live("sagi", inVault); !live || inCluster != inVault {
		w.t.Errorf("Vault has a live token: %v; the Secret has the same: %v", live, inCluster == inVault)
	}
	return inVault
}

// remove takes the account out of the configuration.
func (w *team) remove() {
	w.t.Helper()
	text := configMap(w.t, w.all).Data["main.hcl"]
	before, _, found := strings.Cut(text, "account ")
	if !found {
		w.t.Fatal("there is no account to remove")
	}
	w.Patch("/api/v1/namespaces/runs-t/configmaps/credsync", servers.Object{"data": servers.Object{"main.hcl": before}})
}

//go:build acceptance

package storm

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/credsync/credsync/sandbox"
	"github.com/credsync/credsync/testkit/faultproxy"
	"github.com/credsync/credsync/testkit/servers"
)

// serverStorm is a storm around real processes, a real Vault and a real API
// server.
type serverStorm struct {
	t          *testing.T
	seed       uint64
	program    string
	dir        string
	accounts   []account
	ledger     *ledger
	upstream   *sandbox.Sandbox
	vault      *servers.VaultServer
	kubernetes *servers.KubernetesServer
	namespace  string
	kubeconfig string
	// proxies of the upstreams, Vault and the API server.
	proxies   []*faultproxy.Proxy
	upstreams string

	mu   sync.Mutex
	runs int
}

// serverKinds leaves out what a client that follows redirects would follow.
var serverKinds = faultproxy.AllKinds[:0:0]

func init() {
	for _, k := range faultproxy.AllKinds {
		if k != faultproxy.Redirect {
			serverKinds = append(serverKinds, k)
		}
	}
}

func (s *serverStorm) inVault(a account) bool { return a.key[3]%2 == 0 }

func newServerStorm(t *testing.T, seed uint64, n int) *serverStorm {
	s := &serverStorm{
		t: t, seed: seed, dir: t.TempDir(), accounts: makeAccounts(n), upstream: sandbox.New(sandbox.Options{}),
		vault: servers.Vault(t), kubernetes: servers.Kubernetes(t),
	}
	s.ledger = newLedger(s.accounts)
	s.namespace = s.kubernetes.Namespace()
	s.program = filepath.Join(s.dir, "credsync")
	build := exec.Command("go", "build", "-o", s.program, "../../cmd/credsync")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("build credsync: %v\n%s", err, out)
	}
	for _, a := range s.accounts {
		if err := s.upstream.SetAccount(a.upstream()); err != nil {
			t.Fatal(err)
		}
		switch {
		case !a.foreign:
		case s.inVault(a):
			s.vault.MustWrite("secret/data/shop/"+a.key, map[string]any{"data": map[string]any{"text": someoneElse}})
		default:
			s.kubernetes.CreateSecret(s.namespace, a.key, map[string]string{"text": someoneElse}, nil)
		}
	}
	if err := s.upstream.Start("127.0.0.1:0"); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.upstream.Close() })
	upstreams := s.proxy(faultproxy.Options{Target: s.upstream.URL(""), Prefixed: true, Observe: s.ledger.saw})
	s.upstreams = upstreams
	vault := s.proxy(faultproxy.Options{Target: s.vault.Address, Kinds: serverKinds, Observe: s.sawVault})
	kubernetes := s.proxy(
		faultproxy.Options{
			Target:    s.kubernetes.Address,
			Transport: adminToken{s.kubernetes.Transport(), s.kubernetes.AdminToken},
			Kinds:     serverKinds,
			Observe:   s.sawKubernetes,
		},
	)
	s.configure(upstreams, vault, kubernetes)
	return s
}

// adminToken adds the token that client-go sends by TLS only.
type adminToken struct {
	next  http.RoundTripper
	token string
}

func (a adminToken) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	r.Header.Set("Authorization", "Bearer "+a.token)
	return a.next.RoundTrip(r)
}

func (s *serverStorm) proxy(o faultproxy.Options) string {
	o.Seed, o.Rate = s.seed, faultRate
	p, err := faultproxy.Start(o)
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { _ = p.Close() })
	s.proxies = append(s.proxies, p)
	return p.URL()
}

func (s *serverStorm) configure(upstreams, vault, kubernetes string) {
	var b strings.Builder
	fmt.Fprintf(&b, `variable "run" { type = string }
sink "vault" "main" { address = %q }
sink "k8ssecret" "main" { namespace = %q }
state "vault" "main" { path = "credsync/storm" }
`, vault, s.namespace)
	for _, a := range s.accounts {
		deliver := fmt.Sprintf("  deliver \"k8ssecret\" \"main\" {\n    name = %q\n  }\n", a.key)
		if s.inVault(a) {
			deliver = fmt.Sprintf("  deliver \"vault\" \"main\" {\n    path = \"shop/%s\"\n  }\n", a.key)
		}
		b.WriteString(a.block(upstreams, deliver))
	}
	kubeconfig := map[string]any{
		"apiVersion": "v1", "kind": "Config", "current-context": "test",
		"clusters": []any{map[string]any{"name": "test", "cluster": map[string]any{"server": kubernetes}}},
		"users":    []any{map[string]any{"name": "test", "user": map[string]any{"token": s.kubernetes.AdminToken}}},
		"contexts": []any{map[string]any{"name": "test", "context": map[string]any{"cluster": "test", "user": "test"}}},
	}
	text, err := json.Marshal(kubeconfig)
	if err != nil {
		s.t.Fatal(err)
	}
	s.kubeconfig = filepath.Join(s.dir, "kubeconfig")
	for file, content := range map[string]string{s.kubeconfig: string(text), filepath.Join(s.dir, "main.hcl"): b.String()} {
		if err := os.WriteFile(file, []byte(content), 0o600); err != nil {
			s.t.Fatal(err)
		}
	}
}

// sawVault checks P2 in what reaches Vault.
func (s *serverStorm) sawVault(x *faultproxy.Exchange) {
	path, found := strings.CutPrefix(x.Path, "/v1/secret/data/shop/")
	if !found || len(x.Body) == 0 || !x.Processed {
		return
	}
	var body struct{ Data map[string]any }
	_ = json.Unmarshal(x.Body, &body)
	s.ledger.writes("vault shop/"+path, fmt.Sprint(body.Data["access_token"]))
}

// sawKubernetes checks P2 in what reaches the API server.
func (s *serverStorm) sawKubernetes(x *faultproxy.Exchange) {
	_, name, found := strings.Cut(x.Path, "/secrets/")
	if !found || len(x.Body) == 0 || !x.Processed {
		return
	}
	var body struct {
		Data       map[string][]byte
		StringData map[string]string
	}
	_ = json.Unmarshal(x.Body, &body)
	if token := string(body.Data["access_token"]) + body.StringData["access_token"]; token != "" {
		s.ledger.writes("k8ssecret "+name, token)
	}
}

// apply runs the program and returns its exit code and what it printed.
func (s *serverStorm) apply() (int, string) {
	s.mu.Lock()
	s.runs++
	run := strings.Replace(s.upstreams, "//", fmt.Sprintf("//run-%d:x@", s.runs), 1)
	s.mu.Unlock()
	cmd := exec.CommandContext(s.t.Context(), s.program, "apply", "--auto-approve", "--concurrency", "20", "--var", "run="+run)
	cmd.Dir = s.dir
	cmd.Env = []string{"HOME=" + s.dir, "VAULT_TOKEN=" + s.vault.RootToken, "KUBECONFIG=" + s.kubeconfig, "NO_PROXY=127.0.0.1"}
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		s.t.Errorf("run credsync: %v", err)
	}
	return cmd.ProcessState.ExitCode(), out.String()
}

func (s *serverStorm) quiet(quiet bool) {
	for _, p := range s.proxies {
		p.Quiet(quiet)
	}
}

func (s *serverStorm) runUnderFaults(rounds int) {
	s.quiet(false)
	var wg sync.WaitGroup
	for range runners {
		wg.Go(func() {
			for range rounds {
				s.apply()
				s.checkForeign()
			}
		})
	}
	wg.Wait()
	s.quiet(true)
}

// holds returns the token in an account's target, and whatever else is there.
func (s *serverStorm) holds(a account) (token, text string) {
	if s.inVault(a) {
		data := s.vault.ReadKV2("secret", "shop/"+a.key)
		token, _ = data["access_token"].(string)
		text, _ = data["text"].(string)
		return token, text
	}
	data, _ := s.kubernetes.Secret(s.namespace, a.key)["data"].(servers.Object)
	read := func(key string) string {
		encoded, _ := data[key].(string)
		b, _ := base64.StdEncoding.DecodeString(encoded)
		return string(b)
	}
	return read("access_token"), read("text")
}

func (s *serverStorm) checkForeign() {
	for _, a := range s.accounts {
		if a.foreign {
			if token, text := s.holds(a); token != "" || text != someoneElse {
				s.ledger.violate("%s: the target of somebody else was written", a.address())
			}
		}
	}
}

// converge wants one run to bring everything to its end. Its exit code is 3, as
// some accounts need a human.
func (s *serverStorm) converge() {
	s.t.Helper()
	if code, out := s.apply(); code != 3 {
		s.t.Errorf("after the storm apply ended with %d:\n%s", code, out)
	}
	asked := s.ledger.logins + s.ledger.refreshes
	if code, out := s.apply(); code != 3 || !strings.Contains(out, "0 issued, 0 refreshed, 0 reissued, 0 delivered") {
		s.t.Errorf("a second apply ended with %d:\n%s", code, out)
	}
	if s.ledger.logins+s.ledger.refreshes != asked {
		s.t.Error("an apply with nothing to do asked for a token")
	}
	s.checkForeign()
	for _, a := range s.accounts {
		want := s.ledger.newest[a.key].access
		if a.provider == "invoicebox" {
			want = a.token()
		}
		if a.foreign || a.wrong {
			continue
		}
		if got, _ := s.holds(a); got != want {
			s.t.Errorf("%s: its target has not the newest token", a.address())
		}
		if name, live := s.upstream.Live(a.provider, want); name != a.login() || !live {
			s.t.Errorf("%s: the token that was delivered is not alive", a.address())
		}
	}
	if left, _ := os.ReadDir(filepath.Join(s.dir, ".credsync", "emergency")); len(left) > 0 {
		s.t.Errorf("%d emergency files are left though the state has taken everything", len(left))
	}
}

func (s *serverStorm) report() {
	s.t.Helper()
	if v := append(s.ledger.violations(), s.upstream.Violations()...); len(v) > 0 {
		s.t.Errorf("promises were broken:\n%s", strings.Join(v, "\n"))
	}
	var all []string
	for i, p := range s.proxies {
		total, damaged := p.Counts()
		all = append(all, fmt.Sprintf("%d of %d requests to %s", damaged, total, []string{"upstreams", "Vault", "the API server"}[i]))
	}
	s.t.Logf("seed %d: %d accounts, %d runs; damaged: %s; %d logins and %d refreshes, %d tokens whose answer never arrived",
		s.seed, len(s.accounts), s.runs, strings.Join(all, ", "), s.ledger.logins, s.ledger.refreshes, s.ledger.lost)
	if s.t.Failed() {
		s.t.Logf("repeat it with CREDSYNC_STORM_SEED=%d", s.seed)
	}
}

// revoke kills the tokens of the upstreams that credsync can ask about theirs.
func (s *serverStorm) revoke() {
	for _, a := range s.accounts {
		if a.provider == "sagi" || a.provider == "bifit_kassa" {
			s.upstream.Revoke(a.provider, a.login())
		}
	}
	s.ledger.nextEpoch()
}

func TestServerStorm(t *testing.T) {
	all := seeds(t)
	wholeServerStorm(t, all[len(all)-1], 40)
}

// wholeServerStorm has a third of all that goes to the upstreams, to Vault and to
// the API server damaged while three processes work at the same time; then the
// tokens are revoked, and it goes on.
func wholeServerStorm(t *testing.T, seed uint64, accounts int) {
	s := newServerStorm(t, seed, accounts)
	defer s.report()
	s.runUnderFaults(2)
	s.converge()
	s.revoke()
	s.runUnderFaults(1)
	s.converge()
}

//go:build acceptance

package acceptance

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/credsync/credsync/sandbox"
	"github.com/credsync/credsync/testkit/servers"
	"github.com/hashicorp/vault/api"
)

// policyConfig uses everything that a Vault policy is about: both versions of
// KV, the state, a data block, targets that are merged into, taken over and
// deleted, and an account whose login is preceded by a preflight.
const policyConfig = `
variable "main" {}
variable "old" {}
variable "invoicebox_url" {}
variable "astana_plat_url" {}
sink "vault" "main" { mount = var.main }
sink "vault" "old" { mount = var.old }
state "vault" "main" { path = "credsync/test" }
data "vault" "accounts" {
  sink = "main"
  path = "inputs/accounts"
}
account "invoicebox" "kept" {
  base_url = var.invoicebox_url
  token    = data.vault.accounts.token
  deliver "vault" "main" { path = "shop/kept" }
  deliver "vault" "old" {
    path  = "kept"
    adopt = true
  }
}
`

// policyRemoved is the part of the configuration that goes in the end.
const policyRemoved = `
account "astana_plat" "pay" {
  base_url  = var.astana_plat_url
  login     = "login"
  password  = data.vault.accounts.password
  on_remove = "delete"
  deliver "vault" "main" { path = "shop/pay" }
  deliver "vault" "main" {
    path  = "shop/adopted"
    adopt = true
  }
  deliver "vault" "main" {
    path  = "shop/shared"
    merge = true
  }
  deliver "vault" "old" {
    path  = "pay"
    adopt = true
  }
  deliver "vault" "old" {
    path  = "shared"
    adopt = true
    merge = true
  }
}
`

// The targets of policyConfig, those that are merged into last.
var (
	newTargets = []string{"shop/kept", "shop/pay", "shop/adopted", "shop/shared"}
	oldTargets = []string{"kept", "pay", "shared"}
)

// TestVaultPolicy: what "credsync policy vault" prints is enough for all that
// credsync does in Vault, and nothing of it can be left out.
func TestVaultPolicy(t *testing.T) {
	v := servers.Vault(t)
	first := newTenant(t, v, 0)
	text := first.credsync(t, v.RootToken, "policy", "vault", "--kv", "detect").stdout
	t.Run("Offline", func(t *testing.T) { testPolicyOffline(t, first, rulesOf(t, text)) })
	t.Run("Sufficient", func(t *testing.T) {
		if err := first.live(t, text); err != nil {
			t.Errorf("with the policy as printed: %v", err)
		}
	})
	for i, m := range mutations(rulesOf(t, text)) {
		if strings.HasSuffix(m.name, "/config") {
			continue // It lets plan see what apply finds out without it.
		}
		t.Run("Without/"+m.name, func(t *testing.T) {
			t.Parallel()
			tenant := newTenant(t, v, i+1)
			if err := tenant.live(t, first.translate(tenant, m.rules)); err == nil {
				t.Errorf("everything works without it")
			} else {
				t.Log(err)
			}
		})
	}
}

// testPolicyOffline prints the policy where there is no Vault.
func testPolicyOffline(t *testing.T, w *tenant, want []policyRule) {
	nowhere := *w
	nowhere.address = "http://127.0.0.1:1"
	text := nowhere.credsync(t, "", "policy", "vault", "main").stdout +
		nowhere.credsync(t, "", "policy", "vault", "old", "--kv", "1").stdout
	if got := rulesOf(t, text); !slices.EqualFunc(got, want, policyRule.equal) {
		t.Errorf("offline, the rules are %v, want %v", got, want)
	}
}

// policyRule is one path of a policy.
type policyRule struct {
	path         string
	capabilities []string
}

func (r policyRule) equal(o policyRule) bool {
	return r.path == o.path && slices.Equal(r.capabilities, o.capabilities)
}

var rulePattern = regexp.MustCompile(`(?m)^path "([^"]+)" \{\n  capabilities = \[([^\]]*)\]\n\}$`)

// rulesOf takes a policy apart; nothing but comments may be left.
func rulesOf(t *testing.T, text string) (rules []policyRule) {
	t.Helper()
	for _, m := range rulePattern.FindAllStringSubmatch(text, -1) {
		rules = append(rules, policyRule{m[1], strings.Split(strings.ReplaceAll(m[2], `"`, ""), ", ")})
	}
	for line := range strings.Lines(rulePattern.ReplaceAllString(text, "")) {
		if line = strings.TrimSpace(line); line != "" && !strings.HasPrefix(line, "#") {
			t.Fatalf("the policy has a line that is neither rule nor comment: %s", line)
		}
	}
	if len(rules) == 0 {
		t.Fatalf("no rules in:\n%s", text)
	}
	return rules
}

type mutation struct {
	name  string
	rules []policyRule
}

// mutations leave out each rule, and each capability of each rule.
func mutations(rules []policyRule) (all []mutation) {
	for i, r := range rules {
		without := slices.Delete(slices.Clone(rules), i, i+1)
		all = append(all, mutation{r.path, without})
		if len(r.capabilities) == 1 {
			continue
		}
		for j, c := range r.capabilities {
			fewer := slices.Clone(rules)
			fewer[i].capabilities = slices.Delete(slices.Clone(r.capabilities), j, j+1)
			all = append(all, mutation{r.path + "/" + c, fewer})
		}
	}
	return all
}

// tenant is one life of the configuration, in mounts of its own.
type tenant struct {
	address   string
	main, old string
	dir       string
	root      *api.Client
	sandbox   *sandbox.Sandbox
}

func newTenant(t *testing.T, v *servers.VaultServer, n int) *tenant {
	t.Helper()
	w := &tenant{
		address: v.Address, main: fmt.Sprintf("main-%d", n), old: fmt.Sprintf("old-%d", n),
		dir: t.TempDir(), sandbox: sandbox.New(sandbox.Options{Accounts: sandbox.DemoAccounts()}),
	}
	if err := w.sandbox.Start("127.0.0.1:0"); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = w.sandbox.Close() })
	root, err := api.NewClient(&api.Config{Address: v.Address})
	if err != nil {
		t.Fatal(err)
	}
	root.SetToken(v.RootToken)
	w.root = root
	for mount, version := range map[string]string{w.main: "2", w.old: "1"} {
		w.write(t, "sys/mounts/"+mount, map[string]any{"type": "kv", "options": map[string]any{"version": version}})
	}
	w.configure(t, policyConfig+policyRemoved)
	return w
}

func (w *tenant) configure(t *testing.T, hcl string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(w.dir, "main.hcl"), []byte(hcl), 0o600); err != nil {
		t.Fatal(err)
	}
}

// translate writes rules for the mounts of another tenant.
func (w *tenant) translate(to *tenant, rules []policyRule) string {
	var b strings.Builder
	names := strings.NewReplacer(w.main+"/", to.main+"/", w.old+"/", to.old+"/")
	for _, r := range rules {
		fmt.Fprintf(&b, "path %q { capabilities = [\"%s\"] }\n", names.Replace(r.path), strings.Join(r.capabilities, `", "`))
	}
	return b.String()
}

// ended is how a program ended.
type ended struct {
	code           int
	stdout, stderr string
}

func (w *tenant) credsync(t *testing.T, token string, args ...string) ended {
	t.Helper()
	cmd := exec.Command(credsync, append(args, "-C", w.dir)...)
	cmd.Env = []string{
		"PATH=" + os.Getenv("PATH"), "HOME=" + w.dir, "GORACE=atexit_sleep_ms=0",
		"VAULT_ADDR=" + w.address, "VAULT_TOKEN=" + token, "CREDSYNC_LOG=warn",
		"CREDSYNC_VAR_main=" + w.main, "CREDSYNC_VAR_old=" + w.old,
		"CREDSYNC_VAR_invoicebox_url=" + w.sandbox.URL("invoicebox"),
		"CREDSYNC_VAR_astana_plat_url=" + w.sandbox.URL("astana_plat"),
	}
	var stdout strings.Builder
	stderr := impatient{cmd: cmd}
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	return ended{cmd.ProcessState.ExitCode(), stdout.String(), stderr.String()}
}

// impatient is a program's standard error. It interrupts the program when that
// begins to wait for the state, which it does for minutes where a new token
// cannot be written to it.
type impatient struct {
	strings.Builder
	cmd *exec.Cmd
}

func (i *impatient) Write(p []byte) (int, error) {
	if strings.Contains(string(p), "a new token could not be written to the state") {
		if err := i.cmd.Process.Signal(os.Interrupt); err != nil {
			return 0, err
		}
	}
	return i.Builder.Write(p)
}

// lifeStep is something that happens in Vault, and what credsync makes of it.
type lifeStep struct {
	name   string
	others func(t *testing.T)
	plan   int
	// apply is run where the plan has something to do.
	apply []string
	check func(t *testing.T) error
}

// live goes through all that can happen, with a token that has only that
// policy and Vault's default one. It returns what went wrong first.
func (w *tenant) live(t *testing.T, policy string) error {
	t.Helper()
	if err := w.root.Sys().PutPolicyWithContext(t.Context(), w.main, policy); err != nil {
		t.Fatal(err)
	}
	answer := w.write(t, "auth/token/create-orphan", map[string]any{"policies": []string{w.main}})
	for _, c := range w.chapters() {
		if err := w.pass(t, c, answer.Auth.ClientToken); err != nil {
			return fmt.Errorf("%s: %w", c.name, err)
		}
	}
	return nil
}

func (w *tenant) pass(t *testing.T, c lifeStep, token string) error {
	t.Helper()
	if c.others != nil {
		c.others(t)
	}
	if err := w.expect(t, token, c.plan, "plan", "--detailed-exitcode"); err != nil {
		return err
	}
	if c.apply != nil {
		if err := w.expect(t, token, 0, append([]string{"apply", "--auto-approve"}, c.apply...)...); err != nil {
			return err
		}
	}
	if c.check != nil {
		return c.check(t)
	}
	return nil
}

func (w *tenant) expect(t *testing.T, token string, code int, args ...string) error {
	t.Helper()
	if got := w.credsync(t, token, args...); got.code != code {
		return fmt.Errorf("%s ended with %d, not %d\n%s%s", args[0], got.code, code, got.stdout, got.stderr)
	}
	return nil
}

func (w *tenant) chapters() []lifeStep {
	always := []string{}
	withdraw := func(t *testing.T) {
		w.addTheirKeys(t)
		w.configure(t, policyConfig)
	}
	return []lifeStep{
		{"first deliveries", w.prepare, 2, always, w.delivered},
		{"nothing to do", nil, 0, nil, nil},
		{"others change their own keys", w.addTheirKeys, 0, nil, nil},
		{"rotation", nil, 0, []string{"--replace", "account.astana_plat.pay"}, w.delivered},
		{"drift", w.overwrite, 2, always, w.delivered},
		{"deleted by others", w.deleteAll, 2, always, w.delivered},
		{"purged by others", w.purgeAll, 2, always, w.delivered},
		{"left deleted by others", w.leaveHistory, 2, always, w.delivered},
		{"nothing to do again", nil, 0, nil, nil},
		{"removed", withdraw, 2, always, w.removed},
		{"nothing left to do", nil, 0, nil, nil},
	}
}

// What others do, with the root token.

func (w *tenant) write(t *testing.T, path string, body map[string]any) *api.Secret {
	t.Helper()
	s, err := w.root.Logical().WriteWithContext(t.Context(), path, body)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func (w *tenant) delete(t *testing.T, path string) {
	t.Helper()
	if _, err := w.root.Logical().DeleteWithContext(t.Context(), path); err != nil {
		t.Fatal(err)
	}
}

// read returns a secret's data in either version; nil where there is none.
func (w *tenant) read(t *testing.T, path string) map[string]any {
	t.Helper()
	s, err := w.root.Logical().ReadWithContext(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	if s == nil {
		return nil
	}
	if strings.HasPrefix(path, w.main+"/data/") {
		data, _ := s.Data["data"].(map[string]any)
		return data
	}
	return s.Data
}

// put writes a secret in version 2.
func (w *tenant) put(t *testing.T, path string, data map[string]any) {
	t.Helper()
	w.write(t, w.main+"/data/"+path, map[string]any{"data": data})
}

func (w *tenant) prepare(t *testing.T) {
	w.put(t, "inputs/accounts", map[string]any{"token": "b37c4c689295904ed21eee5d9a48d42e", "password": "password"})
	w.put(t, "shop/adopted", map[string]any{"old": "script"})
	w.write(t, w.old+"/shared", map[string]any{"theirs": "1"})
}

// addTheirKeys writes beside what credsync has written to merged targets.
func (w *tenant) addTheirKeys(t *testing.T) {
	for _, path := range []string{w.main + "/data/shop/shared", w.old + "/shared"} {
		data := maps.Clone(w.read(t, path))
		data["theirs"] = "2"
		if path == w.old+"/shared" {
			w.write(t, path, data)
		} else {
			w.write(t, path, map[string]any{"data": data})
		}
	}
}

func (w *tenant) overwrite(t *testing.T) {
	garbage := map[string]any{"token": "garbage", "access_token": "garbage"}
	for _, path := range newTargets {
		w.put(t, path, garbage)
	}
	for _, path := range oldTargets {
		w.write(t, w.old+"/"+path, garbage)
	}
}

func (w *tenant) deleteAll(t *testing.T) {
	for _, path := range newTargets {
		w.delete(t, w.main+"/data/"+path)
	}
	for _, path := range oldTargets {
		w.delete(t, w.old+"/"+path)
	}
}

func (w *tenant) purgeAll(t *testing.T) {
	for _, path := range newTargets {
		w.delete(t, w.main+"/metadata/"+path)
	}
}

// leaveHistory leaves versions, all deleted, that are not credsync's.
func (w *tenant) leaveHistory(t *testing.T) {
	w.purgeAll(t)
	for _, path := range newTargets {
		w.put(t, path, map[string]any{"theirs": "1"})
		w.delete(t, w.main+"/data/"+path)
	}
}

// places are all targets with their mounts.
func (w *tenant) places() (paths []string) {
	for _, path := range newTargets {
		paths = append(paths, w.main+"/data/"+path)
	}
	for _, path := range oldTargets {
		paths = append(paths, w.old+"/"+path)
	}
	return paths
}

// hasToken reports whether a target holds what credsync writes.
func (w *tenant) hasToken(t *testing.T, path string) bool {
	data := w.read(t, path)
	token, _ := data["access_token"].(string)
	return token != "" && token != "garbage"
}

func (w *tenant) delivered(t *testing.T) error {
	for _, path := range w.places() {
		if !w.hasToken(t, path) {
			return fmt.Errorf("there is no token at %s", path)
		}
	}
	return nil
}

func (w *tenant) removed(t *testing.T) error {
	for _, path := range w.places() {
		data := w.read(t, path)
		switch name := path[strings.LastIndex(path, "/")+1:]; {
		case name == "kept" && !w.hasToken(t, path):
			return fmt.Errorf("%s was deleted too", path)
		case name == "shared" && (w.hasToken(t, path) || data["theirs"] != "2"):
			return fmt.Errorf("%s has not just what others wrote", path)
		case (name == "pay" || name == "adopted") && data != nil:
			return fmt.Errorf("%s is still there", path)
		}
	}
	return nil
}

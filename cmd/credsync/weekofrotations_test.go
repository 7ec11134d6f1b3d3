//go:build acceptance

package main

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/credsync/credsync/sandbox"
	"github.com/credsync/credsync/testkit/servers"
)

// weekOfRotations is the example with all five upstreams against a real Vault, with the
// clocks of credsync and of the upstreams moved together.
type weekOfRotations struct {
	t       *testing.T
	vault   *servers.VaultServer
	sandbox *sandbox.Sandbox
	example string
	clock   clock
	shift   time.Duration
}

// targets are where the example delivers each upstream's token.
var targets = map[string]string{
	"invoicebox": "shop/billing", "sagi": "shop/sagi", "bifit_kassa": "shop/till", "bereke": "shop/bank", "astana_plat": "shop/payments",
}

func newWeekOfRotations(t *testing.T) *weekOfRotations {
	example, err := filepath.Abs("../../examples/all.hcl")
	if err != nil {
		t.Fatal(err)
	}
	c := newClock()
	box := sandbox.New(sandbox.Options{Accounts: sandbox.DemoAccounts(), Now: c.now})
	w := &weekOfRotations{t: t, vault: servers.Vault(t), sandbox: box, example: example, clock: c}
	if err := w.sandbox.Start("127.0.0.1:0"); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = w.sandbox.Close() })
	w.vault.MustWrite("secret/data/inputs/accounts", map[string]any{"data": map[string]any{
		"invoicebox_token": apiToken, "sagi_phone": login, "sagi_password": password,
		"bifit_kassa_username": "79001234567", "bifit_kassa_password": password,
		"bereke_username": "test", "bereke_password": "bank_password",
		"astana_plat_login": "login", "astana_plat_password": "password",
	}})
	return w
}

// run runs a command of the program, and wants it to end with that code.
func (w *weekOfRotations) run(code int, args ...string) string {
	w.t.Helper()
	env := map[string]string{"VAULT_ADDR": w.vault.Address, "VAULT_TOKEN": w.vault.RootToken, "HOME": w.t.TempDir()}
	for _, name := range w.sandbox.Upstreams() {
		env["CREDSYNC_VAR_"+name+"_url"] = w.sandbox.URL(name)
	}
	var stdout, stderr bytes.Buffer
	got := run(context.Background(), append(args, w.example), environment{
		stdin: strings.NewReader(""), stdout: &stdout, stderr: &stderr,
		getenv: func(name string) string { return env[name] },
		now:    func() time.Time { return w.clock.now().Add(w.shift) },
	})
	if got != code {
		w.t.Fatalf("%v after %s: exit code %d, want %d\n%s%s", args, w.shift, got, code, stdout.String(), stderr.String())
	}
	return stdout.String() + stderr.String()
}

func (w *weekOfRotations) pass(d time.Duration) {
	w.shift += d
	w.sandbox.Advance(d)
}

// holdLiveTokens wants every target to hold a token that its upstream accepts.
func (w *weekOfRotations) holdLiveTokens() {
	w.t.Helper()
	for upstream, path := range targets {
		token, _ := w.vault.ReadKV2("secret", path)["access_token"].(string)
		if _, live := w.sandbox.Live(upstream, token); !live {
			w.t.Fatalf("after %s, %s holds a token that %s does not accept", w.shift, path, upstream)
		}
	}
}

func (w *weekOfRotations) counts(upstream, account string) (logins, refreshes int) {
	c := w.sandbox.Counters(upstream, account)
	return c.Logins.Received, c.Refreshes.Received
}

func TestAWeekOfRotationsAtAllUpstreams(t *testing.T) {
	w := newWeekOfRotations(t)
	// Shorter lives than the documented ones where a week would have no
	// rotation, longer ones where it would have a thousand.
	for upstream, lifetime := range map[string]time.Duration{"sagi": 4 * 24 * time.Hour, "bereke": 3 * time.Hour, "astana_plat": 3 * time.Hour} {
		for _, a := range w.sandbox.Accounts() {
			if a.Upstream == upstream {
				w.sandbox.Update(
					upstream,
					a.Name,
					func(a *sandbox.Account) { a.TokenLifetime = sandbox.Duration(lifetime) },
				)
			}
		}
	}
	w.run(0, "validate")
	w.run(2, "plan", "--detailed-exitcode")
	w.run(0, "apply", "--auto-approve")
	w.run(0, "plan", "--detailed-exitcode")
	w.holdLiveTokens()

	const step = 4 * time.Minute
	steps := int(7 * 24 * time.Hour / step)
	for i := range steps {
		w.pass(step)
		// Between two rotations there is nothing to see; applying at each step
		// would only take longer.
		if i%8 != 0 && !w.due() {
			continue
		}
		w.run(0, "apply", "--auto-approve")
		w.holdLiveTokens()
	}

	for _, tt := range []struct {
		upstream, account string
		// least and most of logins and of refreshes.
		logins, refreshes [2]int
	}{
		{"invoicebox", "demo", [2]int{0, 0}, [2]int{0, 0}},
		{"sagi", login, [2]int{1, 1}, [2]int{3, 4}},
		{"bifit_kassa", "79001234567", [2]int{1, 1}, [2]int{20, 23}},
		{"bereke", "test", [2]int{55, 62}, [2]int{0, 0}},
		{"astana_plat", "login", [2]int{55, 64}, [2]int{0, 0}},
	} {
		logins, refreshes := w.counts(tt.upstream, tt.account)
		if logins < tt.logins[0] || logins > tt.logins[1] || refreshes < tt.refreshes[0] ||
			refreshes > tt.refreshes[1] {
			t.Errorf(
				"%s: %d logins and %d refreshes in a week, want %v and %v",
				tt.upstream,
				logins,
				refreshes,
				tt.logins,
				tt.refreshes,
			)
		}
	}
	if v := w.sandbox.Violations(); len(v) > 0 {
		t.Errorf("protocol violations:\n%s", strings.Join(v, "\n"))
	}
}

// due reports whether any token in Vault is near its end, by the longest
// window of the short-lived ones.
func (w *weekOfRotations) due() bool {
	now := w.clock.now().Add(w.shift)
	for upstream, path := range targets {
		text, _ := w.vault.ReadKV2("secret", path)["expires_at"].(string)
		at, err := time.Parse(time.RFC3339, text)
		if err == nil && upstream != "sagi" && upstream != "bifit_kassa" && at.Sub(now) < 15*time.Minute {
			return true
		}
	}
	return false
}

func TestATillWithASecondFactorIsBroughtUpInTwoStepsAndThenRunsByItself(t *testing.T) {
	w := newWeekOfRotations(t)
	const phone = "79007654321"
	w.vault.MustWrite("secret/data/inputs/accounts", map[string]any{"data": map[string]any{
		"invoicebox_token": apiToken, "sagi_phone": login, "sagi_password": password,
		"bifit_kassa_username": phone, "bifit_kassa_password": password,
		"bereke_username": "test", "bereke_password": "bank_password",
		"astana_plat_login": "login", "astana_plat_password": "password",
	}})
	// login takes its configuration from a folder.
	dir := t.TempDir()
	b, err := os.ReadFile(w.example)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "main.hcl"), b, 0o600); err != nil {
		t.Fatal(err)
	}
	w.example = dir
	inDir := func(code int, args ...string) string {
		t.Helper()
		w.example = "bifit_kassa.till"
		defer func() { w.example = dir }()
		return w.run(code, append(args, "-C", dir)...)
	}

	for range 3 {
		if out := w.run(3, "apply", "--auto-approve"); !strings.Contains(out, "credsync login") {
			t.Fatalf("the way on is not said:\n%s", out)
		}
	}
	sent := func() int { return w.sandbox.Counters("bifit_kassa", phone).Codes.Accepted }
	if sent() != 0 {
		t.Fatalf("apply had %d codes sent", sent())
	}
	inDir(0, "login", "--send-only")
	inDir(0, "login", "--send-only")
	if sent() != 1 {
		t.Fatalf("an impatient retry had %d codes sent", sent())
	}
	inDir(3, "login", "--code", "0000")
	code := filepath.Join(dir, "code")
	if err := os.WriteFile(code, []byte(w.sandbox.LastCode("bifit_kassa", phone)), 0o600); err != nil {
		t.Fatal(err)
	}
	inDir(0, "login", "--code-file", code)
	w.holdLiveTokens()
	w.run(0, "plan", "--detailed-exitcode")

	// Unattended from here on.
	logins, _ := w.counts("bifit_kassa", phone)
	for range 6 {
		w.pass(9 * time.Hour)
		w.run(0, "apply", "--auto-approve")
	}
	after, refreshes := w.counts("bifit_kassa", phone)
	if after != logins || refreshes != 6 || sent() != 1 {
		t.Errorf("%d more logins, %d refreshes, %d codes", after-logins, refreshes, sent())
	}
	if v := w.sandbox.Violations(); len(v) > 0 {
		t.Errorf("protocol violations:\n%s", strings.Join(v, "\n"))
	}
}

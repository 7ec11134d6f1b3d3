//go:build acceptance

// Package acceptance runs the built program, as a user would, against a real
// Vault and the sandbox. Each script in testdata has both to itself.
package acceptance

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/credsync/credsync/sandbox"
	"github.com/credsync/credsync/testkit/build"
	"github.com/credsync/credsync/testkit/servers"
	"github.com/rogpeppe/go-internal/testscript"
)

// credsync is the path of the built program.
var credsync string

func TestMain(m *testing.M) { os.Exit(build.Main(m, &credsync, "-race")) }

// world is what a script has to itself.
type world struct {
	tb      testing.TB
	vault   *servers.VaultServer
	other   *servers.VaultServer // once the script has asked for it
	sandbox *sandbox.Sandbox
}

func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir: "testdata",
		Setup: func(env *testscript.Env) error {
			env.Values["world"] = newWorld(env.T().(testing.TB), env)
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"exits":      exits,
			"repeat":     repeat,
			"eventually": eventually,
			"sandbox": func(ts *testscript.TestScript, neg bool, args []string) {
				ts.Value("world").(*world).sandboxCommand(ts, neg, args)
			},
			"vault": func(ts *testscript.TestScript, neg bool, args []string) {
				ts.Value("world").(*world).vaultCommand(ts, neg, args)
			},
		},
	})
}

func newWorld(tb testing.TB, env *testscript.Env) *world {
	w := &world{tb: tb, vault: servers.Vault(tb), sandbox: sandbox.New(sandbox.Options{})}
	for _, a := range sandbox.DemoAccounts() {
		if err := w.sandbox.SetAccount(a); err != nil {
			tb.Fatal(err)
		}
	}
	if err := w.sandbox.Start("127.0.0.1:0"); err != nil {
		tb.Fatal(err)
	}
	env.Defer(func() {
		if v := w.sandbox.Violations(); len(v) > 0 {
			tb.Errorf("the sandbox saw protocol violations:\n%s", strings.Join(v, "\n"))
		}
		if err := w.sandbox.Close(); err != nil {
			tb.Errorf("close the sandbox: %v", err)
		}
	})
	examples, err := filepath.Abs("../examples")
	if err != nil {
		tb.Fatal(err)
	}
	env.Setenv("PATH", filepath.Dir(credsync)+string(os.PathListSeparator)+os.Getenv("PATH"))
	env.Setenv("HOME", env.WorkDir)
	// A program built with the race detector waits a second before it exits.
	env.Setenv("GORACE", "atexit_sleep_ms=0")
	env.Setenv("EXAMPLES", examples)
	env.Setenv("VAULT_ADDR", w.vault.Address)
	env.Setenv("VAULT_TOKEN", w.vault.RootToken)
	env.Setenv("CREDSYNC_VAR_invoicebox_url", w.sandbox.URL("invoicebox"))
	env.Setenv("CREDSYNC_VAR_sagi_url", w.sandbox.URL("sagi"))
	return w
}

// exits runs a program and checks its exit code: exits CODE PROGRAM [ARGS].
func exits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exits CODE PROGRAM [ARGS]")
	}
	if got := exitCode(ts, args[1:]); fmt.Sprint(got) != args[0] {
		ts.Fatalf("exit code %d, want %s", got, args[0])
	}
}

func exitCode(ts *testscript.TestScript, command []string) int {
	err := ts.Exec(command[0], command[1:]...)
	if err == nil {
		return 0
	}
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		return exit.ExitCode()
	}
	ts.Fatalf("run %s: %v", command[0], err)
	return -1
}

// repeat runs a program some times, which must end the same way each time:
// repeat TIMES CODE PROGRAM [ARGS].
func repeat(ts *testscript.TestScript, neg bool, args []string) {
	times, err := strconv.Atoi(args[0])
	ts.Check(err)
	for range times {
		exits(ts, neg, args[1:])
	}
}

// eventually repeats a command until it ends as wanted, at most for 60 s:
// eventually CODE PROGRAM [ARGS].
func eventually(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: eventually CODE PROGRAM [ARGS]")
	}
	got := 0
	if !waitFor(func() bool { got = exitCode(ts, args[1:]); return fmt.Sprint(got) == args[0] }) {
		ts.Fatalf("exit code still %d after a minute, want %s", got, args[0])
	}
}

// waitFor waits for a condition, at most for a minute.
func waitFor(condition func() bool) bool {
	for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); {
		if condition() {
			return true
		}
		time.Sleep(50 * time.Millisecond)
	}
	return false
}

// sandboxCommand sets the upstreams up and looks at what they counted.
func (w *world) sandboxCommand(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) == 0 {
		ts.Fatalf("usage: sandbox counts|revoke|password|token|lifetime|fault|heal …")
	}
	need := func(n int) {
		if len(args) != n {
			ts.Fatalf("sandbox %s takes %d arguments", args[0], n-1)
		}
	}
	update := func(change func(*sandbox.Account)) {
		if !w.sandbox.Update(args[1], args[2], change) {
			ts.Fatalf("the sandbox has no account %s %s", args[1], args[2])
		}
	}
	switch args[0] {
	case "counts": // counts UPSTREAM ACCOUNT LOGINS REFRESHES
		need(5)
		c := w.sandbox.Counters(args[1], args[2])
		got := fmt.Sprintf("%d %d", c.Logins.Received, c.Refreshes.Received)
		if want := args[3] + " " + args[4]; got != want {
			ts.Fatalf("%s %s saw %s logins and refreshes, want %s", args[1], args[2], got, want)
		}
	case "await": // await UPSTREAM ACCOUNT OP: until a request of that kind has come
		need(4)
		ok := waitFor(func() bool {
			c := w.sandbox.Counters(args[1], args[2])
			return map[string]sandbox.Count{sandbox.OpLogin: c.Logins, sandbox.OpRefresh: c.Refreshes,
				sandbox.OpVerify: c.Verifications}[args[3]].Received > 0
		})
		if !ok {
			ts.Fatalf("no %s came to %s %s within a minute", args[3], args[1], args[2])
		}
	case "revoke": // revoke UPSTREAM ACCOUNT
		need(3)
		w.sandbox.Revoke(args[1], args[2])
	case "password": // password UPSTREAM ACCOUNT PASSWORD
		need(4)
		update(func(a *sandbox.Account) { a.Password = args[3] })
	case "token": // token UPSTREAM ACCOUNT TOKEN
		need(4)
		update(func(a *sandbox.Account) { a.Token = args[3] })
	case "lifetime": // lifetime UPSTREAM ACCOUNT DURATION
		need(4)
		d, err := time.ParseDuration(args[3])
		ts.Check(err)
		update(func(a *sandbox.Account) { a.TokenLifetime = sandbox.Duration(d) })
	case "fault": // fault UPSTREAM OP KIND COUNT
		need(5)
		var n int
		_, err := fmt.Sscan(args[4], &n)
		ts.Check(err)
		ts.Check(
			w.sandbox.AddFault(sandbox.Fault{Upstream: args[1], Op: args[2], Kind: sandbox.Kind(args[3]), Count: n}),
		)
	case "heal":
		need(1)
		w.sandbox.ClearFaults()
	default:
		ts.Fatalf("sandbox %s is not known", args[0])
	}
}

// vaultCommand does with the root token what somebody else would do.
func (w *world) vaultCommand(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) == 0 {
		ts.Fatalf("usage: vault put|show|version|delete|purge|policy|token|paths …")
	}
	logical, out := w.vault.Client().Logical(), ts.Stdout()
	switch args[0] {
	case "put": // put PATH KEY=VALUE…
		data := map[string]any{}
		for _, kv := range args[2:] {
			k, v, _ := strings.Cut(kv, "=")
			data[k] = v
		}
		_, err := logical.Write("secret/data/"+args[1], map[string]any{"data": data})
		ts.Check(err)
	case "patch": // patch PATH KEY=VALUE…, as vault kv patch does
		data := w.vault.ReadKV2("secret", args[1])
		for _, kv := range args[2:] {
			k, v, _ := strings.Cut(kv, "=")
			data[k] = v
		}
		_, err := logical.Write("secret/data/"+args[1], map[string]any{"data": data})
		ts.Check(err)
	case "show": // show PATH: "key=value" lines to standard output
		data := w.vault.ReadKV2("secret", args[1])
		for _, k := range slices.Sorted(maps.Keys(data)) {
			fmt.Fprintf(out, "%s=%v\n", k, data[k])
		}
	case "owner": // owner PATH: custom metadata to standard output
		s, err := logical.Read("secret/metadata/" + args[1])
		ts.Check(err)
		if s == nil {
			ts.Fatalf("there is no metadata at %s", args[1])
		}
		custom, _ := s.Data["custom_metadata"].(map[string]any)
		for _, k := range slices.Sorted(maps.Keys(custom)) {
			fmt.Fprintf(out, "%s=%v\n", k, custom[k])
		}
		fmt.Fprintf(out, "version=%v\n", s.Data["current_version"])
	case "delete": // delete PATH, as vault kv delete does
		_, err := logical.Delete("secret/data/" + args[1])
		ts.Check(err)
	case "purge": // purge PATH, as vault kv metadata delete does
		_, err := logical.Delete("secret/metadata/" + args[1])
		ts.Check(err)
	case "paths": // paths PREFIX: the names below it to standard output
		s, err := logical.List("secret/metadata/" + args[1])
		ts.Check(err)
		if s == nil {
			return
		}
		names, _ := s.Data["keys"].([]any)
		for _, n := range names {
			fmt.Fprintln(out, n)
		}
	case "breakstate": // breakstate PREFIX RECORD: puts RECORD in the place of every record
		s, err := logical.List("secret/metadata/" + args[1])
		ts.Check(err)
		names, _ := s.Data["keys"].([]any)
		for _, n := range names {
			_, err := logical.Write(fmt.Sprintf("secret/data/%s/%s", args[1], n), map[string]any{"data": map[string]any{"record": args[2]}})
			ts.Check(err)
		}
	case "exchange": // exchange: another server is behind VAULT_ADDR from now on, and the first one the next time
		if w.other == nil {
			w.other = servers.Vault(w.tb)
		}
		w.vault, w.other = w.other, w.vault
		ts.Setenv("VAULT_ADDR", w.vault.Address)
		ts.Setenv("VAULT_TOKEN", w.vault.RootToken)
	case "mount1", "mount2": // mount1 PATH, mount2 PATH: a KV engine of version 1 or 2
		version := strings.TrimPrefix(args[0], "mount")
		w.vault.MustWrite("sys/mounts/"+args[1], map[string]any{"type": "kv", "options": map[string]any{"version": version}})
	case "expire": // expire DURATION: after which KV deletes versions; 0s for never
		w.vault.MustWrite("secret/config", map[string]any{"delete_version_after": args[1]})
	case "seal":
		w.vault.Seal()
	case "policy": // policy NAME FILE
		w.vault.Policy(args[1], ts.ReadFile(args[2]))
	case "token": // token POLICY: sets VAULT_TOKEN to a new one with only that policy
		ts.Setenv("VAULT_TOKEN", w.vault.Token(map[string]any{"policies": []string{args[1]}}))
	default:
		ts.Fatalf("vault %s is not known", args[0])
	}
}

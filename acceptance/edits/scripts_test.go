//go:build acceptance

package edits

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
	"time"

	"github.com/credsync/credsync/sandbox"
	"github.com/rogpeppe/go-internal/testscript"
)

// patience bounds the wait for a daemon, which removes nothing within a minute of a
// change.
const patience = 3 * time.Minute

// TestScripts runs the scripts of testdata: edits that one knows by name, of accounts
// with a target in Vault, one in a Secret and one in a file.
func TestScripts(t *testing.T) {
	m := startMachines(t)
	testscript.Run(t, testscript.Params{
		Dir:   "testdata",
		Setup: func(env *testscript.Env) error { return prepare(env, m) },
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"exits": exits, "logins": logins, "show": show, "owner": owner, "replace": replace, "await": await, "records": records, "password": password,
		},
	})
}

// prepare writes conf/sinks.hcl, with the sinks "main", conf/state.hcl, which is
// state-vault.hcl, the state at the other servers beside conf, and makes five users of
// bifit_kassa.
func prepare(env *testscript.Env, m *machines) error {
	w := newWorld(env.T().(testing.TB), m)
	for range 5 {
		w.newUser("bifit_kassa")
	}
	env.Values["world"] = w
	blocks := "variable \"url\" {}\n"
	files := map[string]string{"conf/state.hcl": w.stateBlocks("vault")}
	for _, server := range stateServers {
		blocks += w.sinkBlock("main", server)
		files["state-"+server+".hcl"] = w.stateBlocks(server)
	}
	files["conf/sinks.hcl"] = blocks
	for name, value := range map[string]string{
		"PATH": filepath.Dir(program) + string(os.PathListSeparator) + os.Getenv("PATH"), "HOME": env.WorkDir, "CREDSYNC_VAR_url": w.box.URL("bifit_kassa"),
		"VAULT_TOKEN": m.vaults[0].RootToken, "KUBECONFIG": m.kubeconfig,
	} {
		env.Setenv(name, value)
	}
	for name, content := range files {
		path := filepath.Join(env.WorkDir, name)
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o700),
			os.WriteFile(path, []byte(content), 0o600)); err != nil {
			return err
		}
	}
	return nil
}

func worldOf(ts *testscript.TestScript) *world { return ts.Value("world").(*world) }

// exits runs a program and checks its exit code: exits CODE PROGRAM [ARGS].
func exits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exits CODE PROGRAM [ARGS]")
	}
	code := 0
	if err := ts.Exec(args[1], args[2:]...); err != nil {
		var exit *exec.ExitError
		if !errors.As(err, &exit) {
			ts.Fatalf("run %s: %v", args[1], err)
		}
		code = exit.ExitCode()
	}
	if fmt.Sprint(code) != args[0] {
		ts.Fatalf("exit code %d, want %s", code, args[0])
	}
}

// logins checks how many there have been, of all users: logins COUNT.
func logins(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: logins COUNT")
	}
	got := 0
	for _, c := range worldOf(ts).box.AllCounters()["bifit_kassa"] {
		got += c.Logins.Received
	}
	if fmt.Sprint(got) != args[0] {
		ts.Fatalf("%d logins, want %s", got, args[0])
	}
}

// records prints the addresses of those that a server has: records SERVER.
func records(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: records SERVER")
	}
	out := ts.Stdout()
	for _, id := range slices.Sorted(maps.Keys(worldOf(ts).records(args[0]))) {
		_, _ = fmt.Fprintln(out, id)
	}
}

// password changes that of a user: password USER PASSWORD.
func password(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 || !worldOf(ts).box.Update("bifit_kassa", args[0], func(a *sandbox.Account) { a.Password = args[1] }) {
		ts.Fatalf("usage: password USER PASSWORD")
	}
}

// show prints what is everywhere at a path, one line for each key; nothing where
// nothing is: show PATH.
func show(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: show PATH")
	}
	out := ts.Stdout()
	for _, server := range stateServers {
		data := worldOf(ts).sites[server].read(args[0])
		for _, key := range slices.Sorted(maps.Keys(data)) {
			_, _ = fmt.Fprintf(out, "%s: %s=%s\n", server, key, data[key])
		}
	}
}

// owner prints whose mark is at a path in Vault and in Kubernetes: owner PATH.
func owner(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: owner PATH")
	}
	for _, server := range stateServers[:2] {
		_, _ = fmt.Fprintln(ts.Stdout(), worldOf(ts).sites[server].owner(args[0]))
	}
}

// replace puts a text in the place of another one in a file, at once: replace FILE OLD NEW.
func replace(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 3 {
		ts.Fatalf("usage: replace FILE OLD NEW")
	}
	text := ts.ReadFile(args[0])
	if !strings.Contains(text, args[1]) {
		ts.Fatalf("%s has no %q", args[0], args[1])
	}
	path := ts.MkAbs(args[0])
	ts.Check(os.WriteFile(path+"~", []byte(strings.ReplaceAll(text, args[1], args[2])), 0o600))
	ts.Check(os.Rename(path+"~", path))
}

// await waits until a file that grows has so many matches: await FILE COUNT REGEXP.
func await(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 3 {
		ts.Fatalf("usage: await FILE COUNT REGEXP")
	}
	re := regexp.MustCompile("(?m)" + args[2])
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); time.Sleep(50 * time.Millisecond) {
		if b, err := os.ReadFile(ts.MkAbs(args[0])); err == nil && fmt.Sprint(len(re.FindAll(b, -1))) == args[1] {
			return
		}
	}
	ts.Fatalf("%s has not %s of %q:\n%s", args[0], args[1], args[2], ts.ReadFile(args[0]))
}

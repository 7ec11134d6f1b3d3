//go:build acceptance

// Package outage takes real servers away from the built program while it is at
// work, and the disk, and its time.
package outage

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/credsync/credsync/sandbox"
	"github.com/credsync/credsync/testkit/build"
	"github.com/credsync/credsync/testkit/output"
	"github.com/credsync/credsync/testkit/servers"
)

// program is the one that programVariable names, or else is built.
var program string

const programVariable = "CREDSYNC_OUTAGE_PROGRAM"

func TestMain(m *testing.M) {
	if program = os.Getenv(programVariable); program != "" {
		os.Exit(m.Run())
	}
	os.Exit(build.Main(m, &program))
}

const (
	login    = "business_user@example.com"
	patience = time.Minute
)

// world is a directory with a configuration, and the upstreams.
type world struct {
	t        *testing.T
	dir      string
	env      []string
	upstream *sandbox.Sandbox
	// answers is how long the upstream takes to answer the first login.
	answers time.Duration
	// prepare changes how the program is started; may be nil.
	prepare func(*exec.Cmd)
	// program is what is run, after a command of the shell in the same process.
	program, before string
}

// newWorld makes a configuration of one account with the sinks, the state and
// the deliver blocks given.
func newWorld(t *testing.T, sinks, deliver string) *world {
	t.Helper()
	w := &world{
		t:        t,
		dir:      t.TempDir(),
		upstream: sandbox.New(sandbox.Options{Accounts: sandbox.DemoAccounts()}),
		answers:  2 * time.Second,
		program:  program,
		before:   ":",
	}
	if err := w.upstream.Start("127.0.0.1:0"); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = w.upstream.Close() })
	w.env = []string{"HOME=" + w.dir, "PATH=" + os.Getenv("PATH")}
	w.write("main.hcl", sinks+fmt.Sprintf(`
account "sagi" "coffee" {
  base_url = %q
  phone    = %q
  password = "secure_password"
%s
}
`, w.upstream.URL("sagi"), login, deliver))
	return w
}

func (w *world) write(name, content string) {
	w.t.Helper()
	if err := os.WriteFile(filepath.Join(w.dir, name), []byte(content), 0o600); err != nil {
		w.t.Fatal(err)
	}
}

// inVault has the state and the target in a Vault.
func inVault(t *testing.T, v *servers.VaultServer, address string) *world {
	t.Helper()
	w := newWorld(t, fmt.Sprintf("sink \"vault\" \"main\" { address = %q }\nstate \"vault\" \"main\" { path = \"state\" }\n", address),
		`  deliver "vault" "main" { path = "shop/sagi" }`)
	w.env = append(w.env, "VAULT_TOKEN="+v.RootToken)
	if v.CA != nil {
		w.write("ca.pem", v.CA.PEM)
		w.env = append(w.env, "VAULT_CACERT="+filepath.Join(w.dir, "ca.pem"))
	}
	return w
}

// running is a program at work.
type running struct {
	w    *world
	cmd  *exec.Cmd
	out  output.Buffer
	done chan struct{}
}

// printed is what the program has printed, in one line.
func (r *running) printed() string {
	return strings.Join(strings.Fields(strings.ReplaceAll(r.out.String(), "│", " ")), " ")
}

func (w *world) start(args ...string) *running {
	w.t.Helper()
	cmd := exec.Command("/bin/sh", append([]string{"-c", w.before + ` && exec "$0" "$@"`, w.program}, args...)...)
	r := &running{w: w, cmd: cmd, done: make(chan struct{})}
	if w.prepare != nil {
		w.prepare(cmd)
	}
	r.cmd.Dir, r.cmd.Env, r.cmd.Stdout, r.cmd.Stderr = w.dir, w.env, &r.out, &r.out
	if err := r.cmd.Start(); err != nil {
		w.t.Fatal(err)
	}
	go func() {
		_ = r.cmd.Wait()
		close(r.done)
	}()
	w.t.Cleanup(func() { _ = r.cmd.Process.Kill() })
	return r
}

// ends wants an exit code and texts in what was printed, and no secret there.
func (r *running) ends(code int, texts ...string) {
	r.w.t.Helper()
	select {
	case <-r.done:
	case <-time.After(4 * patience):
		r.w.t.Fatalf("%v does not end:\n%s", r.cmd.Args[4:], r.out.String())
	}
	if got := r.cmd.ProcessState.ExitCode(); got != code {
		r.w.t.Errorf("%v ended with %d, want %d:\n%s", r.cmd.Args[4:], got, code, r.out.String())
	}
	for _, text := range texts {
		if !strings.Contains(r.printed(), text) {
			r.w.t.Errorf("%v does not say %q:\n%s", r.cmd.Args[4:], text, r.out.String())
		}
	}
	if strings.Contains(r.printed(), " m=+") {
		r.w.t.Errorf("%v prints a time as Go sees it:\n%s", r.cmd.Args[4:], r.out.String())
	}
	for _, secret := range []string{"secure_password", "eyJ"} {
		if strings.Contains(r.printed(), secret) {
			r.w.t.Errorf("%v shows a secret", r.cmd.Args[4:])
		}
	}
}

func (r *running) signal(s syscall.Signal) {
	r.w.t.Helper()
	if err := r.cmd.Process.Signal(s); err != nil {
		r.w.t.Fatal(err)
	}
}

// says waits until the program has printed a text.
func (r *running) says(text string) {
	r.w.t.Helper()
	await(r.w.t, fmt.Sprintf("credsync to say %q", text), func() bool { return strings.Contains(r.printed(), text) })
}

func await(t *testing.T, what string, condition func() bool) {
	t.Helper()
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		if condition() {
			return
		}
	}
	t.Fatalf("waited for %s for %s", what, patience)
}

// apply runs the program to its end.
func (w *world) apply(code int, texts ...string) {
	w.t.Helper()
	w.start("apply", "--auto-approve").ends(code, texts...)
}

// applyUntilLogin starts the program, and calls f once the upstream has got the
// login and before it answers.
func (w *world) applyUntilLogin(f func()) *running {
	w.t.Helper()
	return w.applyUntilLogins(1, f)
}

// applyUntilLogins waits for the login of that number.
func (w *world) applyUntilLogins(n int, f func()) *running {
	w.t.Helper()
	if err := w.upstream.AddFault(sandbox.Fault{Kind: sandbox.Slow, Upstream: "sagi", Op: sandbox.OpLogin, Count: 1,
		Delay: sandbox.Duration(w.answers)}); err != nil {
		w.t.Fatal(err)
	}
	r := w.start("apply", "--auto-approve", "--log-level", "info")
	await(w.t, "the login", func() bool { return w.upstream.Counters("sagi", login).Logins.Received >= n })
	f()
	return r
}

func (w *world) wantLogins(n int) {
	w.t.Helper()
	if got := w.upstream.Counters("sagi", login).Logins.Received; got != n {
		w.t.Errorf("%d logins, want %d", got, n)
	}
}

// emergencyFiles are those of the usual place.
func (w *world) emergencyFiles() []string {
	w.t.Helper()
	files, err := filepath.Glob(filepath.Join(w.dir, ".credsync", "emergency", "*"))
	if err != nil {
		w.t.Fatal(err)
	}
	return files
}

// wantLive wants a token that the upstream accepts.
func (w *world) wantLive(token any) {
	w.t.Helper()
	text, _ := token.(string)
	if _, live := w.upstream.Live("sagi", text); !live {
		w.t.Error("the target has no live token")
	}
}

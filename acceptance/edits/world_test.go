//go:build acceptance

package edits

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/credsync/credsync/credential"
	"github.com/credsync/credsync/sandbox"
	"github.com/credsync/credsync/state"
	"github.com/credsync/credsync/testkit/build"
	"github.com/credsync/credsync/testkit/servers"
)

// program is credsync, built with its crash points.
var program string

func TestMain(m *testing.M) { os.Exit(build.Main(m, &program, "-tags", "crashpoints")) }

// machines are the servers that all walks share; each has mounts and namespaces of its
// own there.
type machines struct {
	vaults     [2]*servers.VaultServer
	kubernetes *servers.KubernetesServer
	kubeconfig string
}

func startMachines(t *testing.T) *machines {
	m := &machines{
		vaults:     [2]*servers.VaultServer{servers.Vault(t), servers.Vault(t)},
		kubernetes: servers.Kubernetes(t),
	}
	m.kubeconfig = m.kubernetes.Kubeconfig(m.kubernetes.AdminToken, "default")
	return m
}

// world is the machines as one walk uses them, the upstreams, and the directory that the
// program runs in.
type world struct {
	t     testing.TB
	m     *machines
	box   *sandbox.Sandbox
	dir   string
	sites map[string]site
	// states are where the state may be, by the server's name.
	states map[string]stateSite
	// ahead is how far all clocks are.
	ahead time.Duration
	users int
}

func newWorld(t testing.TB, m *machines) *world {
	w := &world{t: t, m: m, box: sandbox.New(sandbox.Options{}), dir: t.TempDir()}
	if err := w.box.Start("127.0.0.1:0"); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = w.box.Close() })
	files := func(name string) fileSite {
		dir, err := filepath.EvalSymlinks(w.dir)
		if err := errors.Join(err, os.Mkdir(filepath.Join(dir, name), 0o700)); err != nil {
			t.Fatal(err)
		}
		return fileSite{t, filepath.Join(dir, name)}
	}
	vaults := func(i int) vaultSite { return newVaultSite(t, m.vaults[i]) }
	kubernetes := func() kubernetesSite { return kubernetesSite{t, m.kubernetes, m.kubernetes.Namespace()} }
	w.sites = map[string]site{
		"vault": vaults(0), "vault2": vaults(1), "kube": kubernetes(), "kube2": kubernetes(), "files": files("files"), "files2": files("files2"),
	}
	w.states = map[string]stateSite{"vault": vaults(0), "kube": kubernetes(), "files": files("state")}
	return w
}

// newUser makes an account at an upstream, with the right password.
func (w *world) newUser(upstream string) string {
	w.users++
	a := sandbox.Account{Upstream: upstream, Name: fmt.Sprintf("7900%07d", w.users), Password: rightPassword}
	if upstream == "bifit_kassa" {
		a.BifitKassa = &sandbox.BifitKassaAccount{UserID: json.Number(fmt.Sprint(w.users))}
	} else {
		a.AstanaPlat = &sandbox.AstanaPlatAccount{}
	}
	if err := w.box.SetAccount(a); err != nil {
		w.t.Fatal(err)
	}
	return a.Name
}

// login are the attributes of an account that logs in.
func (w *world) login(upstream, user, password string) string {
	name := map[string]string{"bifit_kassa": "username", "astana_plat": "login"}[upstream]
	return fmt.Sprintf("  base_url = %q\n  %s = %s\n  password = %s\n", w.box.URL(upstream), name, user, password)
}

func (w *world) advance(d time.Duration) {
	w.ahead += d
	w.box.Advance(d)
}

// ran is how a run of the program ended.
type ran struct {
	code   int
	output string
	killed bool
	// points are the crash points that it passed, the last one being the one that it
	// was killed at.
	points []string
}

// run runs the program on a configuration, and kills it at one of its crash points; 0
// is for none. With done, it is told to stop once that is true of what it has printed.
func (w *world) run(c *configuration, kill int, done func(printed string) bool, args ...string) ran {
	w.t.Helper()
	w.write("conf/main.hcl", c.hcl(w))
	record, printed := filepath.Join(w.dir, "points"), filepath.Join(w.dir, "printed")
	_ = os.Remove(record)
	out, err := os.Create(printed)
	if err != nil {
		w.t.Fatal(err)
	}
	defer func() { _ = out.Close() }()
	ctx, cancel := context.WithTimeout(w.t.Context(), time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, program, args...)
	cmd.Dir, cmd.Stdout, cmd.Stderr = filepath.Join(w.dir, "conf"), out, out
	cmd.Env = []string{
		"HOME=" + w.dir, "VAULT_TOKEN=" + w.m.vaults[0].RootToken, "KUBECONFIG=" + w.m.kubeconfig, "CREDSYNC_EMERGENCY_DIR=" + filepath.Join(w.dir, "emergency"),
		"CREDSYNC_CRASHPOINTS_CLOCK=" + w.ahead.String(), "CREDSYNC_CRASHPOINTS_RECORD=" + record,
	}
	if kill > 0 {
		cmd.Env = append(cmd.Env, fmt.Sprintf("CREDSYNC_CRASHPOINTS_KILL_NTH=%d", kill))
	}
	if err := cmd.Start(); err != nil {
		w.t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	for running := true; running; {
		select {
		case err = <-ended:
			running = false
		case <-time.After(20 * time.Millisecond):
			if b, err := os.ReadFile(printed); err == nil && done != nil && done(string(b)) {
				_ = cmd.Process.Signal(os.Interrupt)
				done = nil
			}
		}
	}
	text, _ := os.ReadFile(printed)
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		w.t.Fatal(err)
	}
	if ctx.Err() != nil {
		w.t.Fatalf("credsync %s did not end in a minute:\n%s", args, text)
	}
	status, _ := cmd.ProcessState.Sys().(syscall.WaitStatus)
	r := ran{
		code:   cmd.ProcessState.ExitCode(),
		output: string(text),
		killed: status.Signaled() && status.Signal() == syscall.SIGKILL,
	}
	if b, err := os.ReadFile(record); err == nil {
		r.points = strings.Split(strings.TrimSpace(string(b)), "\n")
	}
	return r
}

func (w *world) write(name, content string) {
	w.t.Helper()
	path := filepath.Join(w.dir, name)
	if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o700),
		os.WriteFile(path, []byte(content), 0o600)); err != nil {
		w.t.Fatal(err)
	}
}

// records reads the state at a server. A record that is parked in another one, while two
// accounts exchange names, is beside it.
func (w *world) records(server string) map[string]*state.Record {
	w.t.Helper()
	all := map[string]*state.Record{}
	for _, text := range w.states[server].records() {
		r, err := state.Decode(credential.NewSecret(text))
		if err != nil {
			w.t.Fatal(err)
		}
		all[r.Project+"/"+r.Address] = r
		if p := r.Parked; p != nil {
			all["parked with "+r.Project+"/"+r.Address] = p
		}
	}
	return all
}

// userOf is whose token a value is, and whether the upstream accepts it; "" where it is
// no token.
func (w *world) userOf(token string) (user string, live bool) {
	for upstream := range names {
		if user, live = w.box.Live(upstream, token); user != "" {
			return user, live
		}
	}
	return "", false
}

// number is the place of a token among those of its user.
func (w *world) number(upstream, user, token string) int {
	for i, t := range w.box.Tokens(upstream, user) {
		if t.Value == token {
			return i
		}
	}
	return -1
}

//go:build bench

package bench

import (
	"errors"
	"flag"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/credsync/credsync/sandbox"
	"github.com/credsync/credsync/testkit/servers"
)

var (
	update = flag.Bool("update", false, "write the table to docs/performance.md")
	rounds = flag.Int("rounds", 5, "how often each thing is measured")
	large  = flag.Int("large", 10000, "the number of accounts of the large configurations; the small ones have a tenth")
)

// credsync is the program as it is released, empty one that does nothing, and
// measure runs them.
var credsync, empty, measure string

func TestMain(m *testing.M) {
	flag.Parse()
	os.Exit(func() int {
		dir, err := os.MkdirTemp("", "credsync-bench-")
		if err == nil {
			defer os.RemoveAll(dir)
			err = build(dir)
		}
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		return m.Run()
	}())
}

func build(dir string) error {
	credsync, empty, measure = filepath.Join(dir, "credsync"), filepath.Join(dir, "empty"), filepath.Join(dir, "measure")
	source := filepath.Join(dir, "main.go")
	return errors.Join(
		os.WriteFile(source, []byte("package main\n\nfunc main() {}\n"), 0o600),
		compile("-o", credsync, "../cmd/credsync"), compile("-o", empty, source), compile("-o", measure, "./measure"),
	)
}

func compile(args ...string) error {
	cmd := exec.Command("go", append([]string{"build", "-trimpath", "-ldflags", "-s -w"}, args...)...)
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	cmd.Stderr = os.Stderr
	return cmd.Run()
}

// TestBench measures everything and prints the table.
func TestBench(t *testing.T) {
	table := &table{}
	t.Run("PlanInVault", func(t *testing.T) { table.measure(t, planInVault) })
	t.Run("PlanInKubernetes", func(t *testing.T) { table.measure(t, planInKubernetes) })
	t.Run("Apply", func(t *testing.T) { table.measure(t, firstApply) })
	t.Run("Daemon", func(t *testing.T) { table.measure(t, daemon) })
	t.Run("Pure", func(t *testing.T) { table.measure(t, pure) })
	t.Run("Described", func(t *testing.T) { table.measure(t, describedAccounts) })
	t.Run("Start", func(t *testing.T) { table.measure(t, start) })
	t.Run("Rotation", func(t *testing.T) { table.measure(t, rotation) })
	t.Run("Shards", func(t *testing.T) { table.measure(t, shards) })
	t.Log("\n" + table.text())
	if *update && !t.Failed() {
		if err := table.write("../docs/performance.md"); err != nil {
			t.Error(err)
		}
	}
}

// small and big are the two sizes of configurations.
func small() int { return *large / 10 }

// upstreams starts the emulated upstreams with the accounts of a fleet.
func upstreams(t *testing.T, f fleet) *sandbox.Sandbox {
	t.Helper()
	s := sandbox.New(sandbox.Options{Accounts: accounts(f)})
	if err := s.Start("127.0.0.1:0"); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

// accounts are the upstream's, alike but for their login.
func accounts(f fleet) (all []sandbox.Account) {
	demo := sandbox.DemoAccounts()
	like := demo[slices.IndexFunc(demo, func(a sandbox.Account) bool { return a.Upstream == f.provider })]
	for i := range f.accounts {
		a := like
		if a.Name = f.login(i); f.provider == "invoicebox" {
			a.Token = f.login(i)
		}
		all = append(all, a)
	}
	return all
}

// vaultFleet is a fleet in a Vault of its own, and the program to work on it.
func vaultFleet(t *testing.T, f fleet) (*servers.VaultServer, *sandbox.Sandbox, *process) {
	t.Helper()
	v, s := servers.Vault(t), upstreams(t, f)
	return v, s, newProcess(t, f.files(), "VAULT_ADDR="+v.Address, "VAULT_TOKEN="+v.RootToken, "CREDSYNC_VAR_url="+s.URL(f.provider))
}

func vaultFloor(v *servers.VaultServer) *plainClient {
	return newPlainClient(&http.Transport{}, concurrency, http.Header{"X-Vault-Token": {v.RootToken}, "X-Vault-Request": {"true"}})
}

// concurrency is that of credsync when nothing is said, and the floor's.
const concurrency = 10

// ratios measures two things in turn, and returns the median of their ratios
// with the medians of both.
func ratios(n int, ours func() time.Duration, theirs func() time.Duration) (ratio float64, a, b time.Duration) {
	var all []float64
	var as, bs []time.Duration
	for range n {
		x, y := ours(), theirs()
		as, bs = append(as, x), append(bs, y)
		all = append(all, float64(x)/float64(y))
	}
	return median(all), median(as), median(bs)
}

func median[T float64 | time.Duration | int64](values []T) T {
	slices.Sort(values)
	return values[len(values)/2]
}

// Package binary finds the real servers that acceptance tests run against, and
// builds those that are not there.
//
// A server comes from the environment variable that names it, else from PATH,
// else from a cache in the user's cache directory, where it is built on first
// use. Each is pinned in a nested module of its own, so that none of its
// dependencies are the product's.
package binary

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/gofrs/flock"
)

// Server is a program that tests need.
type Server struct {
	// Name of the program in PATH and of its nested module's folder.
	Name string
	// Package is what is built, in Version, which must be that of the nested
	// module's go.mod: it names the cached file.
	Package string
	Version string
	// Module has the package; "" where it is the package's own path.
	Module string
	// Env is the variable that names a binary to use instead.
	Env string
	// Ldflags are given to the linker besides those that leave out symbols.
	Ldflags string
	// Usual is how long a build takes with a cold cache, for the user.
	Usual string
}

// Vault is HashiCorp Vault.
var Vault = Server{
	Name: "vault", Package: "github.com/hashicorp/vault", Version: "v1.21.0", Env: "VAULT_BIN", Usual: "6 to 15 minutes",
}

// Etcd is where an API server keeps its data.
var Etcd = Server{
	Name: "etcd", Package: "go.etcd.io/etcd/server/v3", Version: "v3.6.8", Env: "TEST_ASSET_ETCD", Usual: "1 to 2 minutes",
}

// KubeAPIServer is the Kubernetes API server. Without its version in it,
// clients complain.
var KubeAPIServer = Server{
	Name: "kube-apiserver", Package: "k8s.io/kubernetes/cmd/kube-apiserver", Version: "v1.36.3", Module: "k8s.io/kubernetes",
	Env: "TEST_ASSET_KUBE_APISERVER", Usual: "4 to 10 minutes",
	Ldflags: "-X k8s.io/component-base/version.gitVersion=v1.36.3",
}

// Helm is no server, but is come by in the same way: it renders the chart.
var Helm = Server{
	Name: "helm", Package: "helm.sh/helm/v4/cmd/helm", Version: "v4.3.1", Module: "helm.sh/helm/v4", Env: "HELM_BIN", Usual: "3 to 12 minutes",
}

// All returns every program that the acceptance tests use.
func All() []Server { return []Server{Vault, Etcd, KubeAPIServer, Helm} }

// lockPoll is how often a builder looks whether another has finished.
const lockPoll = time.Second

// Find returns the path of a server's program, building it if need be. What it
// does, and how long that takes, is told to log.
func Find(ctx context.Context, s Server, log io.Writer) (string, error) {
	if path := os.Getenv(s.Env); path != "" {
		if _, err := exec.LookPath(path); err != nil {
			return "", fmt.Errorf("%s names no program: %w", s.Env, err)
		}
		return path, nil
	}
	if path, err := exec.LookPath(s.Name); err == nil {
		return path, nil
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", fmt.Errorf("find a place for %s: %w; set %s to a program instead", s.Name, err, s.Env)
	}
	path := filepath.Join(cache, "credsync", "servers", s.Name+"-"+s.Version)
	if isProgram(path) {
		return path, nil
	}
	return path, s.build(ctx, path, log)
}

func isProgram(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Mode().IsRegular() && info.Mode()&0o100 != 0
}

// build makes the program at path. Of several processes one builds, and the
// others wait for it.
func (s Server) build(ctx context.Context, path string, log io.Writer) (err error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	lock := flock.New(path + ".lock")
	if _, err := lock.TryLockContext(ctx, lockPoll); err != nil {
		return fmt.Errorf("wait for another build of %s: %w", s.Name, err)
	}
	defer func() { err = errors.Join(err, lock.Close()) }()
	if isProgram(path) {
		return nil
	}
	dir, err := s.module(ctx)
	if err != nil {
		return err
	}
	start := time.Now()
	_, _ = fmt.Fprintf(log, "Building %s %s into %s. This takes %s, once. (To use your own, set %s.)\n", s.Name, s.Version, path, s.Usual, s.Env)
	temp := path + ".building"
	flags := strings.TrimSpace("-s -w " + s.Ldflags)
	cmd := exec.CommandContext(ctx, "go", "build", "-trimpath", "-ldflags", flags, "-o", temp, s.Package)
	cmd.Dir, cmd.Stdout, cmd.Stderr = dir, log, log
	cmd.Env = append(os.Environ(), "GOWORK=off", "GOFLAGS=-mod=readonly")
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("build %s %s: %w", s.Name, s.Version, err)
	}
	if err := os.Rename(temp, path); err != nil {
		return err
	}
	_, _ = fmt.Fprintf(log, "Built %s %s in %s.\n", s.Name, s.Version, time.Since(start).Round(time.Second))
	return nil
}

// module is the folder of the server's nested module, after a look whether it
// pins the version that the file will be named after.
func (s Server) module(ctx context.Context) (string, error) {
	cmd := exec.CommandContext(ctx, "go", "list", "-m", "-f", "{{.Dir}}", "github.com/credsync/credsync")
	out, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("find credsync's source, which pins %s: %w; run this within a checkout", s.Name, err)
	}
	dir := filepath.Join(strings.TrimSpace(string(out)), "testkit", "servers", s.Name)
	mod, err := os.ReadFile(filepath.Join(dir, "go.mod"))
	if err != nil {
		return "", err
	}
	required := cmp.Or(s.Module, s.Package) + " " + s.Version
	if !strings.Contains(string(mod), required) {
		return "", fmt.Errorf("%s does not require %s", filepath.Join(dir, "go.mod"), required)
	}
	return dir, nil
}

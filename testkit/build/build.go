// Package build builds credsync for the tests that run it.
package build

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// Main builds credsync, sets path to where it is, runs the tests, removes it and
// returns the exit code for TestMain. The arguments are further ones of go
// build.
func Main(m *testing.M, path *string, args ...string) int {
	dir, err := os.MkdirTemp("", "credsync-program-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer func() { _ = os.RemoveAll(dir) }()
	*path = filepath.Join(dir, "credsync")
	args = append(append([]string{"build", "-o", *path}, args...), "github.com/credsync/credsync/cmd/credsync")
	cmd := exec.Command("go", args...)
	cmd.Stderr = os.Stderr
	if err := cmd.Run(); err != nil {
		fmt.Fprintln(os.Stderr, "build credsync:", err)
		return 1
	}
	return m.Run()
}

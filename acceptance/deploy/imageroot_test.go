//go:build acceptance

package deploy

import (
	"context"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// installed is where the image has its program.
const installed = "/usr/local/bin/credsync"

// newRoot is a root folder with what the image has in it, and nothing else
// that a program could need.
func newRoot(t *testing.T) string {
	t.Helper()
	root := t.TempDir()
	to := filepath.Join(root, installed)
	if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
		t.Fatal(err)
	}
	in, err := os.Open(program)
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	out, err := os.OpenFile(to, os.O_CREATE|os.O_WRONLY, 0o755)
	if err != nil {
		t.Fatal(err)
	}
	_, err = io.Copy(out, in)
	if err := errors.Join(err, out.Close()); err != nil {
		t.Fatal(err)
	}
	return root
}

// mayChangeRoot reports whether this machine lets a test change the root.
func mayChangeRoot(t *testing.T, root string) bool {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	cmd := exec.CommandContext(ctx, installed, "version")
	enterRoot(cmd, root)
	if err := cmd.Start(); err != nil {
		t.Logf("This machine does not let the program run in a root of its own: %v", err)
		return false
	}
	return cmd.Wait() == nil
}

//go:build bench

package bench

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/credsync/credsync/bench/cost"
)

// process is credsync with a configuration.
type process struct {
	tb  testing.TB
	dir string
	env []string
}

func newProcess(tb testing.TB, files map[string]string, env ...string) *process {
	tb.Helper()
	p := &process{tb: tb, dir: tb.TempDir(), env: append([]string{"HOME=" + tb.TempDir(), "PATH="}, env...)}
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(p.dir, name), []byte(text), 0o600); err != nil {
			tb.Fatal(err)
		}
	}
	return p
}

// run runs credsync, which has to end well.
func (p *process) run(args ...string) cost.Process {
	p.tb.Helper()
	return p.runWith(credsync, args...)
}

// code is the exit code of a command.
func (p *process) code(args ...string) int {
	p.tb.Helper()
	cmd := exec.CommandContext(p.tb.Context(), credsync, args...)
	cmd.Dir, cmd.Env = p.dir, p.env
	_ = cmd.Run()
	return cmd.ProcessState.ExitCode()
}

func (p *process) runWith(program string, args ...string) cost.Process {
	p.tb.Helper()
	ctx, cancel := context.WithTimeout(p.tb.Context(), 10*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, measure, append([]string{program}, args...)...)
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	cmd.Dir, cmd.Env = p.dir, p.env
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	report, err := os.Create(filepath.Join(p.tb.TempDir(), "cost"))
	if err != nil {
		p.tb.Fatal(err)
	}
	defer func() { _ = report.Close() }()
	cmd.ExtraFiles = []*os.File{report}
	err = cmd.Run()
	var exit *exec.ExitError
	if err != nil && !(errors.As(err, &exit) && exit.ExitCode() == 2) {
		p.tb.Fatalf("%s %v: %v\n%.2000s", filepath.Base(program), args, err, stderr.String())
	}
	var c cost.Process
	if text, err := os.ReadFile(report.Name()); err != nil {
		p.tb.Fatal(err)
	} else if err := json.Unmarshal(text, &c); err != nil {
		p.tb.Fatal(err)
	}
	return c
}

// Package servers runs the real servers that acceptance tests need: each on a
// free port of 127.0.0.1, and stopped when the test ends.
package servers

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/credsync/credsync/testkit/servers/binary"
)

const (
	// startTimeout bounds the wait for a server to answer, on a busy machine.
	startTimeout = 60 * time.Second
	pollInterval = 50 * time.Millisecond
	stopTimeout  = 10 * time.Second
	buildTimeout = 30 * time.Minute
)

// supervise runs the server as a child of a shell that ends it, by its process
// id, as soon as the shell's own input is closed. That happens also when the
// test's process is killed, which runs no cleanup.
const supervise = `"$@" <&- 3>&- & server=$!; echo "$server" >&3; exec 3>&-; read -r _; kill "$server" 2>/dev/null; wait "$server"`

// process is a running server.
type process struct {
	// pid is the server's own, not the shell's.
	pid   int
	cmd   *exec.Cmd
	input io.Closer
	done  chan struct{}
}

// program finds a server's binary, or fails the test: one that needs a server
// never skips.
func program(t testing.TB, s binary.Server) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), buildTimeout)
	defer cancel()
	path, err := binary.Find(ctx, s, os.Stderr)
	if err != nil {
		t.Fatalf("This test needs %s: %v", s.Name, err)
	}
	return path
}

// logFile is where a server writes; it is kept, and named, if the test fails.
func logFile(t testing.TB, name string) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "credsync-"+name+"-")
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, name+".log")
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("The log of %s is in %s", name, path)
			return
		}
		_ = os.RemoveAll(dir)
	})
	return path
}

// start runs a program with an environment of its own, appending its output to
// a log, until the test ends or stop is called.
func start(t testing.TB, log string, env []string, program string, args ...string) *process {
	t.Helper()
	out, err := os.OpenFile(log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = out.Close() }()
	cmd := exec.Command("/bin/sh", append([]string{"-c", supervise, "sh", program}, args...)...)
	cmd.Env = append([]string{"PATH=" + os.Getenv("PATH"), "HOME=" + t.TempDir()}, env...)
	cmd.Stdout, cmd.Stderr = out, out
	input, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	told, tell, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = told.Close() }()
	cmd.ExtraFiles = []*os.File{tell}
	err = cmd.Start()
	_ = tell.Close()
	if err != nil {
		t.Fatalf("start %s: %v", program, err)
	}
	p := &process{cmd: cmd, input: input, done: make(chan struct{})}
	if _, err := fmt.Fscan(told, &p.pid); err != nil {
		t.Fatalf("start %s: its process id is not known: %v", program, err)
	}
	go func() {
		// Its exit code says nothing: servers end by a signal.
		_ = cmd.Wait()
		close(p.done)
	}()
	t.Cleanup(p.stop)
	return p
}

// stop ends the server and waits for that. It may be called twice.
func (p *process) stop() {
	_ = p.input.Close()
	select {
	case <-p.done:
	case <-time.After(stopTimeout):
		_ = p.cmd.Process.Kill()
		<-p.done
	}
}

// await polls a URL until ok says that the server is up.
func await(t testing.TB, client *http.Client, url, log string, ok func(status int) bool) {
	t.Helper()
	deadline := time.Now().Add(startTimeout)
	last := errors.New("not asked yet")
	for time.Now().Before(deadline) {
		resp, err := client.Get(url)
		if err == nil {
			_ = resp.Body.Close()
			if ok(resp.StatusCode) {
				return
			}
			err = fmt.Errorf("HTTP %d", resp.StatusCode)
		}
		last = err
		time.Sleep(pollInterval)
	}
	text, _ := os.ReadFile(log)
	lines := strings.Split(strings.TrimSpace(string(text)), "\n")
	t.Fatalf("%s does not answer: %v. Its last lines:\n%s", url, last, strings.Join(lines[max(0, len(lines)-15):], "\n"))
}

package leak

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/credsync/credsync/testkit/build"
	"github.com/credsync/credsync/testkit/canary"
)

// program is the built credsync.
var program string

func TestMain(m *testing.M) {
	if dumpHelper() {
		os.Exit(0)
	}
	os.Exit(build.Main(m, &program))
}

// hunt is a folder that the program works in, with all secrets there are.
type hunt struct {
	t *testing.T
	*canary.Set
	dir string
	env []string
	// args go with every command.
	args []string
	// declared are the folders below dir where secrets belong.
	declared map[string]bool
	runs     int
}

func newHunt(t *testing.T) *hunt {
	h := &hunt{t: t, Set: canary.New(), dir: t.TempDir(), declared: map[string]bool{
		"config": true, "inputs": true, "targets": true, "state": true, "emergency": true, "home": true, "saved": true,
	}}
	for dir := range h.declared {
		h.must(os.MkdirAll(h.path(dir), 0o700))
	}
	for _, dir := range []string{"tmp", "work"} {
		h.must(os.MkdirAll(h.path(dir), 0o700))
	}
	h.env = []string{
		"PATH=" + os.Getenv("PATH"), "HOME=" + h.path("home"), "TMPDIR=" + h.path("tmp"),
		"CREDSYNC_EMERGENCY_DIR=" + h.path("emergency"), "VAULT_MAX_RETRIES=0", "CREDSYNC_LOG=trace",
	}
	return h
}

func (h *hunt) path(parts ...string) string {
	return filepath.Join(append([]string{h.dir}, parts...)...)
}

func (h *hunt) must(err error) {
	h.t.Helper()
	if err != nil {
		h.t.Fatal(err)
	}
}

func (h *hunt) write(content string, parts ...string) string {
	h.t.Helper()
	path := h.path(parts...)
	h.must(os.MkdirAll(filepath.Dir(path), 0o700))
	h.must(os.WriteFile(path, []byte(content), 0o600))
	return path
}

// result is what came of a run.
type result struct {
	code           int
	stdout, stderr string
}

// run runs the program and searches everything that it leaves.
func (h *hunt) run(what string, args ...string) result {
	h.t.Helper()
	return h.runInput(what, "", args...)
}

// runInput is run with standard input.
func (h *hunt) runInput(what, input string, args ...string) result {
	h.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, program, append(args, h.args...)...)
	cmd.Dir, cmd.Env = h.path("work"), h.env
	cmd.Stdin = strings.NewReader(input)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err := cmd.Run()
	var exit *exec.ExitError
	if ctx.Err() != nil || err != nil && !errors.As(err, &exit) {
		h.t.Fatalf("%s: credsync %s: %v %v", what, strings.Join(args, " "), err, ctx.Err())
	}
	h.runs++
	h.search(what+": credsync "+strings.Join(args, " ")+": standard output", stdout.Bytes())
	h.search(what+": credsync "+strings.Join(args, " ")+": standard error", stderr.Bytes())
	h.searchFiles(what + ": credsync " + strings.Join(args, " "))
	return result{cmd.ProcessState.ExitCode(), stdout.String(), stderr.String()}
}

// search fails the test if a secret is in a text.
func (h *hunt) search(where string, text []byte) {
	h.t.Helper()
	if found := h.Find(text); len(found) > 0 {
		h.t.Errorf("%s holds %s:\n%s", where, strings.Join(found, "; "), text)
	}
}

// searchFiles searches the names of all files and the content of those that
// are not where secrets belong. Nothing may be left in the folder for
// temporary files.
func (h *hunt) searchFiles(after string) {
	h.t.Helper()
	h.must(filepath.WalkDir(h.dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(h.dir, path)
		if err != nil {
			return err
		}
		h.search(after+": the name of "+rel, []byte(rel))
		if entry.IsDir() {
			if h.declared[rel] {
				h.searchNames(after, path)
				return filepath.SkipDir
			}
			return nil
		}
		if filepath.Dir(rel) == "tmp" {
			h.t.Errorf("%s left the temporary file %s", after, rel)
		}
		content, err := os.ReadFile(path)
		h.search(after+": the file "+rel, content)
		return err
	}))
}

// searchNames searches the names of a folder whose content may be secret.
func (h *hunt) searchNames(after, dir string) {
	h.t.Helper()
	h.must(filepath.WalkDir(dir, func(path string, _ fs.DirEntry, err error) error {
		h.search(after+": the name of "+path, []byte(strings.TrimPrefix(path, h.dir)))
		return err
	}))
}

// keep copies a folder away, and the function that it returns brings it back.
func (h *hunt) keep(dirs ...string) (restore func()) {
	h.t.Helper()
	copies := h.t.TempDir()
	for _, dir := range dirs {
		h.must(os.CopyFS(filepath.Join(copies, dir), os.DirFS(h.path(dir))))
	}
	return func() {
		h.t.Helper()
		for _, dir := range dirs {
			h.must(os.RemoveAll(h.path(dir)))
			h.must(os.CopyFS(h.path(dir), os.DirFS(filepath.Join(copies, dir))))
		}
	}
}

// inTheWholeHunt leaves a test to "make acceptance".
func inTheWholeHunt(t *testing.T) {
	t.Helper()
	if !whole {
		t.Skip("this part of the hunt takes long; it has the build tag acceptance")
	}
}

package main

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/credsync/credsync/sandbox"
	"github.com/credsync/credsync/schema/diag"
	"github.com/spf13/cobra"
)

// printing are the ways in which each command is run, by its words, so that it prints a
// result. PLAN stands for a saved plan, DIR for the directory.
var printing = map[string][][]string{
	"":                      {{}, {"--help"}, {"--version"}},
	"apply":                 {{"--auto-approve"}, {"--auto-approve", "--json"}, {"--auto-approve", "--replace", "invoicebox.a"}},
	"completion":            {{}},
	"completion bash":       {{}},
	"completion fish":       {{}},
	"completion powershell": {{}},
	"completion zsh":        {{}},
	"doctor":                {{"--offline"}, {"--offline", "--json"}},
	"fmt":                   {{}, {"-"}, {"--diff"}, {"-", "--diff"}, {"--check"}},
	"help":                  {{}, {"apply"}},
	"login":                 {{"--auto-approve", "invoicebox.a"}},
	"notify":                {{}},
	"notify test":           {{}, {"--json"}},
	"plan":                  {{}, {"--json"}, {"--detailed-exitcode", "--replace", "invoicebox.a"}, {"--authenticate"}},
	"policy":                {{}},
	"policy kubernetes":     {{}},
	"policy vault":          {{}},
	"providers":             {{}, {"--json"}, {"sagi"}},
	"sinks":                 {{}, {"--json"}, {"vault"}},
	"schema":                {{}},
	"show":                  {{"PLAN"}, {"PLAN", "--json"}},
	"state":                 {{}},
	"state list":            {{}, {"--json"}},
	"state migrate":         {{}},
	"state recover":         {{"PLAN"}},
	"state rm":              {{"invoicebox.a", "--auto-approve"}},
	"state show":            {{"invoicebox.a"}, {"invoicebox.a", "--json"}},
	"state unlock":          {{"invoicebox.a", "--auto-approve"}},
	"status":                {{}, {"--json"}, {"--details"}, {"--exit-code"}},
	"test":                  {{}, {"--json"}, {"--print", "account.invoicebox.a"}},
	"validate":              {{}, {"--json"}},
	"verify":                {{}, {"--json"}},
	"version":               {{}, {"--json"}},
}

// silent commands have no result on standard output.
var silent = map[string]string{
	"man": "it writes files",
	"run": "it writes a log",
}

// commandWords are the words of each command below one.
func commandWords(c *cobra.Command) []string {
	words := []string{strings.TrimSpace(strings.TrimPrefix(c.CommandPath(), "credsync"))}
	for _, below := range c.Commands() {
		words = append(words, commandWords(below)...)
	}
	return words
}

// resultsWorld is a directory with a configuration that was applied, in which every
// command has something to print.
func resultsWorld(t *testing.T) (dir string) {
	t.Helper()
	dir = t.TempDir()
	box := sandbox.New(sandbox.Options{Accounts: sandbox.DemoAccounts(), Now: newClock().now})
	if err := box.Start("127.0.0.1:0"); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = box.Close() })
	hook := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	t.Cleanup(hook.Close)
	configuration := strings.NewReplacer("$URL", box.URL("invoicebox"), "$TOKEN", apiToken, "$HOOK", hook.URL).Replace(`
sink "file" "out" { dir = "out" }
notify "webhook" "hook" {
  url = "$HOOK"
    body = event.kind
}
account "invoicebox" "a" {
  base_url = "$URL"
  token = "$TOKEN"
  deliver "file" "out" { path = "a.json" }
}
`)
	if err := os.WriteFile(filepath.Join(dir, "main.hcl"), []byte(configuration), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{{"apply", "--auto-approve"}, {"plan", "--out", filepath.Join(dir, "plan")}} {
		var printed bytes.Buffer
		if code := run(t.Context(), append([]string{"-C", dir}, args...),
			resultsEnvironment(dir, args, &printed, &printed)); code != 0 {
			t.Fatalf("credsync %q ended with %d:\n%s", args, code, &printed)
		}
	}
	return dir
}

func resultsEnvironment(dir string, args []string, stdout, stderr io.Writer) environment {
	env := environment{
		stdin: strings.NewReader("sink \"file\" \"out\" {\ndir=\"out\"\n}\n"), stdout: stdout, stderr: stderr,
		getenv: func(string) string { return "" }, now: newClock().now,
	}
	if len(args) > 1 && args[0] == "state" && args[1] == "recover" {
		env.open = func(ctx context.Context, a *app, path string, n int) (*workspace, diag.List) {
			w, diags := openReal(ctx, a, path, n)
			w.engine = &fakeEngine{}
			return w, diags
		}
	}
	return env
}

// outside is what policies are about. Nothing of it is there.
const outside = `

sink "vault" "v" { address = "http://127.0.0.1:1" }
sink "k8ssecret" "k" { namespace = "shop" }
account "invoicebox" "b" {
  token = "b37c4c689295904ed21eee5d9a48d42e"
  deliver "vault" "v" { path = "a" }
  deliver "k8ssecret" "k" { name = "a" }
}
`

// failingWriter has no room after so many bytes.
type failingWriter struct{ room int }

func (w *failingWriter) Write(b []byte) (int, error) {
	n := min(w.room, len(b))
	w.room -= n
	if n < len(b) {
		return n, &os.PathError{Op: "write", Path: "/dev/stdout", Err: syscall.ENOSPC}
	}
	return n, nil
}

// No command may end well whose result nobody has got. A new one is told apart by having
// no case.
func TestAResultThatCannotBeWrittenIsAnError(t *testing.T) {
	root := (&app{environment: environment{getenv: func(string) string { return "" }}}).rootCommand()
	root.InitDefaultHelpCmd()
	root.InitDefaultCompletionCmd()
	for _, name := range commandWords(root) {
		if silent[name] != "" {
			continue
		}
		if len(printing[name]) == 0 {
			t.Errorf("there is no case for %q", name)
		}
		for _, more := range printing[name] {
			t.Run(strings.Join(append([]string{name}, more...), " "), func(t *testing.T) {
				t.Parallel()
				args := append(strings.Fields(name), more...)
				var whole, said bytes.Buffer
				runInResultsWorld(t, args, &whole, &said)
				if whole.Len() == 0 {
					t.Fatalf("it prints nothing, and says:\n%s", &said)
				}
				for _, room := range []int{0, whole.Len() / 2} {
					said.Reset()
					code := runInResultsWorld(t, args, &failingWriter{room}, &said)
					if text := said.String(); code != exitError ||
						!strings.Contains(text, "The output could not be written") ||
						!strings.Contains(text, syscall.ENOSPC.Error()) {
						t.Errorf("with room for %d bytes exit %d, and it says:\n%s", room, code, text)
					}
				}
			})
		}
	}
}

func runInResultsWorld(t *testing.T, args []string, stdout, stderr io.Writer) int {
	t.Helper()
	dir := resultsWorld(t)
	if len(args) > 0 && args[0] == "policy" {
		if err := os.WriteFile(filepath.Join(dir, "policies.hcl"), []byte(outside), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	args = append([]string{"-C", dir}, args...)
	for i, arg := range args {
		if arg == "PLAN" {
			args[i] = filepath.Join(dir, "plan")
		}
	}
	return run(t.Context(), args, resultsEnvironment(dir, args[2:], stdout, stderr))
}

func TestAPipeWhoseReaderHasGoneIsAnError(t *testing.T) {
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = w.Close() }()
	var said bytes.Buffer
	if code := runInResultsWorld(t, []string{"schema"}, w, &said); code != exitError || !strings.Contains(said.String(), "The program that reads standard output exited") {
		t.Errorf("exit %d:\n%s", code, &said)
	}
}

func TestAFullDiskIsAnError(t *testing.T) {
	full, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
	if errors.Is(err, os.ErrNotExist) {
		t.Skip("there is none here")
	}
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = full.Close() }()
	var said bytes.Buffer
	if code := runInResultsWorld(t, []string{"plan", "--json"}, full, &said); code != exitError ||
		!strings.Contains(said.String(), "no space left on device") {
		t.Errorf("exit %d:\n%s", code, &said)
	}
}

// The work comes first: what could not be printed was done.
func TestApplyThatCannotPrintDoesItsWork(t *testing.T) {
	for _, format := range [][]string{{}, {"--json"}} {
		dir := resultsWorld(t)
		if err := os.Remove(filepath.Join(dir, "out", "a.json")); err != nil {
			t.Fatal(err)
		}
		args := append([]string{"-C", dir, "apply", "--auto-approve"}, format...)
		var said bytes.Buffer
		if code := run(t.Context(), args,
			resultsEnvironment(dir, args[2:], &failingWriter{}, &said)); code != exitError {
			t.Errorf("exit %d:\n%s", code, &said)
		}
		if _, err := os.Stat(filepath.Join(dir, "out", "a.json")); err != nil {
			t.Errorf("the target was not written: %v", err)
		}
	}
}

package leak

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"filippo.io/age"
	"github.com/credsync/credsync/credential"
	"github.com/credsync/credsync/failure"
	"github.com/credsync/credsync/state"
)

func ageKeys(t *testing.T) (recipient, identity string) {
	t.Helper()
	key, err := age.GenerateX25519Identity()
	if err != nil {
		t.Fatal(err)
	}
	return key.Recipient().String(), key.String()
}

// A process that is told to dump its stacks, as an operator does with one that
// hangs, prints the words of its functions' arguments.
func TestDumpsOfStacksHoldNoSecret(t *testing.T) {
	inTheWholeHunt(t)
	for _, traceback := range []string{"single", "all", "system", "crash"} {
		for name, signal := range map[string]os.Signal{"SIGQUIT": syscall.SIGQUIT, "SIGABRT": syscall.SIGABRT} {
			t.Run(traceback+" "+name, func(t *testing.T) {
				e := newEstate(t)
				e.env = append(e.env, "GOTRACEBACK="+traceback)
				arrived := e.front.holdNext()
				dump := e.dump(arrived, signal, "apply", "--auto-approve")
				if !strings.Contains(dump, "goroutine ") {
					t.Fatalf("there is no stack in it:\n%s", dump)
				}
				e.search("the dump", []byte(dump))
				e.search("the dump's words", words(dump))
				e.searchFiles("dump")
			})
		}
	}
}

// dump runs the program until a request has arrived, ends it by the signal and
// returns what it printed.
func (e *accountEstate) dump(arrived <-chan struct{}, signal os.Signal, args ...string) string {
	e.t.Helper()
	cmd := exec.Command(program, append(args, e.args...)...)
	cmd.Dir, cmd.Env = e.path("work"), e.env
	// No core file: it would be the process's memory.
	cmd.Path, cmd.Args = "/bin/sh", append([]string{"sh", "-c", `ulimit -c 0; exec "$0" "$@"`, program}, cmd.Args[1:]...)
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	e.must(cmd.Start())
	select {
	case <-arrived:
	case <-time.After(30 * time.Second):
		_ = cmd.Process.Kill()
		e.t.Fatal("no request came within 30 seconds")
	}
	e.searchProcess(cmd.Process.Pid)
	e.must(cmd.Process.Signal(signal))
	err := cmd.Wait()
	e.front.release()
	var exit *exec.ExitError
	if !errors.As(err, &exit) {
		e.t.Fatalf("the process ended by itself: %v", err)
	}
	return out.String()
}

// searchProcess searches what others may see of a running process: the names
// of its files. Its arguments are the user's own, and so are searched only for
// what the user did not put there.
func (e *accountEstate) searchProcess(pid int) {
	e.t.Helper()
	arguments, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "cmdline"))
	if errors.Is(err, os.ErrNotExist) {
		// No /proc on this system.
		return
	}
	e.must(err)
	given := strings.Join(e.args, "\x00")
	e.search("the process's arguments", bytes.ReplaceAll(arguments, []byte(given), nil))
	files, err := filepath.Glob(filepath.Join("/proc", strconv.Itoa(pid), "fd", "*"))
	e.must(err)
	for _, file := range files {
		if to, err := os.Readlink(file); err == nil {
			e.search("an open file's name", []byte(to))
		}
	}
}

var word = regexp.MustCompile(`0x([0-9a-f]+)`)

// words are the hexadecimal words of a dump as the bytes they have in memory:
// an array that is passed by value is printed so.
func words(dump string) []byte {
	var b []byte
	for _, m := range word.FindAllStringSubmatch(dump, -1) {
		n, err := strconv.ParseUint(m[1], 16, 64)
		if err != nil {
			continue
		}
		for ; n > 0; n >>= 8 {
			b = append(b, byte(n))
		}
	}
	return b
}

func TestWordsOfADumpAreReadAsMemory(t *testing.T) {
	got := string(words("main.f({0x68, 0x75, 0x6e}, 0x32726574)"))
	if got != "hunter2" {
		t.Errorf("%q", got)
	}
}

const (
	dumpVariable  = "LEAK_PANIC_WITH"
	dumpSecretVar = "LEAK_PANIC_SECRET"
)

// panicked are values that a bug could panic with.
func panicked(secret string) map[string]any {
	s := credential.NewSecret(secret)
	token := credential.Token{Access: s, Refresh: s, Outputs: credential.Outputs{"access_token": s}}
	record := state.New("p", "account.sagi.a", "sagi")
	record.Current = state.NewGrant(token, "l", "s")
	upstream := &failure.Error{Op: "log in", Err: fmt.Errorf("with %v", s)}
	return map[string]any{
		"secret": s, "pointer": &s, "token": token, "pointer to a token": &token, "record": record, "record's value": *record,
		"error": upstream, "wrapped": fmt.Errorf("cannot: %w, %v, %+v, %#v", upstream, token, record, s),
		"list": []credential.Secret{s}, "map": map[string]credential.Secret{"a": s}, "text": fmt.Sprint(s, token, record, *record),
		"challenge": credential.Challenge{ID: s}, "function": func() string { return secret },
	}
}

// dumpHelper panics, where this process was started to.
func dumpHelper() bool {
	what := os.Getenv(dumpVariable)
	if what == "" {
		return false
	}
	panic(panicked(os.Getenv(dumpSecretVar))[what])
}

func TestPanicsWithWhatHoldsASecretDoNotShowIt(t *testing.T) {
	h := newHunt(t)
	secret := h.Secret("secret")
	self, err := os.Executable()
	h.must(err)
	for name := range panicked(secret) {
		t.Run(name, func(t *testing.T) {
			cmd := exec.Command(self)
			cmd.Env = append(os.Environ(), dumpVariable+"="+name, dumpSecretVar+"="+secret, "GOTRACEBACK=all")
			out, err := cmd.CombinedOutput()
			if err == nil || !strings.Contains(string(out), "panic: ") {
				t.Fatalf("it did not panic: %v\n%s", err, out)
			}
			h.search("the panic", out)
			h.search("the panic's words", words(string(out)))
		})
	}
}

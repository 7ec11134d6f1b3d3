package main

import (
	"bytes"
	"context"
	"io"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/creack/pty"
	"github.com/credsync/credsync/config"
	"github.com/credsync/credsync/engine"
	"github.com/credsync/credsync/schema/diag"
)

// session is a command on a terminal: stdin and stderr are one, as for a person
// who sends the results to a file.
type session struct {
	keyboard *os.File
	screen   chan string
	code     chan int
	stdout   *bytes.Buffer
}

// onTerminal starts an apply on a fake engine.
func onTerminal(t *testing.T, ctx context.Context, f *fakeEngine, args ...string) *session {
	t.Helper()
	keyboard, tty, err := pty.Open()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = keyboard.Close() })
	s := &session{keyboard: keyboard, screen: make(chan string, 1), code: make(chan int, 1), stdout: &bytes.Buffer{}}
	go func() {
		code := run(ctx, args, environment{
			stdin: tty, stdout: s.stdout, stderr: tty, getenv: func(string) string { return "" }, now: newClock().now,
			open: func(context.Context, *app, string, int) (*workspace, diag.List) {
				return &workspace{
					config: &config.Config{}, engine: f, clockSkews: &clockSkews{}, close: func() {},
				}, nil
			},
		})
		_ = tty.Close()
		s.code <- code
	}()
	return s
}

// until reads the screen up to and with a text.
func (s *session) until(t *testing.T, text string) string {
	t.Helper()
	if err := s.keyboard.SetReadDeadline(time.Now().Add(time.Minute)); err != nil {
		t.Fatal(err)
	}
	var seen strings.Builder
	b := make([]byte, 1)
	for !strings.Contains(seen.String(), text) {
		if _, err := s.keyboard.Read(b); err != nil {
			t.Fatalf("the screen ended before %q: %q", text, seen.String())
		}
		seen.Write(b)
	}
	return seen.String()
}

// rest reads what the screen shows until the command has ended. The end of a
// terminal is an error on Linux.
func (s *session) rest() string {
	_ = s.keyboard.SetReadDeadline(time.Time{})
	b, _ := io.ReadAll(s.keyboard)
	return string(b)
}

func TestOnlyYesApproves(t *testing.T) {
	tests := map[string]struct {
		answer  string
		code    int
		applied int
	}{
		"yes":         {"yes\n", 0, 1},
		"y":           {"y\n", 1, 0},
		"capital":     {"Yes\n", 1, 0},
		"empty":       {"\n", 1, 0},
		"end of file": {"\x04", 1, 0},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			f := &fakeEngine{
				plans:   []*engine.Plan{planned(missing)},
				summary: engine.Summary{Outcomes: []engine.Outcome{outcome(missing, engine.Done)}},
			}
			s := onTerminal(t, t.Context(), f, "apply", "--no-color")
			if asked := s.until(t, "Enter a value:"); !strings.Contains(asked, `Only "yes" is accepted.`) {
				t.Errorf("asked %q", asked)
			}
			if _, err := io.WriteString(s.keyboard, tt.answer); err != nil {
				t.Fatal(err)
			}
			screen := s.rest()
			if code := <-s.code; code != tt.code || f.applied != tt.applied {
				t.Errorf("exit %d after %d applies, want %d after %d\n%s", code, f.applied, tt.code, tt.applied, screen)
			}
			if cancelled := strings.Contains(screen, "Apply cancelled"); cancelled != (tt.applied == 0) {
				t.Errorf("the screen shows %q", screen)
			}
		})
	}
}

func TestInterruptAtTheQuestionDoesNothing(t *testing.T) {
	ctx, interrupt := context.WithCancel(t.Context())
	f := &fakeEngine{plans: []*engine.Plan{planned(missing)}}
	s := onTerminal(t, ctx, f, "apply")
	s.until(t, "Enter a value:")
	interrupt()
	if code := <-s.code; code != 1 || f.applied != 0 {
		t.Errorf("exit %d after %d applies", code, f.applied)
	}
}

func TestColourOnATerminal(t *testing.T) {
	tests := map[string]struct {
		args []string
		env  string
		want bool
	}{
		"by default":   {nil, "", true},
		"--no-color":   {[]string{"--no-color"}, "", false},
		"NO_COLOR":     {nil, "NO_COLOR=1", false},
		"dumb":         {nil, "TERM=dumb", false},
		"empty is off": {nil, "NO_COLOR=", true},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			keyboard, tty, err := pty.Open()
			if err != nil {
				t.Fatal(err)
			}
			defer keyboard.Close()
			f := &fakeEngine{plans: []*engine.Plan{planned(missing)}}
			go func() {
				run(t.Context(), append([]string{"plan"}, tt.args...), environment{
					stdin: tty, stdout: tty, stderr: tty, now: newClock().now,
					getenv: func(name string) string {
						if k, v, _ := strings.Cut(tt.env, "="); k == name {
							return v
						}
						return ""
					},
					open: func(context.Context, *app, string, int) (*workspace, diag.List) {
						return &workspace{
							config: &config.Config{}, engine: f, clockSkews: &clockSkews{}, close: func() {},
						}, nil
					},
				})
				_ = tty.Close()
			}()
			s := session{keyboard: keyboard}
			if screen := s.rest(); strings.Contains(screen, "\x1b[") != tt.want {
				t.Errorf("colour is wanted: %t, and the screen shows %q", tt.want, screen)
			}
		})
	}
}

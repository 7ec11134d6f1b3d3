package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/credsync/credsync/audit"
	"github.com/credsync/credsync/engine"
	"github.com/credsync/credsync/plan"
)

var waiting = plan.Decision{
	Address: "account.bifit_kassa.shop", Action: plan.BlockedAction, Reason: "needs_code",
	Blocker: &plan.Block{Reason: "needs_code", Message: "the code is wrong"},
}

// challenged is an engine that has a code sent, and ends as given.
func challenged(end engine.Outcome) *fakeEngine {
	return &fakeEngine{
		sent:    engine.Sent{At: time.Unix(1, 0), Outcome: outcome(waiting, engine.Blocked)},
		summary: engine.Summary{Outcomes: []engine.Outcome{end}},
	}
}

func TestLoginCommand(t *testing.T) {
	file := filepath.Join(t.TempDir(), "code")
	if err := os.WriteFile(file, []byte(" 3021\nrest"), 0o600); err != nil {
		t.Fatal(err)
	}
	empty := filepath.Join(t.TempDir(), "empty")
	if err := os.WriteFile(empty, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	tests := map[string]struct {
		args  []string
		end   engine.Result
		exit  int
		begun int
		code  string
		text  string
	}{
		"send only":       {[]string{"--send-only"}, engine.Done, 0, 1, "", "The upstream has sent a code."},
		"code":            {[]string{"--code", "3021"}, engine.Done, 0, 0, "3021", "verified and delivered"},
		"code file":       {[]string{"--code-file", file}, engine.Done, 0, 0, "3021", "verified and delivered"},
		"wrong code":      {[]string{"--code", "1"}, engine.Blocked, 3, 0, "1", "needs a human (needs_code)"},
		"failed":          {[]string{"--code", "1"}, engine.Failed, 1, 0, "1", "the login failed"},
		"nobody to ask":   {nil, engine.Done, 3, 1, "", "The login is waiting for its code"},
		"empty file":      {[]string{"--code-file", empty}, engine.Done, 1, 0, "", "No code was given."},
		"no such file":    {[]string{"--code-file", empty + "x"}, engine.Done, 1, 0, "", "The code could not be read"},
		"both":            {[]string{"--code", "1", "--send-only"}, engine.Done, 1, 0, "", "mutually exclusive"},
		"no address":      {[]string{"second"}, engine.Done, 1, 0, "", "login takes one account"},
		"stdin as a file": {[]string{"--code-file", "-"}, engine.Done, 1, 0, "", "No code was given."},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			f := challenged(outcome(waiting, tt.end))
			got := command(t, f, append([]string{"login", "bifit_kassa.shop"}, tt.args...))
			if got.code != tt.exit || f.begun != tt.begun || f.code.Reveal() != tt.code {
				t.Errorf("exit %d, %d begun, code %q", got.code, f.begun, f.code.Reveal())
			}
			if all := got.stdout + got.stderr; !strings.Contains(all, tt.text) ||
				tt.code == "3021" && strings.Contains(all, "3021") {
				t.Errorf("printed %q", all)
			}
		})
	}
}

func TestLoginThatNeedsNoCodeAsksForNone(t *testing.T) {
	f := &fakeEngine{sent: engine.Sent{Outcome: outcome(missing, engine.Done)}}
	if got := command(t, f, []string{"login", "sagi.b"}); got.code != 0 || !strings.Contains(got.stdout, "logged in") {
		t.Errorf("%+v", got)
	}
}

func TestLoginAsksWithoutShowingTheCode(t *testing.T) {
	f := challenged(outcome(waiting, engine.Done))
	s := onTerminal(t, t.Context(), f, "login", "bifit_kassa.shop")
	s.until(t, "as you type): ")
	if _, err := io.WriteString(s.keyboard, "3021\r"); err != nil {
		t.Fatal(err)
	}
	screen := s.rest()
	if code := <-s.code; code != 0 || f.code.Reveal() != "3021" {
		t.Errorf("exit %d, code %q", code, f.code.Reveal())
	}
	if strings.Contains(screen, "3021") {
		t.Error("the terminal shows the code")
	}
}

// Standard input that is a terminal asks, whoever named it.
func TestCodeFileOfATerminalAsksToo(t *testing.T) {
	for typed, want := range map[string]struct {
		exit int
		code string
	}{"3021\r": {0, "3021"}, "\x03": {3, ""}, "\r": {3, ""}} {
		f := challenged(outcome(waiting, engine.Done))
		s := onTerminal(t, t.Context(), f, "login", "bifit_kassa.shop", "--code-file", "-")
		s.until(t, "as you type): ")
		if _, err := io.WriteString(s.keyboard, typed); err != nil {
			t.Fatal(err)
		}
		screen := s.rest()
		if code := <-s.code; code != want.exit || f.code.Reveal() != want.code || strings.Contains(screen, "3021") {
			t.Errorf("%q: exit %d, code %q, screen %q", typed, code, f.code.Reveal(), screen)
		}
	}
}

func TestASignalEndsTheWaitForTheCodeOfATerminal(t *testing.T) {
	ctx, interrupt := context.WithCancel(t.Context())
	f := challenged(outcome(waiting, engine.Done))
	s := onTerminal(t, ctx, f, "login", "bifit_kassa.shop", "--code-file", "-")
	s.until(t, "as you type): ")
	interrupt()
	if code := <-s.code; code != 3 || !f.code.IsZero() {
		t.Errorf("exit %d, code %q", code, f.code.Reveal())
	}
}

func TestStateRecoverCommand(t *testing.T) {
	file := filepath.Join(t.TempDir(), "emergency.json")
	for name, c := range map[string]struct {
		err    error
		code   int
		stdout string
		stderr string
		stays  bool
	}{
		"brought back":           {stdout: "The token of account.sagi.a is now in the state. To deliver it: credsync apply\nRemoved " + file + ".\n"},
		"the state has it":       {err: fmt.Errorf("the state %w", engine.ErrRecovered), stdout: "The state already has this token of account.sagi.a.\nRemoved " + file + ".\n"},
		"the state has a newer":  {err: errors.New("the state has a newer token"), code: 1, stderr: "newer token", stays: true},
		"back, but not recorded": {err: fmt.Errorf("%w: no space left", audit.ErrUnrecorded), code: 1, stdout: "Removed " + file + ".\n", stderr: "The audit trail is not complete"},
	} {
		t.Run(name, func(t *testing.T) {
			if err := os.WriteFile(file, []byte("account.sagi.a"), 0o600); err != nil {
				t.Fatal(err)
			}
			got := command(t, &fakeEngine{recoverErr: c.err}, []string{"state", "recover", file})
			if got.code != c.code || !strings.Contains(got.stdout, c.stdout) ||
				!strings.Contains(got.stderr, c.stderr) {
				t.Errorf("%+v", got)
			}
			if _, err := os.Stat(file); (err == nil) != c.stays {
				t.Errorf("the file: %v", err)
			}
		})
	}
	for _, args := range [][]string{{"state", "recover", file + "x"}, {"state", "recover"}, {"state", "nothing"}} {
		if got := command(t, &fakeEngine{}, args); got.code != 1 || got.stderr == "" {
			t.Errorf("%v: %+v", args, got)
		}
	}
}

// A code that nobody needs is not sent unasked.
func TestLoginOfAHealthyAccountAsks(t *testing.T) {
	current := func(change func(*plan.Decision)) *engine.AccountPlan {
		d := plan.Decision{
			Address: waiting.Address,
			Action:  plan.None,
			Reason:  plan.Current,
			Message: "the token is good",
			Health:  plan.OK,
		}
		change(&d)
		return &engine.AccountPlan{Decision: d, IssuedAt: time.Unix(1, 0)}
	}
	tests := map[string]struct {
		account *engine.AccountPlan
		args    []string
		asks    bool
	}{
		"healthy":         {current(func(*plan.Decision) {}), nil, true},
		"send only":       {current(func(*plan.Decision) {}), []string{"--send-only"}, true},
		"approved":        {current(func(*plan.Decision) {}), []string{"--auto-approve"}, false},
		"to be refreshed": {current(func(d *plan.Decision) { d.Action, d.Reason = plan.Refresh, plan.Expiring }), nil, true},
		"to be delivered": {current(func(d *plan.Decision) { d.Action, d.Reason = plan.Deliver, plan.TargetMissing }), nil, true},
		"to be logged in": {current(func(d *plan.Decision) { d.Action, d.Reason = plan.Reissue, plan.Rejected }), nil, false},
		"blocked":         {current(func(d *plan.Decision) { d.Blocker = waiting.Blocker }), nil, false},
		"expired":         {current(func(d *plan.Decision) { d.Action, d.Health = plan.Refresh, plan.Critical }), nil, false},
		"unreadable":      {current(func(d *plan.Decision) { d.Reason = plan.Unreadable }), nil, false},
		"no token":        {&engine.AccountPlan{Decision: plan.Decision{Action: plan.Issue}}, nil, false},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			f := challenged(outcome(waiting, engine.Done))
			f.plans = []*engine.Plan{{Accounts: []*engine.AccountPlan{tt.account}}}
			got := command(t, f, append([]string{"login", "bifit_kassa.shop"}, tt.args...))
			if asked := strings.Contains(got.stderr, "Pass --auto-approve to log in anyway."); asked != tt.asks || (f.begun == 0) != tt.asks {
				t.Errorf("asked %t, %d codes sent:\n%s", asked, f.begun, got.stderr)
			}
		})
	}
}

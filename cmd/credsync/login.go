package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/credsync/credsync/credential"
	"github.com/credsync/credsync/engine"
	"github.com/credsync/credsync/internal/regularfile"
	"github.com/credsync/credsync/plan"
	"github.com/credsync/credsync/render"
	"github.com/credsync/credsync/schema/diag"
	"github.com/spf13/cobra"
	"golang.org/x/term"
)

// maxCode bounds what is read as a code.
const maxCode = 1024

// loginFlags are the login command's own.
type loginFlags struct {
	code     string
	codeFile string
	sendOnly bool
	approved bool
}

func (a *app) loginCommand() *cobra.Command {
	var f loginFlags
	cmd := &cobra.Command{
		Use:   "login ADDR",
		Short: "Log in to an account that requires a one-time code",
		Long: "Have the upstream send its code, ask for the code, finish the login, and verify\n" +
			"and deliver the token. Without a terminal the code is read from standard input.\n\n" +
			"To do this in two steps, on one machine or on two that share the state:\n\n" +
			"    credsync login ADDR --send-only\n" +
			"    credsync login ADDR --code-file FILE\n\n" +
			"If the account needs no login, credsync asks for confirmation before it has a\n" +
			"code sent.\n\n" +
			"Exit codes: 0 done; 1 error; 3 the code is missing or wrong, or the account\n" +
			"needs a human for another reason.",
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) != 1 {
				return usageError{"login takes one account", "Give its address, such as bifit_kassa.shop."}
			}
			return nil
		},
		ValidArgsFunction: a.completeAddress,
		RunE: func(cmd *cobra.Command, args []string) error {
			if (f.code != "" && f.codeFile != "") || f.sendOnly && (f.code != "" || f.codeFile != "") {
				return usageError{"--code, --code-file and --send-only are mutually exclusive", "Pass one of them, or none to be asked for the code."}
			}
			return a.login(cmd.Context(), args[0], f)
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&f.code, "code", "", "finish with this `CODE`; prefer --code-file, because other\nusers of the machine can see command lines")
	flags.StringVar(&f.codeFile, "code-file", "", "finish with the code in `FILE`; - is standard input")
	flags.BoolVar(&f.sendOnly, "send-only", false, "have the code sent, and finish later")
	a.gracePeriodFlag(cmd)
	flags.BoolVar(&f.approved, "auto-approve", false, "do not ask for confirmation, even if the account needs no login")
	return cmd
}

func (a *app) login(ctx context.Context, address string, f loginFlags) error {
	a.interruptions.tokensAtStake()
	view := render.NewLogin(a.out)
	given, err := a.givenCode(ctx, f)
	if _, asked := terminal(a.stdin); err != nil && f.codeFile == "-" && asked {
		view.NoCode(err, address)
		return exitStatus(exitHuman)
	}
	if err != nil {
		view.Failed(diag.List{diag.FromError("The code could not be read", err)})
		return exitStatus(exitError)
	}
	w, diags := a.open(ctx, a, ".", 0)
	view.Diagnostics(diags)
	if w == nil {
		return exitStatus(exitError)
	}
	defer w.close()
	if given.IsZero() {
		if why := a.loginApproved(ctx, w, address, f.approved); why != nil {
			view.Failed(why)
			return exitStatus(exitError)
		}
		sent := w.engine.BeginLogin(ctx, address)
		if sent.At.IsZero() {
			return loginResult(view, sent.Outcome)
		}
		view.Sent(sent, address)
		if f.sendOnly {
			return nil
		}
		if given, err = a.askCode(ctx); err != nil {
			view.NoCode(err, address)
			return exitStatus(exitHuman)
		}
	}
	return loginResult(view, w.engine.FinishLogin(ctx, address, given))
}

// loginApproved asks where the account needs no login: a code would be sent to somebody
// who does not expect one, and at some upstreams a login ends the token in use. It
// returns nil for a yes, and where the login is needed.
func (a *app) loginApproved(ctx context.Context, w *workspace, address string, approved bool) diag.List {
	if approved {
		return nil
	}
	p := w.engine.Plan(ctx, engine.Request{Offline: true, LookOnly: true, Targets: []string{address}})
	if len(p.Accounts) != 1 || !needsNoLogin(p.Accounts[0]) {
		return nil
	}
	ap := p.Accounts[0]
	yes, why := a.confirm(ctx, ap.Address+" needs no login: "+ap.Message+". Log in anyway?", "Pass --auto-approve to log in anyway.")
	if !yes && why == nil {
		why = diag.List{diag.Errorf("Cancelled", "The answer was not yes, so no code was sent.")}
	}
	return why
}

// needsNoLogin reports whether what is to be done with an account can be done without
// one.
func needsNoLogin(ap *engine.AccountPlan) bool {
	if ap.Blocker != nil || ap.IssuedAt.IsZero() || ap.Health == plan.Critical {
		return false
	}
	switch ap.Action {
	case plan.None:
		return ap.Reason == plan.Current
	case plan.Refresh, plan.Deliver:
		return true
	}
	return false
}

func loginResult(view *render.LoginView, o engine.Outcome) error {
	view.Finish(o)
	return commandResult{
		detailed: true, failed: o.Result == engine.Failed, blocked: o.Result == engine.Blocked,
	}.asError()
}

// givenCode is the code of the flags; zero for none.
func (a *app) givenCode(ctx context.Context, f loginFlags) (credential.Secret, error) {
	switch {
	case f.code != "":
		return parseCode([]byte(f.code))
	case f.codeFile == "":
		return credential.Secret{}, nil
	case f.codeFile == "-":
		return a.askCode(ctx)
	}
	content, err := regularfile.Read(a.path(f.codeFile), maxCode)
	if errors.Is(err, regularfile.ErrKind) {
		return credential.Secret{}, fmt.Errorf("%w; to pass the code through a pipe, use --code-file - and connect the pipe to standard input", err)
	}
	if err != nil {
		return credential.Secret{}, err
	}
	return readCode(bytes.NewReader(content))
}

// askCode asks at the terminal, without showing what is typed, or else takes
// the first line of standard input.
func (a *app) askCode(ctx context.Context) (credential.Secret, error) {
	read := func() (credential.Secret, error) { return readCode(a.stdin) }
	restore := func() {}
	if f, ok := terminal(a.stdin); ok {
		fd := int(f.Fd())
		// The echo is off before the question is there, so that nothing that
		// is typed at it can show; whatever happens, it comes back on.
		before, err := term.MakeRaw(fd)
		if err != nil {
			return credential.Secret{}, fmt.Errorf("turn the terminal's echo off: %w", err)
		}
		restore = func() { _ = term.Restore(fd, before) }
		read = func() (credential.Secret, error) { return a.typedCode(f) }
	}
	defer restore()
	type answer struct {
		code credential.Secret
		err  error
	}
	given := make(chan answer, 1)
	go func() {
		code, err := read()
		given <- answer{code, err}
	}()
	select {
	case <-ctx.Done():
		a.out.EndPrompt()
		return credential.Secret{}, errors.New("the run was told to stop")
	case got := <-given:
		return got.code, got.err
	}
}

func (a *app) typedCode(f *os.File) (credential.Secret, error) {
	screen := struct {
		io.Reader
		io.Writer
	}{f, a.stderr}
	line, err := term.NewTerminal(screen, "").ReadPassword("Enter the code (it is not shown as you type): ")
	if err != nil {
		a.out.EndPrompt()
		return credential.Secret{}, errors.New("no code was given")
	}
	return parseCode([]byte(line))
}

// readCode takes the first line.
func readCode(r io.Reader) (credential.Secret, error) {
	line, err := bufio.NewReader(io.LimitReader(r, maxCode)).ReadBytes('\n')
	if err != nil && !errors.Is(err, io.EOF) {
		return credential.Secret{}, fmt.Errorf("read the code: %w", err)
	}
	return parseCode(line)
}

func parseCode(b []byte) (credential.Secret, error) {
	code := strings.TrimSpace(string(bytes.ToValidUTF8(b, nil)))
	if code == "" {
		return credential.Secret{}, errors.New("no code was given")
	}
	return credential.NewSecret(code), nil
}

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"time"

	"github.com/credsync/credsync/audit"
	"github.com/credsync/credsync/internal/httpsettings"
	"github.com/credsync/credsync/notify"
	"github.com/credsync/credsync/render"
	"github.com/credsync/credsync/schema/diag"
	"github.com/hashicorp/go-hclog"
	"github.com/spf13/cobra"
)

// environment is what a command has of the process it runs in.
type environment struct {
	stdin          io.Reader
	stdout, stderr io.Writer
	getenv         func(string) string
	now            func() time.Time
	// interruptions are the signals; nil where the program is not a process of its own.
	interruptions *interruptions
	// open replaces how a configuration and its engine come about; nil for
	// the real way.
	open opener
}

// app is one invocation.
type app struct {
	environment
	// args are those of the command line.
	args  []string
	flags sharedFlags
	// out and log are there once the flags are parsed.
	out *render.Output
	log hclog.Logger
	// trails are the audit trails in files, by path.
	trails map[string]*audit.File
	// allowedHosts are the only hosts of upstreams; nil for all. allowedHostsProblem is
	// what is wrong with their list, for a command that reports it.
	allowedHosts        *httpsettings.AllowedHosts
	allowedHostsProblem *diag.Diagnostic
	// sender sends notifications; nil until there are some to send.
	sender *notify.Sender
}

// run is the whole program except for its environment: it parses the arguments, does
// what they ask and returns the exit code. It changes no global state.
func run(ctx context.Context, args []string, env environment) int {
	result := &resultWriter{to: env.stdout}
	env.stdout = result
	code := execute(ctx, args, env)
	if err := result.finish(); err != nil {
		(&app{environment: env}).output().Diagnostics(diag.List{resultNotWritten(err)})
		return exitError
	}
	return code
}

// execute is run except for what becomes of its output.
func execute(ctx context.Context, args []string, env environment) int {
	a := &app{environment: env, args: args}
	if a.open == nil {
		a.open = openReal
	}
	a.out = a.output()
	root := a.rootCommand()
	root.SetArgs(args)
	root.SetIn(env.stdin)
	root.SetOut(env.stdout)
	root.SetErr(env.stderr)
	err := root.ExecuteContext(ctx)
	var code exitStatus
	switch {
	case err == nil:
		return exitDone
	case errors.As(err, &code):
		return int(code)
	}
	a.out.Diagnostics(diag.List{usageDiagnostic(err)})
	return exitError
}

func (a *app) rootCommand() *cobra.Command {
	root := &cobra.Command{
		Use:   "credsync",
		Short: "Keep third-party credentials valid where services read them",
		Long: "credsync reads an HCL configuration, gets the declared tokens from third\n" +
			"parties, verifies them, writes them to every declared target, and replaces them\n" +
			"before they expire.",
		Version:       thisVersion().Version,
		SilenceErrors: true,
		SilenceUsage:  true,
		Args:          cobra.ArbitraryArgs,
		RunE:          noSubcommand,
		PersistentPreRunE: func(cmd *cobra.Command, _ []string) error {
			if err := a.prepare(); err != nil {
				return err
			}
			return a.readAllowedHosts(cmd)
		},
	}
	f := root.PersistentFlags()
	f.StringVarP(&a.flags.chdir, "chdir", "C", "", "run in directory `DIR`")
	f.Var(inputFlag{a, false}, "var", "set a variable, as `NAME=VALUE` (repeatable)")
	f.Var(inputFlag{a, true}, "var-file", "read variables from `FILE` (repeatable)")
	f.BoolVar(&a.flags.noColor, "no-color", false, "disable colors, as does NO_COLOR")
	f.StringVar(&a.flags.logLevel, "log-level", "", "log at `LEVEL`: trace, debug, info, warn, error or off\n(default: CREDSYNC_LOG, or off)")
	f.StringVar(&a.flags.logFormat, "log-format", "text", "log `FORMAT`: text or json")
	_ = root.MarkPersistentFlagDirname("chdir")
	completeFlag(root, "log-level", words("trace", "debug", "info", "warn", "error", "off"))
	completeFlag(root, "log-format", words("text", "json"))
	root.SetFlagErrorFunc(a.flagError)
	root.SetHelpFunc(help)
	root.AddCommand(
		a.validateCommand(),
		a.fmtCommand(),
		a.testCommand(),
		a.planCommand(),
		a.applyCommand(),
		a.loginCommand(),
		a.policyCommand(),
		a.providersCommand(),
		a.sinksCommand(),
		a.runCommand(),
		a.statusCommand(),
		a.stateCommand(),
		a.versionCommand(),
		a.verifyCommand(),
		a.doctorCommand(),
		a.notifyCommand(),
		a.showCommand(),
		a.schemaCommand(),
		a.manCommand(),
	)
	addExamples(root)
	return root
}

// prepare sets up what depends on the flags.
func (a *app) prepare() error {
	a.out = a.output()
	if g := a.flags.gracePeriod; g != 0 && (g < leastGracePeriod || g > mostGracePeriod) {
		return usageError{fmt.Sprintf("--grace-period is %s", g), "It must be from 1s to 1h."}
	}
	log, err := a.logger()
	if err != nil {
		return err
	}
	a.log = log
	out := *a.out
	a.interruptions.speaksBy(out.Urgent)
	// A live line and log lines would overwrite each other.
	if log.GetLevel() != hclog.Off {
		a.out.Err.Terminal = false
	}
	return nil
}

func (a *app) logger() (hclog.Logger, error) {
	name, from := a.flags.logLevel, "--log-level"
	if name == "" {
		name, from = a.getenv("CREDSYNC_LOG"), "CREDSYNC_LOG"
	}
	level := hclog.Off
	if name != "" {
		if level = hclog.LevelFromString(name); level == hclog.NoLevel {
			return nil, usageError{fmt.Sprintf("%s is %q", from, name), "It must be trace, debug, info, warn, error or off."}
		}
	}
	if a.flags.logFormat != "text" && a.flags.logFormat != "json" {
		return nil, usageError{fmt.Sprintf("--log-format is %q", a.flags.logFormat), "It must be text or json."}
	}
	return hclog.NewInterceptLogger(&hclog.LoggerOptions{
		Name: "credsync", Level: level, Output: a.stderr, JSONFormat: a.flags.logFormat == "json",
		TimeFn: a.now,
	}), nil
}

// path returns a path of the command line, which starts at --chdir.
func (a *app) path(p string) string {
	if a.flags.chdir == "" || filepath.IsAbs(p) {
		return p
	}
	return filepath.Join(a.flags.chdir, p)
}

package main

import (
	"bytes"
	"context"

	"github.com/credsync/credsync/engine"
	"github.com/credsync/credsync/internal/outputfile"
	"github.com/credsync/credsync/plan"
	"github.com/credsync/credsync/render"
	"github.com/credsync/credsync/schema/diag"
	"github.com/spf13/cobra"
)

// statusFlags are the status command's own.
type statusFlags struct {
	render.StatusOptions
	targets []string
	html    string
}

func (a *app) statusCommand() *cobra.Command {
	var f statusFlags
	cmd := &cobra.Command{
		Use:   "status [PATH]",
		Short: "Show each account's token, expiry, rotation, targets and blockers",
		Long: "Show what the state and the targets say about every account; accounts that need\n" +
			"a human come first. No upstream is contacted. If secrets, data or files that the\n" +
			"configuration names are missing, credsync shows what it can find out without\n" +
			"them.\n\n" +
			"Exit codes: 0 done, 1 error. With --exit-code those of monitoring plugins: 0 ok,\n" +
			"1 warning, 2 critical, 3 unknown, by the account in the worst state.",
		Args: onePath,
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.status(cmd.Context(), pathArgument(args), f)
		},
	}
	flags := cmd.Flags()
	flags.BoolVar(&f.JSON, "json", false, "print JSON")
	flags.BoolVar(&f.Details, "details", false, "show all times and all targets of each account")
	flags.BoolVar(&f.Monitor, "exit-code", false, "use the exit codes of monitoring plugins, and print\ntheir status line first")
	flags.StringVar(&f.html, "html", "", "also write an HTML status page to `FILE`")
	a.targetFlag(cmd, &f.targets)
	return cmd
}

func (a *app) status(ctx context.Context, path string, f statusFlags) error {
	d := a.observe(ctx, path, f)
	if f.html != "" {
		if err := a.writePage(f.html, d); err != nil {
			d.Diagnostics = append(d.Diagnostics, diag.FromError("The status page could not be written", err))
		}
	}
	render.NewStatus(a.out, f.StatusOptions).Show(d)
	if f.Monitor {
		return monitorExitCode(d.Worst())
	}
	return commandResult{failed: d.Diagnostics.HasErrors()}.asError()
}

// observe looks at the accounts without asking an upstream.
func (a *app) observe(ctx context.Context, path string, f statusFlags) plan.Document {
	w, diags := a.openToLook(ctx, path)
	if w == nil {
		return render.NoPlan(diags)
	}
	defer w.close()
	diags = append(diags, a.leftBehindWarning(ctx, w.config, w.store)...)
	return w.document(w.engine.Plan(ctx, engine.Request{Offline: true, Targets: f.targets, LookOnly: true}), diags)
}

// writePage writes the page whole or not at all. It holds no secret, and is
// meant to be served.
func (a *app) writePage(file string, d plan.Document) error {
	var b bytes.Buffer
	if err := render.StatusPage(&b, d, render.StatusPageOptions{Now: a.now()}); err != nil {
		return err
	}
	return outputfile.Write(a.path(file), b.Bytes(), 0o644)
}

// monitorExitCode is the exit code that monitoring systems know for a health.
func monitorExitCode(h plan.Health) error {
	switch h {
	case plan.OK:
		return nil
	case plan.Warn:
		return exitStatus(1)
	case plan.Critical:
		return exitStatus(2)
	}
	return exitStatus(3)
}

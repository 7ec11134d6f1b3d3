package main

import (
	"context"

	"github.com/credsync/credsync/engine"
	"github.com/credsync/credsync/plan"
	"github.com/credsync/credsync/render"
	"github.com/credsync/credsync/schema/diag"
	"github.com/spf13/cobra"
)

// planFlags are the plan command's own.
type planFlags struct {
	engine.Request
	json         bool
	out          string
	detailed     bool
	authenticate bool
	metrics      metricsFlags
}

func (a *app) planCommand() *cobra.Command {
	var f planFlags
	cmd := &cobra.Command{
		Use:   "plan [PATH]",
		Short: "Show what apply would do, and why",
		Long: "Show what apply would do to each account, and why. Nothing is written, and the\n" +
			"only question to an upstream is whether a token is still good.\n\n" +
			"Exit codes: 0 done, 1 error. With --detailed-exitcode also: 2 there are changes,\n" +
			"3 there are no changes, but an account needs a human.",
		Args: onePath,
		RunE: func(cmd *cobra.Command, args []string) error {
			if f.Offline && f.authenticate {
				return usageError{"--offline and --authenticate are mutually exclusive", "--authenticate contacts the upstreams. Pass one of the two."}
			}
			return a.plan(cmd.Context(), pathArgument(args), f)
		},
	}
	flags := cmd.Flags()
	flags.BoolVar(&f.json, "json", false, "print JSON")
	flags.StringVar(&f.out, "out", "", "save the plan to `FILE`, for apply")
	flags.BoolVar(&f.detailed, "detailed-exitcode", false, "report through the exit code whether there are changes")
	flags.BoolVar(&f.Offline, "offline", false, "contact no upstream")
	flags.BoolVar(&f.authenticate, "authenticate", false, "also log in and verify tokens that are due, and keep the\ntokens in the state; write no target")
	a.gracePeriodFlag(cmd)
	f.metrics.add(cmd)
	a.addressFlags(cmd, &f.Request)
	return cmd
}

func (a *app) plan(ctx context.Context, path string, f planFlags) error {
	view := render.NewPlan(a.out, f.json)
	w, diags := a.open(ctx, a, path, 0)
	if w == nil {
		view.Show(render.NoPlan(diags))
		return exitStatus(exitError)
	}
	defer w.close()
	diags = append(append(diags, a.stateWarnings(ctx, w)...), a.hostsNotAllowed(w.config, diag.Warning)...)
	// To authenticate is to carry the plan out, except for its deliveries.
	f.LookOnly, f.Preflight = !f.authenticate, true
	p := w.engine.Plan(ctx, f.Request)
	end := commandResult{detailed: f.detailed}
	if f.authenticate && !nothingCouldBePlanned(p) {
		var more diag.List
		p, more = a.authenticate(ctx, w, p, f)
		diags = append(diags, more...)
		// Without --detailed-exitcode there is only one way to say that some
		// credentials did not prove good.
		end.failed = !f.detailed && hasBlocked(p)
	}
	if ctx.Err() != nil {
		diags = append(diags, interrupted())
	}
	if f.metrics.wanted() {
		diags = append(diags, a.writeMetrics(ctx, "plan", f.metrics, p, nil)...)
	}
	d := w.document(p, diags)
	saved := f.out != "" && !d.Diagnostics.HasErrors()
	if saved {
		if err := a.savePlan(f.out, w, p); err != nil {
			saved = false
			d.Diagnostics = append(d.Diagnostics, diag.FromError("The plan could not be saved", err))
		}
	}
	view.Show(d)
	a.afterPlan(f, saved)
	end.failed = end.failed || d.Diagnostics.HasErrors()
	end.changes, end.blocked = hasChanges(p), hasBlocked(p)
	return end.asError()
}

// afterPlan says what became of --out.
func (a *app) afterPlan(f planFlags, saved bool) {
	switch {
	case f.out == "":
	case saved:
		again := ""
		if len(a.flags.inputs) > 0 {
			// The plan holds no value of a variable, since that may be a secret.
			again = ", with the same --var and --var-file"
		}
		if a.flags.chdir != "" {
			again += ", from the same -C"
		}
		a.out.Note("The plan was saved to " + f.out + ". To apply it: credsync apply " + f.out + again)
	default:
		a.out.Note("The plan was not saved, because of the errors.")
	}
}

// authenticate proves the credentials of what is due, and plans again. The
// list is of what did not prove good, and of what was left out.
func (a *app) authenticate(
	ctx context.Context,
	w *workspace,
	p *engine.Plan,
	f planFlags,
) (again *engine.Plan, diags diag.List) {
	a.interruptions.tokensAtStake()
	progress := render.NewProgress(a.out, countDue(p))
	summary := w.engine.Authenticate(ctx, p, progress)
	progress.Close()
	for _, o := range summary.Outcomes {
		diags = append(diags, o.Diagnostics...)
	}
	// What was asked for with --replace has just been got.
	f.Replace, f.LookOnly = nil, true
	return w.engine.Plan(ctx, f.Request), diags
}

// countDue counts the accounts that need a new token.
func countDue(p *engine.Plan) int {
	n := 0
	for _, a := range p.Accounts {
		if a.Action.Contacts() {
			n++
		}
	}
	return n
}

// hasChanges reports whether apply would do something.
func hasChanges(p *engine.Plan) bool {
	for _, a := range p.Accounts {
		if a.Action != plan.None && a.Action != plan.BlockedAction {
			return true
		}
	}
	return false
}

func hasBlocked(p *engine.Plan) bool {
	for _, a := range p.Accounts {
		if a.Blocker != nil || a.Action == plan.BlockedAction {
			return true
		}
	}
	return false
}

// nothingCouldBePlanned reports whether no account could be planned for.
func nothingCouldBePlanned(p *engine.Plan) bool {
	return len(p.Accounts) == 0 && p.Diagnostics.HasErrors()
}

func interrupted() diag.Diagnostic {
	return diag.Errorf("Interrupted", "The run was told to stop before it was finished.")
}

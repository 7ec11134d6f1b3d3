package main

import (
	"context"

	"github.com/credsync/credsync/engine"
	"github.com/credsync/credsync/plan"
	"github.com/credsync/credsync/render"
	"github.com/credsync/credsync/schema/diag"
	"github.com/spf13/cobra"
)

// applyFlags are the apply command's own.
type applyFlags struct {
	engine.Request
	json         bool
	approved     bool
	allowRemoval bool
	metrics      metricsFlags
	workFlags
}

func (a *app) applyCommand() *cobra.Command {
	var f applyFlags
	cmd := &cobra.Command{
		Use:   "apply [PATH]",
		Short: "Make the changes that plan shows",
		Long: "Get, verify and deliver the tokens that are due. PATH is a directory, a file, or\n" +
			"a plan saved with plan --out, which is applied without confirmation.\n\n" +
			"If more than three accounts, and more than a quarter of the project's accounts,\n" +
			"were removed from the configuration, credsync cleans them up only after a person\n" +
			"confirms it or with --allow-removal. --auto-approve is not enough.\n\n" +
			"Exit codes: 0 done; 1 error, nothing or not everything was done; 3 everything\n" +
			"possible was done, but an account needs a human.",
		Args: onePath,
		RunE: func(cmd *cobra.Command, args []string) error {
			var err error
			if f.Shard, err = f.parse(a); err != nil {
				return err
			}
			return a.apply(cmd.Context(), pathArgument(args), f)
		},
	}
	flags := cmd.Flags()
	flags.BoolVar(&f.json, "json", false, "print one JSON object per line")
	flags.BoolVar(&f.approved, "auto-approve", false, "do not ask for confirmation")
	flags.BoolVar(&f.allowRemoval, "allow-removal", false, "allow removing more than three accounts and more than\na quarter of the project's accounts without confirmation")
	f.add(cmd)
	a.gracePeriodFlag(cmd)
	f.metrics.add(cmd)
	a.addressFlags(cmd, &f.Request)
	return cmd
}

func (a *app) apply(ctx context.Context, path string, f applyFlags) error {
	a.interruptions.tokensAtStake()
	view := render.NewApply(a.out, f.json)
	w, p, saved, diags := a.planToApply(ctx, path, f)
	if w == nil {
		view.Failed(diags)
		return exitStatus(exitError)
	}
	defer w.close()
	d := w.document(p, diags)
	if ctx.Err() != nil {
		d.Diagnostics = append(d.Diagnostics, interrupted())
	}
	if nothingCouldBePlanned(p) || ctx.Err() != nil {
		view.Failed(d.Diagnostics)
		return exitStatus(exitError)
	}
	view.Planned(d)
	asked := hasChanges(p) && !f.approved && !saved
	if asked {
		yes, why := a.approval(ctx, f)
		if !yes {
			view.Failed(why)
			return exitStatus(exitError)
		}
	}
	// The document of many accounts is large, and has been printed.
	failed := d.Diagnostics.HasErrors()
	if p.RemovesMany() && !asked && !f.allowRemoval {
		failed = true
		view.Diagnostics(p.WithoutRemovals())
	}
	view.Begin(countWorkedOn(p))
	s := w.engine.Apply(ctx, p, view)
	if f.metrics.wanted() {
		after := w.engine.Plan(
			context.WithoutCancel(ctx),
			engine.Request{Offline: true, Shard: f.Shard, LookOnly: true},
		)
		view.Diagnostics(a.writeMetrics(ctx, "apply", f.metrics, after, s))
	}
	view.Diagnostics(append(w.clockSkews.take(), s.Diagnostics...))
	view.Finish(s)
	return commandResult{
		detailed: true,
		failed:   failed || s.Count(engine.Failed) > 0,
		blocked:  s.Count(engine.Blocked) > 0,
	}.asError()
}

// planToApply makes the plan: a fresh one, or that of a saved one, which was
// approved when it was made. The workspace is nil where there is no plan.
func (a *app) planToApply(
	ctx context.Context,
	path string,
	f applyFlags,
) (w *workspace, p *engine.Plan, saved bool, diags diag.List) {
	file, err := readSavedPlan(a.path(path))
	if err != nil {
		return nil, nil, true, diag.List{diag.FromError("The saved plan cannot be used", err)}
	}
	if file != nil {
		w, p, diags = a.planSaved(ctx, file, f)
		return w, p, true, diags
	}
	w, diags = a.open(ctx, a, path, f.concurrency)
	if w == nil {
		return nil, nil, false, diags
	}
	// Many targets are tried at once, and whoever is asked sees what would not work.
	f.Preflight = true
	return w, w.engine.Plan(ctx, f.Request), false, append(diags, a.stateWarnings(ctx, w)...)
}

// planSaved refuses a saved plan where anything has changed since.
func (a *app) planSaved(ctx context.Context, s *engine.Saved, f applyFlags) (*workspace, *engine.Plan, diag.List) {
	if len(f.Targets)+len(f.Replace) > 0 || f.Shard != nil {
		return nil, nil, diag.List{diag.Errorf("A saved plan is applied as it is", "Pass --target and --replace to credsync plan --out instead. Use --shard only without a saved plan.")}
	}
	w, diags := a.open(ctx, a, s.Path, f.concurrency)
	if w == nil {
		return nil, nil, append(diags, diag.Warningf("The configuration of the saved plan cannot be loaded",
			"The plan was made from the configuration %s. Apply it from the same directory, with the same -C, --var and --var-file.", render.PlanPlace(s)))
	}
	p := w.engine.PlanSaved(ctx, s)
	diags = append(diags, a.stateWarnings(ctx, w)...)
	if p.Diagnostics.HasErrors() {
		w.close()
		return nil, nil, append(diags, p.Diagnostics...)
	}
	return w, p, diags
}

// approval asks, or says why it cannot.
func (a *app) approval(ctx context.Context, f applyFlags) (bool, diag.List) {
	if f.json {
		return false, diag.List{diag.Errorf("The plan needs approval", "apply --json cannot ask for it. Pass --auto-approve too.")}
	}
	yes, why := a.confirm(ctx, "Do you want credsync to make these changes?",
		"Pass --auto-approve, or apply a plan saved with credsync plan --out.")
	if !yes && why == nil {
		why = diag.List{diag.Errorf("Apply cancelled", "The plan was not approved, so nothing was done.")}
	}
	return yes, why
}

// countWorkedOn counts the accounts that apply works on.
func countWorkedOn(p *engine.Plan) int {
	n := 0
	for _, a := range p.Accounts {
		if a.Action != plan.None || a.Blocker != nil || a.Reason == plan.Unreadable || a.Reason == plan.Unwritable {
			n++
		}
	}
	return n
}

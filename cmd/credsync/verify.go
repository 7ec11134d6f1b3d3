package main

import (
	"context"

	"github.com/credsync/credsync/engine"
	"github.com/credsync/credsync/render"
	"github.com/spf13/cobra"
)

func (a *app) verifyCommand() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "verify [ADDR...]",
		Short: "Check the current tokens against the upstreams now",
		Long: "Ask the upstreams now whether the tokens in the targets are good. ADDR is an\n" +
			"address or a pattern such as 'sagi.*'; without it, all accounts are checked.\n" +
			"Nothing is written, and credsync does not log in.\n\n" +
			"Exit codes: 0 every token is good; 1 a token is not good, or could not be\n" +
			"checked; 3 every token that is not good needs a human.",
		ValidArgsFunction: a.completeAddresses,
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.verify(cmd.Context(), args, asJSON)
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}

func (a *app) verify(ctx context.Context, patterns []string, asJSON bool) error {
	view := render.NewVerify(a.out, asJSON)
	w, diags := a.open(ctx, a, ".", 0)
	if w == nil {
		view.Show("", nil, diags)
		return exitStatus(exitError)
	}
	defer w.close()
	checks, problems := w.engine.Check(ctx, patterns, view)
	diags = append(append(diags, problems...), w.clockSkews.take()...)
	if ctx.Err() != nil {
		diags = append(diags, interrupted())
	}
	view.Show(w.config.Project, checks, diags)
	return verifyResult(checks, diags.HasErrors()).asError()
}

// verifyResult is how a check ends. A token that the next apply replaces by itself
// is not good now, and what is waiting for a human is told apart from it.
func verifyResult(checks []engine.Check, failed bool) commandResult {
	end := commandResult{detailed: true, failed: failed}
	for _, c := range checks {
		switch {
		case c.Good():
		case c.Blocker != nil:
			end.blocked = true
		default:
			end.failed = true
		}
	}
	return end
}

package main

import (
	"github.com/credsync/credsync/engine"
	"github.com/credsync/credsync/internal/render"
	"github.com/spf13/cobra"
)

func (a *app) statusCommand() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "status [PATH]",
		Short: "Show every account: token, expiry, next rotation, targets, blockers",
		Long:  "Show what the state and the targets say of every account. No upstream is contacted.",
		Args:  onePath,
		RunE: func(cmd *cobra.Command, args []string) error {
			view := render.NewStatus(a.out, asJSON)
			w, diags := a.open(cmd.Context(), a, pathArgument(args), 0)
			if w == nil {
				view.Show(render.NoPlan(diags))
				return status(exitError)
			}
			defer w.close()
			d := w.document(w.engine.Plan(cmd.Context(), engine.Request{Offline: true}), diags)
			view.Show(d)
			return ending{failed: d.Diagnostics.HasErrors()}.exit()
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}

package main

import (
	"github.com/credsync/credsync/render"
	"github.com/credsync/credsync/schema/diag"
	"github.com/spf13/cobra"
)

func (a *app) showCommand() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "show FILE",
		Short: "Show a saved plan",
		Long: "Show a plan that was saved with plan --out, as it was when it was made. Neither the\n" +
			"configuration nor the state is looked at; apply FILE refuses where they have changed.",
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) != 1 {
				return usageError{"show takes one saved plan", "Give the file that credsync plan --out has written."}
			}
			return nil
		},
		RunE: func(_ *cobra.Command, args []string) error { return a.show(args[0], asJSON) },
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON, as plan --json does")
	return cmd
}

func (a *app) show(file string, asJSON bool) error {
	view := render.NewPlan(a.out, asJSON)
	saved, err := readSavedPlan(a.path(file))
	switch {
	case err != nil:
		view.Show(render.NoPlan(diag.List{diag.FromError("The saved plan cannot be shown", err)}))
		return status(exitError)
	case saved == nil:
		view.Show(render.NoPlan(diag.List{diag.Errorf("Not a saved plan",
			"%s is no file that credsync plan --out has written. Of a configuration, credsync plan shows what would happen.", file)}))
		return status(exitError)
	}
	if !asJSON {
		a.out.SavedPlan(saved)
	}
	view.Show(saved.Plan)
	return nil
}

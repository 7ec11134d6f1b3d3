package main

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"

	"github.com/credsync/credsync/engine"
	"github.com/credsync/credsync/internal/outputfile"
	"github.com/credsync/credsync/internal/regularfile"
	"github.com/credsync/credsync/render"
	"github.com/credsync/credsync/schema/diag"
	"github.com/spf13/cobra"
)

// savedPlanLimit is far above any saved plan, and keeps a file that is none
// from filling the memory.
const savedPlanLimit = 64 << 20

// savePlan writes a plan whole or not at all, for its owner only: it holds no
// secret, but what it says of accounts is nobody else's business.
func (a *app) savePlan(file string, w *workspace, p *engine.Plan) error {
	var b bytes.Buffer
	if err := w.engine.Save(&b, p); err != nil {
		return err
	}
	return outputfile.Write(a.path(file), b.Bytes(), 0o600)
}

// readSavedPlan returns nil where path is no saved plan, but a configuration.
func readSavedPlan(path string) (*engine.Saved, error) {
	content, err := regularfile.Read(path, savedPlanLimit)
	var failed *fs.PathError
	if errors.As(err, &failed) && failed.Op == "read" {
		return nil, fmt.Errorf("read %s: %w", path, err)
	}
	if err != nil {
		return nil, nil
	}
	if !engine.IsSaved(content) {
		return nil, nil
	}
	return engine.LoadSaved(content)
}

func (a *app) showCommand() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "show FILE",
		Short: "Show a saved plan",
		Long: "Show a plan that was saved with plan --out, as it was when it was saved. The\n" +
			"configuration and the state are not read; apply FILE refuses the plan if they\n" +
			"have changed.",
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) != 1 {
				return usageError{"show takes one saved plan", "Give a file written by credsync plan --out."}
			}
			return nil
		},
		RunE: func(_ *cobra.Command, args []string) error { return a.show(args[0], asJSON) },
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON, in the format of plan --json")
	return cmd
}

func (a *app) show(file string, asJSON bool) error {
	view := render.NewPlan(a.out, asJSON)
	saved, err := readSavedPlan(a.path(file))
	switch {
	case err != nil:
		view.Show(render.NoPlan(diag.List{diag.FromError("The saved plan could not be shown", err)}))
		return exitStatus(exitError)
	case saved == nil:
		view.Show(render.NoPlan(diag.List{diag.Errorf("Not a saved plan",
			"%s is not a file that credsync plan --out has written. To plan a configuration, run credsync plan.", file)}))
		return exitStatus(exitError)
	}
	if !asJSON {
		a.out.SavedPlan(saved)
	}
	view.Show(saved.Plan)
	return nil
}

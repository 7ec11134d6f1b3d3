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

// errNotSaved is that a file is something other than a saved plan.
var errNotSaved = errors.New("not a saved plan")

// loadSavedPlan returns errNotSaved if the file is something else, and an
// fs.PathError if it could not be read.
func loadSavedPlan(path string) (*engine.Saved, error) {
	content, err := regularfile.Read(path, savedPlanLimit)
	var failed *fs.PathError
	switch {
	case errors.As(err, &failed):
		return nil, err
	case err != nil || !engine.IsSaved(content):
		return nil, errNotSaved
	}
	return engine.LoadSaved(content)
}

// readSavedPlan returns nil if path is not a saved plan but a configuration, or
// could be one: what cannot be opened is reported by reading the configuration.
func readSavedPlan(path string) (*engine.Saved, error) {
	saved, err := loadSavedPlan(path)
	var failed *fs.PathError
	switch {
	case errors.As(err, &failed) && failed.Op == "read":
		return nil, fmt.Errorf("read %s: %w", path, err)
	case failed != nil || errors.Is(err, errNotSaved):
		return nil, nil
	}
	return saved, err
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
	saved, err := loadSavedPlan(a.path(file))
	if err != nil {
		view.Show(render.NoPlan(diag.List{notShown(file, err)}))
		return exitStatus(exitError)
	}
	if !asJSON {
		a.out.SavedPlan(saved)
	}
	view.Show(saved.Plan)
	return nil
}

// notShown says why a file could not be shown as a saved plan.
func notShown(file string, err error) diag.Diagnostic {
	var failed *fs.PathError
	switch {
	case errors.Is(err, errNotSaved):
		return diag.Errorf("Not a saved plan",
			"%s is not a file that credsync plan --out has written. To plan a configuration, run credsync plan.", file)
	case errors.Is(err, fs.ErrNotExist):
		return diag.Errorf("The saved plan could not be read",
			"The file %s does not exist. Give a file written by credsync plan --out.", file)
	case errors.As(err, &failed):
		return diag.Errorf("The saved plan could not be read",
			"%s could not be read: %s. Check its path and permissions.", file, failed.Err)
	}
	return diag.FromError("The saved plan could not be shown", err)
}

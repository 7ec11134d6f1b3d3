package main

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"path/filepath"

	"github.com/credsync/credsync/config"
	"github.com/credsync/credsync/internal/processid"
	"github.com/credsync/credsync/render"
	"github.com/credsync/credsync/schema/diag"
	"github.com/credsync/credsync/state"
	"github.com/credsync/credsync/state/admin"
	"github.com/spf13/cobra"
)

func (a *app) stateMigrateCommand() *cobra.Command {
	var approved bool
	var from string
	cmd := &cobra.Command{
		Use:   "migrate",
		Short: "Move the records to the location that the configuration now names",
		Long: "Move the records of this project from the old location of the state to the one\n" +
			"that the configuration now names, after listing them and asking for\n" +
			"confirmation. Tokens, refresh tokens and remembered rejections move too, so no\n" +
			"account logs in again. First stop every process that still uses the old\n" +
			"location.\n\n" +
			"Records are removed from the old location only after all of them are at the new\n" +
			"one. If the command is interrupted, run it again: it continues where it stopped.",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return a.migrateState(cmd.Context(), from, approved) },
	}
	cmd.Flags().StringVar(&from, "from", "", "old location: a `DIR` with state files, or with a configuration\nthat has a state block (default .credsync beside the configuration)")
	cmd.Flags().BoolVar(&approved, "auto-approve", false, "do not ask for confirmation")
	if err := cmd.MarkFlagDirname("from"); err != nil {
		panic(err)
	}
	return cmd
}

func (a *app) migrateState(ctx context.Context, from string, approved bool) error {
	s, diags := a.openState(ctx)
	if s != nil && s.inventory.AuditUnknown != nil {
		s, diags = nil, append(diags, *s.inventory.AuditUnknown)
	}
	a.out.Diagnostics(diags)
	if s == nil {
		return exitStatus(exitError)
	}
	s.Audit, s.Holder = a.auditor(s.inventory.Audit), processid.NewIdentity()
	old, err := a.oldState(ctx, s, from)
	if err != nil {
		return err
	}
	to := placeOfState(s.inventory.State)
	if old == nil {
		a.out.Line(fmt.Sprintf("There is no state in %s, so there is nothing to migrate.", config.ImplicitStateDir))
		return nil
	}
	moves, diags := a.lookAtMigration(ctx, s, old)
	if diags.HasErrors() {
		a.out.Diagnostics(diags)
		return exitStatus(exitError)
	}
	if len(moves) == 0 {
		a.out.Line(fmt.Sprintf("The state is already in %s, which is also the old location. Nothing was done.", to))
		return nil
	}
	steps := 0
	for i, move := range moves {
		if i == 0 || len(move.found.Steps) > 0 {
			a.out.Migrating(move.found, move.Project, old.where, to)
		}
		for _, err := range move.found.Problems {
			diags = append(diags, diag.FromError("A record could not be migrated", err))
		}
		steps += len(move.found.Steps)
	}
	a.out.Diagnostics(diags)
	if steps > 0 {
		if err := a.approve(ctx, approved, "Do you want credsync to move these records?"); err != nil {
			return err
		}
		moved := 0
		for _, move := range moves {
			done, err := move.Migrate(ctx, move.found)
			moved += len(done)
			if err != nil {
				return a.reportStateChange(err, "The state was not migrated", fmt.Sprintf("%s now in %s.", render.RecordsAre(moved), to))
			}
		}
		if err := a.reportStateChange(nil, "", fmt.Sprintf("%s now in %s.", render.RecordsAre(moved), to)); err != nil {
			return err
		}
	}
	return commandResult{failed: diags.HasErrors()}.asError()
}

// projectMigration is what a migration is about to do with the records of one project.
type projectMigration struct {
	*admin.Migration
	found *admin.Migrated
}

// lookAtMigration finds out what there is to move: the records of the project, and those
// of its former names that are not taken over yet. There is nothing where both places are
// one.
func (a *app) lookAtMigration(ctx context.Context, s *stateAccess, old *oldState) ([]projectMigration, diag.List) {
	var moves []projectMigration
	for _, project := range append([]string{s.Project}, s.inventory.Formerly...) {
		records := *s.Records
		records.Store, records.Project = s.Store.For(project), project
		m := &admin.Migration{
			From:    old.store.For(project),
			Records: records,
			ToSink:  s.inventory.State.Sink.Name,
			Along:   s.inventory.Formerly,
		}
		found, err := m.Look(ctx)
		switch {
		case err != nil:
			return nil, diag.List{diag.FromError("The state could not be migrated", err)}
		case found.Same:
			return nil, nil
		}
		moves = append(moves, projectMigration{m, found})
	}
	return moves, nil
}

// oldState is where records are moved from.
type oldState struct {
	store *state.Store
	where string
}

// oldState opens the old place of the state; nil where that is the default one, and it
// is not there. What stands in the way has been said when it returns an error.
func (a *app) oldState(ctx context.Context, s *stateAccess, from string) (*oldState, error) {
	dir := a.path(from)
	if from == "" {
		if dir = filepath.Join(s.inventory.Dir, config.ImplicitStateDir); !isDirectory(dir) {
			return nil, nil
		}
	}
	if from == "" || isDirectory(dir) && len(config.FilesOf(dir, nil)) == 0 {
		store, err := a.stateFiles(ctx, s.Project, dir)
		if err != nil {
			return nil, a.failed("The old state could not be opened", err)
		}
		return &oldState{store, "the files in " + cmp.Or(from, config.ImplicitStateDir)}, nil
	}
	inventory, diags := config.LoadInventory(ctx, a.loadOptions(dir))
	a.out.Diagnostics(diags)
	if diags.HasErrors() {
		return nil, exitStatus(exitError)
	}
	store, err := (&connections{env: a.sinkEnv(dir)}).store(s.Project, inventory.State)
	if err != nil {
		return nil, a.failed("The old state could not be opened", err)
	}
	return &oldState{store, placeOfState(inventory.State) + " of the configuration in " + from}, nil
}

func isDirectory(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.IsDir()
}

// stateFiles is the state in a directory of files, as it is where no block says
// otherwise.
func (a *app) stateFiles(ctx context.Context, project, dir string) (*state.Store, error) {
	env := a.sinkEnv(dir)
	env.Dir = filepath.Dir(dir)
	return (&connections{env: env}).store(project, config.StateFiles(ctx, a.loadOptions(dir), filepath.Base(dir)))
}

// placeOfState names the place of the state to people.
func placeOfState(s *config.State) string {
	t, err := s.Record("")
	if err != nil {
		return s.Sink.Name
	}
	return s.Sink.Name + " " + t.Location
}

// leftBehindWarning warns where the configuration has got a state block, and the files
// that were the state until then still have what the new place has not.
func (a *app) leftBehindWarning(ctx context.Context, c *config.Config, present *state.Store) diag.List {
	dir := filepath.Join(c.Dir, config.ImplicitStateDir)
	if present == nil || c.State == nil || c.State.Implicit || !isDirectory(dir) {
		return nil
	}
	old, err := a.stateFiles(ctx, c.Project, dir)
	if err != nil {
		return nil
	}
	n := admin.LeftBehind(ctx, old, present)
	if n == 0 {
		return nil
	}
	each := "it"
	if n > 1 {
		each = "each of them"
	}
	return diag.List{diag.Warningf("Records remain at the old location of the state",
		"%s beside the configuration still has the records of %s that %s lacks. An apply would log in to %s again, which may need one-time codes. Run credsync state migrate first: it moves the records.",
		config.ImplicitStateDir, render.Plural(n, "account"), placeOfState(c.State), each)}
}

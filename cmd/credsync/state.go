package main

import (
	"context"
	"errors"

	"github.com/credsync/credsync/audit"
	"github.com/credsync/credsync/config"
	"github.com/credsync/credsync/internal/processid"
	"github.com/credsync/credsync/schema/diag"
	"github.com/credsync/credsync/state"
	"github.com/credsync/credsync/state/admin"
	"github.com/spf13/cobra"
)

func (a *app) stateCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "state",
		Short: "Inspect and repair the state",
		Long: "Inspect and repair the state. None of these commands shows a secret, contacts an\n" +
			"upstream or touches a target. They work even when the configuration has errors,\n" +
			"as long as the state block, its sink and the project can be read.",
		Args: cobra.ArbitraryArgs,
		RunE: noSubcommand,
	}
	cmd.AddCommand(
		a.stateListCommand(),
		a.stateShowCommand(),
		a.stateRemoveCommand(),
		a.stateUnlockCommand(),
		a.stateRecoverCommand(),
		a.stateMigrateCommand(),
	)
	return cmd
}

// stateAccess is the state without the accounts that it is about.
type stateAccess struct {
	*admin.Records
	inventory *config.Inventory
}

// openState finds the state in as much of the configuration as can be read.
func (a *app) openState(ctx context.Context) (*stateAccess, diag.List) {
	path := a.path(".")
	inventory, diags := config.LoadInventory(ctx, a.loadOptions(path))
	if diags.HasErrors() {
		return nil, diags
	}
	store, err := (&connections{env: a.sinkEnv(path)}).store(inventory.Project, inventory.State)
	if err != nil {
		return nil, append(diags, diag.FromError("The state could not be opened", err))
	}
	records := &admin.Records{Store: store, Project: inventory.Project, Now: a.now, Where: processid.WhereIs}
	return &stateAccess{records, inventory}, diags
}

// describe is Records.Describe with what the configuration says.
func (s *stateAccess) describe(r *state.Record) admin.RecordDocument {
	d := s.Describe(r)
	if status := s.inventory.DeclarationStatus(r.Address); status != config.PossiblyDeclared {
		declared := status == config.Declared
		d.Declared = &declared
	}
	return d
}

// reportStateChange says what came of a change of the state.
func (a *app) reportStateChange(err error, failed, done string) error {
	unrecorded := errors.Is(err, audit.ErrUnrecorded)
	if err != nil && !unrecorded {
		return a.failed(failed, err)
	}
	a.out.Done(done)
	if unrecorded {
		return a.auditTrailIncomplete(err)
	}
	return nil
}

// auditTrailIncomplete says of what was done that the audit trail lacks it.
func (a *app) auditTrailIncomplete(err error) error {
	return a.failed("The audit trail is not complete", err)
}

// findRecord finds the record of one account; what stands in the way has been
// said when it returns an error.
func (a *app) findRecord(ctx context.Context, address string) (*stateAccess, *admin.Found, error) {
	s, diags := a.openState(ctx)
	a.out.Diagnostics(diags)
	if s == nil {
		return nil, nil, exitStatus(exitError)
	}
	f, err := s.Find(ctx, address)
	if err != nil {
		return nil, nil, a.failed("The record could not be read", err)
	}
	return s, f, nil
}

// changeRecord is findRecord for a command that changes the state, which goes
// into the audit trail.
func (a *app) changeRecord(ctx context.Context, address string) (*stateAccess, *admin.Found, error) {
	s, f, err := a.findRecord(ctx, address)
	if err != nil {
		return nil, nil, err
	}
	if s.inventory.AuditUnknown != nil {
		a.out.Diagnostics(diag.List{*s.inventory.AuditUnknown})
		return nil, nil, exitStatus(exitError)
	}
	s.Audit, s.Holder = a.auditor(s.inventory.Audit), processid.NewIdentity()
	return s, f, nil
}

// approve asks before something is done that cannot be taken back. It returns
// nil for a yes.
func (a *app) approve(ctx context.Context, approved bool, question string) error {
	if approved {
		return nil
	}
	yes, why := a.confirm(ctx, question, "Pass --auto-approve to skip the confirmation.")
	if yes {
		return nil
	}
	if why == nil {
		why = diag.List{diag.Errorf("Cancelled", "The answer was not yes, so nothing was done.")}
	}
	a.out.Diagnostics(why)
	return exitStatus(exitError)
}

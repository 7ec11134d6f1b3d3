package main

import (
	"context"
	"errors"
	"slices"

	"github.com/credsync/credsync/audit"
	"github.com/credsync/credsync/config"
	"github.com/credsync/credsync/internal/process"
	"github.com/credsync/credsync/render"
	"github.com/credsync/credsync/schema/address"
	"github.com/credsync/credsync/schema/diag"
	"github.com/credsync/credsync/state"
	"github.com/credsync/credsync/state/admin"
	"github.com/spf13/cobra"
)

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
	store, err := (&connections{env: a.sinkEnv(path)}).store(inventory.State)
	if err != nil {
		return nil, append(diags, diag.FromError("The state cannot be opened", err))
	}
	records := &admin.Records{Store: store, Project: inventory.Project, Now: a.now, Where: process.WhereIs}
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

func (a *app) stateListCommand() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "list [ADDR...]",
		Short: "List the records of the state, those of removed accounts too",
		Long: "List the records that the state has of this project, those of accounts that the\n" +
			"configuration no longer has too. ADDR is an address or a pattern such as 'sagi.*'.",
		ValidArgsFunction: a.completeAddresses,
		RunE:              func(cmd *cobra.Command, args []string) error { return a.listState(cmd.Context(), args, asJSON) },
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}

func (a *app) listState(ctx context.Context, patterns []string, asJSON bool) error {
	s, diags := a.openState(ctx)
	if s == nil {
		a.out.Records(render.RecordsDocument{Diagnostics: diags}, asJSON)
		return status(exitError)
	}
	records, errs := s.List(ctx)
	d := render.RecordsDocument{Project: s.Project, Diagnostics: diags}
	for _, err := range errs {
		d.Diagnostics = append(d.Diagnostics, diag.FromError("A record cannot be read", err))
	}
	for _, r := range records {
		if len(patterns) == 0 || slices.ContainsFunc(patterns, func(p string) bool { return address.Match(p, r.Address) }) {
			d.Records = append(d.Records, s.describe(r))
		}
	}
	for _, p := range patterns {
		if !slices.ContainsFunc(records, func(r *state.Record) bool { return address.Match(p, r.Address) }) {
			d.Diagnostics = append(d.Diagnostics, diag.Errorf("No such record", "%s names no record of the state. credsync state list shows those it has.", p))
		}
	}
	a.out.Records(d, asJSON)
	return ending{failed: d.Diagnostics.HasErrors()}.exit()
}

func (a *app) stateShowCommand() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "show ADDR",
		Short: "Show what the state knows of an account, but for its secrets",
		Long: "Show what the state knows of an account: when its token was issued, verified and\n" +
			"delivered, which run holds its lease, why it is blocked. No secret is shown.",
		Args: oneAddress("state show"), ValidArgsFunction: a.completeAddress,
		RunE: func(cmd *cobra.Command, args []string) error {
			s, f, err := a.findRecord(cmd.Context(), args[0])
			if err != nil {
				return err
			}
			if f.Damage != nil {
				return a.failed("The record cannot be shown", f.Damage)
			}
			a.out.Record(s.describe(f.Record), asJSON)
			return nil
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}

func (a *app) stateRemoveCommand() *cobra.Command {
	var approved bool
	cmd := &cobra.Command{
		Use:   "rm ADDR",
		Short: "Forget what the state knows of an account, its tokens included",
		Long: "Forget the record of an account, after saying what is lost with it and asking. No\n" +
			"target is deleted. It is refused while a run is at work on the account, and where\n" +
			"another run writes the record meanwhile.",
		Args: oneAddress("state rm"), ValidArgsFunction: a.completeAddress,
		RunE: func(cmd *cobra.Command, args []string) error { return a.removeRecord(cmd.Context(), args[0], approved) },
	}
	cmd.Flags().BoolVar(&approved, "auto-approve", false, "do not ask")
	return cmd
}

func (a *app) removeRecord(ctx context.Context, address string, approved bool) error {
	s, f, err := a.changeRecord(ctx, address)
	if err != nil {
		return err
	}
	if err := s.Removable(f); err != nil {
		return a.failed("The record was not forgotten", err)
	}
	if f.Damage != nil {
		a.out.ForgettingDamaged(f.Address, f.Damage)
	} else {
		a.out.Forgetting(s.describe(f.Record))
	}
	if err := a.approve(ctx, approved, "Do you want credsync to forget this?"); err != nil {
		return err
	}
	return a.mended(s.Remove(ctx, f), "The record was not forgotten", f.Address+" is forgotten.")
}

// mended says what came of a change of the state.
func (a *app) mended(err error, failed, done string) error {
	unrecorded := errors.Is(err, audit.ErrUnrecorded)
	if err != nil && !unrecorded {
		return a.failed(failed, err)
	}
	a.out.Done(done)
	if unrecorded {
		return a.incomplete(err)
	}
	return nil
}

// incomplete says of what was done that the audit trail lacks it.
func (a *app) incomplete(err error) error { return a.failed("The audit trail is not complete", err) }

func (a *app) stateUnlockCommand() *cobra.Command {
	var approved bool
	cmd := &cobra.Command{
		Use:   "unlock ADDR",
		Short: "End the lease that a run holds on an account",
		Long: "End the lease of a run that is over and did not end it itself, after saying whose it\n" +
			"is and asking. There is seldom a need: a lease ends by itself two minutes after its\n" +
			"holder has last written, and at once where that ran on this machine. It is refused\n" +
			"while the holder runs on this machine: stopping that process ends its lease.",
		Args: oneAddress("state unlock"), ValidArgsFunction: a.completeAddress,
		RunE: func(cmd *cobra.Command, args []string) error { return a.unlockRecord(cmd.Context(), args[0], approved) },
	}
	cmd.Flags().BoolVar(&approved, "auto-approve", false, "do not ask")
	return cmd
}

func (a *app) unlockRecord(ctx context.Context, address string, approved bool) error {
	s, f, err := a.changeRecord(ctx, address)
	switch {
	case err != nil:
		return err
	case f.Damage != nil:
		return a.failed("The account was not unlocked", f.Damage)
	}
	lease := s.Describe(f.Record).Lease
	if lease == nil {
		a.out.Line(f.Address + " is not locked. Nothing was done.")
		return nil
	}
	if err := s.Unlockable(f); err != nil {
		return a.failed("The account was not unlocked", err)
	}
	a.out.Unlocking(f.Address, *lease)
	if err := a.approve(ctx, approved, "Do you want credsync to end this lease?"); err != nil {
		return err
	}
	return a.mended(s.Unlock(ctx, f), "The account was not unlocked", f.Address+" is unlocked.")
}

// findRecord finds the record of one account; what stands in the way has been
// said when it returns an error.
func (a *app) findRecord(ctx context.Context, address string) (*stateAccess, *admin.Found, error) {
	s, diags := a.openState(ctx)
	a.out.Diagnostics(diags)
	if s == nil {
		return nil, nil, status(exitError)
	}
	f, err := s.Find(ctx, address)
	if err != nil {
		return nil, nil, a.failed("The record cannot be read", err)
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
		return nil, nil, status(exitError)
	}
	s.Audit, s.Holder = a.auditor(s.inventory.Audit), process.NewIdentity()
	return s, f, nil
}

// approve asks before something is done that cannot be taken back. It returns
// nil for a yes.
func (a *app) approve(ctx context.Context, approved bool, question string) error {
	if approved {
		return nil
	}
	yes, why := a.confirm(ctx, question, "Pass --auto-approve to do it without being asked.")
	if yes {
		return nil
	}
	if why == nil {
		why = diag.List{diag.Errorf("Cancelled", "The answer was not yes, so nothing was done.")}
	}
	a.out.Diagnostics(why)
	return status(exitError)
}

// failed says why a command could not do its work, and is its exit code.
func (a *app) failed(summary string, err error) error {
	a.out.Diagnostics(diag.List{diag.FromError(summary, err)})
	return status(exitError)
}

// oneAddress wants one account.
func oneAddress(command string) cobra.PositionalArgs {
	return func(_ *cobra.Command, args []string) error {
		if len(args) != 1 {
			return usageError{command + " takes one account", "Name it by its address, such as sagi.coffee; credsync state list shows them."}
		}
		return nil
	}
}

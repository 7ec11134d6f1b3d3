package main

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/credsync/credsync/render"
	"github.com/credsync/credsync/schema/address"
	"github.com/credsync/credsync/schema/diag"
	"github.com/credsync/credsync/state"
	"github.com/spf13/cobra"
)

func (a *app) stateListCommand() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "list [ADDR...]",
		Short: "List the records in the state, including those of removed accounts",
		Long: "List the records of this project in the state, including those of accounts that\n" +
			"were removed from the configuration. ADDR is an address or a pattern such as\n" +
			"'sagi.*'.",
		ValidArgsFunction: a.completeAddresses,
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.listState(cmd.Context(), args, asJSON)
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}

func (a *app) listState(ctx context.Context, patterns []string, asJSON bool) error {
	s, diags := a.openState(ctx)
	if s == nil {
		a.out.Records(render.RecordsDocument{Diagnostics: diags}, asJSON)
		return exitStatus(exitError)
	}
	records, errs := s.List(ctx)
	d := render.RecordsDocument{Project: s.Project, Diagnostics: diags}
	for _, err := range errs {
		d.Diagnostics = append(d.Diagnostics, diag.FromError("A record could not be read", err))
	}
	if len(records)+len(errs) == 0 {
		d.Diagnostics = append(d.Diagnostics, s.renamedProjectHint(ctx)...)
	}
	for _, r := range records {
		if len(patterns) == 0 ||
			slices.ContainsFunc(patterns, func(p string) bool { return address.Match(p, r.Address) }) {
			d.Records = append(d.Records, s.describe(r))
		}
	}
	for _, p := range patterns {
		if !slices.ContainsFunc(records, func(r *state.Record) bool { return address.Match(p, r.Address) }) {
			d.Diagnostics = append(d.Diagnostics, diag.Errorf("No such record", "No record in the state matches %s. Run credsync state list to see the records.", p))
		}
	}
	a.out.Records(d, asJSON)
	return commandResult{failed: d.Diagnostics.HasErrors()}.asError()
}

// renamedProjectHint is for a place of the state that has no record of the project: it
// names the projects that have some there, of which one may be its former name. Where
// that cannot be told nothing is said, since the list stands without it.
func (s *stateAccess) renamedProjectHint(ctx context.Context) diag.List {
	others, err := s.Store.OtherProjects(ctx)
	if err != nil || len(others) == 0 {
		return nil
	}
	var list []string
	for _, name := range slices.Sorted(maps.Keys(others)) {
		list = append(list, fmt.Sprintf("%s (%s)", name, render.Plural(others[name], "record")))
	}
	return diag.List{diag.Warningf("The state has records of other projects only",
		"There are records of %s. If project %s was renamed, add its old name to the credsync block, as in formerly = [%q]: this project then owns those records.",
		strings.Join(list, ", "), s.Project, slices.Sorted(maps.Keys(others))[0])}
}

func (a *app) stateShowCommand() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "show ADDR",
		Short: "Show an account's record in the state, without its secrets",
		Long: "Show what the state knows about an account: when its token was issued, verified\n" +
			"and delivered, which run holds its lease, and why it is blocked. No secrets are\n" +
			"shown.",
		Args: oneAddress("state show"), ValidArgsFunction: a.completeAddress,
		RunE: func(cmd *cobra.Command, args []string) error {
			s, f, err := a.findRecord(cmd.Context(), args[0])
			if err != nil {
				return err
			}
			if f.Damage != nil {
				return a.failed("The record could not be shown", f.Damage)
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
		Short: "Forget an account's record in the state, including its tokens",
		Long: "Forget the record of an account, after showing what is lost with it and asking\n" +
			"for confirmation. No target is deleted. The command refuses if a run is working\n" +
			"on the account or writes the record in the meantime.",
		Args: oneAddress("state rm"), ValidArgsFunction: a.completeAddress,
		RunE: func(cmd *cobra.Command, args []string) error { return a.removeRecord(cmd.Context(), args[0], approved) },
	}
	cmd.Flags().BoolVar(&approved, "auto-approve", false, "do not ask for confirmation")
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
	if err := a.approve(ctx, approved, "Do you want credsync to forget this record?"); err != nil {
		return err
	}
	return a.reportStateChange(s.Remove(ctx, f), "The record was not forgotten", f.Address+" is forgotten.")
}

func (a *app) stateUnlockCommand() *cobra.Command {
	var approved bool
	cmd := &cobra.Command{
		Use:   "unlock ADDR",
		Short: "End the lease that a dead run holds on an account",
		Long: "End the lease of a run that died without ending it, after showing the holder and\n" +
			"asking for confirmation. This is seldom needed: a lease ends by itself two\n" +
			"minutes after its holder last renewed it, and at once if the holder ran on this\n" +
			"machine. The command refuses if the holder is still running on this machine;\n" +
			"stop that process instead, which ends its lease.",
		Args: oneAddress("state unlock"), ValidArgsFunction: a.completeAddress,
		RunE: func(cmd *cobra.Command, args []string) error { return a.unlockRecord(cmd.Context(), args[0], approved) },
	}
	cmd.Flags().BoolVar(&approved, "auto-approve", false, "do not ask for confirmation")
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
	return a.reportStateChange(s.Unlock(ctx, f), "The account was not unlocked", f.Address+" is unlocked.")
}

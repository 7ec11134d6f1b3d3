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
		return exitStatus(exitError)
	}
	records, errs := s.List(ctx)
	d := render.RecordsDocument{Project: s.Project, Diagnostics: diags}
	for _, err := range errs {
		d.Diagnostics = append(d.Diagnostics, diag.FromError("A record cannot be read", err))
	}
	if len(records)+len(errs) == 0 {
		d.Diagnostics = append(d.Diagnostics, s.renamedProjectHint(ctx)...)
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
		"There are records of %s. If project %s had another name before, name it in the credsync block, as in formerly = [%q]: its records are then this project's.",
		strings.Join(list, ", "), s.Project, slices.Sorted(maps.Keys(others))[0])}
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
	return a.reportStateChange(s.Remove(ctx, f), "The record was not forgotten", f.Address+" is forgotten.")
}

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
	return a.reportStateChange(s.Unlock(ctx, f), "The account was not unlocked", f.Address+" is unlocked.")
}

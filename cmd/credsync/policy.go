package main

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/credsync/credsync/policy"
	"github.com/credsync/credsync/schema/diag"
	"github.com/credsync/credsync/sinks"
	allsinks "github.com/credsync/credsync/sinks/all"
	"github.com/spf13/cobra"
)

// policyCommand has one command for each sink type that knows what has to be
// allowed to it.
func (a *app) policyCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "policy",
		Short: "Print the minimum permissions that this configuration needs",
		Args:  cobra.ArbitraryArgs,
		RunE:  noSubcommand,
	}
	registry := allsinks.Registry()
	for _, sinkType := range registry.Names() {
		if spec, _ := registry.Lookup(sinkType); spec.Policy != nil {
			cmd.AddCommand(a.policyOf(spec))
		}
	}
	return cmd
}

func (a *app) policyOf(spec *sinks.Spec) *cobra.Command {
	flags := make(map[string]*string, len(spec.Policy.Flags))
	cmd := &cobra.Command{
		Use:               spec.Policy.Name + " [SINK...]",
		Short:             spec.Policy.Short,
		Long:              spec.Policy.Long,
		ValidArgsFunction: a.completeSinks(spec.Type),
		RunE: func(cmd *cobra.Command, args []string) error {
			given := make(map[string]string, len(flags))
			for _, f := range spec.Policy.Flags {
				given[f.Name] = *flags[f.Name]
				if len(f.OneOf) > 0 && !slices.Contains(f.OneOf, given[f.Name]) {
					return usageError{fmt.Sprintf("--%s is %q", f.Name, given[f.Name]), "It must be one of " + strings.Join(f.OneOf, ", ") + "."}
				}
			}
			return a.policy(cmd.Context(), spec, args, given)
		},
	}
	for _, f := range spec.Policy.Flags {
		flags[f.Name] = cmd.Flags().String(f.Name, f.Default, f.Usage)
		if len(f.OneOf) > 0 {
			completeFlag(cmd, f.Name, words(f.OneOf...))
		}
	}
	return cmd
}

func (a *app) policy(ctx context.Context, spec *sinks.Spec, names []string, flags map[string]string) error {
	path := a.path(".")
	opts := a.loadOptions(path)
	opts.WithoutSecrets = true
	cfg, diags := loadOffline(ctx, opts)
	var uses []sinks.Use
	if !diags.HasErrors() {
		found, problems := policy.Requirements(cfg, spec.Type)
		uses, diags = found, append(diags, problems...)
	}
	a.out.Diagnostics(diags)
	if diags.HasErrors() {
		return exitStatus(exitError)
	}
	uses, err := chooseUses(spec.Type, uses, names)
	if err != nil {
		return err
	}
	text, err := spec.Policy.Print(
		ctx,
		sinks.PolicyRequest{Project: cfg.Project, Uses: uses, Flags: flags, Env: a.sinkEnv(path)},
	)
	if err != nil {
		a.out.Diagnostics(diag.List{diag.FromError("The policy could not be printed", err)})
		return exitStatus(exitError)
	}
	a.out.Raw(text)
	return nil
}

// chooseUses returns those of the sinks that are named, with or without their
// type, or all where none is.
func chooseUses(sinkType string, uses []sinks.Use, names []string) ([]sinks.Use, error) {
	var have []string
	for _, u := range uses {
		have = append(have, u.Sink)
	}
	if len(have) == 0 {
		return nil, usageError{fmt.Sprintf("The configuration has no sink of type %q", sinkType), "Run in the configuration's directory, or name it with -C DIR."}
	}
	if len(names) == 0 {
		return uses, nil
	}
	wanted := make(map[string]bool, len(names))
	for _, name := range names {
		full := sinkType + "." + strings.TrimPrefix(name, sinkType+".")
		if !slices.Contains(have, full) {
			return nil, usageError{fmt.Sprintf("The configuration has no sink %s", full), "It has " + strings.Join(have, ", ") + "."}
		}
		wanted[full] = true
	}
	return slices.DeleteFunc(uses, func(u sinks.Use) bool { return !wanted[u.Sink] }), nil
}

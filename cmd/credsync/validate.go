package main

import (
	"github.com/credsync/credsync/config"
	"github.com/credsync/credsync/engine"
	"github.com/credsync/credsync/schema/diag"
	"github.com/spf13/cobra"
)

func (a *app) validateCommand() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "validate [PATH]",
		Short: "Check the configuration without contacting anything",
		Long: "Parse, type-check and cross-check a configuration. Nothing is contacted, so the\n" +
			"values of data blocks are unknown; so are variables without a value. If the\n" +
			"configuration has a schedule, accounts that it cannot serve are listed.",
		Args: onePath,
		RunE: func(cmd *cobra.Command, args []string) error {
			options := a.loadOptions(a.path(pathArgument(args)))
			options.AllowUnset, options.Lint = true, true
			cfg, diags := config.Load(cmd.Context(), options)
			if !diags.HasErrors() {
				diags = append(append(diags, engine.RevokingLogins(cfg)...), engine.Lint(cfg, a.now())...)
				diags = append(diags, a.hostsNotAllowed(cfg, diag.Error)...)
			}
			a.out.Validation(diags, asJSON)
			return commandResult{failed: diags.HasErrors()}.asError()
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON, in the format of terraform validate")
	return cmd
}

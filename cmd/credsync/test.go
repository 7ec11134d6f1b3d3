package main

import (
	"context"
	"fmt"

	"github.com/credsync/credsync/config"
	"github.com/credsync/credsync/credtest"
	"github.com/spf13/cobra"
)

func (a *app) testCommand() *cobra.Command {
	var asJSON bool
	var printed string
	cmd := &cobra.Command{
		Use:   "test [PATH]",
		Short: "Test the upstreams that the configuration describes, without contacting anything",
		Long: "Run the test blocks of *.credtest.hcl files: each gives recorded answers to one\n" +
			"operation of an upstream block and says what must come of it. Then every operation\n" +
			"gets answers that no upstream should give (web pages, broken JSON, cut\n" +
			"connections, errors that repeat secrets), and none may count as rejected\n" +
			"credentials, repeat a login or show a secret. Error blocks that no test matches\n" +
			"are failures too. Variables, data and accounts are not read.\n\n" +
			"With --print, show the requests that an account of the configuration would send,\n" +
			"with a placeholder for every secret. Nothing is sent.",
		Args: onePath,
		RunE: func(cmd *cobra.Command, args []string) error {
			if printed != "" {
				return a.printRequests(cmd.Context(), a.path(pathArgument(args)), printed, asJSON)
			}
			options := a.loadOptions(a.path(pathArgument(args)))
			// Whose description counts does not matter here: a copy of a built-in one is
			// tested under its own name.
			options.Embedded = nil
			clock := credtest.NewClock(a.now)
			options.Now = clock.Now
			suite, diags := config.LoadUpstreamTests(cmd.Context(), options)
			if diags.HasErrors() {
				a.out.UpstreamTests(nil, diags, asJSON)
				return commandResult{failed: true}.asError()
			}
			report, err := credtest.Run(cmd.Context(), suite, clock)
			if err != nil {
				return err
			}
			a.out.UpstreamTests(report, diags, asJSON)
			return commandResult{failed: !report.Passed()}.asError()
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	cmd.Flags().StringVar(&printed, "print", "", "show the requests of the account `ADDR` instead")
	return cmd
}

// printRequests shows the requests of one account. It needs no secret, so none is read.
func (a *app) printRequests(ctx context.Context, path, address string, asJSON bool) error {
	options := a.loadOptions(path)
	options.AllowUnset, options.WithoutSecrets, options.AllowMissing = true, true, true
	cfg, diags := config.Load(ctx, options)
	if diags.HasErrors() {
		a.out.Diagnostics(diags)
		return commandResult{failed: true}.asError()
	}
	var addresses []string
	for _, account := range cfg.Accounts {
		if account.Address == address {
			previews, err := credtest.Print(ctx, account, a.now())
			if err != nil {
				return err
			}
			a.out.Previews(previews, asJSON)
			return nil
		}
		addresses = append(addresses, account.Address)
	}
	return usageError{
		fmt.Sprintf("There is no account %s", address),
		didYouMean(similarNames(addresses, address)) + "Run credsync plan --offline for the list.",
	}
}

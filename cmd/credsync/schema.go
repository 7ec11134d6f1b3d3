package main

import (
	"github.com/credsync/credsync/config"
	"github.com/credsync/credsync/reference"
	allsinks "github.com/credsync/credsync/sinks/all"
	"github.com/spf13/cobra"
)

func (a *app) schemaCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "schema",
		Short: "Print the JSON Schema of JSON configurations, for editors",
		Long: "Print the JSON Schema of *.hcl.json files. Editors use it to complete and check\n" +
			"blocks and attributes, also those of accounts of the upstreams that the configuration\n" +
			"in the current directory (or in -C DIR) describes. For Visual Studio Code, save it\n" +
			"and add to the settings:\n\n" +
			"    \"json.schemas\": [\n" +
			"      {\"fileMatch\": [\"*.hcl.json\"], \"url\": \"./credsync.schema.json\"}\n" +
			"    ]",
		Args: noArguments("schema"),
		RunE: func(cmd *cobra.Command, _ []string) error {
			known, problems := config.LoadUpstreams(cmd.Context(), a.loadOptions(a.path(".")))
			if problems.HasErrors() {
				a.out.Diagnostics(problems)
				return commandResult{failed: true}.asError()
			}
			a.out.Raw(reference.JSONSchema(known, allsinks.Registry()))
			return nil
		},
	}
}

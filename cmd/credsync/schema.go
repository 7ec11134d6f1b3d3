package main

import (
	allproviders "github.com/credsync/credsync/providers/all"
	"github.com/credsync/credsync/reference"
	allsinks "github.com/credsync/credsync/sinks/all"
	"github.com/spf13/cobra"
)

func (a *app) schemaCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "schema",
		Short: "Print the JSON Schema of JSON configurations, for editors",
		Long: "Print the JSON Schema of *.hcl.json files. Editors use it to complete and check\n" +
			"blocks and attributes. For Visual Studio Code, save it and add to the settings:\n\n" +
			"    \"json.schemas\": [\n" +
			"      {\"fileMatch\": [\"*.hcl.json\"], \"url\": \"./credsync.schema.json\"}\n" +
			"    ]",
		Args: noArguments("schema"),
		RunE: func(*cobra.Command, []string) error {
			a.out.Raw(reference.JSONSchema(allproviders.Registry(), allsinks.Registry()))
			return nil
		},
	}
}

package main

import (
	"encoding/json"
	"fmt"

	"github.com/credsync/credsync/providers"
	allproviders "github.com/credsync/credsync/providers/all"
	"github.com/credsync/credsync/reference"
	"github.com/spf13/cobra"
)

func (a *app) providersCommand() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "providers [TYPE]",
		Short: "List the providers, or describe one",
		Long:  "Without TYPE, list the providers. With it, print the reference of one: its\nattributes and what its tokens have.",
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) > 1 {
				return usageError{fmt.Sprintf("%d providers were named", len(args)), "Name one, or none for the list."}
			}
			return nil
		},
		ValidArgsFunction: completeProvider,
		RunE:              func(_ *cobra.Command, args []string) error { return a.providers(args, asJSON) },
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}

func (a *app) providers(args []string, asJSON bool) error {
	registry := allproviders.Registry()
	names := registry.Names()
	if len(args) == 1 {
		if _, ok := registry.Lookup(args[0]); !ok {
			return usageError{fmt.Sprintf("There is no provider %q", args[0]), "Run credsync providers for the list."}
		}
		names = args
	}
	specs := make([]*providers.Spec, len(names))
	for i, name := range names {
		specs[i], _ = registry.Lookup(name)
	}
	switch {
	case asJSON:
		b, err := json.MarshalIndent(reference.ProvidersJSON(specs), "", "  ")
		if err != nil {
			return fmt.Errorf("encode the providers: %w", err)
		}
		a.out.Raw(append(b, '\n'))
	case len(args) == 1:
		a.out.Raw(reference.Provider(specs[0]))
	default:
		for _, s := range specs {
			a.out.Line(fmt.Sprintf("%-13s %s", s.Name, reference.FirstSentence(s.Doc)))
		}
	}
	return nil
}

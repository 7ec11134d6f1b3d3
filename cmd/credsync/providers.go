package main

import (
	"encoding/json"
	"fmt"

	"github.com/credsync/credsync/providers"
	allproviders "github.com/credsync/credsync/providers/all"
	"github.com/credsync/credsync/reference"
	"github.com/credsync/credsync/sinks"
	allsinks "github.com/credsync/credsync/sinks/all"
	"github.com/spf13/cobra"
)

func (a *app) providersCommand() *cobra.Command {
	return a.catalogueCommand(
		"providers", "provider",
		"Without TYPE, list the providers. With it, explain one: the attributes of its accounts\nand the outputs of its tokens.",
		func() catalogue { return providerCatalogue{allproviders.Registry()} },
	)
}

func (a *app) sinksCommand() *cobra.Command {
	return a.catalogueCommand(
		"sinks", "sink",
		"Without TYPE, list the sinks. With it, explain one: the attributes of its sink, deliver,\nstate and data blocks.",
		func() catalogue { return sinkCatalogue{allsinks.Registry()} },
	)
}

// catalogue is what there is of one kind, with its reference.
type catalogue interface {
	Names() []string
	doc(name string) string
	text(name string, width int) []byte
	tables(names []string) any
}

// catalogueCommand lists a catalogue, or explains one entry of it.
func (a *app) catalogueCommand(use, noun, long string, of func() catalogue) *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   use + " [TYPE]",
		Short: "List the " + use + ", or explain one",
		Long:  long,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) > 1 {
				return usageError{fmt.Sprintf("%d %s were named", len(args), use), "Name one, or none for the list."}
			}
			return nil
		},
		ValidArgsFunction: func(_ *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
			if len(args) > 0 {
				return nil, cobra.ShellCompDirectiveNoFileComp
			}
			return of().Names(), cobra.ShellCompDirectiveNoFileComp
		},
		RunE: func(cmd *cobra.Command, args []string) error { return a.explain(of(), cmd, noun, args, asJSON) },
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}

func (a *app) explain(c catalogue, cmd *cobra.Command, noun string, args []string, asJSON bool) error {
	names := c.Names()
	if len(args) == 1 {
		if c.doc(args[0]) == "" {
			return usageError{fmt.Sprintf("There is no %s %q", noun, args[0]), didYouMean(similarNames(names, args[0])) + "Run " + cmd.CommandPath() + " for the list."}
		}
		names = args
	}
	switch {
	case asJSON:
		b, err := json.MarshalIndent(c.tables(names), "", "  ")
		if err != nil {
			return fmt.Errorf("encode the %s: %w", cmd.Name(), err)
		}
		a.out.Raw(append(b, '\n'))
	case len(args) == 1:
		a.out.Raw(c.text(names[0], a.out.Out.Columns()))
	default:
		width := 0
		for _, name := range names {
			width = max(width, len(name))
		}
		for _, name := range names {
			a.out.Entry(name, width, reference.FirstSentence(c.doc(name)))
		}
	}
	return nil
}

type providerCatalogue struct{ *providers.Registry }

func (c providerCatalogue) doc(name string) string {
	if spec, ok := c.Lookup(name); ok {
		return spec.Doc
	}
	return ""
}

func (c providerCatalogue) text(name string, width int) []byte {
	spec, _ := c.Lookup(name)
	return reference.ProviderText(spec, width)
}

func (c providerCatalogue) tables(names []string) any {
	specs := make([]*providers.Spec, len(names))
	for i, name := range names {
		specs[i], _ = c.Lookup(name)
	}
	return reference.ProvidersJSON(specs)
}

type sinkCatalogue struct{ *sinks.Registry }

func (c sinkCatalogue) doc(name string) string {
	if spec, ok := c.Lookup(name); ok {
		return spec.Doc
	}
	return ""
}

func (c sinkCatalogue) text(name string, width int) []byte {
	spec, _ := c.Lookup(name)
	return reference.SinkText(spec, width)
}

func (c sinkCatalogue) tables(names []string) any {
	specs := make([]*sinks.Spec, len(names))
	for i, name := range names {
		specs[i], _ = c.Lookup(name)
	}
	return reference.SinksJSON(specs)
}

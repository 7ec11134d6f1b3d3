package main

import (
	"encoding/json"
	"fmt"

	"github.com/credsync/credsync/internal/registry"
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
		"Without TYPE, list the providers. With TYPE, explain that provider: the attributes\nof its accounts and the outputs of its tokens.",
		func() catalogue {
			return catalogueOf[*providers.Spec]{
				Registry: allproviders.Registry(),
				docOf:    func(s *providers.Spec) string { return s.Doc },
				textOf:   reference.ProviderText,
				jsonOf:   func(list []*providers.Spec) any { return reference.ProvidersJSON(list) },
			}
		},
	)
}

func (a *app) sinksCommand() *cobra.Command {
	return a.catalogueCommand(
		"sinks", "sink",
		"Without TYPE, list the sinks. With TYPE, explain that sink: the attributes of its\nsink, deliver, state and data blocks.",
		func() catalogue {
			return catalogueOf[*sinks.Spec]{
				Registry: allsinks.Registry(),
				docOf:    func(s *sinks.Spec) string { return s.Doc },
				textOf:   reference.SinkText,
				jsonOf:   func(list []*sinks.Spec) any { return reference.SinksJSON(list) },
			}
		},
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
				return usageError{fmt.Sprintf("%d %s were given", len(args), use), "Give one, or none to list them."}
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
			return usageError{
				fmt.Sprintf("Unknown %s %q", noun, args[0]),
				didYouMean(similarNames(names, args[0])) + "Run " + cmd.CommandPath() + " for the list.",
			}
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

// catalogueOf is the catalogue of a registry.
type catalogueOf[S any] struct {
	*registry.Registry[S]
	docOf  func(S) string
	textOf func(spec S, width int) []byte
	jsonOf func([]S) any
}

func (c catalogueOf[S]) doc(name string) string {
	if spec, ok := c.Lookup(name); ok {
		return c.docOf(spec)
	}
	return ""
}

func (c catalogueOf[S]) text(name string, width int) []byte {
	spec, _ := c.Lookup(name)
	return c.textOf(spec, width)
}

func (c catalogueOf[S]) tables(names []string) any {
	specs := make([]S, len(names))
	for i, name := range names {
		specs[i], _ = c.Lookup(name)
	}
	return c.jsonOf(specs)
}

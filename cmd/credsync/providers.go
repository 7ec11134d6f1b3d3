package main

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/credsync/credsync/config"
	"github.com/credsync/credsync/internal/registry"
	"github.com/credsync/credsync/providers"
	allproviders "github.com/credsync/credsync/providers/all"
	"github.com/credsync/credsync/reference"
	"github.com/credsync/credsync/schema/diag"
	"github.com/credsync/credsync/sinks"
	allsinks "github.com/credsync/credsync/sinks/all"
	"github.com/credsync/credsync/upstreams"
	"github.com/spf13/cobra"
)

func (a *app) providersCommand() *cobra.Command {
	var shown string
	cmd := a.catalogueCommand(
		"providers", "provider",
		"Without TYPE, list the providers: those that are built in, and those that the upstream\nblocks in the current directory (or in -C DIR) describe. With TYPE, explain that\nprovider: the attributes of its accounts and the outputs of its tokens.",
		func(ctx context.Context) (catalogue, diag.List) {
			known, problems := config.LoadUpstreams(ctx, a.loadOptions(a.path(".")))
			return catalogueOf[*providers.Spec]{
				Registry: known,
				docOf:    func(s *providers.Spec) string { return cmp.Or(s.Doc, "An upstream that this configuration describes.") },
				textOf:   reference.ProviderText,
				jsonOf:   func(list []*providers.Spec) any { return reference.ProvidersJSON(list) },
			}, problems
		},
	)
	cmd.Flags().StringVar(&shown, "show", "", "print the description of the built-in upstream `TYPE`, to copy")
	completeFlag(cmd, "show", func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
		return upstreams.Names(), cobra.ShellCompDirectiveNoFileComp
	})
	explain := cmd.RunE
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if shown == "" {
			return explain(cmd, args)
		}
		return a.showDescription(shown)
	}
	return cmd
}

// showDescription prints the source of a description that credsync is built with.
func (a *app) showDescription(name string) error {
	source, ok := upstreams.Sources()[name]
	if _, inGo := allproviders.Registry().Lookup(name); inGo {
		return usageError{
			fmt.Sprintf("The provider %q has no description", name), "It is written in Go. The others are: " + strings.Join(upstreams.Names(), ", ") + ".",
		}
	}
	if !ok {
		return usageError{
			fmt.Sprintf("Unknown upstream %q", name),
			didYouMean(similarNames(upstreams.Names(), name)) + "The built-in descriptions are: " + strings.Join(upstreams.Names(), ", ") + ".",
		}
	}
	a.out.Raw([]byte(source))
	return nil
}

func (a *app) sinksCommand() *cobra.Command {
	return a.catalogueCommand(
		"sinks", "sink",
		"Without TYPE, list the sinks. With TYPE, explain that sink: the attributes of its\nsink, deliver, state and data blocks.",
		func(context.Context) (catalogue, diag.List) {
			return catalogueOf[*sinks.Spec]{
				Registry: allsinks.Registry(),
				docOf:    func(s *sinks.Spec) string { return s.Doc },
				textOf:   reference.SinkText,
				jsonOf:   func(list []*sinks.Spec) any { return reference.SinksJSON(list) },
			}, nil
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

// catalogueCommand lists a catalogue, or explains one entry of it. of also returns what
// is wrong with the entries that the configuration has.
func (a *app) catalogueCommand(use, noun, long string, of func(context.Context) (catalogue, diag.List)) *cobra.Command {
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
		ValidArgsFunction: func(cmd *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
			if len(args) > 0 {
				return nil, cobra.ShellCompDirectiveNoFileComp
			}
			c, _ := of(cmd.Context())
			return c.Names(), cobra.ShellCompDirectiveNoFileComp
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			c, problems := of(cmd.Context())
			if known := len(args) == 1 && c.doc(args[0]) != ""; problems.HasErrors() && !known {
				a.out.Diagnostics(problems)
				return commandResult{failed: true}.asError()
			}
			return a.explain(c, cmd, noun, args, asJSON)
		},
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

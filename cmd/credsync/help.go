package main

import (
	"fmt"
	"strings"

	"github.com/mitchellh/go-wordwrap"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// helpWidth is the width of a terminal that nobody has made wider.
const helpWidth = 80

// help prints what a command's --help tells, wrapped for such a terminal.
func help(c *cobra.Command, _ []string) {
	about := c.Long
	if about == "" {
		about = c.Short
	}
	usage := c.UsageString()
	for _, flags := range []*pflag.FlagSet{c.LocalFlags(), c.InheritedFlags()} {
		usage = strings.Replace(usage, strings.TrimSpace(flags.FlagUsages()), strings.TrimSpace(wrappedFlags(flags)), 1)
	}
	fmt.Fprintf(c.OutOrStdout(), "%s\n\n%s", reflow(about), usage)
}

// wrappedFlags is the list of flags, whatever lines their descriptions have.
func wrappedFlags(flags *pflag.FlagSet) string {
	var wrapped pflag.FlagSet
	wrapped.SortFlags = flags.SortFlags
	flags.VisitAll(func(f *pflag.Flag) {
		flag := *f
		flag.Usage = strings.Join(strings.Fields(f.Usage), " ")
		wrapped.AddFlag(&flag)
	})
	return wrapped.FlagUsagesWrapped(helpWidth)
}

// reflow wraps paragraphs anew. What is indented is to be copied, and stays.
func reflow(text string) string {
	paragraphs := strings.Split(strings.TrimSpace(text), "\n\n")
	for i, p := range paragraphs {
		if !strings.Contains("\n"+p, "\n ") && !strings.Contains("\n"+p, "\n\t") {
			paragraphs[i] = wordwrap.WrapString(strings.ReplaceAll(p, "\n", " "), helpWidth)
		}
	}
	return strings.Join(paragraphs, "\n\n")
}

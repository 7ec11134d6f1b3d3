package main

import (
	"errors"
	"fmt"
	"strings"

	"github.com/agext/levenshtein"
	"github.com/credsync/credsync/schema/diag"
	"github.com/mitchellh/go-wordwrap"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// usageError is a command line that cannot be understood.
type usageError struct{ summary, detail string }

func (e usageError) Error() string { return e.summary + ". " + e.detail }

// usageDiagnostic is how an error that no command has printed is shown.
func usageDiagnostic(err error) diag.Diagnostic {
	var u usageError
	if errors.As(err, &u) {
		return diag.Errorf(u.summary, "%s", u.detail)
	}
	return diag.Errorf("The command line is invalid", "%s. Run credsync --help for the commands.", diag.Clause(err.Error()))
}

// flagError names the flag that was probably meant.
func (a *app) flagError(cmd *cobra.Command, err error) error {
	help := "Run " + cmd.CommandPath() + " --help for its flags."
	var unknown *pflag.NotExistError
	if errors.As(err, &unknown) {
		return a.unknownFlag(cmd, unknown, help)
	}
	var invalid *pflag.InvalidValueError
	if errors.As(err, &invalid) {
		// The value stays out of it: it may be the value of another flag that
		// was forgotten, such as a secret.
		return usageError{"--" + invalid.GetFlag().Name + " has an invalid value", "It needs a " + invalid.GetFlag().Value.Type() + ". " + help}
	}
	var missing *pflag.ValueRequiredError
	if errors.As(err, &missing) {
		return usageError{flagName(missing.GetSpecifiedName()) + " needs a value", help}
	}
	return usageError{"The flags are invalid", help}
}

// unknownFlag is about a flag that cmd does not have. Of -json, as terraform and vault
// write it, pflag sees -j, -s and so on, so the whole argument is looked at first.
func (a *app) unknownFlag(cmd *cobra.Command, unknown *pflag.NotExistError, help string) error {
	name := unknown.GetSpecifiedName()
	if long := a.singleDashed(unknown.GetSpecifiedShortnames()); len(long) > 1 {
		if cmd.Flags().Lookup(long) != nil {
			return usageError{"Unknown flag -" + long, "Long flags take two dashes: --" + long + ". " + help}
		}
		if advice := equivalentFlag(cmd, long); advice != "" {
			return usageError{"Unknown flag -" + long, advice + help}
		}
	}
	advice := equivalentFlag(cmd, name)
	if advice == "" {
		advice = didYouMean(similarFlags(cmd, name))
	}
	return usageError{"Unknown flag " + flagName(name), advice + help}
}

// singleDashed is the name in the argument that pflag was reading as short flags when
// these were left of it.
func (a *app) singleDashed(left string) string {
	if left == "" {
		return ""
	}
	for _, arg := range a.args {
		if strings.HasPrefix(arg, "-") && !strings.HasPrefix(arg, "--") && strings.HasSuffix(arg, left) {
			left = arg[1:]
			break
		}
	}
	name, _, _ := strings.Cut(left, "=")
	return name
}

func flagName(name string) string {
	if len(name) == 1 {
		return "-" + name
	}
	return "--" + name
}

func similarFlags(cmd *cobra.Command, name string) []string {
	var similar []string
	cmd.Flags().VisitAll(func(f *pflag.Flag) {
		if !f.Hidden &&
			(levenshtein.Distance(f.Name, name, nil) <= 2 || len(name) > 2 && strings.HasPrefix(f.Name, name)) {
			similar = append(similar, "--"+f.Name)
		}
	})
	return similar
}

// similarNames are those that a name may be a slip of.
func similarNames(names []string, typed string) []string {
	var similar []string
	for _, name := range names {
		if levenshtein.Distance(name, typed, nil) <= 2 ||
			len(typed) > 2 && (strings.HasPrefix(name, typed) || strings.Contains(typed, name)) {
			similar = append(similar, name)
		}
	}
	return similar
}

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

// reflow wraps paragraphs again. What is indented is to be copied, and stays.
func reflow(text string) string {
	paragraphs := strings.Split(strings.TrimSpace(text), "\n\n")
	for i, p := range paragraphs {
		if !strings.Contains("\n"+p, "\n ") && !strings.Contains("\n"+p, "\n\t") {
			paragraphs[i] = wordwrap.WrapString(strings.ReplaceAll(p, "\n", " "), helpWidth)
		}
	}
	return strings.Join(paragraphs, "\n\n")
}

// noSubcommand is reached with no subcommand of cmd, and with one that does not exist.
func noSubcommand(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return cmd.Help()
	}
	cmd.SuggestionsMinimumDistance = 2
	advice := equivalentCommand(cmd, args[0])
	if advice == "" {
		advice = didYouMean(cmd.SuggestionsFor(args[0]))
	}
	return usageError{
		fmt.Sprintf("Unknown command %q", args[0]) + ofParent(cmd),
		advice + "Run " + cmd.CommandPath() + " --help for the list of commands.",
	}
}

func ofParent(cmd *cobra.Command) string {
	if !cmd.HasParent() {
		return ""
	}
	return " of " + strings.TrimPrefix(cmd.CommandPath(), cmd.Root().Name()+" ")
}

// didYouMean is a sentence, or nothing.
func didYouMean(names []string) string {
	if len(names) == 0 {
		return ""
	}
	return fmt.Sprintf("Did you mean %s? ", strings.Join(names, " or "))
}

package main

import (
	"errors"
	"strings"

	"github.com/agext/levenshtein"
	"github.com/credsync/credsync/schema/diag"
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
	return diag.Errorf("The command line cannot be understood", "%s. Run credsync --help for what there is.", strings.TrimRight(err.Error(), "."))
}

// flagError names the flag that was probably meant.
func flagError(cmd *cobra.Command, err error) error {
	help := "Run " + cmd.CommandPath() + " --help for its flags."
	var unknown *pflag.NotExistError
	if errors.As(err, &unknown) {
		name := unknown.GetSpecifiedName()
		// Of -json, as terraform and vault write it, pflag sees -j, -s and so on.
		if long, _, _ := strings.Cut(unknown.GetSpecifiedShortnames(), "="); cmd.Flags().Lookup(long) != nil {
			return usageError{"There is no flag -" + long, "Long flags take two dashes: --" + long + ". " + help}
		}
		return usageError{"There is no flag " + dashes(name), suggestion(similarFlags(cmd, name)) + help}
	}
	var invalid *pflag.InvalidValueError
	if errors.As(err, &invalid) {
		// The value stays out of it: it may be the value of another flag that
		// was forgotten, such as a secret.
		return usageError{"--" + invalid.GetFlag().Name + " has a value that it cannot take", "It takes a " + invalid.GetFlag().Value.Type() + ". " + help}
	}
	var missing *pflag.ValueRequiredError
	if errors.As(err, &missing) {
		return usageError{dashes(missing.GetSpecifiedName()) + " needs a value", help}
	}
	return usageError{"The flags cannot be understood", help}
}

func dashes(name string) string {
	if len(name) == 1 {
		return "-" + name
	}
	return "--" + name
}

func similarFlags(cmd *cobra.Command, name string) []string {
	var similar []string
	cmd.Flags().VisitAll(func(f *pflag.Flag) {
		if !f.Hidden && (levenshtein.Distance(f.Name, name, nil) <= 2 || len(name) > 2 && strings.HasPrefix(f.Name, name)) {
			similar = append(similar, "--"+f.Name)
		}
	})
	return similar
}

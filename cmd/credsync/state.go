package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/credsync/credsync/audit"
	"github.com/credsync/credsync/config"
	"github.com/credsync/credsync/credential"
	"github.com/credsync/credsync/engine"
	"github.com/credsync/credsync/internal/regularfile"
	"github.com/credsync/credsync/schema/diag"
	"github.com/spf13/cobra"
)

// maxEmergencyFile bounds what is read as an emergency file.
const maxEmergencyFile = 16 << 20

func (a *app) stateCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "state",
		Short: "Look into the state, and mend it",
		Long: "Look into the state, and mend it. None of these commands shows a secret, contacts an\n" +
			"upstream or touches a target. They work where the configuration has mistakes, as\n" +
			"long as the state block, its sink and the project can be read.",
		Args: cobra.ArbitraryArgs,
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return cmd.Help()
			}
			return usageError{fmt.Sprintf("There is no command %q of state", args[0]), "Run credsync state --help for the list."}
		},
	}
	cmd.AddCommand(a.stateListCommand(), a.stateShowCommand(), a.stateRemoveCommand(), a.stateUnlockCommand(), a.stateRecoverCommand())
	return cmd
}

func (a *app) stateRecoverCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "recover FILE",
		Short: "Bring a token back that the state did not take",
		Long: "When an upstream has handed out a token and the state cannot be written, apply puts\n" +
			"the token into an emergency file and names it. This brings it back: the next apply\n" +
			"verifies and delivers it. Once the token is in the state, the file is removed, since it\n" +
			"holds a live token. It is refused, and the file left, where the state has a newer one.",
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) != 1 {
				return usageError{"state recover takes one file", "Give the emergency file that apply has named."}
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error { return a.recoverState(cmd.Context(), args[0]) },
	}
}

func (a *app) recoverState(ctx context.Context, file string) error {
	content, err := regularfile.Read(a.path(file), maxEmergencyFile)
	if errors.Is(err, fs.ErrNotExist) {
		err = fmt.Errorf("there is no file %s", a.path(file))
	}
	if err != nil {
		a.out.Diagnostics(diag.List{diag.FromError("The emergency file cannot be read", err)})
		return status(exitError)
	}
	w, diags := a.open(ctx, a, ".", 0)
	a.out.Diagnostics(diags)
	if w == nil {
		return status(exitError)
	}
	defer w.close()
	address, err := w.engine.Recover(ctx, content, ageIdentity(w.config.State))
	unrecorded := errors.Is(err, audit.ErrUnrecorded)
	switch {
	case err == nil, unrecorded:
		a.out.Line(fmt.Sprintf("The token of %s is in the state. Deliver it with: credsync apply", address))
	case errors.Is(err, engine.ErrRecovered):
		a.out.Line(fmt.Sprintf("The state of %s has this token already.", address))
	default:
		a.out.Diagnostics(diag.List{diag.FromError("The token was not brought back", err)})
		return status(exitError)
	}
	a.removeRecovered(file)
	if unrecorded {
		return a.incomplete(err)
	}
	return nil
}

// removeRecovered removes an emergency file whose token the state has: it would
// be a live token that nobody needs, and told of by each plan.
func (a *app) removeRecovered(file string) {
	if err := os.Remove(a.path(file)); err != nil {
		a.out.Diagnostics(diag.List{diag.Warningf("The emergency file could not be removed", "%s holds a live token that nobody needs any longer. Remove it: %s.", file, err)})
		return
	}
	a.out.Line(fmt.Sprintf("%s is removed.", file))
}

// ageIdentity opens an encrypted emergency file; zero where the state block
// has none.
func ageIdentity(s *config.State) credential.Secret {
	const name = "age_identity"
	if s == nil || !s.Values.Has(name) {
		return credential.Secret{}
	}
	return s.Values.Secret(name)
}

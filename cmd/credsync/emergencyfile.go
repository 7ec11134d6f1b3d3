package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

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

func (a *app) stateRecoverCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "recover FILE",
		Short: "Recover a token from an emergency file",
		Long: "If an upstream issues a token but the state cannot be written, apply saves the\n" +
			"token in an emergency file and prints the file's name. This command puts the\n" +
			"token into the state; the next apply verifies and delivers it. The file is then\n" +
			"removed, because it holds a live token. If the state has a newer token, the\n" +
			"command fails and keeps the file.",
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) != 1 {
				return usageError{"state recover takes one file", "Give the emergency file that apply named."}
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error { return a.recoverState(cmd.Context(), args[0]) },
	}
}

func (a *app) recoverState(ctx context.Context, file string) error {
	content, err := regularfile.Read(a.path(file), maxEmergencyFile)
	if errors.Is(err, fs.ErrNotExist) {
		err = fmt.Errorf("the file %s does not exist; give the file that apply named", a.path(file))
	}
	if err != nil {
		a.out.Diagnostics(diag.List{diag.FromError("The emergency file could not be read", err)})
		return exitStatus(exitError)
	}
	w, diags := a.open(ctx, a, ".", 0)
	a.out.Diagnostics(diags)
	if w == nil {
		return exitStatus(exitError)
	}
	defer w.close()
	address, err := w.engine.Recover(ctx, content, ageIdentity(w.config.State))
	unrecorded := errors.Is(err, audit.ErrUnrecorded)
	switch {
	case err == nil, unrecorded:
		a.out.Line(fmt.Sprintf("The token of %s is now in the state. To deliver it: credsync apply", address))
	case errors.Is(err, engine.ErrRecovered):
		a.out.Line(fmt.Sprintf("The state already has this token of %s.", address))
	default:
		a.out.Diagnostics(diag.List{diag.FromError("The token could not be recovered", err)})
		return exitStatus(exitError)
	}
	a.removeRecovered(file)
	if unrecorded {
		return a.auditTrailIncomplete(err)
	}
	return nil
}

// removeRecovered removes an emergency file whose token the state has: it would
// be a live token that nobody needs, and reported by each plan.
func (a *app) removeRecovered(file string) {
	if err := os.Remove(a.path(file)); err != nil {
		a.out.Diagnostics(diag.List{diag.Warningf("The emergency file could not be removed", "%s holds a live token that is no longer needed, and removing it failed: %s. Remove the file.", file, err)})
		return
	}
	a.out.Line(fmt.Sprintf("Removed %s.", file))
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

// ageRecipient is what the state is encrypted to, if it is: an emergency copy
// of it is encrypted to the same.
func ageRecipient(s *config.State) string {
	const name = "age_recipient"
	if s == nil || !s.Values.Has(name) {
		return ""
	}
	return s.Values.String(name)
}

// emergencyDir is where a token goes that the state does not take. Where the
// configuration's directory cannot be written, as in a pod that has it from a
// ConfigMap, the environment names another.
func (a *app) emergencyDir(configDir string) string {
	if dir := a.getenv("CREDSYNC_EMERGENCY_DIR"); dir != "" {
		return dir
	}
	return filepath.Join(configDir, ".credsync", "emergency")
}

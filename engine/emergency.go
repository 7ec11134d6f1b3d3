package engine

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"filippo.io/age"
	"filippo.io/age/armor"
	"github.com/credsync/credsync/credential"
	"github.com/credsync/credsync/internal/crashpoint"
	"github.com/credsync/credsync/schema/diag"
	"github.com/credsync/credsync/sinks"
	"github.com/credsync/credsync/state"
)

// TokenWaits is the summary of the warning about an emergency file.
const TokenWaits = "A token waits in an emergency file"

// emergencyPrefix begins the names of emergency files; the name of the record
// and something random follow.
const emergencyPrefix = "emergency-"

// writeEmergency writes a record where the state did not take it: into a new
// file of mode 0600, encrypted where there is a recipient. It returns its name.
func (e *Engine) writeEmergency(r *state.Record) (name string, err error) {
	encoded, err := state.Encode(r)
	if err != nil {
		return "", err
	}
	content := []byte(encoded.Reveal())
	if e.EmergencyRecipient != "" {
		if content, err = encrypt(content, e.EmergencyRecipient); err != nil {
			return "", err
		}
	}
	if err := os.MkdirAll(e.EmergencyDir, 0o700); err != nil {
		return "", fmt.Errorf("make the folder for emergency files: %w", err)
	}
	crashpoint.Reach("create", e.EmergencyDir)
	f, err := os.CreateTemp(e.EmergencyDir, emergencyPrefix+state.RecordName(r.Address)+"-*.json")
	if err != nil {
		return "", fmt.Errorf("make an emergency file: %w", err)
	}
	defer func() {
		if err = errors.Join(err, f.Close()); err != nil {
			// A part of a token is good for nothing but a leak.
			name = ""
			crashpoint.Reach("remove", e.EmergencyDir)
			_ = os.Remove(f.Name())
		}
	}()
	crashpoint.Reach("write", e.EmergencyDir)
	if _, err := f.Write(content); err != nil {
		return "", fmt.Errorf("write the emergency file %s: %w", f.Name(), err)
	}
	crashpoint.Reach("flush", e.EmergencyDir)
	if err := f.Sync(); err != nil {
		return "", fmt.Errorf("write the emergency file %s: %w", f.Name(), err)
	}
	return f.Name(), nil
}

// removeEmergency removes a file whose content has reached the state after
// all. One that stays does no harm: recovering it is refused as older.
func removeEmergency(name string) {
	if name != "" {
		crashpoint.Reach("remove", filepath.Dir(name))
		_ = os.Remove(filepath.Clean(name))
	}
}

// EmergencyFiles are the emergency files in a directory; none where there is no
// such directory.
func EmergencyFiles(dir string) []string {
	entries, _ := os.ReadDir(dir)
	var files []string
	for _, e := range entries {
		if strings.HasPrefix(e.Name(), emergencyPrefix) {
			files = append(files, filepath.Join(dir, e.Name()))
		}
	}
	return files
}

// waiting warns of emergency files that were not brought back: who reads the
// next run's output may not have seen what the one before has said. A file that
// is older than the state's token has nothing to bring.
func (e *Engine) waiting(seen []*observation) diag.List {
	// Without the folder there are no files in it.
	entries, _ := os.ReadDir(e.EmergencyDir)
	var warnings diag.List
	for _, entry := range entries {
		name, ours := strings.CutPrefix(entry.Name(), emergencyPrefix)
		info, err := entry.Info()
		if !ours || err != nil {
			continue
		}
		for _, o := range seen {
			if o.account == nil || o.record == nil && !o.kept || !strings.HasPrefix(name, state.RecordName(o.input.Address)+"-") {
				continue
			}
			if o.issuedAt.After(info.ModTime()) {
				continue
			}
			file := filepath.Join(e.EmergencyDir, entry.Name())
			warnings = append(warnings, diag.Warningf(TokenWaits,
				"An earlier run got a token that the state did not take. Unless that has been done, bring it back before the next apply, which would log in anew: credsync state recover %s. Once it is back, or where that says that the file is no longer needed, remove the file.", file).About(o.input.Address, o.account.cfg.Range))
		}
	}
	return warnings
}

func encrypt(plain []byte, recipient string) ([]byte, error) {
	to, err := age.ParseX25519Recipient(recipient)
	if err != nil {
		return nil, fmt.Errorf("read the age recipient: %w", err)
	}
	var b bytes.Buffer
	armored := armor.NewWriter(&b)
	w, err := age.Encrypt(armored, to)
	if err != nil {
		return nil, fmt.Errorf("encrypt the emergency file: %w", err)
	}
	if _, err := w.Write(plain); err != nil {
		return nil, fmt.Errorf("encrypt the emergency file: %w", err)
	}
	if err := errors.Join(w.Close(), armored.Close()); err != nil {
		return nil, fmt.Errorf("encrypt the emergency file: %w", err)
	}
	return b.Bytes(), nil
}

// Recover brings the record of an emergency file back into the state: its
// token becomes the pending one of its account, and the next apply delivers
// it. It is refused where the state already has that token or a newer one.
func (e *Engine) Recover(ctx context.Context, content []byte, identity credential.Secret) (address string, err error) {
	if bytes.HasPrefix(content, []byte(armor.Header)) {
		if content, err = decrypt(content, identity); err != nil {
			return "", err
		}
	}
	rescued, err := state.Decode(credential.NewSecret(string(content)))
	switch {
	case errors.Is(err, state.ErrTooNew):
		return "", errors.New("the emergency file was written by a newer credsync; use that one")
	case err != nil:
		return "", errors.New("the file is no emergency file of credsync, or it was damaged or cut short; nothing was changed. If there is no whole copy of it, log in again with: credsync apply")
	}
	if rescued.Project != e.Config.Project {
		return "", fmt.Errorf("the emergency file is of project %q, this configuration is project %q", rescued.Project, e.Config.Project)
	}
	if rescued.Pending == nil {
		return "", fmt.Errorf("the emergency file of %s holds no new token", rescued.Address)
	}
	a := e.byAddress[rescued.Address]
	if a == nil {
		// The next apply would take it for an account that has been removed.
		return "", fmt.Errorf("the emergency file is of %s, which this configuration does not have; bring it back where that account is declared", rescued.Address)
	}
	snap, err := e.Store.Load(ctx, rescued.Address)
	if err != nil {
		return "", err
	}
	rec := snap.Record
	if rec == nil {
		rec = rescued
		rec.Lease = nil
	} else if err := mergeRescued(a, rec, rescued); err != nil {
		return "", err
	}
	_, err = e.Store.Save(ctx, rec, snap.Version)
	if errors.Is(err, sinks.ErrConflict) {
		return "", fmt.Errorf("another run wrote the state of %s at the same time; try again once it has finished: %w", rescued.Address, err)
	}
	if err != nil {
		return "", err
	}
	return rescued.Address, nil
}

func mergeRescued(a *account, rec, rescued *state.Record) error {
	token := rescued.Pending
	if n := rec.Newest(); n != nil {
		if n.ID == token.ID {
			return fmt.Errorf("the state of %s already has this token; the emergency file is no longer needed", rec.Address)
		}
		if !n.Token.IssuedAt.Before(token.Token.IssuedAt) {
			return fmt.Errorf("the state of %s has a newer token than the emergency file; nothing was changed", rec.Address)
		}
	}
	if !bytes.Equal(rec.Key, rescued.Key) {
		rekey(a, token, rescued.Key, rec.Key)
	}
	rec.Pending = token
	return nil
}

// rekey makes a token's fingerprints anew for a record that was made anew,
// where they are those of the present configuration. Others stay as they are:
// under the new key they match nothing, and the token counts as got by another
// configuration.
func rekey(a *account, g *state.Grant, from, to []byte) {
	was, is := fingerprints(from, a.cfg), fingerprints(to, a.cfg)
	if g.LoginPrint == was.login {
		g.LoginPrint = is.login
	}
	if g.ShapePrint == was.shape {
		g.ShapePrint = is.shape
	}
}

func decrypt(content []byte, identity credential.Secret) ([]byte, error) {
	if identity.IsZero() {
		return nil, errors.New("the emergency file is encrypted, and the state block has no age_identity to open it with")
	}
	ids, err := age.ParseIdentities(strings.NewReader(identity.Reveal()))
	if err != nil {
		return nil, errors.New("the age identity is not one that age can read")
	}
	plain, err := age.Decrypt(armor.NewReader(bytes.NewReader(content)), ids...)
	if err != nil {
		return nil, errors.New("the emergency file cannot be decrypted with this age identity")
	}
	b, err := io.ReadAll(io.LimitReader(plain, 16<<20))
	if err != nil {
		return nil, errors.New("the emergency file is damaged")
	}
	return b, nil
}

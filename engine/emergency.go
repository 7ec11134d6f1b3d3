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
	"github.com/credsync/credsync/audit"
	"github.com/credsync/credsync/credential"
	"github.com/credsync/credsync/internal/crashpoint"
	"github.com/credsync/credsync/sinks"
	"github.com/credsync/credsync/state"
)

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
	flushDir(e.EmergencyDir)
	return f.Name(), nil
}

// flushDir makes a new file in a directory outlive a loss of power. Not every
// file system can; there is nothing more to do on those.
func flushDir(dir string) {
	if d, err := os.Open(filepath.Clean(dir)); err == nil {
		crashpoint.Reach("flush the directory", dir)
		_ = d.Sync()
		_ = d.Close()
	}
}

// removeEmergency removes a file whose content has reached the state after
// all. One that stays does no harm: recovering it is refused as older.
func removeEmergency(name string) {
	if name != "" {
		crashpoint.Reach("remove", filepath.Dir(name))
		_ = os.Remove(filepath.Clean(name))
	}
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
// it. It is refused with ErrRecovered where the state already has that token, and
// where it has a newer one. With audit.ErrUnrecorded it is done.
func (e *Engine) Recover(ctx context.Context, content []byte, identity credential.Secret) (address string, err error) {
	if bytes.HasPrefix(content, []byte(armor.Header)) {
		if content, err = decrypt(content, identity); err != nil {
			return "", err
		}
	}
	rescued, err := decodeEmergency(content)
	if errors.Is(err, state.ErrTooNew) {
		return "", errors.New("the emergency file was written by a newer credsync; use that one")
	}
	if err != nil {
		return "", err
	}
	if rescued.Project != e.Config.Project {
		return "", fmt.Errorf("the emergency file is of project %q, this configuration is project %q", rescued.Project, e.Config.Project)
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
	rec, err := mergeEmergency(a, snap.Record, rescued)
	if err != nil {
		return rescued.Address, err
	}
	return rescued.Address, e.saveRecovered(ctx, rec, snap.Version)
}

// saveRecovered writes a record with a token that was brought back, with a line
// in the audit trail before it and one after.
func (e *Engine) saveRecovered(ctx context.Context, rec *state.Record, version string) error {
	t := e.newTrail(rec, nil)
	token := rec.Pending.Token.Access
	id, err := t.begin(t.event("", audit.StateRecover, token, nil))
	if err != nil {
		return err
	}
	_, err = e.Store.Save(ctx, rec, version)
	t.record(t.event(id, audit.StateRecover, token, err))
	switch {
	case errors.Is(err, sinks.ErrConflict):
		return fmt.Errorf("another run wrote the state of %s at the same time; try again once it has finished: %w", rec.Address, err)
	case err != nil:
		return err
	}
	if lost := t.takeErr(); lost != nil {
		return audit.UnrecordedAfter(lost)
	}
	return nil
}

// ErrRecovered says that there is nothing to bring back.
var ErrRecovered = errors.New("already has this token")

// decodeEmergency reads what is in an emergency file, which has a new token.
func decodeEmergency(content []byte) (*state.Record, error) {
	rescued, err := state.Decode(credential.NewSecret(string(content)))
	switch {
	case errors.Is(err, state.ErrTooNew):
		return nil, fmt.Errorf("%w; use the credsync that wrote it", err)
	case err != nil:
		return nil, errors.New("the file is no emergency file of credsync, or it was damaged or cut short; nothing was changed. If there is no whole copy of it, log in again with: credsync apply")
	case rescued.Pending == nil:
		return nil, fmt.Errorf("the emergency file of %s holds no new token", rescued.Address)
	}
	return rescued, nil
}

// mergeEmergency returns the record (nil for none) with the token of an emergency
// file as the pending one. It is an error where the record has that token or a
// newer one.
func mergeEmergency(a *account, rec, rescued *state.Record) (*state.Record, error) {
	if rec == nil {
		rec = rescued.Clone()
		rec.Lease = nil
		return rec, nil
	}
	rec, token := rec.Clone(), rescued.Clone().Pending
	if n := rec.Newest(); n != nil {
		if n.ID == token.ID {
			return nil, fmt.Errorf("the state of %s %w; the emergency file is no longer needed", rec.Address, ErrRecovered)
		}
		if !n.Token.IssuedAt.Before(token.Token.IssuedAt) {
			return nil, fmt.Errorf("the state of %s has a newer token than the emergency file; nothing was changed", rec.Address)
		}
	}
	if l := rec.Lease; l != nil && rescued.Lease != nil && l.Holder == rescued.Lease.Holder {
		// Nobody has worked on the account since, so all that the run has
		// learned stands: that the code it waited for was entered, say.
		whole := rescued.Clone()
		whole.Lease, whole.Failures, whole.Notices = nil, rec.Failures, rec.Notices
		return whole, nil
	}
	if !bytes.Equal(rec.Key, rescued.Key) {
		rekey(a, token, rescued.Key, rec.Key)
	}
	if n := rec.Newest(); n != nil && a.loginRevokes() && (rescued.Current == nil || rescued.Current.ID != n.ID) {
		// Another run has logged in as well, and one login has killed the
		// token of the other. Clocks of two machines do not tell which.
		token.Rejected = true
	}
	rec.Pending = token
	return rec, nil
}

// rekey makes a token's fingerprints anew for a record that was made anew,
// where they are those of the present configuration. Others stay as they are:
// under the new key they match nothing, and the token counts as got by another
// configuration.
func rekey(a *account, g *state.Grant, from, to []byte) {
	was, is := fingerprintsOf(from, a.cfg), fingerprintsOf(to, a.cfg)
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

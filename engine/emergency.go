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
	"github.com/credsync/credsync/state"
)

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
	f, err := os.CreateTemp(e.EmergencyDir, "emergency-"+state.RecordName(r.Address)+"-*.json")
	if err != nil {
		return "", fmt.Errorf("make an emergency file: %w", err)
	}
	defer func() { err = errors.Join(err, f.Close()) }()
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
	if err != nil {
		return "", fmt.Errorf("read the emergency file: %w", err)
	}
	if rescued.Project != e.Config.Project {
		return "", fmt.Errorf("the emergency file is of project %q, this configuration is project %q", rescued.Project, e.Config.Project)
	}
	if rescued.Pending == nil {
		return "", fmt.Errorf("the emergency file of %s holds no new token", rescued.Address)
	}
	snap, err := e.Store.Load(ctx, rescued.Address)
	if err != nil {
		return "", err
	}
	rec := snap.Record
	if rec == nil {
		rec = rescued
		rec.Lease = nil
	} else if err := mergeRescued(rec, rescued); err != nil {
		return "", err
	}
	if _, err := e.Store.Save(ctx, rec, snap.Version); err != nil {
		return "", err
	}
	return rescued.Address, nil
}

func mergeRescued(rec, rescued *state.Record) error {
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
		return fmt.Errorf("the state of %s was made anew since the emergency file was written; nothing was changed", rec.Address)
	}
	rec.Pending = token
	return nil
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

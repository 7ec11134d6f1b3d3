package engine

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/credsync/credsync/internal/agearmor"
	"github.com/credsync/credsync/internal/crashpoint"
	"github.com/credsync/credsync/state"
)

const (
	// emergencyPrefix begins the names of emergency files; the name of the record, what the
	// token in it has replaced, and something random follow.
	emergencyPrefix = "emergency-"
	// afterNone is in the name where there was no token before.
	afterNone = "first"
	// afterLength is how much of the ID of the token before is in the name.
	afterLength = 8
)

// afterName says in the name of an emergency file which token the one in it has replaced,
// for whoever cannot read what is in it.
func afterName(r *state.Record) string {
	if r.Pending == nil || len(r.Pending.Replaced) == 0 {
		return afterNone
	}
	id := r.Pending.Replaced[len(r.Pending.Replaced)-1]
	return id[:min(len(id), afterLength)]
}

// precedent reads what afterName has put into the name of a file.
func precedent(file string) string {
	parts := strings.Split(filepath.Base(file), "-")
	after := parts[max(0, len(parts)-2)]
	if after == afterNone || len(after) == afterLength {
		return after
	}
	return ""
}

// writeEmergency writes a record where the state did not take it: into a new
// file of mode 0600, encrypted where there is a recipient. It returns its name.
func (e *Engine) writeEmergency(r *state.Record) (name string, err error) {
	encoded, err := state.Encode(r)
	if err != nil {
		return "", err
	}
	content := []byte(encoded.Reveal())
	if e.EmergencyRecipient != "" {
		if content, err = agearmor.Encrypt(content, e.EmergencyRecipient); err != nil {
			return "", fmt.Errorf("could not encrypt the emergency file to age_recipient: %w", err)
		}
	}
	if err := os.MkdirAll(e.EmergencyDir, 0o700); err != nil {
		return "", fmt.Errorf("could not create the directory for emergency files: %w", err)
	}
	crashpoint.Reach("create", e.EmergencyDir)
	f, err := os.CreateTemp(e.EmergencyDir, emergencyPrefix+state.RecordName(r.Project, r.Address)+"-"+afterName(r)+"-*.json")
	if err != nil {
		return "", fmt.Errorf("could not create an emergency file: %w", err)
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
		return "", fmt.Errorf("could not write the emergency file %s: %w", f.Name(), err)
	}
	crashpoint.Reach("flush", e.EmergencyDir)
	if err := f.Sync(); err != nil {
		return "", fmt.Errorf("could not write the emergency file %s: %w", f.Name(), err)
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

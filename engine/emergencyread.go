package engine

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/credsync/credsync/credential"
	"github.com/credsync/credsync/internal/agearmor"
	"github.com/credsync/credsync/internal/regularfile"
	"github.com/credsync/credsync/schema/diag"
	"github.com/credsync/credsync/state"
)

// TokenInEmergencyFile is the summary of the warning about an emergency file.
const TokenInEmergencyFile = "A token is waiting in an emergency file"

// maxEmergencyFile bounds what is read as an emergency file.
const maxEmergencyFile = 1 << 20

// emergencyFile is an emergency file of an account.
type emergencyFile struct {
	file string
	// after begins the ID of the token that the one in the file has replaced, as the name
	// has it; afterNone where there was none, "" where the name is another.
	after string
	// record is what is in it; nil where that is not to be had, and observeErr says
	// why. torn says that nobody can have it: the run that wrote the file was
	// killed meanwhile.
	record      *state.Record
	observeErr  error
	torn, empty bool
	// used says that an observation has taken the token for the account's.
	used bool
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

// allEmergencyFiles are those of all accounts, listed again where that was not done
// for the whole plan.
func (e *Engine) allEmergencyFiles(known *readAhead) []string {
	if known != nil {
		return known.emergencies
	}
	return EmergencyFiles(e.EmergencyDir)
}

// emergencyFilesOf are those of the emergency files that are an account's. What is in
// them says whose they are: another project can have an account of the same
// address.
func (e *Engine) emergencyFilesOf(a *account, files []string) []*emergencyFile {
	var list []*emergencyFile
	for _, file := range files {
		of := e.ownerOfEmergencyFile(a, file)
		if of == nil {
			continue
		}
		info, err := os.Lstat(file)
		if err != nil {
			// It has just been removed.
			continue
		}
		r := &emergencyFile{file: file, after: precedent(file)}
		r.read(e, info)
		if r.record != nil && (owner{r.record.Project, r.record.Address}) != *of {
			continue
		}
		if self := (owner{e.Config.Project, a.cfg.Address}); r.record != nil && *of != self {
			r.record = movedRecord(r.record, *of, self)
		}
		list = append(list, r)
	}
	return list
}

// ownerOfEmergencyFile tells by its name whose a file is, of those whose record an
// account continues with; nil where it is none of theirs.
func (e *Engine) ownerOfEmergencyFile(a *account, file string) *owner {
	for _, of := range append([]owner{{e.Config.Project, a.cfg.Address}}, e.sourcesOf[a]...) {
		if strings.HasPrefix(filepath.Base(file), emergencyPrefix+state.RecordName(of.project, of.address)+"-") {
			return &of
		}
	}
	return nil
}

func (r *emergencyFile) read(e *Engine, info fs.FileInfo) {
	if r.observeErr = trusted(info); r.observeErr != nil {
		return
	}
	content, err := regularfile.Read(r.file, maxEmergencyFile)
	if err != nil {
		r.observeErr = err
		return
	}
	r.empty = len(content) == 0
	encrypted := bytes.HasPrefix(content, []byte(agearmor.Header))
	if encrypted {
		r.torn = !bytes.Contains(content, []byte(agearmor.Footer))
		if content, r.observeErr = decrypt(content, e.EmergencyIdentity); r.observeErr != nil {
			return
		}
	}
	r.record, r.observeErr = decodeEmergency(content)
	r.torn = r.observeErr != nil && !errors.Is(r.observeErr, state.ErrTooNew)
}

// trusted says why a file is not to be used unasked. Whoever can put a token
// there decides what is delivered; so the file has to be one that this user has
// written, and nobody else could.
func trusted(info fs.FileInfo) error {
	if !info.Mode().IsRegular() || info.Mode().Perm()&0o002 != 0 || !isOwn(info) {
		return errors.New("another user may have written it")
	}
	return nil
}

func decrypt(content []byte, identity credential.Secret) ([]byte, error) {
	if identity.IsZero() {
		return nil, errors.New("the emergency file is encrypted, and the state block has no age_identity to decrypt it")
	}
	plain, err := agearmor.Decrypt(content, identity)
	switch {
	case errors.Is(err, agearmor.ErrIdentity):
		return nil, errors.New("the age identity is not valid")
	case err != nil:
		return nil, errors.New("the emergency file is damaged, or encrypted to a different age key")
	}
	return plain, nil
}

// decodeEmergency reads what is in an emergency file, which has a new token.
func decodeEmergency(content []byte) (*state.Record, error) {
	rescued, err := state.Decode(credential.NewSecret(string(content)))
	switch {
	case errors.Is(err, state.ErrTooNew):
		return nil, fmt.Errorf("%w; use the credsync version that wrote it", err)
	case err != nil:
		return nil, errors.New("the file is not a credsync emergency file, or it is damaged or truncated; nothing was changed. If there is no complete copy, log in again with: credsync apply")
	case rescued.Pending == nil:
		return nil, fmt.Errorf("the emergency file of %s contains no new token", rescued.Address)
	}
	return rescued, nil
}

// withEmergencyToken returns the record as it will be: with the newest token of the
// account's emergency files as pending, where that is newer than what the state
// has. The first write of the record, that of the lease, brings it there.
//
// While a run holds the lease it may still have the token, and bring it back
// itself.
func (e *Engine) withEmergencyToken(o *observation, rec *state.Record) *state.Record {
	if e.held(rec) {
		return rec
	}
	for _, r := range o.emergencyFiles {
		if r.record == nil || !o.account.cfg.Enabled {
			continue
		}
		merged, err := mergeEmergency(o.account, rec, r.record)
		if err != nil {
			continue
		}
		for _, other := range o.emergencyFiles {
			other.used = other == r
		}
		rec = merged
	}
	return rec
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
	uncertain := false
	if n := rec.Newest(); n != nil {
		switch succession(a, n, token) {
		case sameToken:
			return nil, fmt.Errorf("the state of %s %w; the emergency file is no longer needed", rec.Address, ErrRecovered)
		case stateIsNewer:
			return nil, fmt.Errorf("the state of %s has a newer token than the emergency file; nothing was changed", rec.Address)
		case orderUnknown:
			uncertain = true
		}
		if !token.HasReplaced(n.ID) {
			token.Replace(n)
		}
	}
	if l := rec.Lease; !uncertain && l != nil && rescued.Lease != nil && l.Holder == rescued.Lease.Holder {
		// Nobody has worked on the account since, so all that the run has
		// learned stands: that the code it waited for was entered, say.
		whole := rescued.Clone()
		whole.Lease, whole.Failures, whole.Notices = nil, rec.Failures, rec.Notices
		return whole, nil
	}
	if !bytes.Equal(rec.Key, rescued.Key) {
		rekey(a, token, rescued.Key, rec.Key)
	}
	if uncertain {
		// Another run has logged in as well, and one login has killed the
		// token of the other. Clocks of two machines do not tell which.
		token.Rejected = true
	}
	rec.Pending = token
	return rec, nil
}

// order is how the token of an emergency file and the newest of the state's record follow
// each other. Each names those that it came after; their times are by two machines' clocks,
// and say nothing.
type order int

const (
	sameToken order = iota
	// fileIsNewer: the state's is one that the file's has replaced, or is no good.
	fileIsNewer
	// stateIsNewer: the state's has replaced the file's, or another run has replaced the
	// token that was there before both.
	stateIsNewer
	// orderUnknown: both have replaced the same token, and the login that was later, whichever
	// it was, has killed the other token.
	orderUnknown
)

func succession(a *account, ofState, ofFile *state.Grant) order {
	switch {
	case ofState.ID == ofFile.ID:
		return sameToken
	case ofFile.HasReplaced(ofState.ID):
		return fileIsNewer
	case ofState.HasReplaced(ofFile.ID):
		return stateIsNewer
	case a.loginRevokes():
		return orderUnknown
	case ofState.Rejected:
		return fileIsNewer
	}
	// A run that got a token since has taken the lease after the one that wrote the file.
	return stateIsNewer
}

// rekey makes a token's fingerprints again for a record that was made again,
// where they are those of the present configuration. Others stay as they are:
// under the new key they match nothing, and the token counts as got by another
// configuration.
func rekey(a *account, g *state.Grant, from, to []byte) {
	if a.unknown {
		return
	}
	was, is := fingerprintsOf(from, a.cfg), fingerprintsOf(to, a.cfg)
	if g.LoginPrint == was.login {
		g.LoginPrint = is.login
	}
	if g.ShapePrint == was.shape {
		g.ShapePrint = is.shape
	}
}

// superseded reports whether a file has nothing to bring to an account whose record this
// is. Of a file that cannot be read its name says which token the one in it has replaced.
func (r *emergencyFile) superseded(a *account, rec *state.Record) bool {
	newest := rec.Newest()
	if newest == nil {
		return false
	}
	if r.record == nil {
		return !strings.HasPrefix(newest.ID, r.after)
	}
	o := succession(a, newest, r.record.Pending)
	return o == sameToken || o == stateIsNewer
}

// removeObsoleteEmergencyFiles removes the account's emergency files that the state, as it is
// now, has no need of: it has their token or a newer one. A torn one, which nobody
// is still writing since that takes the lease, goes if it is empty, or once the state
// has a token that is newer than the file. Others that cannot be read here may be of use to someone
// else, and stay.
func (r *run) removeObsoleteEmergencyFiles(ctx context.Context) {
	if r.seen.account == nil {
		return
	}
	files := r.e.emergencyFilesOf(r.seen.account, EmergencyFiles(r.e.EmergencyDir))
	if len(files) == 0 {
		return
	}
	snap, err := r.e.Store.Load(ctx, r.plan.Address)
	if err != nil || snap.Record == nil {
		return
	}
	atWork := r.e.held(snap.Record)
	for _, f := range files {
		// What was cut short may still show somebody the token.
		unneeded := f.empty || f.superseded(r.seen.account, snap.Record)
		if unneeded && (f.record != nil || f.torn && !atWork) {
			removeEmergency(f.file)
			r.e.Log.Info("an emergency file was removed, because the state no longer needs it", "address", r.plan.Address, "file", f.file)
		}
	}
}

// emergencyWarnings warns of emergency files: who reads this run's output may not have
// seen what the one before has said.
func (e *Engine) emergencyWarnings(seen []*observation) diag.List {
	var warnings diag.List
	for _, o := range seen {
		for _, r := range o.emergencyFiles {
			if !r.used && o.record != nil && r.superseded(o.account, o.record) {
				continue
			}
			warnings = append(warnings, r.warning(o.account))
		}
	}
	return warnings
}

func (r *emergencyFile) warning(a *account) diag.Diagnostic {
	const got = "An earlier run got a token that could not be written to the state. "
	recoverIt := "recover it before the next apply, which would log in again: credsync state recover " + r.file
	var detail string
	switch {
	case r.used:
		detail = fmt.Sprintf("It is in %s. Apply recovers it without a login, and then removes the file.", r.file)
	case r.torn:
		return diag.Warningf("An emergency file is truncated", got+"The run was killed while it wrote the token to %s, so the token is lost. Apply removes the file once it has another token.", r.file).About(a.cfg.Address, a.cfg.Range)
	case r.observeErr != nil:
		detail = fmt.Sprintf("It is in %s, which apply does not use by itself: %s. If the file is good, %s.", r.file, diag.Clause(r.observeErr.Error()), recoverIt)
	case !a.cfg.Enabled:
		detail = fmt.Sprintf("It is in %s. The account is disabled; once it is enabled, apply recovers the token.", r.file)
	default:
		detail = fmt.Sprintf("It is in %s. A run that is working on the account may still recover it; otherwise the next apply does.", r.file)
	}
	return diag.Warningf(TokenInEmergencyFile, "%s%s", got, detail).About(a.cfg.Address, a.cfg.Range)
}

package doctor

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
)

// checkAuditTrail says whether the audit trail can be written: while it cannot, nothing
// logs in.
func (d *doctor) checkAuditTrail() {
	a := d.Config.Audit
	if a == nil {
		return
	}
	if a.Stream {
		d.add(Check{Group: Audit, Subject: "standard error", Outcome: OK, Message: "receives the audit lines"})
		return
	}
	c := Check{Group: Audit, Subject: a.Path}
	info, err := os.Stat(a.Path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		c = d.checkNewTrail(c)
	case err == nil:
		c = checkExistingTrail(c, info)
	default:
		c = unwritableTrail(c, err)
	}
	d.add(c)
	if c.Outcome != Failed {
		d.checkTrailPermissions(a.Path)
	}
}

// auditConsequence is what an audit trail that cannot be written means.
const auditConsequence = " Until this is fixed, credsync will not log in, and tokens expire."

func unwritableTrail(c Check, err error) Check {
	var path *fs.PathError
	if errors.As(err, &path) {
		err = path.Err
	}
	c.Outcome, c.Message = Failed, "cannot be written: "+err.Error()
	c.Remedy = "Make it writable for the user that credsync runs as, or set another path in the audit block." + auditConsequence
	return c
}

// checkNewTrail is about a file that is made when there is something to record. The
// file itself is not made here: who looks must not leave a trail.
func (d *doctor) checkNewTrail(c Check) Check {
	dir := filepath.Dir(c.Subject)
	info, err := os.Stat(dir)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		c.Outcome, c.Message = Failed, "its directory does not exist"
		c.Remedy = fmt.Sprintf("Create the directory %s for the user that credsync runs as, or set another path in the audit block.%s", dir, auditConsequence)
		return c
	case err != nil:
		return unwritableTrail(c, err)
	case !info.IsDir():
		return unwritableTrail(c, syscall.ENOTDIR)
	}
	f, err := os.CreateTemp(dir, ".credsync-doctor-*")
	if err != nil {
		return unwritableTrail(c, err)
	}
	if err := errors.Join(f.Close(), os.Remove(f.Name())); err != nil {
		return unwritableTrail(c, err)
	}
	c.Outcome, c.Message = OK, "can be created, with mode 0600"
	return c
}

// checkExistingTrail opens the file as the audit trail does, and adds nothing.
func checkExistingTrail(c Check, info fs.FileInfo) Check {
	if info.IsDir() {
		return unwritableTrail(c, syscall.EISDIR)
	}
	// Without O_NONBLOCK a named pipe that nobody reads would hold us up.
	f, err := os.OpenFile(c.Subject, os.O_WRONLY|os.O_APPEND|syscall.O_NONBLOCK, 0)
	if err != nil {
		return unwritableTrail(c, err)
	}
	_ = f.Close()
	c.Outcome, c.Message = OK, fmt.Sprintf("can be appended to, mode %04o", info.Mode().Perm())
	if !info.Mode().IsRegular() {
		c.Outcome, c.Message = Warning, "is not a regular file: lines that its reader does not receive are lost"
		c.Remedy = "Set path in the audit block to a file, or to \"-\" for standard error."
	}
	return c
}

// checkTrailPermissions warns where any user of the machine could forge the trail or
// take it away.
func (d *doctor) checkTrailPermissions(path string) {
	for _, at := range []string{path, filepath.Dir(path)} {
		info, err := os.Stat(at)
		if err != nil || !writableByAll(info) {
			continue
		}
		d.add(Check{
			Group: Audit, Subject: at, Outcome: Warning,
			Message: fmt.Sprintf("any user of this machine can write to it (mode %04o) and so change what was recorded", info.Mode().Perm()),
			Remedy:  "Remove that permission: chmod o-w " + at,
		})
	}
}

// writableByAll reports whether anyone may write to a file, or replace one in a
// directory: with the sticky bit only its owner may.
func writableByAll(info fs.FileInfo) bool {
	switch {
	case info.IsDir():
		return info.Mode().Perm()&0o002 != 0 && info.Mode()&fs.ModeSticky == 0
	case info.Mode().IsRegular():
		return info.Mode().Perm()&0o002 != 0
	}
	return false
}

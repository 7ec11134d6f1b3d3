package daemon

import (
	"crypto/sha256"
	"encoding/hex"
	"io"
	"maps"
	"os"
	"time"

	"github.com/credsync/credsync/config"
)

// fingerprints tell by its path how a file was; "" for one that is not there.
// Only the content counts, so that a file may be touched, or replaced by an
// equal one, as a ConfigMap's are.
type fingerprints map[string]string

func (f fingerprints) same(other fingerprints) bool { return f != nil && maps.Equal(f, other) }

// with takes over the list of files of now, and of those that were known before
// how they were then. The others were read a moment ago, after the time given:
// one that was written since counts as not known.
func (f fingerprints) with(now fingerprints, read time.Time) fingerprints {
	all := make(fingerprints, len(now))
	for path, print := range now {
		if before, known := f[path]; known {
			print = before
		} else if info, err := os.Stat(path); err == nil && info.ModTime().After(read) {
			print = "written since"
		}
		all[path] = print
	}
	return all
}

// fingerprints looks at the files that a configuration is made of, or those that
// are known where there is none yet.
func (d *Daemon) fingerprints(g *generation) fingerprints {
	var cfg *config.Config
	if g != nil {
		cfg = g.Config
	}
	all := fingerprints{}
	for _, path := range d.Files(cfg) {
		all[path] = fingerprint(path)
	}
	return all
}

// fingerprint is the hash of a regular file. What is none is never read, since
// a pipe blocks.
func fingerprint(path string) string {
	info, err := os.Stat(path)
	if err != nil || !info.Mode().IsRegular() {
		return ""
	}
	f, err := os.Open(path)
	if err != nil {
		return "unreadable"
	}
	defer func() { _ = f.Close() }()
	h := sha256.New()
	if _, err := io.Copy(h, io.LimitReader(f, maxHashed)); err != nil {
		return "unreadable"
	}
	return hex.EncodeToString(h.Sum(nil))
}

// maxHashed is more than any file of a configuration may have.
const maxHashed = 32 << 20

package main

import (
	"github.com/credsync/credsync/audit"
	"github.com/credsync/credsync/config"
)

// auditor returns the audit trail that the configuration asks for, or nil. A
// configuration that is read again goes on with the same file.
func (a *app) auditor(c *config.Audit) audit.Recorder {
	switch {
	case c == nil:
		return nil
	case c.Stream:
		// A live line and these would overwrite each other.
		a.out.Err.Terminal = false
		return audit.NewStream(a.stderr, "standard error")
	}
	if a.trails == nil {
		a.trails = map[string]*audit.File{}
	}
	if a.trails[c.Path] == nil {
		a.trails[c.Path] = audit.NewFile(c.Path)
	}
	return a.trails[c.Path]
}

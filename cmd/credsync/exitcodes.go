package main

import (
	"fmt"

	"github.com/credsync/credsync/schema/diag"
)

// The exit codes that scripts rely on.
const (
	exitDone    = 0
	exitError   = 1
	exitChanges = 2
	exitHuman   = 3
)

// commandResult is what a command's exit code depends on.
type commandResult struct {
	// failed: an error, so nothing or not everything was done.
	failed bool
	// changes: a plan found something to do.
	changes bool
	// blocked: an account needs a human.
	blocked bool
	// detailed: the caller asked to be told about changes and blocked accounts:
	// plan --detailed-exitcode, and always apply.
	detailed bool
}

// code: an error hides everything else, and changes hide blocked accounts,
// which are still there once the changes are made.
func (e commandResult) code() int {
	switch {
	case e.failed:
		return exitError
	case e.detailed && e.changes:
		return exitChanges
	case e.detailed && e.blocked:
		return exitHuman
	}
	return exitDone
}

// exitStatus ends a command with that code, everything having been said.
type exitStatus int

func (s exitStatus) Error() string { return fmt.Sprintf("exit status %d", int(s)) }

// asError is what a command's function returns.
func (e commandResult) asError() error {
	if c := e.code(); c != exitDone {
		return exitStatus(c)
	}
	return nil
}

// failed says why a command could not do its work, and is its exit code.
func (a *app) failed(summary string, err error) error {
	a.out.Diagnostics(diag.List{diag.FromError(summary, err)})
	return exitStatus(exitError)
}

package main

import "fmt"

// The exit codes that scripts rely on.
const (
	exitDone    = 0
	exitError   = 1
	exitChanges = 2
	exitHuman   = 3
)

// ending is what a command's exit code depends on.
type ending struct {
	// failed: an error, so nothing or not everything was done.
	failed bool
	// changes: a plan found something to do.
	changes bool
	// blocked: an account needs a human.
	blocked bool
	// detailed: the caller asked to be told of changes and blocked accounts:
	// plan --detailed-exitcode, and always apply.
	detailed bool
}

// code: an error hides everything else, and changes hide blocked accounts,
// which are still there once the changes are made.
func (e ending) code() int {
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

// status ends a command with that code, everything having been said.
type status int

func (s status) Error() string { return fmt.Sprintf("exit status %d", int(s)) }

// exit is what a command's function returns.
func (e ending) exit() error {
	if c := e.code(); c != exitDone {
		return status(c)
	}
	return nil
}

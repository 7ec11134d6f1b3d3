package main

import (
	"errors"

	"github.com/credsync/credsync/config"
)

// inputFlag collects --var and --var-file in one list, since their order is
// what decides between two values of one variable.
type inputFlag struct {
	app  *app
	file bool
}

// String is what the flag shows of itself: nothing, since it may be a secret.
func (f inputFlag) String() string { return "" }

// Type is what a value of the flag is called.
func (f inputFlag) Type() string { return "string" }

// Set adds a value.
func (f inputFlag) Set(s string) error {
	if s == "" {
		return errors.New("the value is empty")
	}
	in := config.Input{Var: s}
	if f.file {
		in = config.Input{File: s}
	}
	f.app.flags.inputs = append(f.app.flags.inputs, in)
	return nil
}

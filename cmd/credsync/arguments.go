package main

import (
	"fmt"

	"github.com/spf13/cobra"
)

// oneAddress wants one account.
func oneAddress(command string) cobra.PositionalArgs {
	return func(_ *cobra.Command, args []string) error {
		if len(args) != 1 {
			return usageError{command + " takes one account", "Give its address, such as sagi.coffee; credsync state list shows the addresses."}
		}
		return nil
	}
}

// noArguments refuses any.
func noArguments(command string) cobra.PositionalArgs {
	return func(_ *cobra.Command, args []string) error {
		if len(args) > 0 {
			return usageError{command + " takes no arguments", "Run credsync " + command + " --help."}
		}
		return nil
	}
}

// pathArgument is the PATH of a command, as given.
func pathArgument(args []string) string {
	if len(args) == 0 {
		return "."
	}
	return args[0]
}

// onePath refuses more than one PATH.
func onePath(_ *cobra.Command, args []string) error {
	if len(args) > 1 {
		return usageError{fmt.Sprintf("%d paths were given", len(args)), "Give one directory or file, or none for the current directory."}
	}
	return nil
}

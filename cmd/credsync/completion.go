package main

import (
	"regexp"
	"slices"
	"strings"

	"github.com/credsync/credsync/config"
	"github.com/spf13/cobra"
)

// completion says what can stand at a place of the command line. It contacts
// nothing and needs no secret: a shell asks it at each press of a key.
type completion = func(cmd *cobra.Command, args []string, begun string) ([]string, cobra.ShellCompDirective)

// inventoryOf reads the configuration of a command that is being typed; nil
// where it cannot be read.
func (a *app) inventoryOf(cmd *cobra.Command, path string) *config.Inventory {
	opts := a.loadOptions(a.path(path))
	opts.AllowMissing = true
	inventory, _ := config.LoadInventory(cmd.Context(), opts)
	return inventory
}

// completeFlagAddress is for flags of commands that take a PATH.
func (a *app) completeFlagAddress(
	cmd *cobra.Command,
	args []string,
	begun string,
) ([]string, cobra.ShellCompDirective) {
	return a.addresses(cmd, pathArgument(args), begun, nil), cobra.ShellCompDirectiveNoFileComp
}

// completeAddress is for a command that takes one account, completeAddresses
// for one that takes several.
func (a *app) completeAddress(cmd *cobra.Command, args []string, begun string) ([]string, cobra.ShellCompDirective) {
	if len(args) > 0 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	return a.completeAddresses(cmd, args, begun)
}

func (a *app) completeAddresses(cmd *cobra.Command, args []string, begun string) ([]string, cobra.ShellCompDirective) {
	return a.addresses(cmd, ".", begun, args), cobra.ShellCompDirectiveNoFileComp
}

// plainKey is an instance whose key needs no quotes. Without them it needs none
// in bash either, which does not add them to what several addresses share.
var plainKey = regexp.MustCompile(`\["[A-Za-z0-9_./:-]+"\]$`)

// addresses are those of the configuration that begin like that, without
// "account." unless that was begun, and without those given already. Accounts
// whose instances are not known are completed without a key.
func (a *app) addresses(cmd *cobra.Command, path, begun string, given []string) []string {
	inventory := a.inventoryOf(cmd, path)
	if inventory == nil {
		return nil
	}
	var list []string
	for _, address := range slices.Concat(inventory.Addresses, inventory.UnexpandedBlocks) {
		if plainKey.MatchString(address) && !strings.Contains(begun, `"`) {
			address = strings.ReplaceAll(address, `"`, "")
		}
		if begun == "" || !strings.HasPrefix("account.", begun) && !strings.HasPrefix(begun, "account.") {
			address = strings.TrimPrefix(address, "account.")
		}
		if strings.HasPrefix(address, begun) && !slices.Contains(given, address) {
			list = append(list, address)
		}
	}
	return list
}

// completeSinks are the names of the sinks of a type.
func (a *app) completeSinks(sinkType string) completion {
	return func(cmd *cobra.Command, given []string, begun string) ([]string, cobra.ShellCompDirective) {
		var list []string
		if inventory := a.inventoryOf(cmd, "."); inventory != nil {
			for _, s := range inventory.Sinks {
				name := strings.TrimPrefix(s.Name, sinkType+".")
				if s.Spec.Type == sinkType && strings.HasPrefix(name, begun) && !slices.Contains(given, name) {
					list = append(list, name)
				}
			}
		}
		return list, cobra.ShellCompDirectiveNoFileComp
	}
}

// completeNotify are the names of the notify blocks.
func (a *app) completeNotify(cmd *cobra.Command, given []string, begun string) ([]string, cobra.ShellCompDirective) {
	var list []string
	if inventory := a.inventoryOf(cmd, "."); inventory != nil {
		for _, name := range inventory.Notify {
			name = strings.TrimPrefix(name, "webhook.")
			if strings.HasPrefix(name, begun) && !slices.Contains(given, name) {
				list = append(list, name)
			}
		}
	}
	return list, cobra.ShellCompDirectiveNoFileComp
}

// completeFlag attaches a completion to a flag of the command. A flag that is
// not there is a bug, and panics.
func completeFlag(cmd *cobra.Command, flag string, f completion) {
	if err := cmd.RegisterFlagCompletionFunc(flag, f); err != nil {
		panic(err)
	}
}

// words completes one of several words.
func words(list ...string) completion {
	return cobra.FixedCompletions(list, cobra.ShellCompDirectiveNoFileComp)
}

package sinks

import (
	"context"

	"github.com/credsync/credsync/schema"
)

// Policy describes the command "credsync policy <Name>", which prints what
// credsync has to be allowed at the sinks of one type, and no more.
type Policy struct {
	// Name is the word after "credsync policy", as users call the thing:
	// "vault", "kubernetes".
	Name string
	// Short is the command's help in one line, Long the whole of it.
	Short, Long string
	// Flags are what the text depends on besides the configuration.
	Flags []PolicyFlag
	// Print returns the text, ready for the tool that takes it. The same
	// configuration gives the same text. Without a flag that says otherwise it
	// contacts nothing. An error says what to change, and where.
	Print func(ctx context.Context, r PolicyRequest) ([]byte, error)
}

// PolicyFlag is a flag of a policy command.
type PolicyFlag struct {
	Name, Default, Usage string
	// OneOf are the values that it can have; any where it is empty.
	OneOf []string
}

// PolicyRequest is what a policy is to cover.
type PolicyRequest struct {
	// Project is the configuration's.
	Project string
	// Uses are the sinks, by name. There is at least one.
	Uses []Use
	// Flags has a value for each of Policy.Flags.
	Flags map[string]string
	Env   Env
}

// Use is what a configuration does with one sink. The lists are ordered, and
// no target in them depends on what is not known.
type Use struct {
	// Sink names the sink block: "vault.main".
	Sink string
	// Conn are the values of the sink block.
	Conn    schema.Values
	Deliver []DeliverUse
	// State is nil where the state lives elsewhere.
	State *StateUse
	Data  []DataUse
}

// DeliverUse is a deliver block, also that of an account which is disabled for
// now.
type DeliverUse struct {
	// Account is the address of the account: account.sagi.coffee.
	Account string
	Target  Target
	// Adopt is the deliver block's. Delete says that the target is deleted
	// once it has gone from the configuration.
	Adopt, Delete bool
}

// StateUse is the state block.
type StateUse struct {
	// All is the place of the records; those of accounts that have gone from
	// the configuration are there too.
	All Target
	// Records are those of the accounts that are in the configuration.
	Records []Target
}

// DataUse is a data block, or one instance of it.
type DataUse struct {
	// Address of the block: data.vault.accounts.
	Address string
	Target  Target
}

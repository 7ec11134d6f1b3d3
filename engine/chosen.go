package engine

import (
	"slices"

	"github.com/credsync/credsync/schema/address"
	"github.com/credsync/credsync/schema/diag"
)

// NoSuchAccount is the error of a pattern that names nothing. what says where
// it was given, such as "--target".
func NoSuchAccount(what, pattern string) diag.Diagnostic {
	return diag.Errorf("No such account",
		"%s %s names no account of this configuration. Write sagi.coffee, or 'sagi.coffee[\"almaty\"]' in single quotes for one of several instances; "+
			"\"*\" stands for any characters of a part, as in 'sagi.*'. credsync status lists the accounts.", what, pattern)
}

// accountsMatching returns the accounts that the patterns name, each once. A pattern that
// names none is an error.
func (e *Engine) accountsMatching(patterns []string, flag string) ([]*account, diag.List) {
	var chosen []*account
	var diags diag.List
	for _, pattern := range patterns {
		found := false
		for _, a := range e.accounts {
			if !address.Match(pattern, a.cfg.Address) {
				continue
			}
			found = true
			if !slices.Contains(chosen, a) {
				chosen = append(chosen, a)
			}
		}
		if !found {
			diags = append(diags, NoSuchAccount(flag, pattern))
		}
	}
	return chosen, diags
}

package engine

import (
	"regexp"
	"slices"
	"strings"

	"github.com/credsync/credsync/schema/diag"
)

// MatchAddress reports whether a pattern names an account's address.
//
// A pattern is written like an address, `account.sagi.coffee["almaty"]`, and
// may leave out "account.". Provider, name and key are compared one by one, so
// nothing spans two of them: in each, "*" stands for any characters and "?" for
// one. Brackets only ever enclose the key, with or without its quotes, which a
// shell may have taken. A pattern without a key names every instance. What
// would be a pattern is taken literally where an account is called that.
func MatchAddress(pattern, address string) bool {
	pattern, address = strings.TrimPrefix(pattern, "account."), strings.TrimPrefix(address, "account.")
	if pattern == address {
		return true
	}
	want, ok := splitAddress(pattern)
	have, fine := splitAddress(address)
	if !ok || !fine || want.keyed && !have.keyed {
		return false
	}
	return wildcard(want.provider, have.provider) && wildcard(want.name, have.name) && (!want.keyed || wildcard(want.key, have.key))
}

// addressParts are the parts of an address or a pattern.
type addressParts struct {
	provider, name, key string
	keyed               bool
}

func splitAddress(s string) (p addressParts, ok bool) {
	head, rest, keyed := strings.Cut(s, "[")
	p.provider, p.name, ok = strings.Cut(head, ".")
	if !ok || !keyed {
		return p, ok
	}
	p.key, ok = strings.CutSuffix(rest, "]")
	if n := len(p.key); n >= 2 && p.key[0] == '"' && p.key[n-1] == '"' {
		p.key = p.key[1 : n-1]
	}
	p.keyed = true
	return p, ok
}

// FullAddress completes an address as people type it: "account." may be left
// out, and so may the quotes of a key, which shells take.
func FullAddress(s string) string {
	if !strings.HasPrefix(s, "account.") {
		s = "account." + s
	}
	if p, ok := splitAddress(s[len("account."):]); ok && p.keyed {
		return "account." + p.provider + "." + p.name + `["` + p.key + `"]`
	}
	return s
}

// wildcard compares one part. Unlike path.Match it knows no ranges in brackets,
// and "/" is a character like any other, since keys have both.
func wildcard(pattern, text string) bool {
	if pattern == text || !strings.ContainsAny(pattern, "*?") {
		return pattern == text
	}
	expression := strings.NewReplacer(`\*`, ".*", `\?`, ".").Replace(regexp.QuoteMeta(pattern))
	matched, err := regexp.MatchString("(?s)^"+expression+"$", text)
	return err == nil && matched
}

// NoSuchAccount is the error of a pattern that names nothing. what says where
// it was given, such as "--target".
func NoSuchAccount(what, pattern string) diag.Diagnostic {
	return diag.Errorf("No such account",
		"%s %s names no account of this configuration. Write sagi.coffee, or 'sagi.coffee[\"almaty\"]' in single quotes for one of several instances; "+
			"\"*\" stands for any characters of a part, as in 'sagi.*'. credsync status lists the accounts.", what, pattern)
}

// choose returns the accounts that the patterns name, each once. A pattern that
// names none is an error.
func (e *Engine) choose(patterns []string, flag string) ([]*account, diag.List) {
	var chosen []*account
	var diags diag.List
	for _, pattern := range patterns {
		found := false
		for _, a := range e.accounts {
			if !MatchAddress(pattern, a.cfg.Address) {
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

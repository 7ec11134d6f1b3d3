// Package address compares the addresses of accounts, such as
// account.sagi.coffee["almaty"], with what people write for them.
package address

import (
	"regexp"
	"strings"
)

// Match reports whether a pattern names an account's address.
//
// A pattern is written like an address, `account.sagi.coffee["almaty"]`, and
// may leave out "account.". Provider, name and key are compared one by one, so
// nothing spans two of them: in each, "*" stands for any characters and "?" for
// one. Brackets only ever enclose the key, with or without its quotes, which a
// shell may have taken. A pattern without a key names every instance. What
// would be a pattern is taken literally where an account is called that.
func Match(pattern, address string) bool {
	pattern, address = strings.TrimPrefix(pattern, "account."), strings.TrimPrefix(address, "account.")
	if pattern == address {
		return true
	}
	want, ok := split(pattern)
	have, fine := split(address)
	if !ok || !fine || want.keyed && !have.keyed {
		return false
	}
	return wildcard(want.provider, have.provider) && wildcard(want.name, have.name) &&
		(!want.keyed || wildcard(want.key, have.key))
}

// parts are the parts of an address or a pattern.
type parts struct {
	provider, name, key string
	keyed               bool
}

func split(s string) (p parts, ok bool) {
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

// Provider is the provider that an account's address names.
func Provider(address string) string {
	provider, _, _ := strings.Cut(strings.TrimPrefix(address, "account."), ".")
	return provider
}

// Full completes an address as people type it: "account." may be left
// out, and so may the quotes of a key, which shells take.
func Full(s string) string {
	if !strings.HasPrefix(s, "account.") {
		s = "account." + s
	}
	if p, ok := split(s[len("account."):]); ok && p.keyed {
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

package config

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/credsync/credsync/providers"
	"github.com/hashicorp/hcl/v2"
)

// formerType is the name that an upstream had before.
type formerType struct {
	spec *providers.Spec
	at   hcl.Range
}

// noteFormerNames checks the former names of upstreams, once all of them are declared: a
// name that accounts may still have cannot be one.
func (l *loader) noteFormerNames(blocks []*hcl.Block, declared map[string]hcl.Range) {
	l.formerTypes = map[string]formerType{}
	for _, b := range blocks {
		spec, ok := l.providers.Lookup(b.Labels[0])
		if !ok || spec.Formerly == "" || l.brokenUpstreams[spec.Name] {
			continue
		}
		content, _, _ := b.Body.PartialContent(&hcl.BodySchema{Attributes: []hcl.AttributeSchema{{Name: "formerly"}}})
		a := content.Attributes["formerly"]
		if a == nil {
			continue
		}
		at, old := a.Expr.Range(), spec.Formerly
		_, builtIn := l.opts.Providers.Lookup(old)
		_, embedded := l.opts.Embedded[old]
		inline := slices.ContainsFunc(l.inlineSpecs, func(s *providers.Spec) bool { return s.Name == old })
		still, isDeclared := declared[old]
		first, twice := l.formerTypes[old]
		where, detail := "upstream."+spec.Name, ""
		switch {
		case old == spec.Name:
			detail = fmt.Sprintf("%q is the upstream's present name. Set formerly to the previous one, or remove it.", old)
		case isDeclared:
			detail = fmt.Sprintf("The upstream %q is still declared at %s, so its accounts keep their records. Remove that block, or remove formerly.", old, place(still))
		case builtIn, embedded, inline, slices.Contains(reservedTypes, old):
			detail = fmt.Sprintf("%q is built in, so accounts can still have that type. Remove formerly.", old)
		case twice:
			detail = fmt.Sprintf("%q is already the former name of the upstream %q at %s. Records can move to one name only. Remove one of the two.", old, first.spec.Name, place(first.at))
		}
		if detail != "" {
			l.report.error(at, where, "Invalid former name", detail)
			continue
		}
		l.formerTypes[old] = formerType{spec: spec, at: at}
	}
}

// formerProvider is the upstream that had a name before.
func (l *loader) formerProvider(name string) (*providers.Spec, bool) {
	f, ok := l.formerTypes[name]
	return f.spec, ok
}

// addFormerTypes adds what former names of upstreams mean: a moved block for each account.
// Where a block of the configuration says otherwise, that counts.
func (m *movedBlocks) addFormerTypes() (implied map[*movedBlock]bool) {
	implied = map[*movedBlock]bool{}
	for _, old := range slices.Sorted(maps.Keys(m.l.formerTypes)) {
		f := m.l.formerTypes[old]
		for _, name := range m.accountsOf(f.spec) {
			from := accountReference{block: "account." + old + "." + name, spec: f.spec, at: f.at}
			to := accountReference{block: "account." + f.spec.Name + "." + name, spec: f.spec, at: f.at}
			if m.byFrom[from.address()] != nil || m.byTo[to.address()] != nil {
				continue
			}
			b := &movedBlock{from: from, to: to, def: f.at, whole: true}
			m.byFrom[from.address()], m.byTo[to.address()] = b, b
			m.all, implied[b] = append(m.all, b), true
		}
	}
	return implied
}

// accountsOf are the names of the account blocks of a provider, and of those that moved
// blocks name: a record may have to go through more than one address.
func (m *movedBlocks) accountsOf(spec *providers.Spec) []string {
	prefix, names := "account."+spec.Name+".", map[string]bool{}
	add := func(block string) {
		if name, ok := strings.CutPrefix(block, prefix); ok {
			names[name] = true
		}
	}
	for block := range m.l.declared {
		add(block)
	}
	for _, b := range m.all {
		add(b.from.block)
	}
	return slices.Sorted(maps.Keys(names))
}

package config

import (
	"fmt"
	"strings"

	"github.com/credsync/credsync/schema"
	"github.com/credsync/credsync/schema/diag"
	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"
)

// Moved is one moved block.
type Moved struct {
	// From and To are addresses, as in Account.Address.
	From, To string
	// Whole says that neither names an instance, so that each instance of From is
	// moved to the same key of To as well.
	Whole bool
	Range *diag.Range
}

// accountRef is a reference to an account: to a block, or to an instance of it.
type accountRef struct {
	provider, name string
	// key is `["almaty"]`; "" where no instance is named.
	key string
	at  hcl.Range
}

func (r accountRef) block() string { return "account." + r.provider + "." + r.name }

func (r accountRef) address() string { return r.block() + r.key }

const referenceForm = `Write it as a reference: account.sagi.coffee, or account.sagi.shop["almaty"] for one of several instances.`

// accountRef reads an argument that names an account. It is not evaluated: the
// account need not be there any more.
func (l *loader) accountRef(a *hcl.Attribute, what string) (accountRef, bool) {
	l.report.reveal(a.Expr)
	refuse := func(detail string) (accountRef, bool) {
		l.report.error(a.Expr.Range(), "", "Invalid reference to an account", detail)
		return accountRef{}, false
	}
	t, problems := hcl.AbsTraversalForExpr(a.Expr)
	if problems.HasErrors() || len(t) < 3 || len(t) > 4 || t.RootName() != "account" {
		return refuse(what + " must name an account. " + referenceForm)
	}
	ref := accountRef{at: a.Expr.Range()}
	for i, to := range map[int]*string{1: &ref.provider, 2: &ref.name} {
		step, ok := t[i].(hcl.TraverseAttr)
		if !ok {
			return refuse(what + " must name an account. " + referenceForm)
		}
		*to = step.Name
	}
	if len(t) == 4 {
		step, ok := t[3].(hcl.TraverseIndex)
		if !ok || step.Key.Type() != cty.String {
			return refuse(fmt.Sprintf("The key of an instance is a text in double quotes: %s[\"almaty\"].", ref.block()))
		}
		ref.key = "[" + quoteHCL(step.Key.AsString()) + "]"
	}
	if _, ok := l.opts.Providers.Lookup(ref.provider); !ok {
		known := l.opts.Providers.Names()
		return refuse(fmt.Sprintf("There is no provider %q.%s The providers are %s.", ref.provider, didYouMean(ref.provider, known), quoteAll(known)))
	}
	return ref, true
}

// accountBlocks are the account blocks that there are, with or without mistakes.
type accountBlocks struct {
	// at is where a block is, by its address; several says that it has for_each.
	at      map[string]hcl.Range
	several map[string]bool
	// instances are the addresses of the accounts that are known, and unknown the
	// blocks of which not all are.
	instances, unknown map[string]bool
}

func findAccountBlocks(blocks []*hcl.Block) *accountBlocks {
	b := &accountBlocks{at: map[string]hcl.Range{}, several: map[string]bool{}, instances: map[string]bool{}, unknown: map[string]bool{}}
	for _, block := range blocks {
		address := "account." + block.Labels[0] + "." + block.Labels[1]
		b.at[address] = block.DefRange
		content, _, _ := block.Body.PartialContent(&hcl.BodySchema{Attributes: []hcl.AttributeSchema{{Name: "for_each"}}})
		b.several[address] = content.Attributes["for_each"] != nil
	}
	return b
}

// evaluated takes in which instances there are.
func (b *accountBlocks) evaluated(accounts []*Account, unknown []Unknown, failed bool) {
	for _, a := range accounts {
		b.instances[a.Address] = true
	}
	for _, u := range unknown {
		b.unknown[u.Address] = true
	}
	if failed {
		for address, several := range b.several {
			b.unknown[address] = b.unknown[address] || several
		}
	}
}

// declares reports whether the configuration has what a reference names; where
// that is not known it says what was asked for as well.
func (b *accountBlocks) declares(ref accountRef, ifUnknown bool) bool {
	_, there := b.at[ref.block()]
	switch {
	case !there:
		return false
	case !b.several[ref.block()]:
		return ref.key == ""
	case ref.key == "":
		return false
	case b.unknown[ref.block()]:
		return ifUnknown
	}
	return b.instances[ref.address()]
}

// movedBlock is a moved block whose references were read.
type movedBlock struct {
	from, to accountRef
	def      hcl.Range
}

func (m movedBlock) whole() bool { return m.from.key == "" && m.to.key == "" }

// declareMoved reads the moved blocks, in the order of the files.
func (l *loader) declareMoved(blocks []*hcl.Block, accounts *accountBlocks) []*Moved {
	var all []movedBlock
	for _, b := range blocks {
		if m, ok := l.movedBlock(b); ok {
			all = append(all, m)
		}
	}
	byFrom, byTo := map[string]movedBlock{}, map[string]movedBlock{}
	for _, m := range all {
		if other, twice := byFrom[m.from.address()]; twice {
			l.report.error(m.from.at, "", "Two moved blocks with one from", fmt.Sprintf("%s is moved to %s here, and to %s at %s. Keep one of them.", m.from.address(), m.to.address(), other.to.address(), place(other.from.at)))
			continue
		}
		if other, twice := byTo[m.to.address()]; twice {
			l.report.error(m.to.at, "", "Two moved blocks with one to", fmt.Sprintf("%s goes on with the record of %s here, and with that of %s at %s. Keep one of them.", m.to.address(), m.from.address(), other.from.address(), place(other.to.at)))
			continue
		}
		byFrom[m.from.address()], byTo[m.to.address()] = m, m
	}
	var moved []*Moved
	for _, m := range all {
		l.checkMoved(m, byFrom, accounts)
		moved = append(moved, &Moved{From: m.from.address(), To: m.to.address(), Whole: m.whole(), Range: convertRange(m.def)})
	}
	return moved
}

func (l *loader) movedBlock(b *hcl.Block) (movedBlock, bool) {
	s := section{body: b.Body, def: b.DefRange, kind: "the moved block"}
	content, ok := l.splitByTables(s, scope{ctx: l.functionsContext}, []*schema.Block{l.tables.moved})
	from, to := content.Attributes["from"], content.Attributes["to"]
	if !ok || from == nil || to == nil {
		l.requireAttributes(content, s, l.tables.moved)
		return movedBlock{}, false
	}
	m := movedBlock{def: b.DefRange}
	var okFrom, okTo bool
	m.from, okFrom = l.accountRef(from, "from")
	m.to, okTo = l.accountRef(to, "to")
	switch {
	case !okFrom || !okTo:
		return movedBlock{}, false
	case m.from.address() == m.to.address():
		l.report.error(m.to.at, "", "Invalid moved block", "from and to are the same address. Take the block out.")
		return movedBlock{}, false
	case m.from.provider != m.to.provider:
		l.report.error(m.to.at, "", "Invalid moved block", fmt.Sprintf("%s and %s are accounts of different providers, and a token of one is of no use to the other. Take the block out.", m.from.address(), m.to.address()))
		return movedBlock{}, false
	}
	return m, true
}

// requireAttributes reports the required attributes that a block lacks.
func (l *loader) requireAttributes(content *hcl.BodyContent, s section, table *schema.Block) {
	for _, row := range table.Attributes {
		if row.Required && content.Attributes[row.Name] == nil {
			l.report.error(s.def, "", "Missing required argument", fmt.Sprintf("The argument %q is required in %s.", row.Name, s.name()))
		}
	}
}

// checkMoved reports what a block says that cannot be.
func (l *loader) checkMoved(m movedBlock, byFrom map[string]movedBlock, accounts *accountBlocks) {
	back, exchanged := byFrom[m.to.address()]
	exchanged = exchanged && back.to.address() == m.from.address()
	at, there := accounts.at[m.from.block()]
	declared := accounts.declares(m.from, false) || there && m.whole() && accounts.several[m.from.block()]
	switch {
	case exchanged:
		if !declared && !accounts.unknown[m.from.block()] {
			l.report.error(m.from.at, "", "Moved in a circle", fmt.Sprintf("%s and %s are moved to each other (%s), which exchanges two accounts, but %s is not declared. Declare it, or take one of the blocks out.", m.from.address(), m.to.address(), place(back.from.at), m.from.address()))
		}
		return
	case declared:
		l.report.error(m.from.at, "", "Moved from an account that is still there", fmt.Sprintf("%s is moved to %s here, and is still declared at %s. Rename that account, or take the block out.", m.from.address(), m.to.address(), place(at)))
		return
	}
	if round := circle(m, byFrom); round != "" {
		l.report.error(m.from.at, "", "Moved in a circle", fmt.Sprintf("The moved blocks lead round: %s. Only two accounts can be exchanged; take one of the blocks out.", round))
		return
	}
	_, onward := byFrom[m.to.address()]
	if _, there := accounts.at[m.to.block()]; !onward && !accounts.declares(m.to, true) && !(there && m.whole()) {
		d := diag.Warningf("Moved to an account that is not declared", "%s is moved to %s, which the configuration does not have. If that account was removed later, take the block out; else correct the address.", m.from.address(), m.to.address())
		l.report.add(d, &m.to.at)
	}
}

// circle follows the blocks from one of them, and returns the way if it leads back.
func circle(m movedBlock, byFrom map[string]movedBlock) string {
	way := []string{m.from.address()}
	for at := m; len(way) <= len(byFrom); {
		way = append(way, at.to.address())
		if at.to.address() == m.from.address() {
			return strings.Join(way, " → ")
		}
		next, ok := byFrom[at.to.address()]
		if !ok {
			return ""
		}
		at = next
	}
	return ""
}

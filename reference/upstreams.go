package reference

import (
	"fmt"
	"slices"
	"strings"

	"github.com/credsync/credsync/providers"
	"github.com/credsync/credsync/providers/described"
	"github.com/credsync/credsync/schema"
)

// UpstreamsFile is the name of the page of upstream blocks below docs/reference.
const UpstreamsFile = "upstreams.md"

// Upstreams is the page of the upstream block. Requests and responses, which stand in
// many blocks, are written once.
func Upstreams() []byte {
	var out page
	out.head("Upstreams that you describe")
	whole := schema.UpstreamBlock()
	top := *whole
	top.Blocks = nil
	out.block(2, &top)
	out.upstreamNames()
	out.inlineAccounts()
	var shared []schema.Nested
	for _, n := range whole.Blocks {
		if n.Type == "response" {
			continue
		}
		shared = append(shared, out.partOfUpstream(2, &n.Block)...)
	}
	for _, kind := range []string{"request", "response"} {
		i := slices.IndexFunc(shared, func(n schema.Nested) bool { return n.Type == kind })
		block := shared[i].Block
		block.Blocks = slices.DeleteFunc(slices.Clone(block.Blocks), func(n schema.Nested) bool { return n.Type == "response" })
		out.block(2, &block)
	}
	certificate := described.CertificateBlock(false).Block
	certificate.Doc = "A block of the accounts, not of the upstream: an account has it with `client_certificate`, and an `account \"http\"` or `\"static\"` always can. " + certificate.Doc
	out.block(2, &certificate)
	return out.Bytes()
}

// withInline adds the types of accounts that describe their upstream themselves.
func withInline(p *providers.Registry) *providers.Registry {
	for _, s := range described.InlineSpecs() {
		if _, known := p.Lookup(s.Name); !known {
			p = p.With(s)
		}
	}
	return p
}

func isInline(s *providers.Spec) bool {
	return slices.ContainsFunc(
		described.InlineSpecs(),
		func(known *providers.Spec) bool { return known.Name == s.Name },
	)
}

// inlineAccount writes the table of an account that describes its upstream itself. What
// stands in it is the same as in an upstream block, but for the verification of a static
// token.
func (p *page) inlineAccount(b *schema.Block) {
	flat := *b
	flat.Blocks = nil
	p.block(2, &flat)
	upstream := schema.UpstreamBlock()
	var kinds []string
	var own []schema.Nested
	for _, n := range b.Blocks {
		if upstream.HasBlock(n.Type) {
			kinds = append(kinds, "`"+n.Type+"`")
		} else {
			own = append(own, n)
		}
	}
	p.line(
		"It contains the blocks %s of an [`upstream` block](%s), whose expressions can also refer to `var`, `local`, `data` and `each`.\n",
		strings.Join(kinds, ", "), UpstreamsFile,
	)
	for _, n := range b.Blocks {
		i := slices.IndexFunc(upstream.Blocks, func(of schema.Nested) bool { return of.Type == n.Type })
		if i < 0 || len(n.Attributes) == len(upstream.Blocks[i].Attributes) {
			continue
		}
		more := n.Block
		more.Blocks, more.Attributes = nil, slices.DeleteFunc(
			slices.Clone(n.Attributes),
			func(a schema.Attribute) bool {
				_, both := upstream.Blocks[i].Block.Attribute(a.Name)
				return both
			},
		)
		more.Doc = "Besides what it has in an `upstream` block:"
		p.block(3, &more)
	}
	for _, n := range own {
		p.block(3, &n.Block)
	}
}

// inlineAccounts is about descriptions in account blocks.
func (p *page) inlineAccounts() {
	p.line("## Descriptions in account blocks\n")
	p.line("An account can describe its upstream itself. The blocks are those below; expressions in them can also refer to `var`, `local`, `data` and `each` of the configuration, and have no `local` of their own.\n")
	for _, s := range described.InlineSpecs() {
		p.line("- [`account %q`](provider-%s.md): %s", s.Name, s.Name, FirstSentence(s.Doc))
	}
	p.line("")
}

// partOfUpstream writes a block, and returns the requests and responses in it.
func (p *page) partOfUpstream(level int, b *schema.Block) (shared []schema.Nested) {
	var own []schema.Nested
	for _, n := range b.Blocks {
		if n.Type == "request" || n.Type == "response" {
			shared = append(shared, n)
		} else {
			own = append(own, n)
		}
	}
	flat := *b
	flat.Blocks = nil
	p.block(level, &flat)
	if len(shared) > 0 {
		var kinds []string
		for _, n := range shared {
			kinds = append(kinds, fmt.Sprintf("[`%s`](#%s)", n.Type, n.Type))
		}
		p.line("It contains %s blocks.\n", strings.Join(kinds, " and "))
	}
	for _, n := range own {
		shared = append(shared, p.partOfUpstream(level+1, &n.Block)...)
	}
	return shared
}

// upstreamNames says what the expressions of an upstream block can refer to.
func (p *page) upstreamNames() {
	p.line("| name | where | |")
	p.line("|---|---|---|")
	for _, n := range [][3]string{
		{"self", "everywhere", "the account's attributes, and `base_url`"},
		{"local", "everywhere", "the block's own `locals`, where what they refer to is known"},
		{"previous", "everything but `check`", "the outputs of the account's last token; null at the first login"},
		{"token", "`refresh`, `verify`, `revoke`, `warn`, `error`", "the outputs of the token in use"},
		{"response", "once an answer has arrived", "`status`, `body`, `text`, `headers` (names in small letters), `cookies` and `outer` (the body before `unwrap`)"},
		{"responses", "after a request with a label", "the answers to earlier requests of the operation, by their labels"},
		{"challenge", "`login_with_code`", "`id` and `code`"},
	} {
		p.line("| `%s` | %s | %s |", n[0], n[1], n[2])
	}
	p.line("")
}

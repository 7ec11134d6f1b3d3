package config

import (
	"slices"
	"strconv"

	"github.com/credsync/credsync/schema"
	"github.com/hashicorp/hcl/v2"
)

// section is a block of the configuration on its way through decoding.
type section struct {
	body hcl.Body
	// def is the block's header.
	def hcl.Range
	// kind and quoted are what its name in diagnostics is made of.
	kind   string
	quoted []string
}

// sectionOf is a block that is named by its header.
func sectionOf(b *hcl.Block) section {
	return section{body: b.Body, def: b.DefRange, kind: b.Type, quoted: b.Labels}
}

// name is the block as the user writes it: `account "sagi" "coffee"`.
func (s section) name() string {
	header := s.kind
	for _, label := range s.quoted {
		header += " " + strconv.Quote(label)
	}
	return header
}

// splitByTables splits a body by the tables that share it, and reports what none of
// them has. extra are block types that the caller takes apart itself.
func (l *loader) splitByTables(
	s section,
	sc scope,
	tables []*schema.Block,
	extra ...hcl.BlockHeaderSchema,
) (*hcl.BodyContent, bool) {
	of := bodyShape{tables[0], tables[len(tables)-1]}
	want := l.bodySchemas[of]
	if want == nil {
		want = bodySchema(tables, extra)
		l.bodySchemas[of] = want
	}
	return l.splitBody(s.body, of, want, sc)
}

// splitBody takes a body apart, and reports what is not wanted in it.
func (l *loader) splitBody(body hcl.Body, of bodyShape, want *hcl.BodySchema, sc scope) (*hcl.BodyContent, bool) {
	key := bodyKey{body: body, shape: of}
	if kept, ok := sc.cache.splitBody(key); ok {
		return kept, true
	}
	content, problems := body.Content(want)
	for _, p := range problems {
		l.reportStructure(p, sc.address)
	}
	ok := !problems.HasErrors()
	if ok && sc.cache != nil {
		sc.cache.bodies[key] = content
	}
	return content, ok
}

// bodyShape is that of a body: the first and the last of the tables that share it.
type bodyShape [2]*schema.Block

// bodySchema is the shape of tables for the parser. Nothing in it is required:
// an environment variable may stand in.
func bodySchema(tables []*schema.Block, extra []hcl.BlockHeaderSchema) *hcl.BodySchema {
	s := &hcl.BodySchema{Blocks: slices.Clone(extra)}
	for _, t := range tables {
		for _, a := range t.Attributes {
			s.Attributes = append(s.Attributes, hcl.AttributeSchema{Name: a.Name})
		}
		for i := range t.Blocks {
			labels := t.Blocks[i].Labels
			if len(labels) == 0 && len(t.Blocks[i].Variants) > 0 {
				labels = []string{"type"}
			}
			s.Blocks = append(s.Blocks, hcl.BlockHeaderSchema{Type: t.Blocks[i].Type, LabelNames: labels})
		}
	}
	return s
}

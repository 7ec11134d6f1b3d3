package reference

import (
	"bytes"
	"fmt"
	"strings"

	"github.com/credsync/credsync/providers"
	"github.com/credsync/credsync/schema"
	"github.com/credsync/credsync/sinks"
	"github.com/mitchellh/go-wordwrap"
)

// textPage is a page for a terminal, in the form of kubectl explain: a name and its type
// on one line, what it means below.
type textPage struct {
	bytes.Buffer
	width int
}

// ProviderText is the page of a provider for a terminal with so many columns.
func ProviderText(s *providers.Spec, width int) []byte {
	p := &textPage{width: width}
	p.title("provider", s.Name)
	p.text(2, s.Doc)
	if s.RotateBefore != "" {
		p.text(2, fmt.Sprintf("rotate_before is %q by default.", s.RotateBefore))
	}
	b := s.Block()
	p.example(b, []string{s.Name, "name"}, &schema.Block{Type: "deliver", Labels: []string{"…", "…"}})
	p.section("attributes")
	p.attributes(2, b.Attributes)
	p.blocks(2, b.Blocks)
	p.common(schema.AccountCommon(), "Every account also has")
	p.section("outputs")
	p.text(2, "The fields of token in the data of a deliver block. Without data, every output that is not null is delivered under its own name, except those that need data.")
	p.WriteByte('\n')
	for _, o := range s.Outputs {
		doc := o.Doc
		if o.Withheld {
			doc += " Delivered only if data names it."
		}
		p.entry(2, o.Name, typeName(o.Type), "", doc)
	}
	p.errors(s)
	p.hosts(s)
	return p.done()
}

// SinkText is the page of a sink for a terminal with so many columns.
func SinkText(s *sinks.Spec, width int) []byte {
	p := &textPage{width: width}
	p.title("sink", s.Type)
	p.text(2, s.Doc)
	p.example(&s.Connection, []string{s.Type, "name"}, nil)
	for _, part := range []struct {
		block  *schema.Block
		common *schema.Block
	}{{&s.Connection, schema.SinkCommon()}, {&s.Deliver, schema.DeliverCommon()}, {&s.State,
		schema.StateCommon()}, {&s.Data, schema.DataCommon()}} {
		p.section(fmt.Sprintf("%s %q", part.block.Type, s.Type))
		if part.block.Doc != "" {
			p.text(2, part.block.Doc)
			p.WriteByte('\n')
		}
		p.attributes(2, part.block.Attributes)
		p.blocks(2, part.block.Blocks)
		p.common(part.common, "Every "+part.block.Type+" block also has")
	}
	return p.done()
}

func (p *textPage) done() []byte { return append(bytes.TrimRight(p.Bytes(), "\n"), '\n') }

func (p *textPage) title(kind, name string) {
	fmt.Fprintf(p, "%s: %s\n\n", strings.ToUpper(kind), name)
}

func (p *textPage) section(name string) {
	if !bytes.HasSuffix(p.Bytes(), []byte("\n\n")) {
		p.WriteByte('\n')
	}
	fmt.Fprintf(p, "%s\n", strings.ToUpper(name[:1])+name[1:]+":")
}

// text writes a paragraph. The tables' texts are Markdown, of which a terminal needs no
// marks.
func (p *textPage) text(indent int, text string) {
	pad := strings.Repeat(" ", indent)
	text = strings.ReplaceAll(text, "`", "")
	for line := range strings.SplitSeq(wordwrap.WrapString(text, uint(p.width-indent)), "\n") {
		fmt.Fprintf(p, "%s%s\n", pad, line)
	}
}

// entry writes one name with its type, what is special about it, and what it means.
func (p *textPage) entry(indent int, name, typeName, marks, doc string) {
	fmt.Fprintf(p, "%s%s  <%s>%s\n", strings.Repeat(" ", indent), name, typeName, marks)
	if doc != "" {
		p.text(indent+4, doc)
	}
}

func (p *textPage) attributes(indent int, attributes []schema.Attribute) {
	for _, a := range attributes {
		marks := ""
		if a.Required {
			marks += " -required-"
		}
		if a.Sensitive {
			marks += " -sensitive-"
		}
		a.Sensitive = false // it has been said
		doc := docOf(a)
		if d := defaultOf(a); d != "" && !a.Required {
			doc = strings.TrimSpace(doc + " Default: " + d + ".")
		}
		p.entry(indent, a.Name, typeName(a.Type), marks, doc)
	}
}

func (p *textPage) blocks(indent int, blocks []schema.Nested) {
	pad := strings.Repeat(" ", indent)
	for _, n := range blocks {
		fmt.Fprintf(p, "%s%s { … }  <block>\n", pad, header(n.Type, n.Labels))
		if n.Doc != "" {
			p.text(indent+4, n.Doc)
		}
		p.attributes(indent+4, n.Attributes)
		p.blocks(indent+4, n.Blocks)
		for _, v := range n.Variants {
			fmt.Fprintf(p, "%s%s { … }  <block>\n", pad, header(v.Type, v.Labels))
			if v.Doc != "" {
				p.text(indent+4, v.Doc)
			}
			p.attributes(indent+4, v.Attributes)
			p.blocks(indent+4, v.Blocks)
		}
	}
}

// common names what is no provider's or sink's own, and where it is explained.
func (p *textPage) common(b *schema.Block, lead string) {
	var names []string
	for _, a := range b.Attributes {
		names = append(names, a.Name)
	}
	for _, n := range b.Blocks {
		names = append(names, n.Type+" { … }")
	}
	if len(names) == 0 {
		return
	}
	p.WriteByte('\n')
	p.text(2, lead+" "+strings.Join(names, ", ")+": see docs/reference/language.md.")
}

// example is the least that a block must have.
func (p *textPage) example(b *schema.Block, labels []string, nested *schema.Block) {
	p.section("example")
	width := 0
	for _, a := range b.Attributes {
		if a.Required {
			width = max(width, len(a.Name))
		}
	}
	if width == 0 && nested == nil {
		fmt.Fprintf(p, "  %s {}\n", header(b.Type, labels))
		return
	}
	fmt.Fprintf(p, "  %s {\n", header(b.Type, labels))
	for _, a := range b.Attributes {
		if a.Required {
			fmt.Fprintf(p, "    %-*s = …\n", width, a.Name)
		}
	}
	if nested != nil {
		if width > 0 {
			p.WriteByte('\n')
		}
		fmt.Fprintf(p, "    %s {\n      …\n    }\n", header(nested.Type, nested.Labels))
	}
	p.WriteString("  }\n")
}

func header(blockType string, labels []string) string {
	for _, l := range labels {
		blockType += fmt.Sprintf(" %q", l)
	}
	return blockType
}

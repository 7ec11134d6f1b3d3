// Package reference writes the reference documentation from the attribute
// tables, so that it says what the program does.
package reference

import (
	"bytes"
	"fmt"
	"slices"
	"strings"

	"github.com/credsync/credsync/providers"
	"github.com/credsync/credsync/schema"
	"github.com/credsync/credsync/sinks"
	"github.com/zclconf/go-cty/cty"
)

// Files returns every page by its path below docs/reference.
func Files(p *providers.Registry, s *sinks.Registry) map[string][]byte {
	p = withInline(p)
	files := map[string][]byte{
		"language.md": Language(), UpstreamsFile: Upstreams(), UpstreamTestsFile: UpstreamTests(), "README.md": index(p, s),
	}
	for _, name := range p.Names() {
		spec, _ := p.Lookup(name)
		files["provider-"+name+".md"] = Provider(spec)
	}
	for _, name := range s.Names() {
		spec, _ := s.Lookup(name)
		files["sink-"+name+".md"] = Sink(spec)
	}
	for name, text := range files {
		files[name] = bytes.Replace(text, []byte("\n\n"), []byte("\n\n"+notice+"\n\n"), 1)
	}
	files[SchemaFile] = JSONSchema(p, s)
	return files
}

// notice stands below a file's title and keeps people from editing it.
const notice = "<!-- Written by make docs from the attribute tables. Do not edit. -->"

// page is a page being written.
type page struct{ bytes.Buffer }

func (p *page) line(format string, args ...any) { fmt.Fprintf(p, format+"\n", args...) }

// head begins a page.
func (p *page) head(title string) { p.line("# %s\n", title) }

func index(p *providers.Registry, s *sinks.Registry) []byte {
	var out page
	out.head("Reference")
	out.line("- [The language](language.md): every block and attribute that does not belong to one provider or sink")
	out.line("- [Upstreams that you describe](%s): the `upstream` block and what stands in it", UpstreamsFile)
	out.line("- [Tests of upstreams that you describe](%s): the `test` block, and the answers that every description has to withstand", UpstreamTestsFile)
	for _, name := range p.Names() {
		out.line("- [Provider `%s`](provider-%s.md)", name, name)
	}
	for _, name := range s.Names() {
		out.line("- [Sink `%s`](sink-%s.md)", name, name)
	}
	out.line("- [Commands](%s): every command with its flags", CommandsFile)
	out.line("- [JSON Schema](%s) of configurations in JSON, for editors; `credsync schema` prints it", SchemaFile)
	return out.Bytes()
}

// Language is the page of the language's own blocks.
func Language() []byte {
	var out page
	out.head("The language")
	for _, b := range []*schema.Block{
		schema.SettingsBlock(), schema.VariableBlock(), schema.LocalsBlock(), schema.SinkCommon(), schema.StateCommon(),
		schema.DataCommon(), schema.AccountCommon(), schema.HTTPBlock(), schema.DeliverCommon(),
		schema.AuditBlock(), schema.NotifyBlock(), schema.MovedBlock(), schema.ImportBlock(),
	} {
		out.block(2, b)
	}
	out.functions()
	return out.Bytes()
}

// Provider is the page of a provider.
func Provider(s *providers.Spec) []byte {
	var out page
	out.head("Provider `" + s.Name + "`")
	out.line("%s\n", s.Doc)
	if s.Source != "" {
		out.line("Protocol: %s.\n", strings.TrimSuffix(s.Source, "."))
	}
	if s.RotateBefore != "" {
		out.line("`rotate_before` is `%q` by default.\n", s.RotateBefore)
	}
	out.line("Every account also has the attributes of [the language](language.md#account), `http` and `deliver` blocks.\n")
	b := s.Block()
	b.Doc = ""
	if isInline(s) {
		out.inlineAccount(b)
	} else {
		out.block(2, b)
	}
	out.line("## Outputs\n")
	out.line("The fields of `token` in the `data` of a deliver block. Without `data`, every output that is not null is delivered under its own name, except those that need `data`.\n")
	out.line("| output | type | |")
	out.line("|---|---|---|")
	for _, o := range s.Outputs {
		doc := o.Doc
		if o.Withheld {
			doc += " Delivered only if `data` names it."
		}
		out.line("| `%s` | %s | %s |", o.Name, typeName(o.Type), cell(doc))
	}
	out.hosts(s)
	return out.Bytes()
}

// Sink is the page of a sink.
func Sink(s *sinks.Spec) []byte {
	var out page
	out.head("Sink `" + s.Type + "`")
	out.line("%s\n", s.Doc)
	for _, b := range []schema.Block{s.Connection, s.Deliver, s.State, s.Data} {
		out.block(2, &b)
	}
	return out.Bytes()
}

// block writes a table and what is nested in it.
func (p *page) block(level int, b *schema.Block) {
	header := b.Type
	for _, l := range b.Labels {
		header += fmt.Sprintf(" %q", l)
	}
	if level > 3 {
		// A variant, which its type alone does not tell from the others.
		p.line("%s `%s`\n", strings.Repeat("#", level), header)
	} else {
		p.line("%s %s\n", strings.Repeat("#", level), b.Type)
		p.line("`%s { … }`\n", header)
	}
	if b.Doc != "" {
		p.line("%s\n", b.Doc)
	}
	if len(b.Attributes) > 0 {
		p.line("| attribute | type | default | |")
		p.line("|---|---|---|---|")
		for _, a := range b.Attributes {
			p.line("| `%s` | %s | %s | %s |", a.Name, typeName(a.Type), cell(defaultOf(a)), cell(docOf(a)))
		}
		p.line("")
	}
	for _, n := range b.Blocks {
		p.block(level+1, &n.Block)
		for _, v := range n.Variants {
			p.block(level+2, &v)
		}
	}
}

func defaultOf(a schema.Attribute) string {
	switch {
	case a.Required:
		return "required"
	case a.DefaultText != "":
		return a.DefaultText
	case a.Default == cty.NilVal:
		return ""
	case a.Default.Type() == cty.String:
		return fmt.Sprintf("`%q`", a.Default.AsString())
	case a.Default.Type() == cty.Bool:
		return fmt.Sprintf("`%t`", a.Default.True())
	case a.Default.Type() == cty.Number:
		return "`" + a.Default.AsBigFloat().Text('f', -1) + "`"
	}
	return ""
}

func docOf(a schema.Attribute) string {
	parts := []string{a.Doc}
	if len(a.OneOf) > 0 {
		words := make([]string, len(a.OneOf))
		for i, w := range a.OneOf {
			words[i] = "`" + w + "`"
		}
		lead := "One of "
		if a.Type != cty.String {
			lead = "Each is one of "
		}
		parts = append(parts, lead+strings.Join(words, ", ")+".")
	}
	if len(a.Env) > 0 {
		parts = append(parts, "From the environment: "+strings.Join(a.Env, ", ")+".")
	}
	if a.Sensitive {
		parts = append(parts, "Sensitive.")
	}
	return strings.Join(slices.DeleteFunc(parts, func(s string) bool { return s == "" }), " ")
}

func typeName(t cty.Type) string {
	switch {
	case t == cty.DynamicPseudoType:
		return "any"
	case t.IsObjectType():
		return "object"
	case t.IsListType():
		return "list of " + typeName(t.ElementType())
	case t.IsSetType():
		return "set of " + typeName(t.ElementType())
	case t.IsMapType():
		return "map of " + typeName(t.ElementType())
	}
	return t.FriendlyName()
}

// cell keeps a text within its cell.
func cell(s string) string {
	return strings.NewReplacer("\n", " ", "|", "\\|").Replace(s)
}

package config

import (
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"

	"github.com/credsync/credsync/internal/upstream"
	"github.com/credsync/credsync/providers"
	"github.com/credsync/credsync/providers/described"
	"github.com/credsync/credsync/schema"
	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
)

// reservedTypes are types of accounts that no upstream block may have.
var reservedTypes = []string{"oauth2", "exec"}

// declareUpstreams reads the upstream blocks, whose types are then providers as those
// that credsync has built in.
func (l *loader) declareUpstreams(blocks []*hcl.Block) {
	l.providers = l.opts.Providers.With(l.inlineSpecs...)
	first := map[string]hcl.Range{}
	var specs []*providers.Spec
	for _, b := range blocks {
		name := b.Labels[0]
		if !l.checkName(name, "an upstream", b) {
			continue
		}
		_, builtIn := l.providers.Lookup(name)
		_, embedded := l.opts.Embedded[name]
		at, twice := first[name]
		switch {
		case builtIn:
			l.report.error(b.LabelRanges[0], "", "Name of a built-in provider", fmt.Sprintf("%q is built in. Give the upstream another name.", name))
			continue
		case slices.Contains(reservedTypes, name):
			l.report.error(b.LabelRanges[0], "", "Reserved name", fmt.Sprintf("%q is reserved for a kind of account. Give the upstream another name.", name))
			continue
		case twice:
			l.report.error(b.DefRange, "", "Duplicate upstream", fmt.Sprintf("The upstream %q was already declared at %s. Names must be unique.", name, place(at)))
			continue
		}
		first[name] = b.DefRange
		d, replaces := l.declareUpstream(b)
		if embedded && !replaces {
			l.report.error(b.LabelRanges[0], "", "Name of a built-in upstream", fmt.Sprintf("%q is built in. Give the upstream another name, or set replaces_embedded = true to use this one instead.", name))
			d = nil
		}
		if d != nil {
			specs, l.definitions = append(specs, d.Spec()), append(l.definitions, d)
		} else {
			l.brokenUpstreams[name] = true
		}
	}
	if len(specs) > 0 {
		l.providers = l.providers.With(specs...)
	}
	l.noteFormerNames(blocks, first)
}

// upstreamReader reads one upstream block.
type upstreamReader struct {
	l     *loader
	block *hcl.Block
	def   *described.Definition
	// inline is what the description may refer to of the configuration, where it stands in
	// an account block; nil in an upstream block.
	inline *inlineScope
	// root is the table of the whole, and where names it in diagnostics.
	root  *schema.Block
	where string
	// functions has the functions of requests only.
	functions *hcl.EvalContext
	locals    map[string]*upstreamLocal
	// labels are those of all requests in the block.
	labels []string
	// responses are the settings for all answers.
	responses described.Response
	// sends are the expressions of what a login sends, and takes those that the token and
	// its outputs depend on besides: what a change of an attribute means follows from them.
	sends, takes []schema.Expr
	// validations are read once all attributes are known; always has the error blocks
	// that match any answer.
	validations []validationBlock
	always      map[string]bool
	// optional are the outputs that a token may be without.
	optional map[string]bool
	good     bool
}

// embeddedUpstream makes a provider of a description that credsync is built with, once an
// account asks for it.
func (l *loader) embeddedUpstream(name string) (*providers.Spec, bool) {
	src, ok := l.opts.Embedded[name]
	if !ok {
		return nil, false
	}
	path := "(built in)/" + name + nativeSuffix
	file, problems := l.parse(path, []byte(src))
	if problems.HasErrors() {
		panic("config: the built-in upstream " + name + " cannot be parsed: " + problems.Error())
	}
	l.report.addFile(path, file)
	blocks := upstreamBlocksOf([]*hcl.File{file})
	if len(blocks) != 1 || blocks[0].Labels[0] != name {
		panic("config: the built-in upstream " + name + " has another block")
	}
	d, _ := l.declareUpstream(blocks[0])
	if d == nil {
		// What is wrong with it was reported.
		l.brokenUpstreams[name] = true
		return nil, false
	}
	spec := d.Spec()
	spec.DescriptionPlace = "built into credsync"
	l.usedEmbedded[name] = true
	l.providers, l.definitions = l.providers.With(spec), append(l.definitions, d)
	return spec, true
}

// provider looks up the type of an account.
func (l *loader) provider(name string) (*providers.Spec, bool) {
	if spec, ok := l.providers.Lookup(name); ok {
		return spec, true
	}
	return l.embeddedUpstream(name)
}

// providerNames are those that an account can have.
func (l *loader) providerNames() []string {
	names := append(l.providers.Names(), slices.Collect(maps.Keys(l.opts.Embedded))...)
	slices.Sort(names)
	return slices.Compact(names)
}

// declareUpstream returns nil where the block has mistakes. replaces says that it stands in
// for a built-in one.
func (l *loader) declareUpstream(b *hcl.Block) (d *described.Definition, replaces bool) {
	r := &upstreamReader{
		root: l.tables.upstream, where: "upstream." + b.Labels[0],
		l: l, block: b, functions: l.requestFunctionsContext(),
		locals: map[string]*upstreamLocal{}, always: map[string]bool{},
		optional: map[string]bool{}, good: true,
		def: &described.Definition{
			Type: b.Labels[0], Place: fmt.Sprintf("%s:%d", filepath.Base(b.DefRange.Filename), b.DefRange.Start.Line),
		},
	}
	if !l.readsLanguage(b) {
		return nil, true
	}
	table := l.tables.upstream
	content, v := r.read(b, table)
	r.def.Doc, r.def.Source, r.def.BaseURL = v.String("doc"), v.String("source"), v.String("base_url")
	r.def.UnknownRefusals, r.def.ClientCertificate = v.Int("unknown_refusals"), v.String("client_certificate")
	r.def.Formerly = v.String("formerly")
	r.def.RotateBefore, r.def.RevokeOn = v.String("rotate_before"), v.Strings("revoke_on")
	r.readDeclarations(content, v)
	r.readLocals(content)
	r.readBehaviour(content)
	r.checkWhole(content)
	if !r.good {
		return nil, true
	}
	r.derive()
	if r.def.Revoke != nil {
		r.def.Attributes = append(r.def.Attributes, schema.AccountRevokeOn(r.def.RevokeOn, r.def.Static != nil))
	}
	r.def.Digest = l.meaningOf(b)
	return r.def, v.Bool("replaces_embedded")
}

// readDeclarations reads what has no expressions over answers.
func (r *upstreamReader) readDeclarations(content *hcl.BodyContent, v schema.Values) {
	r.readLimit(content)
	r.readBaseURL(content, v)
	r.readHosts(content, v)
	if len(r.blocks(content, "static")) > 0 {
		r.def.Attributes = schema.DatedTokenRows()
	}
	for _, b := range r.blocks(content, "attribute") {
		r.readAttribute(b)
	}
	for _, b := range r.blocks(content, "output") {
		r.readOutput(b)
	}
	r.readGroups(content, v)
}

func (r *upstreamReader) readLimit(content *hcl.BodyContent) {
	for _, b := range r.blocks(content, "rate_limit") {
		_, limit := r.read(b, r.table("rate_limit"))
		if r.good {
			r.def.Limit = upstream.Limit{Requests: limit.Int("requests"), Per: limit.Duration("per")}
		}
	}
}

func (r *upstreamReader) readBaseURL(content *hcl.BodyContent, v schema.Values) {
	if r.def.BaseURL == "" {
		return
	}
	if wrong := wrongBaseURL(r.def.BaseURL, false); wrong != "" {
		r.error(content.Attributes["base_url"].Expr.Range(), "Invalid base_url", wrong)
	}
}

func (r *upstreamReader) readHosts(content *hcl.BodyContent, v schema.Values) {
	r.def.Hosts = v.Strings("hosts")
	for _, host := range v.Strings("hosts") {
		if host == "" || strings.ContainsAny(host, "/:@ ") || strings.Contains(strings.TrimPrefix(host, "*."), "*") {
			r.error(content.Attributes["hosts"].Expr.Range(), "Invalid host", fmt.Sprintf("%q is not a host: use a name such as \"login.example.com\", or \"*.example.com\" for all hosts below one.", host))
		}
	}
}

// readGroups reads exactly_one_of.
func (r *upstreamReader) readGroups(content *hcl.BodyContent, v schema.Values) {
	if !v.IsSet("exactly_one_of") {
		return
	}
	at := content.Attributes["exactly_one_of"].Expr.Range()
	for it := v.Raw("exactly_one_of").ElementIterator(); it.Next(); {
		_, list := it.Element()
		var group []string
		for names := list.ElementIterator(); names.Next(); {
			_, name := names.Element()
			group = append(group, name.AsString())
		}
		for _, name := range group {
			a, ok := r.attribute(name)
			switch {
			case name == described.Certificate && r.def.ClientCertificate == described.CertificateOptional:
			case name == described.Certificate && r.def.ClientCertificate == described.CertificateRequired:
				r.error(at, "Attribute always set", "Each account has a certificate block, so it cannot be one of a group. Set client_certificate = \"optional\".")
			case name == described.Certificate, name == "client_certificate":
				r.error(at, "Unknown attribute", "The block of a client certificate is named \"certificate\" in exactly_one_of, and the accounts have it with client_certificate = \"optional\".")
			case !ok:
				r.error(at, "Unknown attribute", fmt.Sprintf("There is no attribute block for %q.%s", name, didYouMean(name, r.attributeNames())))
			case a.Required || a.Default != cty.NilVal:
				r.error(at, "Attribute always set", fmt.Sprintf("The attribute %q always has a value, so it cannot be one of a group. Give it default = null.", name))
			}
		}
		r.def.ExactlyOneOf = append(r.def.ExactlyOneOf, group)
	}
}

// error reports a mistake in the block.
func (r *upstreamReader) error(at hcl.Range, summary, detail string) {
	r.good = false
	r.l.report.error(at, r.where, summary, detail)
}

// table is the table of a block in the upstream block. What an account block lacks, such
// as the login of a static token, is that of an upstream block.
func (r *upstreamReader) table(path ...string) *schema.Block {
	if t, ok := tableAt(r.root, path); ok {
		return t
	}
	t, _ := tableAt(r.l.tables.upstream, path)
	return t
}

func tableAt(t *schema.Block, path []string) (*schema.Block, bool) {
	for _, name := range path {
		i := slices.IndexFunc(t.Blocks, func(n schema.Nested) bool { return n.Type == name })
		if i < 0 {
			return nil, false
		}
		t = &t.Blocks[i].Block
	}
	return t, true
}

// blocks are those of one type, of which too few or too many are a mistake.
func (r *upstreamReader) blocks(content *hcl.BodyContent, kind string) (list []*hcl.Block) {
	for _, b := range content.Blocks {
		if b.Type == kind {
			list = append(list, b)
		}
	}
	return list
}

// read decodes a block's own rows, and reports what is missing or too much. Expressions
// are left to the caller.
func (r *upstreamReader) read(b *hcl.Block, table *schema.Block) (*hcl.BodyContent, schema.Values) {
	sc := scope{ctx: r.l.functionsContext, constant: true, address: r.where}
	s := sectionOf(b)
	requests, rest := splitRequests(s.body)
	s.body = rest
	split, ok := r.l.splitByTables(s, sc, []*schema.Block{table})
	content := new(hcl.BodyContent)
	*content = *split
	content.Blocks = slices.Concat(requests, split.Blocks)
	r.count(content, table, b, s.name())
	for i := range table.Attributes {
		row := &table.Attributes[i]
		if row.Deferred && row.Required && content.Attributes[row.Name] == nil {
			r.error(b.DefRange, "Missing required argument", fmt.Sprintf("The argument %q is required in %s, but it is not set.", row.Name, s.name()))
		}
	}
	flat := r.l.withoutBlocks(table)
	values, good := r.l.decode(content, flat, s, sc)
	r.good = r.good && ok && good
	return content, values
}

// count reports blocks of which there are too few or too many.
func (r *upstreamReader) count(content *hcl.BodyContent, table *schema.Block, b *hcl.Block, name string) {
	for i := range table.Blocks {
		row := &table.Blocks[i]
		found := r.blocks(content, row.Type)
		switch {
		case len(found) < row.Min:
			r.error(b.DefRange, fmt.Sprintf("Missing %s block", row.Type), fmt.Sprintf("At least %d %q block is required in %s.", row.Min, row.Type, name))
		case row.Max > 0 && len(found) > row.Max:
			r.error(found[row.Max].DefRange, fmt.Sprintf("Too many %s blocks", row.Type), r.tooMany(row, b.Type, name))
		}
	}
}

func (r *upstreamReader) tooMany(row *schema.Nested, in, name string) string {
	if row.Type == "request" && in == "refresh" {
		return "A refresh has one request: the token that it brings must be journaled before anything else is sent."
	}
	return fmt.Sprintf("At most %d %q can be in %s.", row.Max, row.Type, name)
}

// withoutBlocks keeps one table of the rows alone for each table.
func (l *loader) withoutBlocks(table *schema.Block) *schema.Block {
	if l.flatTables[table] == nil {
		flat := *table
		flat.Blocks = nil
		l.flatTables[table] = &flat
	}
	return l.flatTables[table]
}

// splitRequests takes the request blocks out of a body. One without a label has "".
func splitRequests(body hcl.Body) (requests []*hcl.Block, rest hcl.Body) {
	if native, ok := body.(*hclsyntax.Body); ok {
		return splitLabelled(native, "request")
	}
	bare := &hcl.BodySchema{Blocks: []hcl.BlockHeaderSchema{{Type: "request"}}}
	content, rest, _ := body.PartialContent(bare)
	for _, b := range content.Blocks {
		requests = append(requests, jsonRequests(b)...)
	}
	return requests, rest
}

// splitLabelled takes the blocks of a type out of a body that have one label or none, since
// the parser knows only blocks with one number of labels. One without has "".
func splitLabelled(body *hclsyntax.Body, kind string) (blocks []*hcl.Block, rest hcl.Body) {
	blocks, rest = splitNative(body, func(b *hclsyntax.Block) bool { return b.Type == kind && len(b.Labels) < 2 })
	for _, b := range blocks {
		if len(b.Labels) == 0 {
			b.Labels, b.LabelRanges = []string{""}, []hcl.Range{b.TypeRange}
		}
	}
	return blocks, rest
}

// jsonRequests are a request in JSON without a label, or the labelled ones in an object
// whose properties are their labels.
func jsonRequests(b *hcl.Block) (requests []*hcl.Block) {
	attrs, _ := b.Body.JustAttributes()
	var labels hcl.BodySchema
	for _, a := range inOrder(attrs) {
		if _, problems := hcl.ExprMap(a.Expr); problems.HasErrors() {
			labels.Blocks = nil
			break
		}
		labels.Blocks = append(labels.Blocks, hcl.BlockHeaderSchema{Type: a.Name})
	}
	if attrs["path"] != nil || attrs["url"] != nil || len(labels.Blocks) == 0 {
		b.Labels, b.LabelRanges = []string{""}, []hcl.Range{b.TypeRange}
		return []*hcl.Block{b}
	}
	content, _ := b.Body.Content(&labels)
	for _, inner := range content.Blocks {
		inner.Labels, inner.LabelRanges, inner.Type = []string{inner.Type}, []hcl.Range{inner.TypeRange}, "request"
		requests = append(requests, inner)
	}
	return requests
}

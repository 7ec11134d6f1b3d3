package config

import (
	"regexp"
	"strings"
	"sync"

	"github.com/credsync/credsync/providers/described"
	"github.com/credsync/credsync/schema"
	"github.com/credsync/credsync/schema/diag"
	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
)

// terraformNames are names from Terraform's language that this one does without, and
// what there is in their place.
var terraformNames = map[string]string{
	"backend":    "A state block says where the state is stored.",
	"check":      "credsync checks tokens itself, before it delivers them and at each plan.",
	"count":      "Use for_each for several instances of a block.",
	"depends_on": "The order follows from the references.",
	"ephemeral":  "Use data blocks to read inputs; their values are never stored in a plan or in the state.",
	"lifecycle":  "Use on_remove to say what happens to the targets when a block is removed.",
	"module":     "All files of a directory are one configuration; use for_each for several accounts of a kind.",
	"output":     "Use deliver blocks to write the outputs of a token to targets.",
	"provider":   "The provider is the first label of an account block, and its settings, such as base_url, are arguments there.",
	"removed":    "Use on_remove to say what happens to the targets when a block is removed.",
	"resource":   "Use account blocks to declare accounts.",
	"secret":     "Use account blocks to declare accounts, and deliver blocks in them to declare their targets.",
	"terraform":  "Use a credsync block for settings of the configuration.",
}

var firstQuoted = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`"([^"]*)"`) })

// terraformHint is what to write in place of a name that a Terraform user knows.
func terraformHint(p *hcl.Diagnostic) string {
	name := firstQuoted().FindStringSubmatch(p.Detail)
	if name == nil || strings.Contains(p.Detail, "Did you mean") && name[1] != "removed" ||
		!strings.HasPrefix(p.Summary, "Unsupported ") && !strings.HasPrefix(p.Summary, "Extraneous JSON ") {
		return ""
	}
	if hint := terraformNames[name[1]]; hint != "" {
		return " " + hint
	}
	return ""
}

// reportStructure reports that a body does not have the shape of its table. These
// details name arguments and block types only, and snippets stop where an
// expression that is hidden begins.
func (l *loader) reportStructure(p *hcl.Diagnostic, address string) {
	detail := p.Detail
	if hint := terraformHint(p); hint != "" {
		detail, _, _ = strings.Cut(detail, " Did you mean")
		detail += hint
	}
	d := diag.Diagnostic{Severity: diag.Error, Summary: p.Summary, Detail: detail, Address: address}
	if p.Severity == hcl.DiagWarning {
		d.Severity = diag.Warning
	}
	l.report.add(d, p.Subject)
}

// syntaxError reports that a file cannot be parsed. What a broken line holds
// cannot be known, so of it is shown only what can be no secret: a block's
// header or an argument's name, and those only if the language has them.
func syntaxError(p *hcl.Diagnostic, src []byte, isJSON bool, words map[string]bool) diag.Diagnostic {
	d := diag.Diagnostic{Severity: diag.Error, Summary: p.Summary, Detail: p.Detail}
	if p.Severity == hcl.DiagWarning {
		d.Severity = diag.Warning
	}
	if p.Summary == tooDeepSummary {
		d.Range = convertRange(*p.Subject)
		return d
	}
	if isJSON {
		d.Summary, d.Detail = "Invalid JSON", "The file is not valid JSON here. The source is not shown, because it may contain a secret."
	} else if quotesSource(p.Summary+" "+p.Detail, words) {
		d.Summary, d.Detail = "Invalid syntax", "The configuration cannot be parsed here. The source is not shown, because it may contain a secret."
	}
	if p.Subject == nil {
		return d
	}
	d.Range = convertRange(*p.Subject)
	if !isJSON {
		d.Snippet = syntaxSnippet(src, *p.Subject, words)
	}
	return d
}

var quotedWord = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`"[^"]*"|\[[^]]*\]|'[^']*'`) })

// quotesSource reports whether a text quotes a word that the language does not
// have: then it comes from the source.
func quotesSource(text string, words map[string]bool) bool {
	for _, quoted := range quotedWord().FindAllString(text, -1) {
		word := strings.Trim(quoted, `"'[]`)
		if len(word) > 2 && !words[word] {
			return true
		}
	}
	return false
}

// languageWords are what syntax errors may quote: the names of every table and
// the keywords of expressions.
func languageWords(o Options) map[string]bool {
	words := map[string]bool{}
	for _, w := range []string{"dynamic", "content", "iterator", "labels", "for", "endfor", "if", "else", "endif", "in", "true", "false", "null"} {
		words[w] = true
	}
	for _, b := range []*schema.Block{
		schema.SettingsBlock(), schema.AuditBlock(), schema.NotifyBlock(), schema.MovedBlock(),
		schema.ImportBlock(), schema.VariableBlock(), schema.LocalsBlock(), schema.SinkCommon(), schema.StateCommon(),
		schema.DataCommon(), schema.DeliverCommon(), schema.AccountCommon(), schema.UpstreamBlock(),
	} {
		addWords(words, b)
	}
	for _, spec := range described.InlineSpecs() {
		addWords(words, spec.Block())
	}
	if o.Providers == nil || o.Sinks == nil {
		return words
	}
	for _, name := range o.Providers.Names() {
		spec, _ := o.Providers.Lookup(name)
		addWords(words, spec.Block())
	}
	for _, name := range o.Sinks.Names() {
		spec, _ := o.Sinks.Lookup(name)
		for _, b := range []*schema.Block{&spec.Connection, &spec.Deliver, &spec.State, &spec.Data} {
			addWords(words, b)
		}
	}
	return words
}

func addWords(words map[string]bool, b *schema.Block) {
	words[b.Type] = true
	for _, a := range b.Attributes {
		words[a.Name] = true
	}
	for i := range b.Blocks {
		addWords(words, &b.Blocks[i].Block)
		for j := range b.Blocks[i].Variants {
			addWords(words, &b.Blocks[i].Variants[j])
		}
	}
}

var (
	argumentLine = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^\s*([A-Za-z_][\w-]*)\s*=`) })
	headerLine   = sync.OnceValue(func() *regexp.Regexp {
		return regexp.MustCompile(`^\s*([A-Za-z_][\w-]*)(\s+"[\w-]*"|\s+[A-Za-z_][\w-]*)*\s*\{\s*$`)
	})
)

// syntaxSnippet shows a line left of its first "=", or a block's header.
func syntaxSnippet(src []byte, subject hcl.Range, words map[string]bool) *diag.Snippet {
	if subject.Start.Byte > len(src) || insideText(src, subject.Start.Byte) {
		return nil
	}
	start := lineStart(src, subject.Start.Byte)
	line := string(src[start:lineEnd(src, subject.Start.Byte)])
	code := ""
	if m := argumentLine().FindStringSubmatch(line); m != nil && words[m[1]] {
		code = strings.TrimSuffix(m[0], "=")
	} else if m := headerLine().FindStringSubmatch(line); m != nil && words[m[1]] {
		code = line
	} else if strings.TrimSpace(line) == "}" {
		code = line
	}
	if code == "" {
		return nil
	}
	from := min(subject.Start.Byte-start, len(code))
	to := max(from, min(subject.End.Byte-start, len(code)))
	return &diag.Snippet{Code: code, StartLine: subject.Start.Line, HighlightStartOffset: from, HighlightEndOffset: to}
}

// insideText reports whether a place lies in a heredoc or a string that began
// on an earlier line.
func insideText(src []byte, at int) bool {
	tokens, _ := hclsyntax.LexConfig(src[:lineStart(src, at)], "", hcl.InitialPos)
	open := 0
	for _, t := range tokens {
		switch t.Type {
		case hclsyntax.TokenOHeredoc, hclsyntax.TokenOQuote:
			open++
		case hclsyntax.TokenCHeredoc, hclsyntax.TokenCQuote:
			open--
		}
	}
	return open > 0
}

package config

import (
	"bytes"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/credsync/credsync/schema/diag"
	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
)

// reporter collects what is wrong, and knows which source may be shown.
//
// Source is hidden unless proved harmless: the expression of every attribute
// is hidden when its file is parsed, and shown again once a table row has said
// that it is not sensitive. What stands under a misspelt name, in a block of
// an unknown type or in a sensitive row therefore stays hidden.
type reporter struct {
	files map[string]*shownFile
	// hidden has, for each file, where each hidden part begins and ends.
	hidden map[string]map[int]int
	// concealed are the hidden parts, by where they begin, that a table row does
	// not show again.
	concealed map[shownAt]bool
	// tainted names (`local.x`, `var.x`) are used where secrets belong, so
	// their own expressions may hold one in clear.
	tainted map[string]bool
	// expressions of the locals and defaults of the variables, by those names,
	// and the names that each of them uses.
	sources map[string]hcl.Range
	uses    map[string][]string
	found   []finding
	seen    map[string]bool
	// count is how many findings of instances share a summary and a place.
	count   map[string]int
	settled bool
}

type shownAt struct {
	filename string
	byte     int
}

// finding is a diagnostic whose snippet is chosen once everything is known.
type finding struct {
	diag.Diagnostic
	subject *hcl.Range
	// noSource forbids a snippet.
	noSource bool
	// uses are the names that the expression uses; if one of them is tainted,
	// bland stands in for the detail, which may quote their values.
	uses  []string
	bland string
}

func newReporter() *reporter {
	return &reporter{
		files: map[string]*shownFile{}, hidden: map[string]map[int]int{}, concealed: map[shownAt]bool{}, tainted: map[string]bool{},
		sources: map[string]hcl.Range{}, uses: map[string][]string{}, seen: map[string]bool{}, count: map[string]int{},
	}
}

// addFile makes a file's source known, all of its expressions hidden.
func (r *reporter) addFile(path string, f *hcl.File) {
	r.files[path] = newShownFile(f)
	r.hidden[path] = map[int]int{}
	if body, ok := f.Body.(*hclsyntax.Body); ok {
		r.hideBody(body)
	}
}

func (r *reporter) hideBody(body *hclsyntax.Body) {
	for _, a := range body.Attributes {
		r.hide(a.Expr.Range())
	}
	for _, b := range body.Blocks {
		r.hideBody(b.Body)
	}
}

func (r *reporter) hide(rng hcl.Range) {
	if h := r.hidden[rng.Filename]; h != nil {
		h[rng.Start.Byte] = rng.End.Byte
	}
}

// conceal hides for good what was seen to hold a secret, also from the other
// instances of its block.
func (r *reporter) conceal(rng hcl.Range) {
	r.hide(rng)
	r.concealed[shownAt{filename: rng.Filename, byte: rng.Start.Byte}] = true
}

// reveal shows the source of an expression that a table row has proved
// harmless, but for what a call of sensitive() wraps.
func (r *reporter) reveal(expr hcl.Expression) {
	rng := expr.Range()
	if _, native := expr.(hclsyntax.Node); !native {
		// No JSON is ever shown. What it calls can be told by its text only.
		if file := r.files[rng.Filename]; file != nil && bytes.Contains(rng.SliceBytes(file.src), []byte("sensitive")) {
			r.taint(names(expr))
		}
		return
	}
	if _, hidden := r.hidden[rng.Filename][rng.Start.Byte]; !hidden || r.concealed[shownAt{filename: rng.Filename, byte: rng.Start.Byte}] {
		return
	}
	if calls(expr, "sensitive") {
		r.taint(names(expr))
		return
	}
	delete(r.hidden[rng.Filename], rng.Start.Byte)
}

// revealNames shows an expression without its string literals: data of a
// deliver block may hold a password beside what it says of the token.
func (r *reporter) revealNames(expr hcl.Expression) {
	r.reveal(expr)
	node, ok := expr.(hclsyntax.Node)
	if !ok {
		return
	}
	_ = hclsyntax.VisitAll(node, func(n hclsyntax.Node) hcl.Diagnostics {
		if literal, ok := n.(*hclsyntax.LiteralValueExpr); ok {
			r.hide(literal.SrcRange)
		}
		return nil
	})
	for _, key := range objectKeys(expr) {
		delete(r.hidden[key.Filename], key.Start.Byte)
	}
}

// objectKeys are the ranges of the literal keys of an object, as hide got them.
func objectKeys(expr hcl.Expression) []hcl.Range {
	object, ok := expr.(*hclsyntax.ObjectConsExpr)
	if !ok {
		return nil
	}
	var keys []hcl.Range
	for _, item := range object.Items {
		key, ok := item.KeyExpr.(*hclsyntax.ObjectConsKeyExpr)
		if !ok {
			continue
		}
		if template, ok := key.Wrapped.(*hclsyntax.TemplateExpr); ok {
			for _, part := range template.Parts {
				keys = append(keys, part.Range())
			}
		}
	}
	return keys
}

func (r *reporter) taint(used []string) {
	for _, name := range used {
		if !r.tainted[name] {
			r.tainted[name] = true
			r.taint(r.uses[name])
		}
	}
}

// add reports a problem at a place; subject may be nil.
func (r *reporter) add(d diag.Diagnostic, subject *hcl.Range) {
	r.addFinding(finding{Diagnostic: d, subject: subject})
}

// error is the usual way to report one in our own words.
func (r *reporter) error(subject hcl.Range, address, summary, detail string) {
	r.add(diag.Diagnostic{Severity: diag.Error, Summary: summary, Detail: detail, Address: address}, &subject)
}

// addFinding leaves out what was said before: the instances of one block share
// its mistakes.
func (r *reporter) addFinding(f finding) {
	key := f.Summary + "\x00" + f.Detail
	if f.Range != nil {
		key += "\x00" + f.Range.String()
	}
	if f.subject != nil {
		key += "\x00" + f.subject.String()
	}
	if r.seen[key] {
		return
	}
	r.seen[key] = true
	if place := f.sharedPlace(); place != "" {
		if r.count[place]++; r.count[place] > mostPerPlace {
			return
		}
	}
	r.found = append(r.found, f)
}

// mostPerPlace is how many instances of a block are shown with one kind of
// mistake at one place.
const mostPerPlace = 5

// sharedPlace is what instances with a similar mistake have in common; "" for
// what is no instance.
func (f finding) sharedPlace() string {
	if f.subject == nil || !strings.HasSuffix(f.Address, "]") {
		return ""
	}
	return f.Summary + "\x00" + f.subject.String()
}

func (r *reporter) hasErrors() bool {
	return slices.ContainsFunc(r.found, func(f finding) bool { return f.Severity == diag.Error })
}

// again is a reporter that knows the same source and has found nothing yet. It
// may be used concurrently with others, since it only reads what they share.
func (r *reporter) again() *reporter {
	quiet := *r
	quiet.found, quiet.seen, quiet.count, quiet.settled = nil, map[string]bool{}, map[string]int{}, true
	return &quiet
}

// settle hides what is tainted, once all uses are known.
func (r *reporter) settle() {
	for _, name := range slices.Sorted(maps.Keys(r.tainted)) {
		r.taint(r.uses[name])
	}
	for name := range r.tainted {
		if source, ok := r.sources[name]; ok {
			r.hide(source)
		}
	}
	r.settled = true
}

// list gives the diagnostics their ranges and snippets, in order.
func (r *reporter) list() diag.List {
	if !r.settled {
		r.settle()
	}
	var list diag.List
	shown := map[string]int{}
	for _, f := range r.found {
		d := f.Diagnostic
		place := f.sharedPlace()
		shown[place]++
		more := r.count[place] - mostPerPlace
		if f.bland != "" && slices.ContainsFunc(f.uses, func(name string) bool { return r.tainted[name] }) {
			d.Detail = f.bland
		}
		if more > 0 && shown[place] == mostPerPlace {
			d.Detail += fmt.Sprintf(" There are %d more problems like this one in other instances.", more)
		}
		if f.subject != nil {
			d.Range = convertRange(*f.subject)
			if !f.noSource {
				d.Snippet = r.snippet(*f.subject)
			}
		}
		list = append(list, d)
	}
	list.Sort()
	return list
}

func convertRange(r hcl.Range) *diag.Range {
	return &diag.Range{
		Filename: r.Filename,
		Start:    diag.Pos{Line: r.Start.Line, Column: r.Start.Column, Byte: r.Start.Byte},
		End:      diag.Pos{Line: r.End.Line, Column: r.End.Column, Byte: r.End.Byte},
	}
}

// snippet is the lines of a range, up to the first thing that is hidden. There
// is none where the range itself is, and none of JSON, whose expressions
// cannot be told apart before they are decoded.
func (r *reporter) snippet(subject hcl.Range) *diag.Snippet {
	file := r.files[subject.Filename]
	if file == nil || strings.HasSuffix(subject.Filename, ".json") || subject.End.Byte > len(file.src) {
		return nil
	}
	src := file.src
	start := lineStart(src, subject.Start.Byte)
	end := lineEnd(src, max(subject.Start.Byte, subject.End.Byte))
	from, to := subject.Start.Byte, max(subject.End.Byte, subject.Start.Byte)
	for hiddenFrom, hiddenTo := range r.hidden[subject.Filename] {
		if hiddenTo <= start || hiddenFrom >= end {
			continue
		}
		if hiddenFrom < to || hiddenFrom < from {
			return nil
		}
		end = hiddenFrom
	}
	code := string(src[start:end])
	if end < len(src) && src[end] != '\n' && src[end] != '\r' {
		code = strings.TrimRight(code, " \t\"")
	}
	to = min(to, start+len(code))
	s := &diag.Snippet{Code: code, StartLine: subject.Start.Line, HighlightStartOffset: from - start, HighlightEndOffset: to - start}
	if context := file.blockAt(from); context != "" {
		s.Context = &context
	}
	return s
}

func lineStart(src []byte, at int) int {
	for at > 0 && src[at-1] != '\n' {
		at--
	}
	return at
}

func lineEnd(src []byte, at int) int {
	for at < len(src) && src[at] != '\n' && src[at] != '\r' {
		at++
	}
	return at
}

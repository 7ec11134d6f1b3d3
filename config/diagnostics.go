package config

import (
	"fmt"
	"slices"
	"strings"

	"github.com/credsync/credsync/schema/diag"
	"github.com/hashicorp/hcl/v2"
)

// reporter collects what is wrong, and knows which source may be shown.
//
// Source is hidden unless proved harmless: the expression of every attribute
// is hidden when its file is parsed, and shown again once a table row has said
// that it is not sensitive. What stands under a misspelt name, in a block of
// an unknown type or in a sensitive row therefore stays hidden.
type reporter struct {
	files map[string]*sourceFile
	// hidden has, for each file, where each hidden part begins and ends.
	hidden map[string]map[int]int
	// concealed are the hidden parts, by where they begin, that a table row does
	// not show again.
	concealed map[sourcePosition]bool
	// tainted names (`local.x`, `var.x`) are used where secrets belong, so
	// their own expressions may hold one in plain text.
	tainted map[string]bool
	// expressions of the locals and defaults of the variables, by those names,
	// and the names that each of them uses.
	sources map[string]hcl.Range
	uses    map[string][]string
	found   []finding
	seen    map[string]bool
	// count is how many findings of instances share a summary and a place.
	count       map[string]int
	taintHidden bool
}

// finding is a diagnostic whose snippet is chosen once everything is known.
type finding struct {
	diag.Diagnostic
	subject *hcl.Range
	// noSource forbids a snippet.
	noSource bool
	// uses are the names that the expression uses; if one of them is tainted,
	// detailWithoutValues stands in for the detail, which may quote their values.
	uses                []string
	detailWithoutValues string
}

func newReporter() *reporter {
	return &reporter{
		files: map[string]*sourceFile{}, hidden: map[string]map[int]int{}, concealed: map[sourcePosition]bool{},
		tainted: map[string]bool{},
		sources: map[string]hcl.Range{}, uses: map[string][]string{}, seen: map[string]bool{}, count: map[string]int{},
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

// withoutFindings is a reporter that knows the same source and has found nothing yet. It
// may be used concurrently with others, since it only reads what they share.
func (r *reporter) withoutFindings() *reporter {
	quiet := *r
	quiet.found, quiet.seen, quiet.count, quiet.taintHidden = nil, map[string]bool{}, map[string]int{}, true
	return &quiet
}

// list gives the diagnostics their ranges and snippets, in order.
func (r *reporter) list() diag.List {
	if !r.taintHidden {
		r.hideTainted()
	}
	var list diag.List
	shown := map[string]int{}
	for _, f := range r.found {
		d := f.Diagnostic
		place := f.sharedPlace()
		shown[place]++
		more := r.count[place] - mostPerPlace
		if f.detailWithoutValues != "" && slices.ContainsFunc(f.uses, func(name string) bool { return r.tainted[name] }) {
			d.Detail = f.detailWithoutValues
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

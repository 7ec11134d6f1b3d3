package reference

import (
	"maps"
	"slices"
	"strings"

	"github.com/credsync/credsync/schema/functions"
	"github.com/zclconf/go-cty/cty/function"
)

// functions lists the functions of the language.
func (p *page) functions() {
	ordinary := functions.Table(functions.Options{})
	p.line("## Functions\n")
	p.line("They have the names and the meaning of Terraform's functions. None depends on the time or on chance, so a plan is the same each time.\n")
	p.line("%s\n", listed(slices.Sorted(maps.Keys(ordinary))))
	p.line("Terraform does not have these:\n")
	p.signatures(functions.OwnNames(), ordinary)
	p.line("\n### Functions of requests\n")
	p.line("The expressions of an `upstream` block can also call functions whose values are known only when a request is sent. Elsewhere they are an error, because each plan would differ. In turn, an `upstream` block cannot call %s: it describes an upstream by itself, so such values are passed to it as attributes of its accounts.\n", listed(functions.ImpureNames()))
	p.signatures(functions.RequestTimeNames(), functions.RequestTable(nil, nil))
	p.line("\nAnd there is one for what answers may lack:\n")
	p.signatures(functions.AnswerNames(), functions.RequestTable(nil, nil))
}

// signatures writes a table of functions with what they do.
func (p *page) signatures(names []string, table map[string]function.Function) {
	p.line("| function | |")
	p.line("|---|---|")
	for _, name := range names {
		f := table[name]
		var args []string
		for _, a := range f.Params() {
			args = append(args, a.Name)
		}
		if rest := f.VarParam(); rest != nil {
			args = append(args, "["+rest.Name+"]")
		}
		p.line("| `%s(%s)` | %s |", name, strings.Join(args, ", "), cell(f.Description()))
	}
}

func listed(names []string) string { return "`" + strings.Join(names, "`, `") + "`" }

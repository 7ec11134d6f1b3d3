package config

import (
	"bytes"
	"fmt"
	"strings"

	"github.com/credsync/credsync/schema"
	"github.com/credsync/credsync/schema/diag"
	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
)

// checkText looks at a sensitive text as it would be sent. It says what is wrong and
// what to do about it, and nothing of the text.
func (r argumentChecker) checkText(v cty.Value) bool {
	fault := r.row.TextFault(v)
	if fault == schema.NoTextFault {
		return true
	}
	what := "The argument " + fmt.Sprintf("%q ", r.row.Name)
	if v.Type() != cty.String {
		what = fmt.Sprintf("One of the values of the argument %q ", r.row.Name)
	}
	detail := what + fault.String() + ". " + sentence(r.remedy(fault))
	if fault != schema.SurroundingSpace {
		r.error("Invalid value for an argument", detail, "")
		return false
	}
	r.warning("Whitespace around a sensitive value", detail)
	return true
}

// warning reports what may be meant, without showing the source.
func (r argumentChecker) warning(summary, detail string) {
	if r.env != "" {
		detail = fmt.Sprintf("In the environment variable %s: %s", r.env, detail)
	}
	r.l.report.addFinding(finding{
		Diagnostic: diag.Diagnostic{Severity: diag.Warning, Summary: summary, Detail: detail, Address: r.address},
		subject:    &r.at, noSource: true,
	})
}

// remedy says how to come to a text without the fault, by where it came from.
func (r argumentChecker) remedy(fault schema.TextFault) string {
	switch fault {
	case schema.EmptyText:
		if r.row.Required {
			return "give it a value"
		}
		return "give it a value, or leave the argument out"
	case schema.ReplacedCharacter:
		return "enter it again from a source in UTF-8; \"iconv -f WINDOWS-1251 -t UTF-8\" converts a file"
	case schema.LeadingMark:
		return "write trimprefix(" + r.shown() + ", \"\\ufeff\"), or save it as UTF-8 without a byte order mark"
	case schema.EndingLineBreak:
		return "write chomp(" + r.shown() + "), or " + r.storeWithout()
	case schema.InnerLineBreak:
		return "check that it was copied completely and with nothing else; if only line breaks and spaces surround it, write trimspace(" + r.shown() + ")"
	}
	return "if that is not intended, write trimspace(" + r.shown() + ")"
}

// shown is the expression as far as it is names only, to write something around it.
func (r argumentChecker) shown() string {
	if ref, ok := r.expr.(*hclsyntax.ScopeTraversalExpr); ok {
		return traversalName(ref.Traversal, len(ref.Traversal))
	}
	if call, ok := r.expr.(*hclsyntax.FunctionCallExpr); ok {
		return call.Name + "(…)"
	}
	return "…"
}

// storeWithout says how to store a text without a line break at its end.
func (r argumentChecker) storeWithout() string {
	if r.env != "" {
		return fmt.Sprintf("set it with %s=\"$(cat FILE)\", which drops trailing line breaks", r.env)
	}
	if r.expr != nil {
		for _, t := range r.expr.Variables() {
			if t.RootName() != "data" {
				continue
			}
			switch kind, _ := stepName(t, 1); kind {
			case "k8ssecret":
				return "create the Secret from text without one: \"kubectl create secret generic NAME --from-literal=KEY=VALUE\""
			case "vault":
				return "store it without one: \"printf %s VALUE | vault kv patch -mount=MOUNT PATH KEY=-\""
			}
		}
	}
	return "store it without one: \"printf %s VALUE\" writes no line break, \"echo\" does"
}

// noteWrittenOut notes a secret that stands in the configuration itself.
func (r argumentChecker) noteWrittenOut(v cty.Value) {
	if r.l.opts.Lint && r.row.Sensitive && !r.row.Public && r.env == "" && v.Type() == cty.String &&
		r.l.writtenOut(r.expr, 0) {
		r.l.writtenSecrets = append(r.l.writtenSecrets, writtenSecret{name: r.row.Name, at: r.at, address: r.address})
	}
}

// writtenSecret is an argument whose secret stands in the configuration.
type writtenSecret struct {
	name    string
	at      hcl.Range
	address string
}

// warnWrittenSecrets warns once of all of them: one mistake, made in many blocks.
func (l *loader) warnWrittenSecrets() {
	places := map[string]bool{}
	for _, s := range l.writtenSecrets {
		places[place(s.at)] = true
	}
	if len(places) == 0 {
		return
	}
	first := l.writtenSecrets[0]
	detail := fmt.Sprintf("The value of the argument %q is written in the configuration, so anyone who can read these files or their history has it. "+
		"Take it from a variable with sensitive = true, from env(), or from a data block.", first.name)
	if more := len(places) - 1; more == 1 {
		detail += " There is another one like it."
	} else if more > 1 {
		detail += fmt.Sprintf(" There are %d more like it.", more)
	}
	l.report.addFinding(finding{
		Diagnostic: diag.Diagnostic{Severity: diag.Warning, Summary: "Secret in the configuration", Detail: detail, Address: first.address},
		subject:    &first.at, noSource: true,
	})
}

// maxLocals bounds how far locals that refer to each other are followed.
const maxLocals = 20

// writtenOut reports whether all of an expression's value stands in the
// configuration: in it, in locals, in defaults of variables.
func (l *loader) writtenOut(expr hcl.Expression, depth int) bool {
	switch {
	case expr == nil || depth > maxLocals:
		return false
	case isLiteral(expr):
		return true
	}
	if _, native := expr.(hclsyntax.Node); !native {
		file := l.report.files[expr.Range().Filename]
		if file == nil || bytes.Contains(expr.Range().SliceBytes(file.src), []byte("${")) && len(expr.Variables()) == 0 {
			return false // what it calls cannot be told
		}
	} else if calls(expr, "file", "filebase64", "env") {
		return false
	}
	for _, t := range expr.Variables() {
		name, _ := stepName(t, 1)
		switch t.RootName() {
		case "local":
			if v := l.locals[name]; v == nil || !l.writtenOut(v.expr, depth+1) {
				return false
			}
		case "var":
			if v := l.vars[name]; v == nil || !v.byDefault {
				return false
			}
		default:
			return false
		}
	}
	return true
}

// asWritten ends the text of another as a sentence, and leaves its letters alone.
func asWritten(s string) string {
	s = strings.TrimSpace(s)
	if s == "" || strings.ContainsAny(s[len(s)-1:], ".?!") {
		return s
	}
	return s + "."
}

package config

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/credsync/credsync/schema"
	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/convert"
)

// attribute decodes one row; attr is nil where the body does not have it.
func (l *loader) attribute(attr *hcl.Attribute, row *schema.Attribute, s section, sc scope) (cty.Value, bool) {
	if attr == nil {
		return l.absentValue(row, s, sc)
	}
	x := sc.cache.expressionOf(attr)
	if x.value != cty.NilVal {
		return x.value, true
	}
	null := cty.NullVal(row.Type)
	if row.Sensitive {
		l.report.taint(x.names)
	} else {
		l.report.reveal(attr.Expr)
	}
	x.referencesChecked = x.referencesChecked || l.checkReferences(attr.Expr, x.refs, sc, row.Sensitive)
	if !x.referencesChecked {
		return null, false
	}
	v, ok := l.value(attr.Expr, sc, row.Sensitive)
	if !ok {
		return null, false
	}
	if v.IsKnown() && v.IsNull() {
		return l.absentValue(row, s, sc)
	}
	r := argumentChecker{l: l, row: row, at: attr.Expr.Range(), address: sc.address, used: x.names, expr: attr.Expr}
	if isSensitive(v) && !row.Sensitive {
		r.error("Sensitive value not allowed here", fmt.Sprintf("The argument %q is shown in plans and logs, or stored in plain text, so its value must not be sensitive. If this value is not a secret, wrap it in nonsensitive().", row.Name), "")
		return null, false
	}
	v, ok = r.convert(v)
	if ok && x.sameInAllInstances {
		x.value = v
	}
	return v, ok
}

// absentValue is the value of a row that the body does not have: of the
// environment, or null, for which the default stands in.
func (l *loader) absentValue(row *schema.Attribute, s section, sc scope) (cty.Value, bool) {
	for _, name := range row.Env {
		if text := l.getenv(name); text != "" {
			r := argumentChecker{l: l, row: row, at: s.def, address: sc.address, env: name}
			return r.convert(cty.StringVal(text))
		}
	}
	if !row.Required {
		return cty.NullVal(row.Type), true
	}
	detail := fmt.Sprintf("The argument %q is required in %s, but it is not set.", row.Name, s.name())
	if len(row.Env) > 0 {
		detail += fmt.Sprintf(" Set it, or the environment variable %s.", strings.Join(row.Env, " or "))
	}
	l.report.error(s.def, sc.address, "Missing required argument", detail)
	return cty.NullVal(row.Type), false
}

// argumentChecker converts and checks one value, and reports without quoting it
// where the row is sensitive.
type argumentChecker struct {
	l       *loader
	row     *schema.Attribute
	at      hcl.Range
	address string
	used    []string
	// expr is the expression of the value; nil where there is none.
	expr hcl.Expression
	// env is the environment variable that the value came from, or "".
	env string
}

// error reports. The last detail is for the case that the value turns out to
// be used where secrets belong.
func (r argumentChecker) error(summary, detail, detailWithoutValues string) {
	if r.env != "" {
		detail = fmt.Sprintf("In the environment variable %s: %s", r.env, detail)
	}
	f := finding{subject: &r.at, uses: r.used, detailWithoutValues: detailWithoutValues}
	f.Severity, f.Summary, f.Detail, f.Address = "error", summary, detail, r.address
	r.l.report.addFinding(f)
}

func (r argumentChecker) convert(v cty.Value) (cty.Value, bool) {
	null := cty.NullVal(r.row.Type)
	converted, err := convert.Convert(v, r.row.Type)
	if err != nil {
		reason := err.Error()
		if r.row.Sensitive {
			// A path of the error may hold a key.
			reason = r.row.Type.FriendlyName() + " required"
		}
		generic := fmt.Sprintf("The argument %q must be a %s.", r.row.Name, r.row.Type.FriendlyName())
		r.error("Incorrect argument type", fmt.Sprintf("Inappropriate value for the argument %q: %s.", r.row.Name, reason), generic)
		return null, false
	}
	bare, _ := converted.UnmarkDeep()
	if !bare.IsWhollyKnown() || bare.IsNull() {
		return converted, true
	}
	if !r.checkText(bare) {
		return null, false
	}
	if err := r.check(bare); err != "" {
		if bare.Type() == cty.String && mayHoldPassword(bare.AsString()) {
			r.l.report.conceal(r.at)
		}
		generic := fmt.Sprintf("The value of the argument %q is not valid. It is not shown, because it may be secret.", r.row.Name)
		if r.row.Sensitive {
			// Nothing that check returns of such a row quotes the value, so it
			// can say what is wanted wherever the value comes from.
			generic = ""
		}
		r.error("Invalid value for an argument", err, generic)
		return null, false
	}
	r.noteWrittenOut(bare)
	return converted, true
}

// mayHoldPassword reports whether a text is a URL with user info, a query or a
// fragment, where a password or a key may stand.
func mayHoldPassword(s string) bool {
	return strings.Contains(s, "://") && strings.ContainsAny(s, "@?#")
}

// check returns what is wrong with a value, or "".
func (r argumentChecker) check(v cty.Value) string {
	if wrong := r.unknownWord(v); wrong != "" {
		return wrong
	}
	if r.row.Check == nil {
		return ""
	}
	err := r.row.Check(v)
	switch {
	case err == nil:
		return ""
	case r.row.Sensitive && errorQuotes(err, v):
		return fmt.Sprintf("The value of the argument %q is not valid.", r.row.Name)
	}
	return sentence(fmt.Sprintf("The argument %q: %s", r.row.Name, err))
}

// unknownWord says which word of a closed list the value should have been, or
// one of its elements; "" where there is no such list or the value is in it.
func (r argumentChecker) unknownWord(v cty.Value) string {
	switch t := v.Type(); {
	case len(r.row.OneOf) == 0:
		return ""
	case t == cty.String && !slices.Contains(r.row.OneOf, v.AsString()):
		hint := ""
		if !r.row.Sensitive {
			hint = didYouMean(v.AsString(), r.row.OneOf)
		}
		return fmt.Sprintf("The argument %q must be one of %s.%s", r.row.Name, quoteAll(r.row.OneOf), hint)
	case (t.IsSetType() || t.IsListType()) && t.ElementType() == cty.String:
		for it := v.ElementIterator(); it.Next(); {
			_, e := it.Element()
			if e.IsNull() || slices.Contains(r.row.OneOf, e.AsString()) {
				continue
			}
			detail := fmt.Sprintf("The argument %q may have only %s", r.row.Name, quoteAll(r.row.OneOf))
			if !r.row.Sensitive {
				detail += fmt.Sprintf(", not %q", e.AsString())
			}
			detail += "."
			if !r.row.Sensitive {
				detail += didYouMean(e.AsString(), r.row.OneOf)
			}
			return detail
		}
	}
	return ""
}

// errorQuotes reports whether an error's text has any string of the value in it.
func errorQuotes(err error, v cty.Value) bool {
	text, found := err.Error(), false
	_ = cty.Walk(v, func(_ cty.Path, part cty.Value) (bool, error) {
		if part.IsKnown() && !part.IsNull() && part.Type() == cty.String {
			s := part.AsString()
			quoted := strconv.Quote(s)
			found = found || s != "" && (strings.Contains(text, s) || strings.Contains(text, quoted[1:len(quoted)-1]))
		}
		return true, nil
	})
	return found
}
